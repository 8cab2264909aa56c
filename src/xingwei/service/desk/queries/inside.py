"""What of a case somebody sees: notes and files marked internal stay with those who work on it."""

from __future__ import annotations

from django.db.models import QuerySet

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may

from ..models import Attachment, Case, CaseEvent


def sees_inside(actor: Actor) -> bool:
    """Whether the actor sees notes and files marked internal."""
    return may(actor, "desk.case:view_internal")


def events_for(actor: Actor, case: Case) -> QuerySet[CaseEvent]:
    events = case.events.all()
    return events if sees_inside(actor) else events.filter(internal=False)


def attachments_for(actor: Actor, case: Case) -> QuerySet[Attachment]:
    files = case.attachments.all()
    return files if sees_inside(actor) else files.filter(internal=False)
