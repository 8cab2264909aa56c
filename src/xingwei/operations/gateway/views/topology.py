"""The first page of the gateway: who sends to whom, what is wrong, and every channel."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui import words

from .. import queries
from ..engine import topology
from ..engine.health import GRAVITY
from ..models import Channel
from ..queries.board import WINDOWS, Board, Row
from .common import GatewayPage


class Topology(GatewayPage):
    permission = "gateway.channel:view"
    template_name = "gateway/topology.html"
    title = "接口网关"
    tab = "topology"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        window = self.request.GET.get("window", "1")
        board = queries.board(self.actor, window=window)
        only = self.request.GET.get("only") == "1"
        return super().get_context_data(**kwargs) | {
            "board": board,
            "window": window if window in WINDOWS else "1",
            "windows": WINDOWS.items(),
            "only": only,
            "kpis": kpis(board, queries.counts(self.actor) if may(self.actor, "gateway.message:view") else {}),
            "picture": picture(board),
            "troubled": board.troubled[:8],
            "rows": board.rows,
        }


def kpis(board: Board, counts: dict[str, int]) -> list[dict[str, Any]]:
    """The six numbers on top; each opens what it counts."""
    return [_received(board), _today(board), _speed(board), _waiting(board), _breakers(board), _dead(counts)]


def _received(board: Board) -> dict[str, Any]:
    rates = [r.rate for r in board.of("in") if r.rate is not None]
    old = len([r for r in board.rows if r.stale and r.channel.state == "running"])
    said = f"{old} 条通道没有新数据" if old else "全部通道都在报告"
    return _kpi(
        "接收", "arrow-bar-to-down", f"{sum(rates):,.0f}" if rates else "—", "条/分", said, "warn" if old else ""
    )


def _today(board: Board) -> dict[str, Any]:
    return _kpi("今日已接收", "stack-2", f"{sum(r.today for r in board.of('in')):,}", "条", "先落库，再应答")


def _speed(board: Board) -> dict[str, Any]:
    rows = [r for r in board.of("out") if r.breaker is None or r.breaker.state == "closed"]
    speeds = [r.p95 for r in rows if r.p95 is not None]
    shown = f"{max(speeds):,.0f}" if speeds else "—"
    return _kpi("投递 p95", "arrow-bar-to-up", shown, "毫秒", "最慢的一条，不含熔断的通道")


def _waiting(board: Board) -> dict[str, Any]:
    rows = [r for r in board.of("out") if not r.stale]
    oldest = max((r for r in rows if r.oldest), key=lambda r: r.oldest or dt.timedelta(), default=None)
    said, state = "没有久等的", ""
    if oldest is not None and oldest.oldest is not None:
        said = f"最久 {words.duration(oldest.oldest)}，{oldest.channel.name}"
        state = "warn" if oldest.oldest > dt.timedelta(minutes=1) else ""
    url = reverse("gateway:queue")
    return _kpi("等待投递", "hourglass", f"{sum(r.waiting for r in rows):,}", "条", said, state, url)


def _breakers(board: Board) -> dict[str, Any]:
    states = [r.breaker.state for r in board.of("out") if r.breaker and r.breaker.state != "closed"]
    named = (("half_open", "半开"), ("open", "熔断"), ("cut", "人工切断"))
    said = " · ".join(f"{label} {states.count(key)}" for key, label in named if key in states) or "全部闭合"
    return _kpi("熔断与切断", "plug-connected-x", f"{len(states)}", "条", said, "warn" if states else "")


def _dead(counts: dict[str, int]) -> dict[str, Any]:
    dead, uncertain = counts.get("dead", 0), counts.get("uncertain", 0)
    said = f"另有结果不明 {uncertain:,} 条" if uncertain else "没有结果不明的"
    state = "late" if dead or uncertain else ""
    return _kpi("死信", "mail-exclamation", f"{dead:,}", "条", said, state, reverse("gateway:dead"))


def _kpi(label: str, icon: str, value: str, unit: str, say: str, state: str = "", url: str = "") -> dict[str, Any]:
    return {"label": label, "icon": icon, "value": value, "unit": unit, "say": say, "state": state, "url": url}


def picture(board: Board) -> dict[str, Any]:
    """The drawing with the words on it."""
    by_id = {r.channel.pk: r for r in board.rows}
    links = [_link(by_id[a.pk], by_id[b.pk]) for a, b in board.links]
    zones: dict[str, str] = {}
    of_party: dict[str, list[Row]] = {}
    for row in sorted(board.rows, key=lambda r: r.channel.code):
        zones.setdefault(row.channel.peer, row.channel.zone)
        of_party.setdefault(row.channel.peer, []).append(row)
    drawn = topology.draw(zones, links)
    return {
        "width": topology.WIDTH,
        "height": drawn.height,
        "zones": [(label, topology.COLUMNS[z][0] - topology.COLUMNS[z][1] / 2) for z, label in ZONES],
        "nodes": [{"node": n, **_party(of_party[n.name])} for n in drawn.nodes],
        "lines": drawn.lines,
        "pills": drawn.pills,
    }


ZONES = (("device", "设备"), ("department", "科室系统"), ("core", "核心系统"), ("outside", "院外与第三方"))


def _link(source: Row, target: Row) -> topology.Link:
    """The line carries the way in's rate; what is wrong on it is the way out's, or else the way in's trouble."""
    worst = min((target, source), key=lambda r: r.health.gravity)
    kind = worst.health.kind
    said = worst.health.word if kind in {"warn", "late", "pause"} else ""
    if kind == "pause" and worst.waiting:
        said = f"{said} · 存 {worst.waiting:,}"
    return topology.Link(
        source.channel.peer, target.channel.peer, worst.channel.code, source.rate or target.rate or 0.0, kind, said
    )


def _party(rows: list[Row]) -> dict[str, Any]:
    """How a party is: its worst channel, and its figures in one line."""
    running = [r for r in rows if r.channel.state != Channel.State.STOPPED] or rows
    worst = min(running, key=lambda r: GRAVITY[r.health.kind])
    rates = [r.rate for r in running if r.rate is not None]
    slowest = max((r.p95 for r in running if r.p95 is not None), default=None)
    said = worst.health.word
    if worst.health.kind == "ok":
        said = f"{sum(rates):,.0f} 条/分" if rates else "正常"
        said += f" · {slowest:,.0f} ms" if slowest else ""
    return {"kind": worst.health.kind, "say": said, "url": worst.channel.get_absolute_url()}
