"""How busy the hospital is from minute to minute, and who comes through its doors."""

from __future__ import annotations

import asyncio
from datetime import datetime

from simhospital.generate.plan import share_of_day

from . import cashdesk, points
from .hospital import Hospital
from .stays import inpatient
from .visits import outpatient
from .world import now

_URGENT = 0.06  # emergencies to outpatients
_ADMITTED = 0.04
_AT_ONCE = 400  # visits under way; more wait outside


def a_minute(visits_a_day: int, at: datetime) -> tuple[float, float]:
    """Outpatients and emergencies to be expected in this minute."""
    quiet = {5: 0.52, 6: 0.29}.get(at.weekday(), 1.0)
    return (
        visits_a_day * quiet * share_of_day("clinic", at.hour) / 60,
        visits_a_day * _URGENT * share_of_day("er", at.hour) / 60,
    )


async def arrivals(h: Hospital) -> None:
    """People come until cancelled."""
    while True:
        clinic, urgent = a_minute(h.settings.traffic.visits_a_day, now())
        rate = max(h.settings.traffic.least_a_minute, clinic + urgent)
        if rush := points.active("rush"):
            points.did(rush, rate=rate)
            rate *= float(rush.get("factor", 5))
        if rate <= 0:
            await asyncio.sleep(5)
            continue
        await asyncio.sleep(min(60.0, h.world.chance.expovariate(rate / 60)))
        if points.active("system-down", "his"):
            continue
        if len(h.tasks) > _AT_ONCE:
            h.count("turned away")
            continue
        emergency = h.world.chance.random() < (urgent / (clinic + urgent) if clinic + urgent else 1)
        h.keep(outpatient(h, urgent=emergency))
        if h.world.chance.random() < _ADMITTED:
            h.keep(inpatient(h))


async def enquiries(h: Hospital) -> None:
    """Every minute: ask the insurer about settlements whose outcome is not known."""
    while True:
        await asyncio.sleep(60)
        for outcome in await h.insurance.clear_up():
            h.count(f"cleared up {outcome.state}")
            await cashdesk.cleared(h, outcome)
