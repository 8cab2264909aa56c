"""The evidence pack: what was compared (with digests), the bridge, every difference with its proof, as Excel and PDF."""

from __future__ import annotations

import hashlib
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui import pdf

from .. import causes
from ..models import Difference, Run
from ..queries import board
from ..words import period, signed_yuan, yuan
from .matching import side_titles

TEMPLATE = Path(__file__).parents[1] / "data" / "evidence.typ"
SHEET_ROWS = 200_000
PAPER_ROWS = 500


def pack(actor: Actor, run: Run) -> tuple[str, bytes]:
    """Name and content of the ZIP. Raises Denied."""
    require(actor, "reconcile.reconciliation:export")
    data = facts(run)
    rows = board.rows_of(run, SHEET_ROWS)
    name = f"证据包-{run.reconciliation.name}-{run.until:%Y%m%d}-{run.pk}"
    files = {f"{name}.xlsx": workbook(data, run, rows), f"{name}.pdf": paper(data, rows)}
    listing = "".join(f"{hashlib.sha256(content).hexdigest()}  {n}\n" for n, content in files.items())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for n, content in files.items():
            archive.writestr(n, content)
        archive.writestr("SHA256SUMS.txt", listing)
    with transaction.atomic():
        record(
            actor, "reconcile.run.pack", run, f"导出第 {run.pk} 次核对的证据包",
            after={"run": run.pk, "sha256": hashlib.sha256(buffer.getvalue()).hexdigest()},
        )  # fmt: skip
    return f"{name}.zip", buffer.getvalue()


def facts(run: Run) -> dict[str, Any]:
    """What stands on the first page."""
    titles = side_titles(run.version.document["spec"])
    one = run.bridge[0] if len(run.bridge) == 1 else None
    return {
        "title": run.reconciliation.name, "period": period(run.since, run.until), "run": run.pk,
        "why": run.get_why_display(), "verdict": run.get_verdict_display(), "version": run.version.number,
        "at": f"{timezone.localtime(run.ended_at):%Y-%m-%d %H:%M:%S}" if run.ended_at else "",
        "by": run.asked_by, "rows": run.rows, "gap": signed_yuan(run.gap), "residual": yuan(run.residual),
        "left": one["left"]["title"] if one else "左方", "right": one["right"]["title"] if one else "右方",
        "outcome": run.outcome_digest, "bridges": [_bridge(p) for p in run.bridge],
        "inputs": [
            {"side": titles.get(side, side), "name": f["name"], "digest": f["digest"], "size": f["size"]}
            for side, found in run.inputs.items() for f in found
        ],
    }  # fmt: skip


def _bridge(pair: dict[str, Any]) -> dict[str, Any]:
    left, right = pair["left"], pair["right"]
    return {
        "left": left["title"], "right": right["title"], "left_total": yuan(Decimal(left["total"])),
        "right_total": yuan(Decimal(right["total"])), "residual": yuan(Decimal(pair["residual"])), "refund": pair["refund"],
        "lines": [
            {"title": n["title"], "count": n["count"], "amount": signed_yuan(Decimal(n["amount"]))} for n in pair["lines"]
        ],
    }  # fmt: skip


def _line(d: Difference) -> dict[str, str]:
    then: Any = d.then
    return {
        "cause": then.title, "who": causes.who(d), "which": causes.which(d), "left": yuan(then.left),
        "right": yuan(then.right), "gap": signed_yuan(then.gap), "why": causes.why(d), "rule": d.rule,
        "remedy": causes.remedy_words(d)["title"], "state": d.get_state_display(),
        "owner": d.owner.name if d.owner else "归口科室",
    }  # fmt: skip


def paper(data: dict[str, Any], rows: list[Difference]) -> bytes:
    shown = [_line(d) for d in rows[:PAPER_ROWS]]
    return pdf.render(TEMPLATE, data | {"differences": shown, "more": max(0, len(rows) - PAPER_ROWS)})


def workbook(data: dict[str, Any], run: Run, rows: list[Difference]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        head = book.add_format({"bold": True, "bg_color": "#EEF2F4"})
        money = book.add_format({"num_format": "#,##0.00"})
        _summary(book, data, run, head, money)
        sheet = book.add_worksheet("差异")
        titles = (
            "编号",
            "原因",
            "谁",
            "哪一笔",
            data["left"],
            data["right"],
            "差（元）",
            "为什么这么判",
            "规则",
            "处理",
            "状态",
            "责任人",
        )
        for i, title in enumerate(titles):
            sheet.write_string(0, i, title, head)
        sheet.freeze_panes(1, 0)
        for n, d in enumerate(rows, 1):
            line, then = _line(d), d.then
            sheet.write_number(n, 0, d.pk)
            for i, key in ((1, "cause"), (2, "who"), (3, "which"), (7, "why"), (8, "rule"), (9, "remedy"), (10, "state"),
                           (11, "owner")):  # fmt: skip
                sheet.write_string(n, i, line[key])
            for i, amount in ((4, then.left), (5, then.right), (6, then.gap)):
                if amount is not None:
                    sheet.write_number(n, i, amount, money)
        _inputs(book, data, head)
    return buffer.getvalue()


def _summary(book: Any, data: dict[str, Any], run: Run, head: Any, money: Any) -> None:
    sheet = book.add_worksheet("结论与桥")
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 2, 22)
    facts_ = (
        ("对账", data["title"]), ("账日", data["period"]), ("核对", f"第 {data['run']} 次，{data['why']}，口径第 {data['version']} 版"),
        ("完成时间", data["at"]), ("结论", data["verdict"]), ("结果摘要 SHA-256", data["outcome"]),
    )  # fmt: skip
    for n, (title, text) in enumerate(facts_):
        sheet.write_string(n, 0, title, head)
        sheet.write_string(n, 1, str(text))
    n = len(facts_)
    for pair in run.bridge:
        n += 1
        for i, title in enumerate((f"从{pair['left']['title']}到{pair['right']['title']}的桥", "笔数", "金额（元）")):
            sheet.write_string(n, i, title, head)
        rows: list[tuple[str, int | None, str]] = [_end(pair["left"])]
        rows += [(b["title"], b["count"], b["amount"]) for b in pair["lines"]]
        rows += [("残差（没有查明）", None, pair["residual"]), _end(pair["right"])]
        for title, count, amount in rows:
            n += 1
            sheet.write_string(n, 0, title)
            if count is not None:
                sheet.write_number(n, 1, count)
            sheet.write_number(n, 2, Decimal(amount), money)
        n += 1
        sheet.write_string(n, 0, pair["refund"])


def _end(side: dict[str, Any]) -> tuple[str, int | None, str]:
    return f"{side['title']}总额", side["count"], side["total"]


def _inputs(book: Any, data: dict[str, Any], head: Any) -> None:
    sheet = book.add_worksheet("输入")
    sheet.set_column(1, 2, 40)
    sheet.set_column(2, 2, 70)
    for i, title in enumerate(("一方", "文件", "SHA-256", "字节")):
        sheet.write_string(0, i, title, head)
    for n, one in enumerate(data["inputs"], 1):
        sheet.write_string(n, 0, one["side"])
        sheet.write_string(n, 1, one["name"])
        sheet.write_string(n, 2, one["digest"])
        sheet.write_number(n, 3, one["size"])
