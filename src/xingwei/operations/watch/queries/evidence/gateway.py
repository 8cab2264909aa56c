"""What the gateway knows of each interface: minutes of traffic, failures and waiting; error texts; breakers."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from urllib.parse import urlencode

import numpy as np
from django.db import connection
from django.urls import reverse

from xingwei.operations.gateway.engine.volumes import quantile
from xingwei.operations.gateway.models import BreakerEvent, Channel, QueueSample, Volume

from ...engine.triage import Event, Graph, Series

HISTORY = dt.timedelta(hours=5)
ERRORS = dt.timedelta(minutes=90)
_TEXTS = """
SELECT channel_id, outcome, code, left(reason, 160) AS said, count(*), max(at)
FROM gateway_attempt WHERE at >= %s AND at <= %s AND channel_id = ANY(%s)
GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT 120
"""
_WORDS = {
    "timeout": "超时无应答", "refused": "连接被拒绝", "rejected": "对方退回", "broken": "断线", "uncertain": "结果不明",
    "breaker": "熔断中", "not_sent": "没有发出", "unknown": "结果不明",
}  # fmt: skip


def channels(graph: Graph) -> dict[int, tuple[str, Channel]]:
    """Channels that stand for an interface of the estate: id → (its node, the channel)."""
    rows = Channel.objects.exclude(interface=None).select_related("interface")
    return {c.pk: (c.interface.key, c) for c in rows if c.interface and c.interface.key in graph.nodes}


def series(at: dt.datetime, graph: Graph) -> dict[str, Series]:
    """For every interface with traffic: rate, share of failures and time-outs, slowness, queue."""
    known = channels(graph)
    since = at - HISTORY
    minutes = np.arange(since.timestamp() // 60 * 60, at.timestamp(), 60.0)
    found: dict[tuple[str, str], np.ndarray] = {}
    slow: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    rows = Volume.objects.filter(grain="m", at__gte=since, at__lt=at, channel_id__in=list(known))
    for when, channel, stage, code, count, latency in rows.values_list(
        "at", "channel_id", "stage", "code", "count", "latency"
    ):
        node, i = known[channel][0], int((when.timestamp() - minutes[0]) // 60)
        if not 0 <= i < len(minutes):
            continue
        for name in _names(stage, code):
            found.setdefault((node, name), np.zeros(len(minutes)))[i] += count
        if stage == "sent" and latency:
            have = slow[node][i]
            slow[node][i] = [a + b for a, b in zip(have, latency, strict=False)] if have else list(latency)
    out = _shares(found, minutes, slow, {node: c.get_absolute_url() for node, c in known.values()})
    return out | _queues(known, since, at)


def _names(stage: str, code: str) -> tuple[str, ...]:
    if stage == "sent":
        return ("sent",)
    if stage == "failed":
        return ("failed", "timeout") if code.startswith("timeout") else ("failed",)
    return ("received",) if stage == "received" else ()


def _shares(
    found: dict[tuple[str, str], np.ndarray],
    minutes: np.ndarray,
    slow: dict[str, dict[int, list[int]]],
    urls: dict[str, str],
) -> dict[str, Series]:
    out: dict[str, Series] = {}
    zero = np.zeros(len(minutes))
    for node in sorted({n for n, _ in found}):
        sent, failed = found.get((node, "sent"), zero), found.get((node, "failed"), zero)
        late, asked = found.get((node, "timeout"), zero), sent + failed
        made = {
            "if.rate": (sent + found.get((node, "received"), zero), "笔/分"),
            "if.err": (np.where(asked > 0, failed / np.maximum(asked, 1), np.nan), ""),
            "if.timeout": (np.where(asked > 0, late / np.maximum(asked, 1), np.nan), ""),
        }
        if slow[node]:
            values = np.full(len(minutes), np.nan)
            for i, counts in slow[node].items():
                values[i] = quantile(counts, 0.95) or np.nan
            made["if.ack_ms"] = (values, "毫秒")
        for signal, (values, unit) in made.items():
            out[f"{node} {signal}"] = Series(node, signal, minutes, values, "", unit, urls.get(node, ""))
    return out


def _queues(known: dict[int, tuple[str, Channel]], since: dt.datetime, at: dt.datetime) -> dict[str, Series]:
    rows: dict[str, list[tuple[float, float, float, float, float]]] = defaultdict(list)
    samples = QueueSample.objects.filter(at__gte=since, at__lte=at, channel_id__in=list(known)).order_by("at")
    for s in samples:
        rows[known[s.channel_id][0]].append((s.at.timestamp(), s.waiting, s.oldest_s, s.dead, s.uncertain))
    urls = {node: c.get_absolute_url() for node, c in known.values()}
    out: dict[str, Series] = {}
    for node, values in rows.items():
        table = np.array(values)
        for i, signal in enumerate(("if.queue", "if.oldest_s", "if.dead", "if.uncertain"), 1):
            out[f"{node} {signal}"] = Series(node, signal, table[:, 0], table[:, i], url=urls[node])
    return out


def events(at: dt.datetime, graph: Graph) -> list[Event]:
    """Error texts of the last hour and a half by interface, most frequent first; changes of breakers."""
    known = channels(graph)
    if not known:
        return []
    out: list[Event] = []
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, [at - ERRORS, at, list(known)])
        shown: Counter[str] = Counter()
        for channel, outcome, code, said, count, last in cursor.fetchall():
            node, row = known[channel]
            shown[node] += 1
            if shown[node] <= 6:
                text = said or _WORDS.get(outcome, outcome)
                where = f"{reverse('gateway:messages')}?{urlencode({'channel': row.code, 'outcome': outcome})}"
                out.append(Event(last, "error", node, text, code or outcome, data={"count": count}, ref=where))
    rows = BreakerEvent.objects.filter(at__gte=at - ERRORS, at__lte=at, channel_id__in=list(known))
    for e in rows.select_related("channel").order_by("-at")[:40]:
        node, row = known[e.channel_id]
        words = {"open": "已熔断", "half_open": "半开", "closed": "恢复", "cut": "人工切断"}.get(e.after, e.after)
        ref = reverse("gateway:breaker", args=[row.code])
        out.append(Event(e.at, "breaker", node, f"{row.name} {words}：{e.reason}".rstrip("："), e.after, ref=ref))
    return out
