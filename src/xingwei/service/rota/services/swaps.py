"""Swaps: proposed by the shift's person, accepted by the other, approved by the service manager."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import people_with_role
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Shift, Swap
from .base import Refused, check_text, tell, week_url
from .shifts import lock, replace

State = Swap.State


def propose_swap(actor: Actor, shift: Shift, other: User, *, in_return: Shift | None = None, reason: str = "") -> Swap:
    """Ask another person to take one's shift, perhaps for one of theirs in return."""
    require(actor, "rota.swap:propose", shift)
    reason = check_text(reason, "原因", 200)
    with transaction.atomic():
        row = _open_shift(shift, "这个班次")
        if other.pk == row.person_id:
            raise Refused("不能和自己换班")
        if not other.in_force():
            raise Refused(f"{other} 的账号已停用，不能换给他")
        if in_return is not None and _open_shift(in_return, "换回的班次").person_id != other.pk:
            raise Refused(f"换回的班次不是 {other} 的")
        try:
            with transaction.atomic():
                swap = Swap.objects.create(
                    shift=row, in_return=in_return, proposer=row.person, other=other, reason=reason
                )
        except IntegrityError:
            raise Refused("这个班次已经提出换班，请先撤回那一次") from None
        text = f"{row.person} 想把“{row}”换给 {other}" + (f"，换回“{in_return}”" if in_return else "")
        record(actor, "rota.swap.propose", swap, text, after={"shift": row.pk, "other": other.pk, "reason": reason})
        tell(actor, [other], "swap", f"换班请求：{text}", text=reason, url=_url())
    return swap


def accept_swap(actor: Actor, swap: Swap) -> Swap:
    """The other person agrees; now the service manager decides."""
    with transaction.atomic():
        row = _lock(actor, swap, "other", State.PROPOSED)
        row.state, row.answered_at = State.ACCEPTED, timezone.now()
        row.save(update_fields=["state", "answered_at"])
        record(actor, "rota.swap.accept", row, f"{row.other} 同意换班：{row.shift}")
        tell(actor, [row.proposer], "swap", f"{row.other} 同意换班：{row.shift}", url=_url())
        tell(
            actor,
            people_with_role("service_manager"),
            "swap",
            f"换班待批准：{row.proposer} 与 {row.other}，{row.shift}",
            text=row.reason,
            url=_url(),
        )
    return row


def decline_swap(actor: Actor, swap: Swap, *, note: str = "") -> Swap:
    """The other person does not agree."""
    note = check_text(note, "意见", 200)
    with transaction.atomic():
        row = _lock(actor, swap, "other", State.PROPOSED)
        row.state, row.answered_at, row.note = State.DECLINED, timezone.now(), note
        row.save(update_fields=["state", "answered_at", "note"])
        record(actor, "rota.swap.decline", row, f"{row.other} 不同意换班：{row.shift}", after={"note": note})
        tell(actor, [row.proposer], "swap", f"{row.other} 不同意换班：{row.shift}", text=note, url=_url())
    return row


def withdraw_swap(actor: Actor, swap: Swap) -> Swap:
    """Who proposed it takes it back, as long as it is open."""
    with transaction.atomic():
        row = _lock(actor, swap, "proposer", State.PROPOSED, State.ACCEPTED)
        row.state = State.WITHDRAWN
        row.save(update_fields=["state"])
        record(actor, "rota.swap.withdraw", row, f"{row.proposer} 撤回换班：{row.shift}")
        tell(actor, [row.other], "swap", f"{row.proposer} 撤回了换班：{row.shift}", url=_url())
    return row


def approve_swap(actor: Actor, swap: Swap, *, note: str = "") -> Swap:
    """The service manager approves, and both shifts change hands. Refused where one of them no longer fits."""
    require(actor, "rota.swap:decide")
    note = check_text(note, "意见", 200)
    with transaction.atomic():
        row = _lock(actor, swap, "", State.ACCEPTED)
        given = _open_shift(row.shift, "班次")
        back = _open_shift(row.in_return, "换回的班次") if row.in_return else None
        why = f"换班：{row.reason}" if row.reason else "换班"
        replace(given, row.other, source=Shift.Source.SWAP, reason=why[:200], leaving=(back,) if back else ())
        if back is not None:
            replace(back, row.proposer, source=Shift.Source.SWAP, reason=why[:200])
        _decide(actor, row, State.APPROVED, note)
        record(
            actor, "rota.swap.approve", row, f"批准换班：{row.proposer} 与 {row.other}，{given}",
            before={"person": row.proposer_id}, after={"person": row.other_id, "note": note},
        )  # fmt: skip
        tell(
            actor, [row.proposer, row.other], "swap", f"换班已批准：{given} 由 {row.other} 值班", text=note,
            url=week_url(timezone.localdate(given.starts_at)),
        )  # fmt: skip
    return row


def reject_swap(actor: Actor, swap: Swap, *, note: str) -> Swap:
    """The service manager says no, with a reason."""
    require(actor, "rota.swap:decide")
    note = check_text(note, "意见", 200, needed=True)
    with transaction.atomic():
        row = _lock(actor, swap, "", State.PROPOSED, State.ACCEPTED)
        _decide(actor, row, State.REJECTED, note)
        record(actor, "rota.swap.reject", row, f"不批准换班：{row.shift}", after={"note": note})
        tell(actor, [row.proposer, row.other], "swap", f"换班未批准：{row.shift}", text=note, url=_url())
    return row


def _lock(actor: Actor, swap: Swap, part: str, *states: State) -> Swap:
    """The row, locked, in one of the states; Refused where the actor is not that part's person."""
    rows = Swap.objects.select_for_update(of=("self",)).select_related("shift", "in_return", "proposer", "other")
    row: Swap = rows.get(pk=swap.pk)
    if part and getattr(row, f"{part}_id") != actor.id:
        raise Refused("只有当事人可以这样做")
    if row.state not in states:
        raise Refused(f"这次换班现在是“{row.get_state_display()}”，不能再这样做")
    return row


def _open_shift(shift: Shift, what: str) -> Shift:
    row = lock(shift)
    if row.starts_at <= timezone.now():
        raise Refused(f"{what}已经开始，不能再换")
    return row


def _decide(actor: Actor, row: Swap, state: State, note: str) -> None:
    row.state, row.decided_by_id, row.decided_at, row.note = state, actor.id, timezone.now(), note
    row.save(update_fields=["state", "decided_by", "decided_at", "note"])


def _url() -> str:
    return reverse("rota:mine")
