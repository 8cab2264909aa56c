"""The way back in when the security administrator is locked out: only from the machine's own command line."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from axes.utils import reset
from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor

from ..engine import passwords as password_rules
from ..models import User
from . import sessions
from .base import AccountRefused, locked
from .passwords import set_password


def rescue(username: str) -> str:
    """A new first password for a local security administrator; lock and second factor are taken away.

    Raises AccountRefused for anybody else: their accounts are that administrator's to open.
    """
    with transaction.atomic():
        found = User.objects.filter(username__iexact=username.strip(), source=User.Source.LOCAL).first()
        if found is None or not found.assignments.in_force().filter(role="security_admin").exists():
            raise AccountRefused(f"“{username}”不是本系统密码登录的安全管理员。其他账号请由安全管理员在网页上办理。")
        row = locked(found)
        if not row.in_force():
            raise AccountRefused(f"{row.name}的账号已停用或到期，不能用来应急。")
        first = password_rules.initial()
        set_password(row, first, must_change=True)
        Authenticator.objects.filter(user=row).delete()
        reset(username=row.username)
        sessions.end_all(row)
        record(
            system_actor("command"),
            "accounts.password.rescue",
            row,
            f"在服务器上应急重置安全管理员{row.name}的密码、锁定和动态码",
        )
    return first
