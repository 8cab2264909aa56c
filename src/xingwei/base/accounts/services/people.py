"""Accounts: created, edited, switched off and on, given a new first password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.journal.services import plain, record, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..engine import passwords as password_rules
from ..models import ApiToken, Organisation, User
from . import sessions
from .base import AccountRefused, apply, locked, not_oneself
from .passwords import set_password

FIELDS = (
    "username",
    "name",
    "short_name",
    "organisation",
    "department",
    "title",
    "phone",
    "mobile",
    "email",
    "wecom_id",
    "grade",
    "source",
    "valid_until",
    "application",
    "nda_on",
)


def create_person(actor: Actor, values: Mapping[str, Any], *, encoded: str = "") -> tuple[User, str]:
    """A new account without any role; returns it with its first password, which is shown once and kept nowhere.

    The password is "" for an account of the hospital's directory, and where its hash is given: encoded, of a
    demonstration's common password, which need not be changed. Raises AccountRefused.
    """
    require(actor, "accounts.person:change")
    user = User(**{k: v for k, v in values.items() if k in FIELDS})
    check_particulars(user)
    with transaction.atomic():
        _save_unique(user)
        first = ""
        if user.source == User.Source.LOCAL and encoded:
            set_password(user, "", must_change=False, encoded=encoded)
        elif user.source == User.Source.LOCAL:
            first = password_rules.initial()
            set_password(user, first, must_change=True)
        record(
            actor,
            "accounts.person.create",
            user,
            f"建立{user.name}的账号（{user.organisation}）",
            after=snapshot(user, FIELDS),
        )
    return user, first


def edit_person(actor: Actor, user: User, values: Mapping[str, Any], *, seen: str = "") -> User:
    """Change an account's particulars; seen: the stamp of the form. Raises AccountRefused, Stale."""
    require(actor, "accounts.person:change", user)
    with transaction.atomic():
        row = locked(user)
        before, after = apply(row, values, FIELDS, seen)
        if not after:
            return row
        if {"valid_until", "grade", "source", "username"} & set(after):
            not_oneself(actor, row, "改动")
        check_particulars(row)
        _save_unique(row)
        if "source" in after:
            sessions.end_all(row)
            if row.source != User.Source.LOCAL:
                row.set_unusable_password()
                row.save(update_fields=["password"])
        record(actor, "accounts.person.edit", row, f"修改{row.name}的账号资料", before=before, after=after)
    return row


def disable_person(actor: Actor, user: User, reason: str) -> User:
    """Switch an account off at once: sessions end, tokens no longer work. The account and its history stay."""
    require(actor, "accounts.person:change", user)
    not_oneself(actor, user, "停用")
    reason = reason.strip()
    if not reason:
        raise AccountRefused("请写明停用原因，例如：离职、项目结束、长期不用。")
    with transaction.atomic():
        row = locked(user)
        if not row.is_active:
            raise AccountRefused(f"{row.name}的账号已经停用。")
        row.is_active, row.disabled_at, row.disabled_why = False, timezone.now(), reason[:120]
        row.save(update_fields=["is_active", "disabled_at", "disabled_why"])
        ended = sessions.end_all(row)
        revoked = ApiToken.objects.filter(user=row, revoked_at=None).update(revoked_at=timezone.now())
        record(
            actor,
            "accounts.person.disable",
            row,
            f"停用{row.name}的账号：{reason}",
            before={"is_active": True},
            after={"is_active": False, "reason": reason, "sessions_ended": ended, "tokens_revoked": revoked},
        )
    return row


def enable_person(actor: Actor, user: User) -> User:
    require(actor, "accounts.person:change", user)
    not_oneself(actor, user, "启用")
    with transaction.atomic():
        row = locked(user)
        if row.is_active:
            raise AccountRefused(f"{row.name}的账号没有停用。")
        row.is_active, row.disabled_at, row.disabled_why = True, None, ""
        row.save(update_fields=["is_active", "disabled_at", "disabled_why"])
        record(
            actor,
            "accounts.person.enable",
            row,
            f"启用{row.name}的账号",
            before={"is_active": False},
            after={"is_active": True},
        )
    return row


def reset_password(actor: Actor, user: User) -> str:
    """A new first password, shown once; the sign-ins with the old one end."""
    require(actor, "accounts.person:change", user)
    not_oneself(actor, user, "重置")
    with transaction.atomic():
        row = locked(user)
        if row.source != User.Source.LOCAL:
            raise AccountRefused(f"{row.name}用{row.get_source_display()}登录，密码不在本系统。")
        first = password_rules.initial()
        set_password(row, first, must_change=True)
        sessions.end_all(row)
        record(actor, "accounts.password.reset", row, f"重置{row.name}的密码，下次登录须修改")
    return first


def describe(user: User) -> dict[str, Any]:
    """The account's particulars as plain values, for comparing with what an import brings."""
    return dict(plain(snapshot(user, FIELDS)))


def check_particulars(user: User) -> None:
    """Raise AccountRefused for what must not be true of any account."""
    department = user.department
    if department is not None and department.organisation_id != user.organisation_id:
        raise AccountRefused(f"{department.name}不属于{user.organisation.name}，请重选科室。")
    today = timezone.localdate()
    if user.nda_on is not None and user.nda_on > today:
        raise AccountRefused("保密协议的签署日期不能晚于今天。")
    if user.valid_until is not None and not 2000 <= user.valid_until.year <= 2100:
        raise AccountRefused(f"有效期的年份 {user.valid_until.year} 不对，请核对。")
    outside = user.organisation.side != Organisation.Side.HOSPITAL
    if outside and user.valid_until is None:
        raise AccountRefused(f"{user.organisation.short_name}的人员是外来人员，账号必须有有效期。")
    if outside and not user.application:
        raise AccountRefused("外来人员的账号须有书面申请，请填申请编号。")
    if user.grade == User.Grade.SUPER and not _administers(user):
        raise AccountRefused("超级管理员级别只随三员任命而来，请先办理管理员任命。")


def _administers(user: User) -> bool:
    from .roles import administration_of

    return user.pk is not None and any(administration_of(a.role) for a in user.assignments.all())


def _save_unique(user: User) -> None:
    if User.objects.filter(username__iexact=user.username).exclude(pk=user.pk).exists():
        raise AccountRefused(f"工号 {user.username} 已经有账号了。")
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise AccountRefused(f"工号 {user.username} 刚刚被别人建立了账号。") from None
