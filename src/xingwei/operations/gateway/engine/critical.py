"""Which results are critical, and how long nurse and doctor have. Pure.

A result is critical by its flag (HH, LL …) or by its number against the hospital's own limits. A number in another
unit than the limit's is not judged: a wrong conversion would be worse than asking.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

_NUMBER = re.compile(r"^\s*[<>≤≥]?\s*=?\s*([+-]?\d+(?:\.\d+)?)\s*$")
ANY = "*"


@dataclass(frozen=True, slots=True)
class Observation:
    """One result as it came. flag: OBX-8, repetitions by ~."""

    code: str
    name: str
    value: str
    unit: str = ""
    range: str = ""
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A row of the hospital's list. code "*" is any item. sections: wards where it applies; empty for all."""

    code: str
    name: str
    aliases: frozenset[str] = frozenset()
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    flags: frozenset[str] = frozenset()
    sections: frozenset[str] = frozenset()


def judge(seen: Observation, ward: str, limits: Iterable[Limit]) -> str | None:
    """Why it is critical, in Chinese; None where it is not."""
    flags = {f.strip().upper() for f in re.split(r"[~\s^]+", seen.flag) if f.strip()}
    number = _number(seen.value)
    for limit in limits:
        if limit.code not in (ANY, seen.code) and seen.code not in limit.aliases:
            continue
        if limit.sections and ward not in limit.sections:
            continue
        if found := sorted(flags & limit.flags):
            return f"标志 {found[0]}"
        if number is None or not _same_unit(seen.unit, limit.unit):
            continue
        if limit.low is not None and number <= limit.low:
            return f"低于等于 {limit.low.normalize():f} {limit.unit}".strip()
        if limit.high is not None and number >= limit.high:
            return f"高于等于 {limit.high.normalize():f} {limit.unit}".strip()
    return None


def _number(text: str) -> Decimal | None:
    if (found := _NUMBER.match(text)) is None:
        return None
    try:
        return Decimal(found[1])
    except InvalidOperation:
        return None


def _same_unit(seen: str, wanted: str) -> bool:
    def plain(text: str) -> str:
        return text.casefold().replace("µ", "u").replace("μ", "u").replace("×", "").replace("*", "").replace(" ", "")

    return not seen or not wanted or plain(seen) == plain(wanted)


Step = Literal["nurse", "doctor", "done", "withdrawn"]
Tone = Literal["ok", "soon", "late", "done"]


@dataclass(frozen=True, slots=True)
class Clock:
    """What is to be done next, by when, and whether a deadline was missed."""

    step: Step
    due_at: dt.datetime | None
    tone: Tone
    nurse_late: bool
    doctor_late: bool


def clock(
    reported_at: dt.datetime,
    received_at: dt.datetime | None,
    handled_at: dt.datetime | None,
    now: dt.datetime,
    *,
    nurse: dt.timedelta,
    doctor: dt.timedelta,
    withdrawn: bool = False,
) -> Clock:
    """Both deadlines count from the report: a nurse who is late does not give the doctor more time."""  # fmt: skip
    nurse_due, doctor_due = reported_at + nurse, reported_at + doctor
    nurse_late = (received_at or handled_at or now) > nurse_due
    doctor_late = (handled_at or now) > doctor_due
    if withdrawn:
        return Clock("withdrawn", None, "done", False, False)
    if handled_at is not None:
        return Clock("done", None, "done", nurse_late, doctor_late)
    step: Step = "doctor" if received_at is not None else "nurse"
    due, whole = (doctor_due, doctor) if received_at is not None else (nurse_due, nurse)
    if now > due:
        tone: Tone = "late"
    else:
        tone = "soon" if due - now <= whole / 3 else "ok"
    return Clock(step, due, tone, nurse_late, (doctor_late and received_at is not None) or now > doctor_due)
