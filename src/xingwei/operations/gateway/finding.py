"""What the search over everything finds of the gateway: channels by name or code, messages by their number."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.urls import reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import SearchHit

from .models import Channel, Route
from .models.numbers import parse

_MOST = 6


def hits(actor: Actor, q: str) -> Iterator[SearchHit]:
    """A message is found by its number only: words of messages are searched on a page of their own."""
    text = q.replace("\x00", "").strip()
    if not text:
        return
    if may(actor, "gateway.message:view") and parse(text) is not None:
        yield SearchHit("接口消息", text, reverse("gateway:message", args=[text]), "按编号打开", "mail")
    words = Q(name__icontains=text) | Q(code__icontains=text)
    if may(actor, "gateway.channel:view"):
        rows = Channel.objects.restrict(actor, "gateway.channel:view").filter(words | Q(peer__icontains=text))
        for channel in rows[:_MOST]:
            detail = f"{channel.get_direction_display()} · {channel.peer}"
            yield SearchHit("接口通道", channel.name, channel.get_absolute_url(), detail, "plug-connected")
    if may(actor, "gateway.route:view"):
        routes = Route.objects.restrict(actor, "gateway.route:view").select_related("source").filter(words)
        for route in routes[:_MOST]:
            yield SearchHit("接口路由", route.name, route.get_absolute_url(), f"来自{route.source.name}", "route")
