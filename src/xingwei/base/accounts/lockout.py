"""Locking an account after too many wrong passwords: django-axes counts, the settings decide."""

from __future__ import annotations

import datetime as dt
from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django.db import transaction
from django.db.models import Max, Sum
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.site.queries import value

from .models import User
from .services.base import AccountRefused


def limit(request: Any = None, credentials: Any = None) -> int:
    """AXES_FAILURE_LIMIT."""
    return int(value("accounts.lockout.failures"))


def cool_off(request: Any = None) -> dt.timedelta:
    """AXES_COOLOFF_TIME."""
    return dt.timedelta(minutes=value("accounts.lockout.minutes"))


def locked() -> dict[str, dt.datetime]:
    """工号 → until when it is locked, those locked now; typed names without an account are among them."""
    recent = AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - cool_off()).exclude(username=None)
    rows = recent.values("username").annotate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
    return {r["username"]: r["last"] + cool_off() for r in rows.order_by("username") if r["failures"] >= limit()}


def failures(username: str) -> tuple[int, dt.datetime | None]:
    """How often the name was refused within the time that counts, and when it is free again if it is locked."""
    rows = AccessAttempt.objects.filter(username=username, attempt_time__gte=timezone.now() - cool_off())
    found = rows.aggregate(n=Sum("failures_since_start"), last=Max("attempt_time"))
    n = found["n"] or 0
    return n, found["last"] + cool_off() if n >= limit() else None


def unlock(actor: Actor, user: User) -> None:
    """Let a locked person try again at once."""
    require(actor, "accounts.person:change", user)
    if not failures(user.username)[1]:
        raise AccountRefused(f"{user.name}的账号没有锁定。")
    with transaction.atomic():
        reset(username=user.username)
        record(actor, "accounts.sign_in.unlock", user, f"解除{user.name}的登录锁定")
