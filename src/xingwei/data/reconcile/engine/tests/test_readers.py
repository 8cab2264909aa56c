"""Files as they really come: each is either read to the last row or answered by line and column."""

import io
import zipfile

import duckdb
import pytest
import xlsxwriter

from xingwei.data.reconcile.engine import BadInput, Source, Spec, propose, run
from xingwei.data.reconcile.engine.readers import stage

HEAD = "单号,金额,时间\n"


def rows_of(tmp_path, content, name="bill.csv", form=""):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    made = stage([path], tmp_path / "work", form)
    with duckdb.connect() as con:
        columns = [
            c[0]
            for c in con.execute(f"DESCRIBE SELECT * FROM '{made.paths[0]}'").fetchall()
            if not c[0].startswith("__")
        ]
        picked = ", ".join(f'"{c}"' for c in columns)
        return columns, con.execute(f"SELECT {picked} FROM '{made.paths[0]}'").fetchall(), made.notes


def refused(tmp_path, content, name="bill.csv", form=""):
    with pytest.raises(BadInput) as caught:
        rows_of(tmp_path, content, name, form)
    assert not list((tmp_path / "work").glob(f"*~{name}*")), "something was left half loaded"
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_separators(tmp_path, encoding, delimiter, end):
    text = delimiter.join(["单号", "金额", "备注"]) + end + delimiter.join(["A1", "12.50", "张三"]) + end
    columns, rows, _ = rows_of(tmp_path, text.encode(encoding))
    assert columns == ["单号", "金额", "备注"]
    assert rows == [("A1", "12.50", "张三")]


def test_bill_of_wechat_with_its_marks_and_summary(tmp_path):
    text = (
        "﻿交易时间,公众账号ID,微信订单号,商户订单号,应结订单金额\n`2026-03-17 10:00:00,`wx1,`4200001,`HIS1,`12.50\n"
        "`2026-03-17 10:01:00,`wx1,`4200002,`HIS2,`1.00\n总交易单数,应结订单总金额\n`2,`13.50\n"
    )
    columns, rows, _ = rows_of(tmp_path, text)
    assert columns[:2] == ["交易时间", "公众账号ID"]
    assert [r[-2:] for r in rows] == [("HIS1", "12.50"), ("HIS2", "1.00")]


def test_bill_of_alipay_with_its_remarks_in_gbk(tmp_path):
    text = (
        "#支付宝业务明细查询\n#账号：[2088]\n#-----------------业务明细列表----------------\n"
        "支付宝交易号,商户订单号,业务类型,订单金额（元）\n2026031700001\t,HIS1\t,交易\t,12.50\n#-----列表结束-----\n#合计 1 笔\n"
    )
    columns, rows, notes = rows_of(tmp_path, text.encode("gb18030"))
    assert columns[-1] == "订单金额（元）"
    assert rows == [("2026031700001", "HIS1", "交易", "12.50")]
    assert "前 3 行不是表头" in notes[0]


def test_two_header_lines(tmp_path):
    columns, rows, notes = rows_of(tmp_path, "单号,金额\nid,amount\nA1,1.00\nA2,2.00\n")
    assert (columns, len(rows)) == (["单号", "金额"], 2)
    assert "第 2 行也是表头" in notes[0]


def test_statement_of_3202_up_and_down(tmp_path):
    line = "S1\tM1\tP1\t100.00\t60.00\tnull\t0\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("up.txt", line * 3)
    columns, rows, _ = rows_of(tmp_path, content.getvalue(), "up.zip")
    assert columns[:3] == ["setl_id", "mdtrt_id", "psn_no"]
    assert rows == [("S1", "M1", "P1", "100.00", "60.00", None, "0")] * 3
    columns, rows, _ = rows_of(tmp_path, "P1\tnull\tnull\tMSG1\t1\t0\t中心多\t5.00\t5.00\t0.00\n", "down.txt")
    assert rows[0][:4] == ("P1", None, None, "MSG1")
    assert "第 2 行有 6 列，应为 7 列" in refused(tmp_path, line + "S2\tM2\tP2\t1.00\t1.00\t0\n", "up.txt")


def test_half_a_zip(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("up.txt", "S1\tM1\tP1\t100.00\t60.00\t0\t0\n" * 5000)
    whole = content.getvalue()
    assert "不是完整的压缩包" in refused(tmp_path, whole[: len(whole) // 2], "up.zip")
    broken = bytearray(whole)
    broken[60] ^= 0xFF
    assert "不是完整的压缩包" in refused(tmp_path, bytes(broken), "up.zip")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + "A1,1.00,2026-03-17\nA2,2.00\n", "第 3 行有 2 列，应为 3 列：缺少“时间”"),
        (
            HEAD + "A1,1,234.50,2026-03-17\nA2,2.00,2026-03-17\nA3,2.00,2026-03-17\n",
            "第 2 行有 4 列，应为 3 列：从“金额”起",
        ),
        (HEAD + 'A1,"1.00,2026-03-17\n', "引号没有配对"),
        ("A1,1.00\nA2,2.00\n", "第 1 行应是表头"),
        ("单号,单号\nA1,1.00\n", "“单号”出现了 2 次"),
        ("", "是空的"),
        ("\n \n", "是空的"),
        (b"\x80\x81,\xff\xff\n\xff\xfe", "既不是 UTF-8 也不是 GBK"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "不是"),
    ],
)
def test_what_is_wrong_is_said_by_line_and_column(tmp_path, content, said):
    assert said in refused(tmp_path, content)


def test_excel_with_title_dates_and_lost_digits(tmp_path):
    path = tmp_path / "bill.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["三月对账单"])
        sheet.write_row(1, 0, ["单号", "金额", "笔数"])
        sheet.write_row(2, 0, ["0012", 12.5, 3])
    columns, rows, _ = rows_of(tmp_path, path.read_bytes(), "bill.xlsx")
    assert (columns, rows) == (["单号", "金额", "笔数"], [("0012", "12.5", "3")])
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["单号", "金额"])
        sheet.write_row(1, 0, [1234567890123456789, 1.0])
    assert "第 2 行，列“单号”是超过 15 位的数字" in refused(tmp_path, path.read_bytes(), "bill.xlsx")


AMOUNTS = {
    "code": "amounts", "title": "金额", "sides": [{"name": "a", "title": "甲"}, {"name": "b", "title": "乙"}],
    "fields": {"no": {"title": "单号", "type": "text"}, "amount": {"title": "金额", "type": "money"}},
    "keys": [{"fields": ["no"]}], "amount": "amount",
}  # fmt: skip


def held(tmp_path, left, right):
    for name, text in (("a", left), ("b", right)):
        (tmp_path / f"{name}.csv").write_text("no,amount\n" + text, "utf-8")
    spec = Spec.read(AMOUNTS)
    return run(spec, {n: Source((tmp_path / f"{n}.csv",)) for n in "ab"}, tmp_path / "work")


def test_amounts_as_people_write_them(tmp_path):
    left = 'A1,"1,234.50"\nA2,１２．５０\nA3,￥7\nA4,-0.10\n'
    right = "A1,1234.5\nA2,12.50\nA3,7.00\nA4,-.1\n"
    outcome = held(tmp_path, left, right)
    assert (outcome.verdict, str(outcome.bridge.left_total)) == ("balanced", "1253.90")


@pytest.mark.parametrize("bad", ["12.345", "一百", "1e5x", "--"])
def test_amounts_that_are_none(tmp_path, bad):
    with pytest.raises(BadInput, match=r"甲：a.csv 第 3 行，列 amount（金额）写的是“.*不是金额"):
        held(tmp_path, f"A1,1.00\nA2,{bad}\n", "A1,1.00\n")


def test_proposal_finds_the_columns_whatever_they_are_called(tmp_path):
    one = ["setl_id,psn,medfee,fund,at"] + [
        f"S{i:05},P{i % 7},{i}.50,{i}.25,2026-03-{1 + i % 28:02} 10:00:00" for i in range(300)
    ]
    two = ["机构,结算单号,统筹,总额,结算时间"] + [
        f"H1,S{i:05},{i}.25,{i}.50,2026-03-{1 + i % 28:02} 10:00:05" for i in range(290)
    ]
    (tmp_path / "1.csv").write_text("\n".join(one), "utf-8")
    (tmp_path / "2.csv").write_bytes("\n".join(two).encode("gb18030"))
    proposal = propose(Source((tmp_path / "1.csv",)), Source((tmp_path / "2.csv",)), tmp_path / "work")
    assert [(m.left, m.right) for m in proposal.keys] == [("setl_id", "结算单号")]
    assert [(m.left, m.right) for m in proposal.amounts] == [("medfee", "总额"), ("fund", "统筹")]
    assert [(m.left, m.right) for m in proposal.times] == [("at", "结算时间")]
    spec = Spec.read(proposal.document())
    outcome = run(
        spec, {"left": Source((tmp_path / "1.csv",)), "right": Source((tmp_path / "2.csv",))}, tmp_path / "work"
    )
    assert (outcome.verdict, outcome.count, outcome.bridge.residual) == ("differences", 10, 0)
