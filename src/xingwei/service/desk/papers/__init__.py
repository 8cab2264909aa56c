"""The desk's papers as PDF."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.utils import timezone

from xingwei.base.ui.pdf import render

from ..models import Feedback
from ..services.base import LEVELS

_HERE = Path(__file__).parent


def feedback_pdf(paper: Feedback) -> bytes:
    """The formal written feedback of clause 9.7, with room for both signatures."""
    case = paper.case
    return render(
        _HERE / "feedback.typ",
        {
            "number": paper.number,
            "case_number": case.number,
            "opened_at": _day(case.opened_at, "%Y-%m-%d %H:%M"),
            "department": case.department.name if case.department else "—",
            "reporter": case.reporter_name or "—",
            "system": case.system.name if case.system else "—",
            "level": LEVELS[case.severity],
            "title": case.title,
            "description": case.description,
            "found": paper.found,
            "conclusion": paper.conclusion,
            "plan": paper.plan,
            "signed_by": paper.signed_by.name,
            "issued_at": _day(paper.issued_at),
            "received_by": paper.received_by.name if paper.received_by else "＿＿＿＿＿＿＿",
            "received_at": _day(paper.received_at) if paper.received_at else "＿＿＿＿＿＿＿",
        },
    )


def _day(at: dt.datetime, form: str = "%Y 年 %m 月 %d 日") -> str:
    return timezone.localtime(at).strftime(form)
