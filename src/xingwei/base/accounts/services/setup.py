"""The first account of an installation that begins empty."""

from __future__ import annotations

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor

from ..models import Organisation, RoleAssignment, User
from .base import AccountRefused
from .passwords import check, set_password


def create_first_administrator(username: str, name: str, password: str, *, hospital: str = "本院") -> User:
    """A security administrator who can create all others; only where there is no account yet.

    Raises AccountRefused where there is one already, or for a weak password. This account's role is the only
    administration that is granted without a second person: there is none.
    """
    username, name = username.strip(), name.strip()
    if not username or not name:
        raise AccountRefused("请填工号和姓名。")
    with transaction.atomic():
        if User.objects.exists():
            raise AccountRefused("已经有账号了，请用安全管理员账号登录后建立其他账号。")
        organisation = Organisation.objects.filter(side=Organisation.Side.HOSPITAL).first()
        if organisation is None:
            organisation = Organisation.objects.create(
                code="hospital", name=hospital, short_name=hospital[:20], side=Organisation.Side.HOSPITAL
            )
        user = User(username=username, name=name, title="安全管理员", organisation=organisation, grade=User.Grade.SUPER)
        check(user, password)
        user.save()
        set_password(user, password, must_change=False)
        RoleAssignment.objects.create(user=user, role="security_admin")
        record(
            system_actor("command"),
            "accounts.person.first",
            user,
            f"首次安装：建立安全管理员{name}",
            after={"role": "security_admin"},
        )
    return user
