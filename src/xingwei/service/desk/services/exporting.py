"""That somebody took the ledger away is itself recorded (clause 9.9: no leaking)."""

from __future__ import annotations

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require


def exported(actor: Actor, kind: str, what: str) -> None:
    """Before the file leaves. kind: xlsx, csv or pdf. what: the filter, as the address has it."""
    require(actor, "desk.case:export")
    with transaction.atomic():
        record(actor, "desk.ledger.export", None, f"导出问题台账（{kind}）", after={"kind": kind, "filter": what[:300]})
