"""How everything is now: probes, what is stale, whether anybody watches, what is under maintenance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Max
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import ServiceWindow
from xingwei.base.ui.words import CHINA

from ..models import Blind, MaintenanceWindow, Probe, Process

BLIND_S = 15.0


@dataclass(frozen=True, slots=True)
class Eyes:
    """Whether anybody watches. since: of the last sign of life where nobody does (None: there never was one)."""

    alive: bool
    since: dt.datetime | None
    processes: int = 0
    rate: float = 0.0


def eyes(now: dt.datetime | None = None) -> Eyes:
    at = now or timezone.now()
    last = Process.objects.aggregate(at=Max("seen_at"))["at"]
    if last is None or (at - last).total_seconds() > BLIND_S:
        return Eyes(False, last)
    living = [p for p in Process.objects.all() if (at - p.seen_at).total_seconds() <= BLIND_S]
    return Eyes(True, None, len(living), sum(p.rate for p in living))


@dataclass(frozen=True, slots=True)
class Look:
    """A probe and how it is. state: ok, odd, warn, down, or stale (no result for too long), off (paused)."""

    probe: Probe
    state: str
    at: dt.datetime | None
    since: dt.datetime | None
    said: str
    ms: float | None

    @property
    def bad(self) -> bool:
        return self.state in {"down", "warn", "odd"}


def look(probe: Probe, now: dt.datetime) -> Look:
    """The probe's `now` row must be loaded (select_related)."""
    row = getattr(probe, "now", None)
    if not probe.active:
        return Look(probe, "off", row.at if row else None, None, "停用", None)
    if row is None:
        return Look(probe, "stale", None, None, "还没有结果", None)
    if (now - row.at).total_seconds() > stale_after(probe):
        return Look(probe, "stale", row.at, row.at, f"{timezone.localtime(row.at):%m-%d %H:%M:%S} 后没有结果", None)
    state, said = row.state, row.said
    if state == "ok" and row.odd and row.ok:
        state, said = "odd", _odd(row.odd, row.values, said)
    return Look(probe, state, row.at, row.since, said, row.ms)


def stale_after(probe: Probe) -> float:
    """After how many seconds without a result nothing is known any more."""
    return max(3 * probe.every_s, 20) + probe.timeout_s


def looks(probes: Iterable[Probe] | None = None, now: dt.datetime | None = None) -> list[Look]:
    at = now or timezone.now()
    rows = Probe.objects.select_related("now", "system", "function").order_by("code") if probes is None else probes
    return [look(p, at) for p in rows]


def _odd(odd: dict[str, float], values: dict[str, float], said: str) -> str:
    names = "、".join("用时" if k == "ms" else k for k in odd)
    times = max((abs(z) for z in odd.values()), default=0)
    return f"{names}偏离同一时段的平常（{times:.0f} 倍离散）；{said}"[:300]


# Maintenance


def windows(since: dt.datetime, until: dt.datetime) -> list[MaintenanceWindow]:
    """Those that were not cancelled and touch the stretch."""
    return list(MaintenanceWindow.objects.filter(since__lt=until, until__gt=since, cancelled_at=None).order_by("since"))


def covers(nodes: Iterable[str], key: str, system: str, needs: Iterable[str] = ()) -> bool:
    """Whether a window of these nodes covers the node: itself, its system, everything, or what it needs."""
    wanted = set(nodes)
    return (
        "*" in wanted or key in wanted or (bool(system) and f"system:{system}" in wanted) or bool(wanted & set(needs))
    )


def under_maintenance(key: str, system: str, now: dt.datetime) -> MaintenanceWindow | None:
    """The announced window that covers the node now."""
    needs = estate.graph().upstream(key) if key else {}
    return next((w for w in windows(now, now + dt.timedelta(seconds=1)) if covers(w.nodes, key, system, needs)), None)


class Maintenance:
    """Announced windows and the systems' regular ones (estate) of a stretch, read once for many nodes."""

    def __init__(self, since: dt.datetime, until: dt.datetime) -> None:
        self._since, self._until = since, until
        self._windows = windows(since, until)
        self._regular: dict[str, list[tuple[dt.datetime, dt.datetime]]] = {}
        for row in ServiceWindow.objects.filter(kind=ServiceWindow.Kind.MAINTENANCE).select_related("system"):
            self._regular.setdefault(row.system.code, []).extend(_regular(row, since, until))

    def of(self, key: str, system: str) -> list[tuple[dt.datetime, dt.datetime]]:
        needs = estate.graph().upstream(key) if self._windows and key else {}
        found = [(w.since, w.until) for w in self._windows if covers(w.nodes, key, system, needs)]
        return found + self._regular.get(system, [])


def _regular(window: ServiceWindow, since: dt.datetime, until: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    out = []
    day = since.astimezone(CHINA).date() - dt.timedelta(days=1)
    while day <= until.astimezone(CHINA).date():
        if str(day.isoweekday()) in window.weekdays:
            start = dt.datetime.combine(day, window.start, tzinfo=CHINA)
            end = dt.datetime.combine(day, window.end, tzinfo=CHINA)
            out.append((start, end if end > start else end + dt.timedelta(days=1)))
        day += dt.timedelta(days=1)
    return out


def blind(since: dt.datetime, until: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    """When nobody watched, the running pause included."""
    found = list(Blind.objects.filter(since__lt=until, until__gt=since).values_list("since", "until"))
    now = timezone.now()
    seen = eyes(now)
    if not seen.alive and seen.since is not None and seen.since < until:
        found.append((seen.since, min(until, now)))
    return found
