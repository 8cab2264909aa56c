"""What is searched for. Words, numbers of patients and of business never stand in an address: they stay in the session,
and the address carries a token."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone

KEPT = "gateway.search"
PRIVATE = ("patient", "reference", "control_id", "text")
OPEN = ("channel", "state", "type", "since", "until")
_MOST = 12


def keep(request: HttpRequest, values: dict[str, Any]) -> str:
    """Put what is searched away; returns the query string of the result's address."""
    shown = {k: _plain(values.get(k)) for k in OPEN if values.get(k)}
    hidden = {k: values[k] for k in PRIVATE if values.get(k)}
    if hidden:
        token = secrets.token_urlsafe(9)
        kept = dict(request.session.get(KEPT) or {})
        while len(kept) >= _MOST:
            kept.pop(next(iter(kept)))
        request.session[KEPT] = kept | {token: hidden}
        shown["s"] = token
    return urlencode(shown)


def kept(request: HttpRequest) -> tuple[dict[str, Any], bool]:
    """What the address and the session say; and whether the session has forgotten it."""
    values: dict[str, Any] = {k: request.GET.get(k, "").replace("\x00", "")[:100] for k in OPEN}
    token = request.GET.get("s", "")
    hidden = (request.session.get(KEPT) or {}).get(token) if token else {}
    return values | (hidden or {}), bool(token) and hidden is None


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M")
    return str(value)
