"""Remedies: the precondition looked up, two persons' agreement, carried out, proved by the next run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.queries import people_with_role
from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..causes import actions as actions_of
from ..models import Approval, Difference, Remedy
from ..remedies import ACTIONS, Action
from ..words import plain, signed_yuan
from . import proving
from .base import ReconcileRefused, called, sentence, side_of
from .differences import locked
from .insurance import Insurer, InsurerDeclined, InsurerSilent

State = Remedy.State
OPEN = (State.PROPOSED, State.APPROVED, State.RUNNING, State.DONE)


def propose(actor: Actor, difference: Difference, action: str = "", reason: str = "") -> Remedy:
    """Look up whether the precondition holds, and ask two persons. Raises Denied, ReconcileRefused.

    Where the insurer says that the precondition does not hold, nothing is proposed; where it cannot be asked, the
    remedy is proposed with that said, and looked up again before it is carried out.
    """
    require(actor, "reconcile.remedy:propose")
    possible = actions_of(difference)
    chosen = action or (possible[0] if possible else "")
    if chosen not in ACTIONS or (possible and chosen not in possible):
        raise ReconcileRefused("这种差异没有这个处理办法，请从列表里选。")
    _may_be_proposed(difference)
    met, said, evidence = check(difference, ACTIONS[chosen])
    if met is False:
        raise ReconcileRefused(f"前提不满足，不能{ACTIONS[chosen].title}：{said}")
    with transaction.atomic():
        row = locked(difference)
        _may_be_proposed(row)
        remedy: Remedy = row.remedies.create(
            action=chosen, reason=" ".join(reason.split())[:300], met=met, precondition=said[:300],
            checked_at=timezone.now(), evidence=plain(evidence), proposer_id=actor.id, proposer_name=called(actor),
        )  # fmt: skip
        record(
            actor, "reconcile.remedy.propose", remedy, f"提出{ACTIONS[chosen].title}：{row}",
            after={"action": chosen, "met": met, "difference": row.pk},
        )  # fmt: skip
        _ask_for(actor, remedy, row)
    return remedy


def propose_all(actor: Actor, differences: Iterable[Difference]) -> tuple[list[Remedy], list[str]]:
    """Each with the first action of its cause; returns what was proposed and why others were not."""
    made, refused = [], []
    for difference in differences:
        try:
            made.append(propose(actor, difference))
        except ReconcileRefused as problem:
            refused.append(f"差异 {difference.pk}：{problem}")
    return made, refused


def _may_be_proposed(row: Difference) -> None:
    if not row.is_open:
        raise ReconcileRefused(f"这笔差异{row.get_state_display()}，不用再处理。")
    if row.remedies.filter(state__in=OPEN).exists():
        raise ReconcileRefused("已有一项处理在办，不能再提。")


def check(row: Difference, action: Action) -> tuple[bool | None, str, dict[str, Any]]:
    """Does the precondition hold: yes, no, or None where it cannot be known now; with the words and the proof."""
    if action.enquiry != "5203":
        return True, action.precondition, {"proof": "differences", "difference": row.key}
    ids = identities(row)
    if not ids.get("psn_no") or not (ids.get("setl_id") or ids.get("mdtrt_id")):
        if action.infno == "2601" and ids.get("msgid"):
            return None, "3202 只给出人员与报文号，5203 无从查起，凭报文号冲正；冲正结果以下一次 3202 为证", ids
        return None, "两侧记录里没有医保结算号，不能用 5203 查证", ids
    try:
        with Insurer() as insurer:
            told = insurer.ask(
                "5203", {"data": {k: ids.get(k, "") for k in ("psn_no", "setl_id", "mdtrt_id")}}
            )["setlinfo"]  # fmt: skip
    except InsurerSilent as silent:
        return None, f"现在查不了：{silent}", ids
    except InsurerDeclined as declined:
        return False, f"5203：{declined}", ids
    info = told[0] if isinstance(told, list) else told
    refunded = str(info.get("refd_setl_flag") or "0")
    found = {k: str(info.get(k) or "") for k in ("setl_id", "medfee_sumamt", "fund_pay_sumamt", "setl_time", "msgid")}
    wants_refunded = action.infno == "" and action is ACTIONS["void"]
    if wants_refunded:
        met = refunded != "0"
        return met, "5203 查到结算，医保一侧已退" if met else "5203 查到结算，但医保一侧没有退", found
    if refunded != "0":
        return False, "5203 查到结算，但已经退费，不能再办", found
    return True, f"5203 已查到结算 {found['setl_time']}，未退费", ids | {k: v for k, v in found.items() if v}


def identities(row: Difference) -> dict[str, str]:
    """The insurer's numbers of what the difference is about: from the side that has them."""
    found: dict[str, str] = {}
    rows = [row.data.get("one") or {}, *(p["cells"] for p in row.data.get("proof") or ())]
    for cells in rows:
        for name in ("psn_no", "setl_id", "mdtrt_id", "msgid", "medfee_sumamt", "clr_type"):
            if cells.get(name) not in (None, "") and name not in found:
                found[name] = str(cells[name])
    return found


def approve(actor: Actor, remedy: Remedy, note: str = "") -> Remedy:
    """One side's agreement; with the other's it may be carried out. Raises Denied, ReconcileRefused."""
    require(actor, "reconcile.remedy:approve")
    with transaction.atomic():
        row = _locked(remedy)
        if row.state != State.PROPOSED:
            raise ReconcileRefused(f"这项处理{row.get_state_display()}，不在等待批准。")
        if actor.id is None or actor.id == row.proposer_id:
            raise ReconcileRefused("提出人不能批准自己提出的处理，请另两位批准。")
        side = side_of(actor)
        label = Approval.Side(side).label
        if row.approvals.filter(person_id=actor.id).exists():
            raise ReconcileRefused("您已经批准过，还差另一方。")
        if row.approvals.filter(side=side).exists():
            raise ReconcileRefused(f"{label}已经批准，还差另一方。")
        row.approvals.create(side=side, person_id=actor.id, name=called(actor), note=" ".join(note.split())[:300])
        record(
            actor,
            "reconcile.remedy.approve",
            row,
            f"批准{ACTIONS[row.action].title}：{row.difference}",
            after={"side": side},
        )
        if row.approvals.count() == len(Approval.Side):
            row.state = State.APPROVED
            row.save(update_fields=["state"])
            record(
                actor,
                "reconcile.remedy.approved",
                row,
                f"{ACTIONS[row.action].title}双方已批准",
                after={"state": row.state},
            )
    return row


def refuse(actor: Actor, remedy: Remedy, reason: str) -> Remedy:
    """Send it back with the reason. Raises Denied, ReconcileRefused."""
    require(actor, "reconcile.remedy:approve")
    said = sentence(reason, "退回的原因", 300)
    with transaction.atomic():
        row = _locked(remedy)
        if row.state not in {State.PROPOSED, State.APPROVED}:
            raise ReconcileRefused(f"这项处理{row.get_state_display()}，不能退回。")
        row.state, row.result = State.REFUSED, f"{called(actor)}：{said}"
        row.save(update_fields=["state", "result"])
        record(actor, "reconcile.remedy.refuse", row, f"退回{ACTIONS[row.action].title}", after={"reason": said[:200]})
        if row.proposer_id:
            notify.tell(
                actor, [row.proposer_id], kind="reconcile.remedy", title=f"{ACTIONS[row.action].title}已退回", text=said,
                url=row.get_absolute_url(), key=f"reconcile:remedy:{row.pk}:refused",
            )  # fmt: skip
    return row


def execute(actor: Actor, remedy: Remedy, said: str = "") -> Remedy:
    """Carry out what two persons agreed to: send it through the gateway, or write down that it was done elsewhere.

    said: what was done, for actions of people. Raises Denied, ReconcileRefused. An answer that never came leaves the
    remedy failed with that said; whether it took effect the next run shows, and nothing is sent a second time by itself.
    """
    require(actor, "reconcile.remedy:execute")
    action = ACTIONS[remedy.action]
    if action.by == "people":
        said = sentence(said, "在哪个系统、怎么办的", 400)
    with transaction.atomic():
        row = _locked(remedy)
        if row.state != State.APPROVED:
            raise ReconcileRefused(f"这项处理{row.get_state_display()}，要双方批准后才能办理。")
        row.state = State.RUNNING
        row.save(update_fields=["state"])
        record(
            actor,
            "reconcile.remedy.execute",
            row,
            f"办理{action.title}：{row.difference}",
            after={"action": row.action},
        )
    if action.by == "people":
        return _ended(actor, row, State.DONE, said, {})
    met, words, evidence = check(row.difference, action)
    if met is False:
        return _ended(actor, row, State.FAILED, f"办理前再查，前提已不满足：{words}", {})
    try:
        with Insurer() as insurer:
            answer = send(insurer, action, identities(row.difference) | {k: str(v) for k, v in evidence.items() if v})
    except InsurerDeclined as declined:
        return _ended(actor, row, State.FAILED, str(declined), {})
    except InsurerSilent as silent:
        state = State.DONE if silent.doubtful else State.FAILED
        return _ended(
            actor, row, state, f"{silent}以下一次核对为准，不会自动重发。" if silent.doubtful else str(silent), {}
        )
    except ReconcileRefused as refused:
        return _ended(actor, row, State.FAILED, str(refused), {})
    return _ended(actor, row, State.DONE, f"{action.infno} 已成功", plain(answer or {}))


def original(ids: Mapping[str, str]) -> str:
    """Which transaction a reversal takes back: 2304 where the kind of clearing is an inpatient's (2x), else 2207."""
    return "2304" if str(ids.get("clr_type", "")).startswith("2") else "2207"


def send(insurer: Insurer, action: Action, ids: Mapping[str, str]) -> Any:
    """The transaction itself. Raises InsurerDeclined, InsurerSilent, ReconcileRefused for a missing number."""
    if action.infno == "2601":
        if not ids.get("msgid") or not ids.get("psn_no"):
            raise ReconcileRefused("冲正要有原报文号和人员编号，这笔差异里没有。")
        data = {"psn_no": ids["psn_no"], "omsgid": ids["msgid"], "oinfno": original(ids)}
        return insurer.ask("2601", {"data": data})
    missing = [k for k in ("psn_no", "mdtrt_id", "setl_id") if not ids.get(k)]
    if missing:
        raise ReconcileRefused("撤销要有结算号、就诊号和人员编号，这笔差异里不全。")
    return insurer.ask(action.infno, {"data": {k: ids[k] for k in ("setl_id", "mdtrt_id", "psn_no")}})


def _ended(actor: Actor, remedy: Remedy, state: str, result: str, answer: Mapping[str, Any]) -> Remedy:
    with transaction.atomic():
        row = _locked(remedy)
        row.state, row.result, row.answer = state, result[:500], _without_person(answer)
        row.done_at = timezone.now()
        row.save(update_fields=["state", "result", "answer", "done_at"])
        record(
            actor, f"reconcile.remedy.{'done' if state == State.DONE else 'failed'}", row,
            f"{ACTIONS[row.action].title}{row.get_state_display()}", after={"state": state},
        )  # fmt: skip
        if state == State.DONE:
            proving.ask_for_proof(row)
    return row


def _without_person(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Of the insurer's answer what proves it: numbers, times and amounts."""
    info = answer.get("setlinfo") if isinstance(answer, Mapping) else None
    kept = ("setl_id", "mdtrt_id", "setl_time", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "medins_setl_id")
    return {k: str(info[k]) for k in kept if info.get(k)} if isinstance(info, Mapping) else {}


def _ask_for(actor: Actor, remedy: Remedy, row: Difference) -> None:
    people = [
        p for p in people_with_role("insurance_office", "finance_office", "it_head", "service_manager").distinct()
        if p.pk != actor.id
    ]  # fmt: skip
    notify.tell(
        actor, people, kind="reconcile.remedy", title=f"{ACTIONS[remedy.action].title}待批准：{row.reconciliation.name}",
        text=f"{row.title} {signed_yuan(row.gap)} 元，前提：{remedy.precondition}", url=remedy.get_absolute_url(),
        key=f"reconcile:remedy:{remedy.pk}",
    )  # fmt: skip


def _locked(remedy: Remedy) -> Remedy:
    rows = Remedy.objects.select_related("difference__reconciliation")
    found: Remedy = rows.select_for_update(of=("self",)).get(pk=remedy.pk)
    return found
