"""Granting and revoking roles. An administration (三员) is proposed by one person and confirmed by another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from xingwei.base.journal.services import record, snapshot
from xingwei.base.notify.services import tell
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import data_roles, roles

from ..engine.duties import conflict
from ..models import RoleAssignment, RoleProposal, User
from ..models.roles import role_label
from ..queries import people_with_role
from . import sessions
from .base import AccountRefused, locked, not_oneself

_FIELDS = ("role", "systems", "valid_from", "valid_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """For which systems (codes; empty: all) and from which day to which a role is held."""

    systems: tuple[str, ...] = ()
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None


def administration_of(role: str) -> str:
    """system, security or audit; "" for a role that is no administration."""
    return str(roles().get(role, {}).get("admin", ""))


def grant_role(actor: Actor, user: User, role: str, term: Term | None = None) -> RoleAssignment:
    """Grant a role, or change for how long and for which systems it is held. Raises AccountRefused.

    An administration is refused here: it needs propose_role and confirm_proposal.
    """
    require(actor, "accounts.role:grant")
    not_oneself(actor, user, "给")
    if administration_of(role):
        raise AccountRefused(f"{role_label(role)}是三员之一，要先提出任命，由信息安全委员会或审计管理员确认。")
    with transaction.atomic():
        row = locked(user)
        return assign(actor, row, role, term or Term())


def revoke_role(actor: Actor, user: User, role: str) -> None:
    """Take a role away at once; the sessions that used it end."""
    require(actor, "accounts.role:grant")
    not_oneself(actor, user, "收回")
    with transaction.atomic():
        row = locked(user)
        held = RoleAssignment.objects.filter(user=row, role=role).first()
        if held is None:
            raise AccountRefused(f"{row.name}没有{role_label(role)}这个角色。")
        _keep_one_security_admin(row, role)
        before = snapshot(held, _FIELDS)
        held.delete()
        if administration_of(role):
            row.grade = User.Grade.STANDARD
            row.save(update_fields=["grade"])
        sessions.end_all(row)
        record(actor, "accounts.role.revoke", row, f"收回{row.name}的{role_label(role)}角色", before=before)


def propose_role(
    actor: Actor,
    user: User,
    role: str,
    *,
    reason: str,
    valid_from: dt.date | None = None,
    valid_until: dt.date | None = None,
) -> RoleProposal:
    """Propose somebody for an administration; a second person decides."""
    require(actor, "accounts.role:grant")
    not_oneself(actor, user, "任命")
    if not administration_of(role):
        raise AccountRefused(f"{role_label(role)}不是管理员角色，直接授予即可。")
    if actor.id is None:
        raise AccountRefused("任命要由人提出：请用安全管理员账号办理。")
    if not reason.strip():
        raise AccountRefused("请写明任命理由，例如：院办〔2026〕12 号任命。")
    with transaction.atomic():
        row = locked(user)
        if RoleAssignment.objects.filter(user=row, role=role).exists():
            raise AccountRefused(f"{row.name}已经是{role_label(role)}。")
        check_duties(row, role)
        _check_dates(valid_from, valid_until)
        try:
            with transaction.atomic():
                proposal = RoleProposal.objects.create(
                    user=row,
                    role=role,
                    valid_from=valid_from,
                    valid_until=valid_until,
                    reason=reason.strip()[:200],
                    proposed_by_id=actor.id,
                )
        except IntegrityError:
            raise AccountRefused(f"{row.name}的{role_label(role)}任命已经提出，正等待确认。") from None
        record(
            actor,
            "accounts.role.propose",
            row,
            f"提出任命{row.name}为{role_label(role)}：{proposal.reason}",
            after=snapshot(proposal, ["role", "valid_from", "valid_until", "reason"]),
        )
        tell(
            actor,
            [p for p in people_with_role("security_committee", "audit_admin") if p.pk not in (actor.id, row.pk)],
            kind="accounts.proposal",
            title=f"请确认任命：{row.name}为{proposal.label}",
            text=f"{actor.name}提出：{proposal.reason}",
            url=reverse("accounts:proposals"),
            key=f"accounts.proposal:{proposal.pk}",
        )
    return proposal


def confirm_proposal(actor: Actor, proposal: RoleProposal) -> RoleAssignment:
    """The second person's yes: the role is granted and the account becomes a super account (4.3d)."""
    with transaction.atomic():
        row = _open(actor, proposal)
        user = locked(row.user)
        assignment = assign(
            actor, user, row.role, Term(valid_from=row.valid_from, valid_until=row.valid_until), confirmed=row
        )
        user.grade = User.Grade.SUPER
        user.save(update_fields=["grade"])
        _decide(actor, row, RoleProposal.State.CONFIRMED)
        _tell_proposer(actor, row, "已确认")
        sessions.end_all(user)  # the new sign-in asks for what an administrator's sign-in needs
    return assignment


def refuse_proposal(actor: Actor, proposal: RoleProposal, reason: str = "") -> None:
    """The second person's no."""
    with transaction.atomic():
        row = _open(actor, proposal)
        _decide(actor, row, RoleProposal.State.REFUSED)
        record(
            actor,
            "accounts.role.refuse",
            row.user,
            f"不同意任命{row.user.name}为{row.label}" + (f"：{reason.strip()[:200]}" if reason.strip() else ""),
        )
        _tell_proposer(actor, row, "没有同意", reason.strip()[:200])


def assign(actor: Actor, user: User, role: str, term: Term, *, confirmed: RoleProposal | None = None) -> RoleAssignment:
    """Write the assignment and its record; inside the caller's transaction, the user's row locked."""
    if role not in roles():
        raise AccountRefused(f"没有“{role}”这个角色。")
    check_side(user, role)
    _check_dates(term.valid_from, term.valid_until)
    check_duties(user, role)
    held = RoleAssignment.objects.filter(user=user, role=role).first()
    before = snapshot(held, _FIELDS) if held else None
    row = held or RoleAssignment(user=user, role=role)
    row.systems, row.valid_from, row.valid_until = list(term.systems), term.valid_from, term.valid_until
    after = snapshot(row, _FIELDS)
    if before == after:
        return row
    row.save()
    said = f"授予{user.name}{role_label(role)}角色" if held is None else f"更改{user.name}的{role_label(role)}角色"
    if confirmed is not None:
        said = f"确认{confirmed.proposed_by.name}提出的任命：{user.name}为{role_label(role)}"
    record(actor, "accounts.role.grant", user, said, before=before, after=after)
    return row


def check_duties(user: User, *more: str) -> None:
    """Raise AccountRefused where the roles held and these may not meet in one account (三员分立)."""
    held: Iterable[str] = RoleAssignment.objects.filter(user=user).values_list("role", flat=True)
    labels = {r: role_label(r) for r in roles()}
    said = conflict({*held, *more}, {r: administration_of(r) for r in roles()}, data_roles(), labels)
    if said:
        raise AccountRefused(f"{said}。")


def check_side(user: User, role: str) -> None:
    """Raise AccountRefused where the role belongs to another side than the person."""
    side = roles()[role]["side"]
    if user.organisation.side != side:
        names = {"hospital": "医院", "vendor": "运维服务商", "third": "第三方"}
        raise AccountRefused(
            f"{role_label(role)}是{names[side]}的角色，{user.name}属于{user.organisation.short_name}。"
        )


def _check_dates(valid_from: dt.date | None, valid_until: dt.date | None) -> None:
    if valid_from and valid_until and valid_until < valid_from:
        raise AccountRefused("结束日期早于开始日期。")
    if valid_until and valid_until < timezone.localdate():
        raise AccountRefused("结束日期已经过了。")


def _open(actor: Actor, proposal: RoleProposal) -> RoleProposal:
    require(actor, "accounts.role:confirm")
    row = locked(proposal)
    if row.state != RoleProposal.State.OPEN:
        raise AccountRefused(f"这项任命{row.get_state_display()}，不用再办。")
    if actor.id == row.proposed_by_id:
        raise AccountRefused("双人复核：提出人不能自己确认，请另一个人办理。")
    if actor.id == row.user_id:
        raise AccountRefused("不能确认对自己的任命。")
    return row


def _decide(actor: Actor, row: RoleProposal, state: str) -> None:
    row.state, row.decided_by_id, row.decided_at = state, actor.id, timezone.now()
    row.save(update_fields=["state", "decided_by", "decided_at"])


def _tell_proposer(actor: Actor, row: RoleProposal, what: str, text: str = "") -> None:
    tell(
        actor,
        [row.proposed_by_id],
        kind="accounts.proposal",
        title=f"任命{what}：{row.user.name}为{row.label}",
        text=text,
        url=row.user.get_absolute_url(),
        key=f"accounts.proposal:{row.pk}:decided",
    )


def _keep_one_security_admin(user: User, role: str) -> None:
    if administration_of(role) != "security":
        return
    others = RoleAssignment.objects.in_force().filter(role=role, user__is_active=True).exclude(user=user)
    if not others.exists():
        raise AccountRefused("这是最后一位安全管理员，收回后没有人能管账号。请先任命接替的人。")
