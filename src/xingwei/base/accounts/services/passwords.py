"""Setting passwords: the owner's change, the administrator's reset, what is refused."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.site.queries import value

from ..engine.names import pinyin_of
from ..engine.passwords import Rules, weaknesses
from ..models import OldPassword, User
from .base import AccountRefused, locked


def rules() -> Rules:
    return Rules(value("accounts.password.length"), value("accounts.password.classes"))


def rules_in_words() -> str:
    """For the hint beside a password field."""
    r = rules()
    return (
        f"至少 {r.length} 位；大写、小写、数字、符号中至少 {r.classes} 类；"
        f"不含工号、姓名拼音、电话；不能是最近 {value('accounts.password.history')} 个用过的"
    )


def expired(user: User) -> bool:
    """Whether the own password is past its days; accounts of the hospital's directory have none here."""
    last = expires_on(user)
    return last is not None and last <= timezone.localdate()


def expires_on(user: User) -> dt.date | None:
    """The day on which the own password must have been changed; None where it is not kept here."""
    if user.source != User.Source.LOCAL or not user.password:
        return None
    since = timezone.localdate(user.password_changed_at or user.created_at)
    return since + dt.timedelta(days=value("accounts.password.days"))


def check(user: User, password: str) -> None:
    """Raise AccountRefused, naming everything that is wrong with the password for this person."""
    words = [user.username, *pinyin_of(user.name, user.short_name).split(), user.phone, user.mobile]
    words += [user.email.partition("@")[0]]
    said = weaknesses(password, rules(), [w for w in words if len(w) > 3 or w == user.username])
    recent = user.old_passwords.all()[: value("accounts.password.history")] if user.pk else ()
    if not said and any(check_password(password, old) for old in [user.password, *(o.password for o in recent)] if old):
        said.append(f"不能用最近 {value('accounts.password.history')} 个用过的密码")
    if said:
        raise AccountRefused("；".join(said) + "。")


def change_password(actor: Actor, user: User, old: str, new: str) -> User:
    """The owner's own change. Raises AccountRefused for a wrong old or a weak new password."""
    with transaction.atomic():
        row = locked(user)
        if actor.id != row.pk:
            raise AccountRefused("只能改自己的密码。")
        if row.source != User.Source.LOCAL:
            raise AccountRefused(f"您用{row.get_source_display()}登录，请到医院统一账号里改密码。")
        if not row.check_password(old):
            raise AccountRefused("现在的密码不对。")
        check(row, new)
        set_password(row, new, must_change=False)
        record(actor, "accounts.password.change", row, f"{row.name}修改了自己的密码")
    return row


def set_password(row: User, new: str, *, must_change: bool, encoded: str = "") -> None:
    """Write it and keep the old hash; inside the caller's transaction, which also records the act."""
    if row.password:
        OldPassword.objects.create(user=row, password=row.password)
        keep = OldPassword.objects.filter(user=row).values_list("pk", flat=True)[:24]
        OldPassword.objects.filter(user=row).exclude(pk__in=list(keep)).delete()
    row.password = encoded or make_password(new)
    row.password_changed_at = timezone.now()
    row.must_change_password = must_change
    row.save(update_fields=["password", "password_changed_at", "must_change_password"])
