"""The log of answered calls: which call became which case, and which missed ones are made good by it (clause 9.6)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from xingwei.base.policy.engine import Actor

from ..models import CallLog, Case
from .intake import call_back, log_call

MADE_GOOD_WITHIN = dt.timedelta(days=1)


def answered(actor: Actor, case: Case, number: str) -> None:
    """The case came in by this call; once a case. Missed calls of the same number and day count as rung back."""
    if case.channel != Case.Channel.PHONE or case.calls.exists():
        return
    with transaction.atomic():
        caller = number or case.phone or case.reporter_name
        log_call(actor, caller, missed=False, caller_name=case.reporter_name, case=case)
        since = timezone.now() - MADE_GOOD_WITHIN
        numbers = {n for n in (number, case.phone) if n}
        for call in CallLog.objects.filter(missed=True, called_back_at=None, caller__in=numbers, at__gte=since):
            call_back(actor, call, f"又打来了，已登记 {case.number}")
