"""The watch's numbers in Prometheus' text format: codes and states, no addresses, no people."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from .models import Trouble
from .queries import states, status

_STATES = ("ok", "odd", "warn", "down", "stale")


class _Collector:
    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        eyes = states.eyes(now)
        yield GaugeMetricFamily("xingwei_watch_alive", "1 where a watching process lives", value=float(eyes.alive))
        yield GaugeMetricFamily("xingwei_watch_probes_per_minute", "Looks a minute", value=eyes.rate)
        state = GaugeMetricFamily("xingwei_watch_probe", "1 for the present state", labels=["probe", "state"])
        took = GaugeMetricFamily("xingwei_watch_probe_ms", "Duration of the last look", labels=["probe"])
        for look in states.looks(now=now):
            for name in _STATES:
                state.add_metric([look.probe.code, name], float(look.state == name))
            if look.ms is not None:
                took.add_metric([look.probe.code], look.ms)
        yield state
        yield took
        up = GaugeMetricFamily(
            "xingwei_watch_function_up", "1 up or slow, 0 down; absent where nobody knows", labels=["function"]
        )
        for row in status.functions_now(now, eyes):
            if row.state in {"up", "slow", "down"}:
                up.add_metric([row.watch.function.code], float(row.state != "down"))
        yield up
        firing = Trouble.objects.filter(state__in=["firing", "ending"])
        yield GaugeMetricFamily("xingwei_watch_troubles", "Troubles that last", value=firing.count())


def text() -> bytes:
    """Everything, as Prometheus scrapes it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector())
    return generate_latest(registry)
