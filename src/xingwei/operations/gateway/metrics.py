"""The gateway's numbers in Prometheus' text format. No patient, no content: channel codes and counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from .models import Alert, Breaker, Channel, Gauge, Process, SpaceSample
from .queries.volumes import latest_queues, totals_for_metrics

_STATES = ("closed", "open", "half_open", "cut")
_GAUGES = (
    ("rate_1m", "Messages a second, last minute"), ("waiting", "Messages waiting"), ("oldest_s", "Age of the oldest"),
    ("uncertain", "Outcomes that nobody knows"), ("dead", "Dead letters"), ("connections", "Open connections"),
    ("latency_p95_ms", "95th percentile of the other side's answer"),
)  # fmt: skip


class _Collector:
    def collect(self) -> Iterator[Metric]:
        codes = dict(Channel.objects.values_list("pk", "code"))
        yield from _counters(codes)
        yield from _gauges(codes)
        state = GaugeMetricFamily("xingwei_gateway_breaker", "1 for the present state", labels=["channel", "state"])
        for row in Breaker.objects.all():
            for name in _STATES:
                state.add_metric([codes.get(row.channel_id, "?"), name], 1.0 if row.state == name else 0.0)
        yield state
        firing = GaugeMetricFamily("xingwei_gateway_alerts", "Troubles with a case", labels=["kind"])
        for kind in Alert.objects.filter(state__in=["firing", "ending"]).values_list("kind", flat=True).distinct():
            firing.add_metric([kind], Alert.objects.filter(state__in=["firing", "ending"], kind=kind).count())
        yield firing
        yield from _house()


def _counters(codes: dict[int, str]) -> Iterator[Metric]:
    labels = ["channel", "stage", "code"]
    count = CounterMetricFamily("xingwei_gateway_messages", "Messages, deliveries, failed attempts", labels=labels)
    size = CounterMetricFamily("xingwei_gateway_bytes", "Bytes of them", labels=labels)
    for row in totals_for_metrics():
        where = [codes.get(row["channel_id"], "?"), row["stage"], row["code"]]
        count.add_metric(where, row["count_"])
        size.add_metric(where, row["bytes_"])
    yield count
    yield size


def _gauges(codes: dict[int, str]) -> Iterator[Metric]:
    rows: list[Any] = list(Gauge.objects.all())
    queues = latest_queues()
    for name, words in _GAUGES:
        family = GaugeMetricFamily(f"xingwei_gateway_{name}", words, labels=["channel"])
        for row in rows:
            value = row.values.get(name)
            if isinstance(value, (int, float)):
                family.add_metric([codes.get(row.channel_id, "?")], float(value))
        known = {r.channel_id for r in rows}
        for pk, queue in queues.items():
            if pk not in known and name in {"waiting", "oldest_s", "uncertain", "dead"}:
                family.add_metric([codes.get(pk, "?")], float(getattr(queue, name)))
        yield family


def _house() -> Iterator[Metric]:
    seen = Process.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    if seen is not None:
        age = (timezone.now() - seen).total_seconds()
        yield GaugeMetricFamily("xingwei_gateway_heartbeat_age_seconds", "Since a process was last seen", value=age)
    space = SpaceSample.objects.order_by("-day").first()
    if space is not None:
        yield GaugeMetricFamily(
            "xingwei_gateway_traffic_bytes", "Tables of the message path", value=space.traffic_bytes
        )
        if space.disk_free is not None:
            yield GaugeMetricFamily("xingwei_disk_free_bytes", "Free on the disk of the data", value=space.disk_free)


def text() -> bytes:
    """Everything, as Prometheus scrapes it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector())
    return generate_latest(registry)
