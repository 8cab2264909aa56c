"""What the layout needs on every page, computed once a request and only when a full page is drawn."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may, roles

from .registry import SECTIONS, registry
from .views import SIGNED_IN


def layout(request: HttpRequest) -> dict[str, Any]:
    actor: Actor = getattr(request, "actor", None)  # type: ignore[assignment]
    if actor is None or not actor.signed_in:
        return {"actor": actor}
    return {
        "actor": actor,
        "actor_roles": [roles()[r]["label"] for r in sorted(actor.roles) if r in roles()],
        "nav": SimpleLazyObject(lambda: _nav(request, actor)),
        "banners": SimpleLazyObject(lambda: [b for f in registry.banners if (b := f(actor))]),
        "topbar": SimpleLazyObject(lambda: [h for f in registry.topbar if (h := f(request))]),
        "unread": SimpleLazyObject(lambda: sum(f(actor) for f in registry.bell)),
        "nav_footer": SimpleLazyObject(lambda: [t for f in registry.footer if (t := f(actor))]),
    }


def _nav(request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    sections: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS}
    best: tuple[int, dict[str, Any]] | None = None
    for item in sorted(registry.nav, key=lambda i: i.order):
        if item.permission != SIGNED_IN and not may(actor, item.permission):
            continue
        url = reverse(item.url_name)
        entry = {
            "item": item,
            "url": url,
            "count": item.count(actor) if item.count else None,
            "current": False,
        }
        sections[item.section].append(entry)
        for prefix in (url, *item.aliases):
            fits = request.path == prefix or (prefix != "/" and request.path.startswith(prefix))
            if fits and (best is None or len(prefix) > best[0]):
                best = (len(prefix), entry)
    if best:
        best[1]["current"] = True
    return [{"name": name, "entries": entries} for name, entries in sections.items() if entries]
