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
        window = self.request.GET.get("window", "5")
        board = queries.board(self.actor, window=window)
        only = self.request.GET.get("only") == "1"
        return super().get_context_data(**kwargs) | {
            "board": board,
            "window": window if window in WINDOWS else "5",
            "windows": WINDOWS.items(),
            "only": only,
            "kpis": kpis(board, queries.counts(self.actor) if may(self.actor, "gateway.message:view") else {}),
            "picture": picture(board),
            "troubled": board.troubled[:8],
            "rows": board.rows,
        }


def kpis(board: Board, counts: dict[str, int]) -> list[dict[str, Any]]:
    """The six numbers on top; each opens what it counts."""
    incoming = [r for r in board.of("in") if r.rate is not None]
    outgoing = [r for r in board.of("out") if not r.stale]
    working = [r.p95 for r in outgoing if r.p95 is not None and (r.breaker is None or r.breaker.state == "closed")]
    oldest = max((r for r in outgoing if r.oldest), key=lambda r: r.oldest or dt.timedelta(), default=None)
    waiting = sum(r.waiting for r in outgoing)
    states = [r.breaker.state for r in board.of("out") if r.breaker and r.breaker.state != "closed"]
    dead, uncertain = counts.get("dead", 0), counts.get("uncertain", 0)
    rate = sum(r.rate or 0 for r in incoming)
    old = len([r for r in board.rows if r.stale and r.channel.state == "running"])
    return [
        _kpi("接收", "arrow-bar-to-down", f"{rate:,.0f}" if incoming else "—", "条/分", f"{old} 条通道没有新数据" if old else "全部通道都在报告", "warn" if old else ""),
        _kpi("今日已接收", "stack-2", f"{sum(r.today for r in board.of('in')):,}", "条", "先落库，再应答"),
        _kpi("投递 p95", "arrow-bar-to-up", f"{max(working):,.0f}" if working else "—", "毫秒", "最慢的一条，不含熔断的通道"),
        _kpi("等待投递", "hourglass", f"{waiting:,}", "条", f"最久 {words.duration(oldest.oldest)}，{oldest.channel.name}" if oldest and oldest.oldest else "没有久等的", "warn" if oldest and oldest.oldest and oldest.oldest.total_seconds() > 60 else "", reverse("gateway:queue")),
        _kpi("熔断与切断", "plug-connected-x", f"{len(states)}", "条", " · ".join(f"{label} {states.count(key)}" for key, label in (("half_open", "半开"), ("open", "熔断"), ("cut", "人工切断")) if key in states) or "全部闭合", "warn" if states else ""),
        _kpi("死信", "mail-exclamation", f"{dead:,}", "条", f"另有结果不明 {uncertain:,} 条" if uncertain else "没有结果不明的", "late" if dead or uncertain else "", reverse("gateway:dead")),
    ]  # fmt: skip


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
