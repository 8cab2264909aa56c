"""New routes and code maps; what they do comes with their versions."""

from __future__ import annotations

from django.db import transaction

from xingwei.base.estate.models import System
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Channel, CodeMap, Route
from .base import GatewayRefused


def add_route(actor: Actor, code: str, name: str, source: Channel) -> Route:
    """A new route without a version: it takes nothing until one is released. Raises GatewayRefused."""
    require(actor, "gateway.route:draft", source)
    if source.direction != Channel.Direction.IN:
        raise GatewayRefused("路由的来源应是接入通道")
    with transaction.atomic():
        if Route.objects.filter(code=code).exists():
            raise GatewayRefused(f"代码“{code}”已经有了，请换一个")
        route: Route = Route.objects.create(code=code, name=name, source=source, system=source.system)
        record(actor, "gateway.route.create", route, f"新建路由 {code} {name}", after={"source": source.code})
    return route


def add_map(actor: Actor, code: str, name: str, system: System) -> CodeMap:
    """A new code map without a version. Raises GatewayRefused."""
    require(actor, "gateway.code_map:draft", system)
    with transaction.atomic():
        if CodeMap.objects.filter(code=code).exists():
            raise GatewayRefused(f"代码“{code}”已经有了，请换一个")
        row: CodeMap = CodeMap.objects.create(code=code, name=name, system=system)
        record(actor, "gateway.code_map.create", row, f"新建编码对照 {code} {name}")
    return row
