"""How busy the hospital is from minute to minute, and who comes through its doors."""

from __future__ import annotations

import asyncio
from datetime import datetime

from simhospital.generate import dictionaries
from simhospital.generate.plan import share_of_day

from . import messages, points
from .hospital import Hospital
from .visits import outpatient, say
from .world import Visit, now

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


async def inpatient(h: Hospital) -> None:
    """Admission, a change of data, a transfer now and then, discharge: what wards need to hear from the HIS."""
    at = now()
    number = h.book("his").number(f"stay {at:%y%m%d}")
    wards = [r["ksdm"] for r in dictionaries.rows("departments") if r["zy"] == "1" and r["kslb"] == "01"]
    doctor = h.world.doctor(h.world.chance.choice(wards))
    diagnosis = h.world.diagnosis()
    visit = Visit(
        number, f"Z{at:%y%m%d}{number:05d}", h.world.arrival(), doctor, False, at, diagnosis["icd"], diagnosis["name"],
        diagnosis["complaint"],
    )  # fmt: skip
    events = ["A01", "A08", *(["A02"] if h.world.chance.random() < 0.2 else []), "A08", "A03"]
    for event in events:
        place = f"{doctor.department_name}^{1 + number % 20:02d}^{1 + number % 3}"
        say(
            h, "his-adt", "HIS", f"ADT^{event}", visit,
            lambda head, e=event, p=place: messages.adt(e, head, visit.patient, p, doctor, visit.number, now(), diagnosis),
        )  # fmt: skip
        h.count(f"inpatient {event}")
        await h.wait(120)


async def enquiries(h: Hospital) -> None:
    """Every minute: ask the insurer about settlements whose outcome is not known."""
    while True:
        await asyncio.sleep(60)
        for outcome in await h.insurance.clear_up():
            h.count(f"cleared up {outcome.state}")
