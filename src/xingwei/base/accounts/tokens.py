"""API tokens as they arrive: whose they are, and to what they narrow the person."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace

from django.http import HttpRequest
from django.utils import timezone

from xingwei.base.policy.engine import ANONYMOUS, Actor

from .models import ApiToken
from .queries import actor_of

PREFIX = "xw_"
_USED_EVERY = dt.timedelta(minutes=1)  # the last use is written no more often


def bearer(request: HttpRequest) -> str:
    """The token of the Authorization header, "" where there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def person_of(token: str, *, address: str = "") -> Actor:
    """The token's person, narrowed to its permissions; ANONYMOUS for a token that opens nothing (any more)."""
    now = timezone.now()
    found = ApiToken.objects.select_related("user__organisation").filter(digest=digest(token), revoked_at=None).first()
    if found is None or found.expires_at <= now:
        return ANONYMOUS
    actor = actor_of(found.user, address=address, via="api")
    if not actor.signed_in:
        return ANONYMOUS
    if found.last_used_at is None or now - found.last_used_at >= _USED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now, last_address=address[:64])
    return replace(actor, only=frozenset(found.scopes))
