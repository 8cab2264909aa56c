from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
import xlsxwriter

from xingwei.base.ui.sheets import Field, Sheet, SheetError, letter, read

FIELDS = (
    Field("code", "工号", kind="code", required=True),
    Field("name", "姓名", required=True, max_length=10),
    Field("department", "科室", aliases=("部门",)),
    Field("until", "有效期至", kind="date"),
    Field("count", "数量", kind="int"),
    Field("kind", "类别", kind="choice", choices={"窗口": "window", "临床": "clinical"}),
    Field("roles", "角色", kind="list", choices={"信息科": "it_staff", "审计员": "auditor"}),
    Field("active", "启用", kind="bool"),
)


def workbook(fill: Any) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        fill(book, book.add_worksheet("人员"))
    return target.getvalue()


def grid(*rows: list[Any]) -> bytes:
    def fill(book: Any, page: Any) -> None:
        for r, cells in enumerate(rows):
            page.write_row(r, 0, cells)

    return workbook(fill)


def said(sheet: Sheet) -> list[str]:
    return [str(e) for e in sheet.errors]


def test_headings_are_found_below_a_title_in_any_order_and_by_other_names() -> None:
    sheet = read(
        "a.xlsx",
        grid(["2026 年人员表"], ["姓 名*", "部门（必填）", "备注", "工号："], ["王磊", "信息科", "x", 12]),
        FIELDS,
    )
    assert sheet.rows[0].number == 3
    assert sheet.rows[0].values == {"name": "王磊", "department": "信息科", "code": "12"}
    assert sheet.unknown == ["备注"]
    assert sheet.columns == {"name": "A", "department": "B", "code": "D"}


def test_every_kind_of_cell_is_read_and_full_width_digits_are_digits() -> None:
    head = [f.label for f in FIELDS]
    sheet = read(
        "a.xlsx",
        grid(head, ["ＸＸ０２１７", "王磊", "", "２０２６／３／１", "1,200", "窗口", "信息科、审计员", "是"]),
        FIELDS,
    )
    assert said(sheet) == []
    assert sheet.rows[0].values == {
        "code": "XX0217",
        "name": "王磊",
        "department": "",
        "until": dt.date(2026, 3, 1),
        "count": 1200,
        "kind": "window",
        "roles": ["it_staff", "auditor"],
        "active": True,
    }


def test_merged_cells_count_for_all_rows_that_they_cover() -> None:
    def fill(book: Any, page: Any) -> None:
        page.write_row(0, 0, ["工号", "姓名", "科室"])
        page.write_column(1, 0, ["a1", "a2"])
        page.write_column(1, 1, ["甲", "乙"])
        page.merge_range("C2:C3", "心内科")

    assert [r.values["department"] for r in read("a.xlsx", workbook(fill), FIELDS).rows] == ["心内科", "心内科"]


def test_formulas_count_with_their_value_and_are_named_where_they_have_none() -> None:
    def fill(book: Any, page: Any) -> None:
        page.write_row(0, 0, ["工号", "姓名", "数量"])
        page.write_row(1, 0, ["a1", "甲"])
        page.write_formula("C2", "=1+2", None, 3)
        page.write_row(2, 0, ["a2", "乙"])
        page.write_formula("C3", "=A1", None, "")
        page.write_row(3, 0, ["a3", "丙"])
        page.write_formula("C4", "=1/0", None, "#DIV/0!")

    sheet = read("a.xlsx", workbook(fill), FIELDS)
    assert sheet.rows[0].values["count"] == 3
    assert said(sheet) == [
        "第 3 行 C 列（数量）：公式还没有算出值，请在 Excel 里打开、保存后再导入，或改成数值",
        "第 4 行 C 列（数量）：“#DIV/0!”公式出错（#DIV/0!），请改正或改成数值",
    ]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["", "王磊"], "第 2 行 A 列（工号）：不能为空"),
        (["a 1", "王磊"], "第 2 行 A 列（工号）：“a 1”中间不能有空格"),
        (["a1", "王" * 11], "第 2 行 B 列（姓名）：“王王王王王王王王王王王”太长，最多 10 个字"),
        (["a1", "王磊", "", "明年"], "第 2 行 D 列（有效期至）：“明年”不是日期，请写成 2026-03-18 这样"),
        (["a1", "王磊", "", "2026-02-30"], "第 2 行 D 列（有效期至）：“2026-02-30”不是日期，请写成 2026-03-18 这样"),
        (["a1", "王磊", "", "", "三"], "第 2 行 E 列（数量）：“三”不是整数"),
        (["a1", "王磊", "", "", "", "走廊"], "第 2 行 F 列（类别）：“走廊”应是窗口、临床之一"),
        (["a1", "王磊", "", "", "", "", "院长"], "第 2 行 G 列（角色）：“院长”没有“院长”，应是信息科、审计员"),
        (["a1", "王磊", "", "", "", "", "", "也许"], "第 2 行 H 列（启用）：“也许”请写“是”或“否”"),
    ],
)
def test_each_bad_cell_is_named_with_what_to_do(cells: list[str], message: str) -> None:
    assert said(read("a.xlsx", grid([f.label for f in FIELDS], cells), FIELDS)) == [message]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_of_every_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    text = "\n".join(delimiter.join(r) for r in (["工号", "姓名", "科室"], ["a1", "王磊", "收费处"]))
    sheet = read("a.csv", text.encode(encoding), FIELDS)
    assert sheet.rows[0].values == {"code": "a1", "name": "王磊", "department": "收费处"}


def _bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (201 * 2**20))
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "文件是空的"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "不是 Excel 或 CSV"),
        (b"PK\x03\x04 not a zip", "打不开"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "打不开"),
        ("没有,表头\n1,2".encode(), "没有找到表头"),
        ("工号,科室\n1,2".encode(), "应有“姓名”"),
        (b"x" * (10 * 2**20 + 1), "最大 10 MB"),
        (b"\xff\xfe\x00\xd8\x00", "编码认不出"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(content: bytes, message: str) -> None:
    with pytest.raises(SheetError, match=message):
        read("a", content, FIELDS)


def test_a_bomb_is_not_unfolded() -> None:
    with pytest.raises(SheetError, match="展开后太大"):
        read("a.xlsx", _bomb(), FIELDS)


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(SheetError, match="20,000 行"):
        read("a.csv", ("工号,姓名\n" + "a,b\n" * 20_100).encode(), FIELDS)


def test_letters() -> None:
    assert [letter(i) for i in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
