"""The report of an inspection as PDF, in the hospital's form (clauses 6.2b, 9.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from xingwei.base.accounts.models import Organisation
from xingwei.base.ui import pdf

from . import queries
from .engine.comparing import Counts

TEMPLATE = Path(__file__).parent / "papers" / "report.typ"
_RESULTS = {"": "未检查", "ok": "正常", "hazard": "隐患", "skipped": "本次不检查"}


def data(whole: queries.Whole) -> dict[str, Any]:
    """What the template shows; plain JSON."""
    inspection = whole.inspection
    last = whole.previous
    parties = dict(Organisation.objects.order_by("-pk").values_list("side", "name"))
    return {
        "title": inspection.label,
        "hospital": parties.get("hospital", ""),
        "vendor": parties.get("vendor", ""),
        "plan": inspection.plan.name,
        "due": f"{inspection.due_on:%Y-%m-%d}",
        "period": _period(whole),
        "inspector": str(inspection.inspector or ""),
        "state": inspection.get_state_display(),
        "summary": inspection.summary or "（尚未完成）",
        "counts": _counts(whole.counts),
        "last": {"label": last.label, "on": f"{last.due_on:%Y-%m-%d}"} if last else None,
        "mended": whole.mended,
        "systems": [{"name": name, **_counts(counts)} for name, counts in queries.by_system(whole)],
        "hazards": [_hazard(line) for line in whole.hazards],
        "groups": [
            {
                "title": " ".join(part for part in (group.system, group.title) if part),
                "lines": [
                    {
                        "title": line.item.title,
                        "how": line.item.get_how_display(),
                        "value": line.item.value or line.item.note or "—",
                        "result": _RESULTS[line.item.result],
                        "hazard": line.item.result == "hazard",
                        "last": _RESULTS[line.last.result] if line.last else "—",
                        "change": line.change_words[1],
                    }
                    for line in group.lines
                ],
            }
            for group in whole.groups
        ],
    }


def _period(whole: queries.Whole) -> str:
    begun, done = whole.inspection.started_at, whole.inspection.done_at
    if begun is None:
        return "—"
    until = f"{timezone.localtime(done):%Y-%m-%d %H:%M}" if done else "未完成"
    return f"{timezone.localtime(begun):%Y-%m-%d %H:%M} 至 {until}"


def _counts(counts: Counts) -> dict[str, int]:
    return {"ok": counts.ok, "hazard": counts.hazard, "skipped": counts.skipped, "open": counts.open, "all": counts.all}


def _hazard(line: queries.Line) -> dict[str, str]:
    item, case = line.item, line.item.case
    return {
        "where": item.system.short_name if item.system else "全院",
        "title": item.title,
        "seen": item.value or item.note,
        "advice": item.advice or "—",
        "case": case.number if case else "未登记",
        "owner": str(case.assignee) if case and case.assignee else "待分派",
        "state": case.get_category_display() if case and hasattr(case, "get_category_display") else "",
        "change": line.change_words[1],
    }


def pdf_bytes(whole: queries.Whole) -> bytes:
    """The report as PDF."""
    return pdf.render(TEMPLATE, data(whole))
