"""What the process runs: channels, routes in force, code maps, plans. Read with plain SQL, compared by content.

A change is told on the LISTEN channel `xingwei_gateway`; what a lost notification would have told is found by the
slow poll. A snapshot never changes, so a message goes to its end under the version that was in force for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ..channels.base import ChannelConfig, ChannelProblem, Received, kind
from ..engine.documents import Document
from ..engine.documents import read as read_document
from ..engine.rules import Route, compile_route, facts_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """The approved degradation plan of a way out (queries.plans.PlanDoc)."""

    mode: str
    sentence: str
    answer: Any = None
    cache_s: float = 86_400
    by: Mapping[str, str] = field(default_factory=dict)
    catch_up_per_minute: int | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Plan:
        sentence = str(document.get("sentence", ""))
        return cls(
            mode=str(document.get("mode", "answer")),
            sentence=sentence,
            answer=_said(document.get("answer"), sentence),
            cache_s=float(document.get("cache_s", 86_400)),
            by={t: str(line["mode"]) for line in document.get("lines", ()) for t in line.get("types", ())},
            catch_up_per_minute=document.get("limits", {}).get("catch_up_per_minute"),
        )

    def mode_for(self, type: str) -> str:
        return self.by.get(type, self.mode)


def _said(answer: Any, sentence: str) -> Any:
    """The answer with the sentence in place of {sentence}, however deep it stands."""
    if isinstance(answer, Mapping):
        return {key: _said(value, sentence) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_said(value, sentence) for value in answer]
    return answer.replace("{sentence}", sentence) if isinstance(answer, str) else answer


@dataclass(slots=True)
class RouteInForce:
    """A route's version, compiled when it is first used. problem: Chinese, where it cannot be."""

    version_id: int
    code: str
    document: Mapping[str, Any]
    kind: str
    maps: Mapping[str, Any]
    targets: tuple[int, ...] = ()
    problem: str = ""
    _compiled: Route | None = None

    def compiled(self) -> Route:
        """Raises RuleProblem."""
        if self._compiled is None:
            self._compiled = compile_route(self.document, self.maps, self.kind)
        return self._compiled

    def read(self, received: Received) -> Document:
        """Raises DocumentProblem."""
        return read_document(self.kind, received.raw, received.charset)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes: a way out, its order key there, and by which version. state: of its delivery."""

    channel_id: int
    key: str
    version_id: int
    state: str = "waiting"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything in force at one moment."""

    channels: Mapping[int, ChannelConfig] = field(default_factory=dict)
    routes: Mapping[int, tuple[RouteInForce, ...]] = field(default_factory=dict)
    maps: Mapping[str, Any] = field(default_factory=dict)
    plans: Mapping[int, Plan] = field(default_factory=dict)

    def targets(self, channel_id: int, received: Received) -> tuple[list[Target], str]:
        """Where a message of that way in goes, and what is wrong (Chinese) where a route cannot read it."""
        routes = self.routes.get(channel_id, ())
        found: list[Target] = []
        problem = ""
        subject: Any = received
        if len(routes) > 0:
            with suppress(ValueError):  # what cannot be read is only a problem for a route that has to read it
                subject = routes[0].read(received)
        facts = facts_of(received) if subject is not received else {}
        for route in routes:
            problem = problem or route.problem
            try:
                compiled = route.compiled()
                if compiled.matches(subject, facts):
                    key = compiled.key(subject) or received.key
                    found += [Target(target, key, route.version_id) for target in route.targets]
            except ValueError as error:  # RuleProblem, DocumentProblem
                problem = problem or f"路由“{route.code}”：{error}"
        return found, problem

    def joined(self) -> list[tuple[int, int]]:
        """Pairs of a way in that waits for answers and the ways out that give them: one process holds both."""
        return [
            (source, target)
            for source, routes in self.routes.items()
            if source in self.channels and self.channels[source].call
            for route in routes
            for target in route.targets
        ]


def document_kind(channel: ChannelConfig) -> str:
    """Which engine document reads the bytes of a way in."""
    try:
        return str(channel.settings.get("document") or kind(channel.kind).document)
    except ChannelProblem:
        return "bytes"


_CHANNELS = """SELECT id, code, name, direction, kind, state, peer, settings, delivery, call, breaker, capacity, version
FROM gateway_channel ORDER BY id"""
_ROUTES = """SELECT v.id, r.code, r.source_id, v.document
FROM gateway_routeversion v JOIN gateway_route r ON r.id = v.route_id
WHERE v.state = 'released' AND r.active ORDER BY r.code"""
_MAPS = """SELECT m.code, v.document FROM gateway_codemapversion v JOIN gateway_codemap m ON m.id = v.map_id
WHERE v.state = 'released'"""
_PLANS = """SELECT p.channel_id, v.document FROM gateway_planversion v JOIN gateway_plan p ON p.id = v.plan_id
WHERE v.state = 'approved'"""
_VERSION = """SELECT r.code, r.source_id, v.document
FROM gateway_routeversion v JOIN gateway_route r ON r.id = v.route_id WHERE v.id = %s"""


async def read(db: psycopg.AsyncConnection[Any], before: Snapshot | None = None) -> Snapshot:
    """What is in force now; parts that did not change are those of `before`, so that they need not be compiled again.

    Raises psycopg.Error.
    """
    channels: dict[int, ChannelConfig] = {}
    for row in await (await db.execute(_CHANNELS)).fetchall():
        channel = ChannelConfig(*row)
        old = before.channels.get(channel.id) if before else None
        channels[channel.id] = old if old == channel else channel
    maps: dict[str, Any] = dict(await (await db.execute(_MAPS)).fetchall())
    if before is not None and before.maps == maps:
        maps = dict(before.maps)
    plans = {channel: Plan.of(document) for channel, document in await (await db.execute(_PLANS)).fetchall()}
    rows = await (await db.execute(_ROUTES)).fetchall()
    return Snapshot(channels, _routes(rows, channels, maps, before), maps, plans)


async def read_version(db: psycopg.AsyncConnection[Any], version_id: int, snapshot: Snapshot) -> RouteInForce | None:
    """A version that is in force no more but under which messages are still under way."""
    row = await (await db.execute(_VERSION, [version_id])).fetchone()
    if row is None:
        return None
    code, source, document = row
    return _route(version_id, code, source, document, snapshot.channels, snapshot.maps)


def _routes(
    rows: list[Any], channels: Mapping[int, ChannelConfig], maps: Mapping[str, Any], before: Snapshot | None
) -> dict[int, tuple[RouteInForce, ...]]:
    known = {r.version_id: r for routes in before.routes.values() for r in routes} if before else {}
    found: dict[int, list[RouteInForce]] = {}
    for version_id, code, source, document in rows:
        route = _route(version_id, code, source, document, channels, maps)
        old = known.get(version_id)
        if old is not None and (old.kind, old.targets, old.maps) == (route.kind, route.targets, maps):
            route = old
        found.setdefault(source, []).append(route)
    return {source: tuple(routes) for source, routes in found.items()}


def _route(
    version_id: int, code: str, source: int, document: Any, channels: Mapping[int, ChannelConfig], maps: Any
) -> RouteInForce:
    by_code = {channel.code: channel for channel in channels.values() if channel.direction == "out"}
    wanted = [str(c) for c in document.get("to", ())]
    missing = [c for c in wanted if c not in by_code]
    return RouteInForce(
        version_id,
        code,
        document,
        document_kind(channels[source]) if source in channels else "bytes",
        maps,
        tuple(by_code[c].id for c in wanted if c in by_code),
        f"路由“{code}”的送出通道“{missing[0]}”不存在" if missing else "",
    )
