"""An outcome as JSON and as an Excel book, for those who have only the command. Needs nothing of the product."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from .engine import Outcome, Spec

VERDICTS = {"balanced": "平", "differences": "不平", "incomplete": "不完整"}
KINDS = {
    "only_left": "只在左侧", "only_right": "只在右侧", "duplicate_left": "左侧重复", "duplicate_right": "右侧重复",
    "differs": "内容不同", "rounding": "分差", "group": "错组", "day": "跨日", "combined": "多对一", "netted": "正负相抵",
    "linked": "次级凭据对上",
}  # fmt: skip
_CONVENTIONS = {
    "counted": "退费计入时平",
    "excluded": "退费不计时平",
    "both": "退费计入与否都平",
    "none": "退费计入与否都不平",
}
MOST_ROWS = 1_000_000  # of an Excel sheet
_HEAD = (
    "编号",
    "原因",
    "说明",
    "规则",
    "类型",
    "左侧（元）",
    "右侧（元）",
    "差（元）",
    "日期",
    "不同的列",
    "左侧内容",
    "右侧内容",
    "所在行",
    "可能是",
)


def save(outcome: Outcome, spec: Spec, out: Path) -> list[Path]:
    """差异.json, 差异.xlsx, 差异桥.json beside differences.parquet."""
    out.mkdir(parents=True, exist_ok=True)
    bridge, rows, book = out / "bridge.json", out / "differences.json", out / "differences.xlsx"
    bridge.write_text(json.dumps(outcome.as_document(), ensure_ascii=False, indent=2), encoding="utf-8")
    with rows.open("w", encoding="utf-8") as file:
        file.write("[\n")
        for i, row in enumerate(differences(outcome)):
            file.write(("" if i == 0 else ",\n") + json.dumps(row, ensure_ascii=False, default=str))
        file.write("\n]\n")
    _excel(outcome, spec, book)
    return [bridge, rows, book]


def differences(outcome: Outcome, most: int | None = None) -> Iterator[dict[str, Any]]:
    """Largest first; the columns that hold JSON as what they hold."""
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        limit = "" if most is None else f" LIMIT {int(most)}"
        found = con.execute(
            f"SELECT * FROM read_parquet($path) ORDER BY abs(gap) DESC, id{limit}",  # noqa: S608
            {"path": str(outcome.differences)},
        )
        names = [d[0] for d in found.description or ()]
        while rows := found.fetchmany(2000):
            for row in rows:
                made = dict(zip(names, row, strict=True))
                for name in ("fields", "proof", "suggestion"):
                    made[name] = json.loads(made[name]) if made[name] else None
                yield made


def summary(outcome: Outcome, spec: Spec) -> list[str]:
    """What a person reads first."""
    lines = []
    for result in outcome.results:
        bridge, pair = result.bridge, next(p for p in spec.pairs if p.name == result.pair)
        left, right = spec.side(pair.left).title, spec.side(pair.right).title
        books = (
            f"{left} {bridge.left_count:,} 笔 {bridge.left_total:,}",
            f"{right} {bridge.right_count:,} 笔 {bridge.right_total:,}",
        )
        lines.append(f"{'；'.join(books)}；差 {bridge.total_gap:+,}")
        lines += [f"  {line.title}  {line.count} 笔  {line.gap:+,}" for line in bridge.lines]
        lines.append(f"  残差 {bridge.residual}；{_CONVENTIONS[result.refund_convention]}")
        lines += [f"  {problem}" for problem in result.problems]
    verdict = VERDICTS[outcome.verdict]
    return [f"{verdict}：{outcome.count} 笔差异" if outcome.count else verdict, *lines, *outcome.notes]


def _excel(outcome: Outcome, spec: Spec, path: Path) -> None:
    with xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        sheet = book.add_worksheet("差异桥")
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, 3, 18)
        at = 0
        for result in outcome.results:
            at = _bridge(sheet, at, result, spec, bold, money)
        for line in outcome.notes:
            sheet.write_string(at, 0, line)
            at += 1
        _rows(book.add_worksheet("差异"), outcome, bold, money)


def _bridge(sheet: Any, at: int, result: Any, spec: Spec, bold: Any, money: Any) -> int:
    bridge, pair = result.bridge, next(p for p in spec.pairs if p.name == result.pair)
    lines: list[tuple[str, int | None, Decimal]] = [
        (f"{spec.side(pair.left).title} 总额", bridge.left_count, bridge.left_total)
    ]
    lines += [(line.title, line.count, line.gap) for line in bridge.lines]
    lines += [
        ("残差", None, bridge.residual),
        (f"{spec.side(pair.right).title} 总额", bridge.right_count, bridge.right_total),
    ]
    for column, title in enumerate(("差异桥", "笔数", "金额（元）")):
        sheet.write_string(at, column, title, bold)
    for title, count, amount in lines:
        at += 1
        sheet.write_string(at, 0, title)
        if count is not None:
            sheet.write_number(at, 1, count)
        sheet.write_number(at, 2, amount, money)
    sheet.write_string(at + 1, 0, _CONVENTIONS[result.refund_convention])
    return at + 3


def _rows(sheet: Any, outcome: Outcome, bold: Any, money: Any) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(_HEAD) - 1, 16)
    for column, title in enumerate(_HEAD):
        sheet.write_string(0, column, title, bold)
    for at, row in enumerate(differences(outcome, MOST_ROWS), 1):
        fields = row["fields"] or {}
        for column, value in enumerate((
            row["id"], row["title"], row["why"], row["rule"], KINDS.get(row["kind"], row["kind"]), row["left_amount"], row["right_amount"],
            row["gap"], row["day"], "、".join(row["changed"] or ()), _cells(fields.get("left")), _cells(fields.get("right")),
            "；".join(f"{p['file']} 第 {p['line']} 行" for p in row["proof"] or ()), _hint(row["suggestion"]),
        )):  # fmt: skip
            if isinstance(value, Decimal):
                sheet.write_number(at, column, value, money)
            elif value is not None:
                sheet.write_string(at, column, str(value))


def _cells(fields: dict[str, Any] | None) -> str:
    return "；".join(f"{name} {value}" for name, value in (fields or {}).items() if value not in (None, ""))


def _hint(suggestion: dict[str, Any] | None) -> str:
    return f"{suggestion['file']} 第 {suggestion['line']} 行" if suggestion else ""
