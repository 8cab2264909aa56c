"""Ending sessions: by their owner, by the security administrator, by what was changed on the account."""

from __future__ import annotations

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Session, User
from .base import AccountRefused


def end_session(actor: Actor, session: Session) -> None:
    """End one session; the owner may, and who holds accounts.session:end."""
    owner = session.user
    if owner is None or session.ended:
        raise AccountRefused("这次登录已经结束了。")
    own = actor.id == owner.pk
    if not own:
        require(actor, "accounts.session:end")
    why = Session.Ended.BY_OWNER if own else Session.Ended.BY_ADMIN
    with transaction.atomic():
        Session.objects.filter(pk=session.pk, ended="").update(ended=why, session_data="")
        record(
            actor,
            "accounts.session.end",
            owner,
            f"退出{owner.name}在 {session.address or '未知地址'} 的登录",
            after={"address": session.address, "agent": session.agent},
        )


def end_all(user: User, why: str = Session.Ended.REVOKED, *, keep: str = "") -> int:
    """End all sessions of the account but one; inside the transaction of the act that made it necessary."""
    rows = Session.objects.filter(user=user, ended="").exclude(pk=keep)
    return rows.update(ended=why, session_data="")
