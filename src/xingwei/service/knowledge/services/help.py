"""Counting: a guide was offered while somebody typed, and it helped."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Guide, HelpMark
from .base import Refused


def count_offer(*guides: Guide) -> None:
    """The guides were put before somebody who was typing a case. A bare count: no one's act, so not journalled."""
    if guides:
        Guide.objects.filter(pk__in=[g.pk for g in guides]).update(offered=F("offered") + 1)


def mark_helped(actor: Actor, guide: Guide, subject: tuple[str, str] | None = None) -> bool:
    """The guide helped: the reader, or to solve a subject, e.g. ("desk.case", "123"). False where it is counted already."""
    require(actor, "knowledge.guide:view")
    if actor.id is None:
        raise Refused("请登录后再点")
    kind, ident = subject or ("", "")
    with transaction.atomic():
        try:
            with transaction.atomic():
                mark = HelpMark.objects.create(
                    guide=guide, person_id=actor.id, subject_type=kind[:40], subject_id=ident[:64]
                )
        except IntegrityError:
            return False
        Guide.objects.filter(pk=guide.pk).update(helped=F("helped") + 1)
        record(
            actor, "knowledge.guide.help", guide, f"指南“{guide}”帮上了",
            after={"subject": f"{kind}:{ident}" if ident else "", "mark": mark.pk},
        )  # fmt: skip
    return True
