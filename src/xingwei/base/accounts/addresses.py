"""From where a request really comes: behind a reverse proxy, what the proxy says and not what the client says."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The network address of the client, "" where there is none.

    Forwarded addresses are read from the right, past the proxies that are believed, so that a client's own
    X-Forwarded-For line counts for nothing.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = [a.strip() for a in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if a.strip()]
    while forwarded and _is_proxy(address):
        candidate = forwarded.pop()
        if _parse(candidate) is None:
            break
        address = candidate
    return address[:64]


def _is_proxy(address: str) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in settings.TRUSTED_PROXIES)


def _parse(address: str) -> object | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
