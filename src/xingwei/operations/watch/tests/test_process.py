"""The watching process from outside: real sockets, real database."""

from __future__ import annotations

import datetime as dt
import http.server
import threading
from collections.abc import Iterator

import pytest
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import Component, System
from xingwei.base.policy.engine import system_actor
from xingwei.operations.watch import queries
from xingwei.operations.watch.models import Blind, Lease, Probe, ProbeChange, ProbeState, Process, Series
from xingwei.operations.watch.services import measurements, probes

from .living import watch

pytestmark = pytest.mark.django_db(transaction=True)


class Answer(http.server.BaseHTTPRequestHandler):
    status, body = 200, b'{"ok": true, "queue": 3}'

    def do_GET(self) -> None:
        self.send_response(type(self).status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(type(self).body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[tuple[int, type[Answer]]]:
    handler = type("Here", (Answer,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def his() -> Component:
    system = System.objects.create(code="HIS", name="HIS 系统", short_name="HIS")
    made = Component.objects.create(code="HIS-APP", name="HIS 应用", kind="application", system=system)
    estate.forget()
    return made


def add(code: str, kind: str, **values: object) -> Probe:
    base = {"name": code, "kind": kind, "node": "component:HIS-APP", "every_s": 2, "timeout_s": 1}
    return probes.save(system_actor("test"), code, base | values)


def test_a_probe_runs_and_its_numbers_are_stored(his: Component, site: tuple[int, type[Answer]]) -> None:
    measurements.make_partitions()
    add("p-http", "http", settings={"url": f"http://127.0.0.1:{site[0]}/", "expect": {"json": {"ok": True}}})
    add("p-tcp", "tcp", settings={"host": "127.0.0.1", "port": site[0]})
    began = timezone.now()

    watch(lambda: ProbeState.objects.count() == 2 and Series.objects.filter(signal="ms").count() == 2)

    state = ProbeState.objects.get(probe__code="p-http")
    assert (state.state, state.ok) == ("ok", True)
    assert "200" in state.said
    assert state.ms > 0
    found = queries.series.tracks(["p-http/ms", "p-tcp/up"], began, timezone.now() + dt.timedelta(seconds=1))
    assert found["p-http/ms"].values[0] == pytest.approx(state.ms, abs=1e-3) or len(found["p-http/ms"].values) > 1
    assert found["p-tcp/up"].values[0] == 1.0
    assert found["p-tcp/up"].node == "component:HIS-APP"
    asked = queries.series.window(["p-http/ms", "p-tcp/up"], began, timezone.now() + dt.timedelta(seconds=1))
    assert (asked["p-http/ms"].signal, asked["p-tcp/up"].signal) == ("app.rt", "app.up")
    assert asked["p-http/ms"].values[0] == pytest.approx(found["p-http/ms"].values[0] / 1000)
    assert queries.graph().nodes["component:HIS-APP"].label == "HIS 应用"


def test_a_failure_counts_when_it_came_twice_and_is_over_when_it_is_over(
    his: Component, site: tuple[int, type[Answer]]
) -> None:
    port, handler = site
    handler.status = 503
    add("p", "http", settings={"url": f"http://127.0.0.1:{port}/"})
    watch(lambda: ProbeState.objects.filter(state="down").exists())
    assert ProbeState.objects.get().said == "应答状态是 503"

    handler.status = 200
    watch(lambda: ProbeState.objects.filter(state="ok").exists())
    assert list(ProbeChange.objects.order_by("at").values_list("before", "after")) == [("ok", "down"), ("down", "ok")]


def test_whoever_comes_back_says_since_when_nobody_watched(his: Component) -> None:
    gone = timezone.now() - dt.timedelta(minutes=7)
    Process.objects.create(name="t-1", host="h", pid=1, started_at=gone, seen_at=gone)

    watch(Blind.objects.exists)

    blind = Blind.objects.get()
    assert abs(blind.since - gone) < dt.timedelta(seconds=1)
    assert timezone.now() - blind.until < dt.timedelta(seconds=20)
    assert blind.why == "没有监测进程在运行"


def test_a_probe_that_is_paused_looks_no_more_and_shares_are_given_back(
    his: Component, site: tuple[int, type[Answer]]
) -> None:
    probe = add("p", "tcp", settings={"host": "127.0.0.1", "port": site[0]})
    probes.switch(system_actor("test"), probe, active=False, reason="换设备")

    watcher = watch(lambda: Lease.objects.exclude(process=None).count() == 64)

    assert watcher.done == 0
    assert not Lease.objects.exclude(process=None).exists()
