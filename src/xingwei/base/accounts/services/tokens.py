"""API tokens: made once and shown once, narrowed to some of the owner's permissions, revoked."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import policy

from ..models import ApiToken
from ..tokens import PREFIX, digest
from .base import AccountRefused, locked

DAYS_MAX = 365
TOKENS_MAX = 20


def grantable(actor: Actor) -> list[tuple[str, str, str]]:
    """(permission, resource's label, action's label) that the person may hand to a token.

    What changes administrations, and tokens themselves, stays out: that needs a person with a second factor.
    """
    found = []
    for resource in policy().resources.values():
        for action in resource.actions.values():
            permission = f"{resource.key}:{action.key}"
            if (resource.admin and action.key != "view") or resource.key == "accounts.token":
                continue
            if policy().scope(actor, permission) is not None:
                found.append((permission, resource.label, action.label))
    return found


def create_token(actor: Actor, name: str, scopes: Iterable[str], days: int) -> tuple[ApiToken, str]:
    """A token of the actor's own; returns it with its text, which is kept nowhere. Raises AccountRefused."""
    require(actor, "accounts.token:create")
    if actor.id is None or actor.only is not None:
        raise AccountRefused("令牌只能由本人登录后签发。")
    name, wanted = name.strip(), sorted(set(scopes))
    allowed = {permission for permission, _, _ in grantable(actor)}
    if not name:
        raise AccountRefused("请写明用途，例如：监控平台报障。")
    if not wanted:
        raise AccountRefused("请至少选一项权限。")
    if beyond := [s for s in wanted if s not in allowed]:
        raise AccountRefused(f"令牌不能带您没有的、或属于管理权的权限（{beyond[0][:60]}）。")
    if not 1 <= days <= DAYS_MAX:
        raise AccountRefused(f"有效期应在 1 到 {DAYS_MAX} 天之间。")
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        live = ApiToken.objects.filter(user_id=actor.id, revoked_at=None, expires_at__gt=timezone.now())
        if live.count() >= TOKENS_MAX:
            raise AccountRefused(f"已经有 {TOKENS_MAX} 个有效令牌，请先吊销不用的。")
        token = ApiToken.objects.create(
            user_id=actor.id,
            name=name[:60],
            prefix=text[:8],
            digest=digest(text),
            scopes=wanted,
            expires_at=timezone.now() + dt.timedelta(days=days),
        )
        record(
            actor,
            "accounts.token.create",
            token,
            f"签发令牌“{token.name}”，{days} 天有效",
            after={"prefix": token.prefix, "scopes": wanted, "expires_at": token.expires_at},
        )
    return token, text


def revoke_token(actor: Actor, token: ApiToken) -> None:
    """The owner's own, or anybody's with accounts.token:revoke."""
    if token.user_id != actor.id:
        require(actor, "accounts.token:revoke")
    with transaction.atomic():
        row = locked(token)
        if row.revoked_at is not None:
            raise AccountRefused("这个令牌已经吊销了。")
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        record(actor, "accounts.token.revoke", row, f"吊销令牌“{row.name}”（{row.prefix}…）")
