"""What people do about a difference: take it, write about it, open a case, ask that it be accepted."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import intake

from ..models import Difference, ForcedMatch, Note
from ..words import signed_yuan
from .base import ReconcileRefused, called, sentence


def locked(difference: Difference) -> Difference:
    found: Difference = (
        Difference.objects.select_related("reconciliation").select_for_update(of=("self",)).get(pk=difference.pk)
    )
    return found


def assign(actor: Actor, difference: Difference, owner: User | None) -> Difference:
    """Make somebody its owner. Raises Denied, ReconcileRefused."""
    require(actor, "reconcile.difference:handle")
    with transaction.atomic():
        row = locked(difference)
        if not row.is_open:
            raise ReconcileRefused(f"这笔差异{row.get_state_display()}，不用再指派。")
        before = str(row.owner) if row.owner_id else ""
        row.owner = owner
        row.save(update_fields=["owner"])
        record(
            actor, "reconcile.difference.assign", row, f"把{row}交给{owner or '归口科室'}",
            before={"owner": before}, after={"owner": str(owner or "")},
        )  # fmt: skip
        if owner is not None and owner.pk != actor.id:
            notify.tell(
                actor, [owner], kind="reconcile.assigned", title=f"{row.reconciliation.name}有一笔差异请您处理",
                text=f"{row.title} {signed_yuan(row.gap)} 元", url=row.get_absolute_url(),
                key=f"reconcile:{row.pk}:assigned:{owner.pk}",
            )  # fmt: skip
    return row


def note(actor: Actor, difference: Difference, text: str) -> Note:
    """Write about it. Raises Denied, ReconcileRefused."""
    require(actor, "reconcile.difference:handle")
    said = sentence(text, "备注", 2000)
    with transaction.atomic():
        row = locked(difference)
        made: Note = row.notes.create(author_id=actor.id, author_name=called(actor), text=said)
        record(actor, "reconcile.difference.note", row, f"备注{row}", after={"length": len(said)})
    return made


def open_case(actor: Actor, difference: Difference) -> Case:
    """A case on the desk, where the difference comes from a fault; once for a difference. Raises Denied, Refused."""
    require(actor, "reconcile.difference:handle")
    with transaction.atomic():
        row = locked(difference)
        if row.case is not None:
            return row.case
        run = row.last_run
        case = intake.open_case(
            actor,
            intake.NewCase(
                kind="incident", channel=Case.Channel.PROBE,
                title=f"{row.reconciliation.name}：{row.title}",
                description=(
                    f"{row.day:%Y-%m-%d} {row.reconciliation.name}差 {signed_yuan(row.gap)} 元，原因：{row.title}。"
                    f"差异编号 {row.pk}，由第 {run.pk} 次核对发现，依据与处理见对账页面。"
                ),
                severity=3, key=f"reconcile:{row.pk}", tags=["对账差异"],
            ),
        )  # fmt: skip
        row.case = case
        row.save(update_fields=["case"])
        record(actor, "reconcile.difference.case", row, f"为{row}登记问题单 {case.number}", after={"case": case.number})
    return case


def propose_match(actor: Actor, difference: Difference, reason: str) -> ForcedMatch:
    """Say that this is no difference, and why; a second person decides. Raises Denied, ReconcileRefused."""
    require(actor, "reconcile.difference:accept")
    said = sentence(reason, "认可的理由")
    with transaction.atomic():
        row = locked(difference)
        if not row.is_open:
            raise ReconcileRefused(f"这笔差异{row.get_state_display()}，不用再认可。")
        if row.forced.filter(state=ForcedMatch.State.PROPOSED).exists():
            raise ReconcileRefused("已有人提出认可，正等第二个人复核。")
        if actor.id is None:
            raise ReconcileRefused("人工认可只能由人提出。")
        made: ForcedMatch = row.forced.create(reason=said, proposer_id=actor.id)
        record(actor, "reconcile.match.propose", row, f"提出认可{row}，待另一人复核", after={"reason": said[:200]})
    return made


def decide_match(actor: Actor, match: ForcedMatch, agreed: bool, text: str = "") -> ForcedMatch:
    """The second person's word. Raises Denied, ReconcileRefused where it is the first person's own."""
    require(actor, "reconcile.difference:accept")
    if not agreed:
        text = sentence(text, "退回的原因", 300)
    with transaction.atomic():
        row = locked(match.difference)
        found: ForcedMatch = row.forced.select_for_update().get(pk=match.pk)
        if found.state != ForcedMatch.State.PROPOSED:
            raise ReconcileRefused(f"已经{found.get_state_display()}，不用再复核。")
        if actor.id is None or actor.id == found.proposer_id:
            raise ReconcileRefused("提出人不能复核自己的认可，请另一位复核。")
        found.state = ForcedMatch.State.AGREED if agreed else ForcedMatch.State.REFUSED
        found.decider_id, found.decided_at, found.note = actor.id, timezone.now(), text.strip()[:300]
        found.save()
        if agreed:
            row.state = Difference.State.ACCEPTED
            row.resolved_at = found.decided_at
            row.save(update_fields=["state", "resolved_at"])
        record(
            actor, f"reconcile.match.{'agree' if agreed else 'refuse'}", row,
            f"{'同意' if agreed else '退回'}认可{row}", after={"state": found.state},
        )  # fmt: skip
    return found
