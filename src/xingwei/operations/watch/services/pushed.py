"""What a host's agent pushed: the same reading as the agentless look, judged by the same limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from ..engine.judging import Limit, Looked, Memory, judge
from ..models import Probe, ProbeChange, ProbeState, Series
from ..probes.base import UP, kind
from ..probes.host import reading
from .base import WatchRefused

LONGEST_JOURNEY_S = 30.0


def take(probe: Probe, document: Mapping[str, Any]) -> int:
    """How many signals were taken. Raises WatchRefused for what is no answer of the agent."""
    now = timezone.now()
    memory: dict[str, Any] = cache.get(f"watch:pushed:{probe.pk}") or {}
    sent = float(document["time"])
    values = reading.read(
        str(document["proc"])[:60_000], memory, now=now.timestamp() if sent else None,
        mounts=(probe.settings or {}).get("mounts"),
    )  # fmt: skip
    if not values:
        raise WatchRefused("读不懂：应是代理程序 agent.py 收集的内容。")
    cache.set(f"watch:pushed:{probe.pk}", memory, 3600)
    _keep(probe, values, now)
    return len(values)


def _keep(probe: Probe, values: Mapping[str, float], now: dt.datetime) -> None:
    found = kind(probe.kind)
    own = [Limit.of(x) for x in probe.limits]
    given = {x.signal for x in own}
    limits = [*own, *(x for x in found.limits if x.signal not in given)]
    titles = {s.name: (s.title, s.unit) for s in found.signals}
    with transaction.atomic():
        row = ProbeState.objects.select_for_update().filter(probe=probe).first()
        memory = Memory(row.state if row else "ok")  # type: ignore[arg-type]
        memory.levels = {x.signal: memory.state for x in limits if memory.state != "ok"}
        # how long a limit has been passed is not kept between two pushes: the probe's own state says since when
        lasting = [Limit(x.signal, x.warn, x.down, x.below) for x in limits if x.for_s <= probe.every_s or row]
        judged = judge(
            Looked(True, reading.said(dict(values)), values), lasting, memory, at=now.timestamp(), titles=titles
        )
        changed = row is None or row.state != judged.state
        if changed and row is not None:
            ProbeChange.objects.create(
                probe=probe, at=now, before=row.state, after=judged.state, said=judged.said[:300]
            )
        ProbeState.objects.update_or_create(
            probe=probe,
            defaults={
                "at": now, "state": judged.state, "since": now if changed or row is None else row.since, "ok": True,
                "said": judged.said[:300], "ms": None, "values": dict(values), "odd": {},
            },
        )  # fmt: skip
        _samples(probe, {UP.name: 1.0, **values}, now)


def _samples(probe: Probe, values: Mapping[str, float], now: dt.datetime) -> None:
    found = kind(probe.kind)
    known = dict(Series.objects.filter(probe=probe).values_list("signal", "pk"))
    for name in values:
        if name not in known:
            signal = UP if name == UP.name else found.signal(name)
            row, _ = Series.objects.get_or_create(
                key=f"{probe.code}/{name}", defaults={"probe": probe, "node": probe.node, "signal": name,
                                                      "title": signal.title, "unit": signal.unit, "worse": signal.worse},
            )  # fmt: skip
            known[name] = row.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO watch_sample (series_id, at, value) SELECT s, %s, v FROM unnest(%s::int4[], %s::float8[]) AS n (s, v)",
            [now, [known[k] for k in values], list(values.values())],
        )
