"""The papers of a case: formal written feedback (clause 9.7) and the record of a three-party coordination (1.9b)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.words import CHINA

from ..models import Case, Coordination, Feedback
from . import telling
from .base import Refused, lock, save, say
from .intake import clean

LONG = 3000


def issue_feedback(actor: Actor, case: Case, *, found: str, conclusion: str, plan: str) -> Feedback:
    """Issue the formal written feedback on a cause that was not found, or a fault only half solved.

    What was examined, what is known now, what happens next: all three must be written. Raises Refused.
    """
    words = [clean(t) for t in (found, conclusion, plan)]
    if not all(words):
        raise Refused("排查经过、目前结论、后续安排都要写：书面反馈要让人看得明白。")
    if len(words[0]) > 5000 or any(len(w) > LONG for w in words[1:]):
        raise Refused("太长了：排查经过最长 5,000 字，结论与安排各 3,000 字。详细材料请作附件。")
    if actor.id is None:
        raise Refused("书面反馈要由具体的人签发。")
    with transaction.atomic():
        row = lock(actor, case, "desk.feedback:issue")
        number = f"运维反馈〔{timezone.now().astimezone(CHINA).year}〕{row.number}-{row.feedback.count() + 1}"
        paper = Feedback.objects.create(
            case=row, number=number, found=words[0], conclusion=words[1], plan=words[2], signed_by_id=actor.id
        )
        save(row)
        say(actor, row, "feedback", f"签发书面反馈 {number}", text=words[1])
        record(actor, "desk.feedback.issue", paper, f"签发书面反馈 {number}", after={"case": row.number})
        telling.tell(actor, telling.it_heads() | ({row.reporter_id} if row.reporter_id else set()), row,
                     kind="desk.feedback", title=f"书面反馈待签收：{number}", text=words[1][:200],
                     key=f"feedback:{paper.pk}")  # fmt: skip
    return paper


def receive_feedback(actor: Actor, feedback: Feedback) -> Feedback:
    """The hospital signs that it has the paper."""
    with transaction.atomic():
        paper = Feedback.objects.select_for_update().get(pk=feedback.pk)
        require(actor, "desk.feedback:receive", paper.case)
        if paper.received_at is not None:
            return paper
        paper.received_by_id, paper.received_at = actor.id, timezone.now()
        paper.save(update_fields=["received_by", "received_at"])
        say(actor, paper.case, "feedback", f"签收书面反馈 {paper.number}")
        record(actor, "desk.feedback.receive", paper, f"签收书面反馈 {paper.number}")
    return paper


def coordinate(
    actor: Actor, case: Case, *, parties: str, held_at: dt.datetime, conclusion: str, next_step: str
) -> Coordination:
    """Record a coordination of the hospital, the vendor and a third party. Raises Refused."""
    said = {"parties": clean(parties), "conclusion": clean(conclusion), "next_step": clean(next_step)}
    if not all(said.values()):
        raise Refused("参加方、结论、下一步与责任方都要写。")
    if held_at > timezone.now():
        raise Refused("协调的时间在将来：开过以后再记录。")
    if actor.id is None:
        raise Refused("协调记录要由具体的人来写。")
    with transaction.atomic():
        row = lock(actor, case, "desk.case:coordinate")
        made = Coordination.objects.create(
            case=row, parties=said["parties"][:300], held_at=held_at, conclusion=said["conclusion"][:LONG],
            next_step=said["next_step"][:500], recorded_by_id=actor.id,
        )  # fmt: skip
        save(row)
        say(actor, row, "coordinated", f"三方协调：{made.parties}", text=f"{made.conclusion}\n下一步：{made.next_step}")
        record(actor, "desk.case.coordinate", row, f"{row.number} 三方协调", after=said)
    return made
