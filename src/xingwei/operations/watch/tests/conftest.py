from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import BusinessFunction, Component, Dependency, System
from xingwei.base.policy.engine import system_actor
from xingwei.operations.watch import boards
from xingwei.operations.watch.models import FunctionWatch, Probe, ProbeState, Process
from xingwei.operations.watch.queries import wall
from xingwei.operations.watch.services import probes


@pytest.fixture(autouse=True)
def _fresh() -> None:
    boards.forget()
    wall.forget()


@pytest.fixture
def house(db: None) -> dict[str, Any]:
    """HIS: 收费 needs the application, which needs the database, which runs on a host."""
    system = System.objects.create(code="HIS", name="HIS 系统", short_name="HIS")
    for code, kind, name in (
        ("HIS-APP", "application", "HIS 应用"),
        ("HIS-DB", "database", "HIS 数据库"),
        ("HOST-DB", "host", "数据库主机"),
    ):
        Component.objects.create(code=code, name=name, kind=kind, system=system)
    charge = BusinessFunction.objects.create(code="his-charge", name="收费", system=system, window=True)
    for source, target, kind in (
        ("function:his-charge", "component:HIS-APP", "serves"),
        ("component:HIS-APP", "component:HIS-DB", "stores_in"),
        ("component:HIS-DB", "component:HOST-DB", "runs_on"),
    ):
        Dependency.objects.create(source=source, target=target, kind=kind)
    FunctionWatch.objects.create(function=charge, short="收费", order=1, severity=1)
    estate.forget()
    return {"system": system, "charge": charge}


@pytest.fixture
def probe(house: dict[str, Any]) -> Callable[..., Probe]:
    def made(code: str, node: str, kind: str = "tcp", **values: Any) -> Probe:
        settings = values.pop("settings", {"host": "127.0.0.1", "port": 9})
        base = {"name": code, "kind": kind, "node": node, "every_s": 30, "timeout_s": 3, "settings": settings}
        return probes.save(system_actor("test"), code, base | values)

    return made


@pytest.fixture
def says() -> Callable[..., None]:
    """Let a probe have said something, as its process would write it; and let a process live."""

    def say(
        probe: Probe,
        state: str,
        *,
        at: dt.datetime | None = None,
        since: dt.datetime | None = None,
        said: str = "",
        **more: Any,
    ) -> None:
        now = at or timezone.now()
        Process.objects.update_or_create(
            name="t",
            defaults={"host": "h", "pid": 1, "started_at": now, "seen_at": at or now + dt.timedelta(minutes=5)},
        )
        ProbeState.objects.update_or_create(
            probe=probe,
            defaults={"at": now, "state": state, "since": since or now, "ok": state != "down", "said": said, "ms": 12.0}
            | more,
        )

    return say
