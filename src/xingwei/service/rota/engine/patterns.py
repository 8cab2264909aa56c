"""From rules ("who, on which kind of day, from when to when, in what turn") to shifts, over the working calendar.

A day's shifts are those that begin on it. A shift may end on the next day ("17:30–08:00") or at "24:00"; "open" and
"close" stand for the hospital's own hours of the day on which they fall, summer and winter. Asia/Shanghai has no
summer time, so a shift is as long as its clock times say.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from xingwei.base.calendar.engine import DayKind, WorkCalendar

_DAY = dt.timedelta(days=1)
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_MONDAY = dt.date(2024, 1, 1)


class RotaError(ValueError):
    """A rule that cannot be read; the message is Chinese."""


class DutyKind(StrEnum):
    """ON_SITE and ON_CALL answer faults; SUPPORT stands behind them and fills no gap."""

    ON_SITE = "on_site"
    ON_CALL = "on_call"
    SUPPORT = "support"

    @property
    def label(self) -> str:
        return {"on_site": "驻场", "on_call": "听班", "support": "支撑"}[self.value]

    @property
    def answers(self) -> bool:
        return self is not DutyKind.SUPPORT


class Rotation(StrEnum):
    """ALL: everyone named, each time. TURN: the next in line at each shift. WEEKLY: the next every Monday."""

    ALL = "all"
    TURN = "turn"
    WEEKLY = "weekly"

    @property
    def label(self) -> str:
        return {"all": "每次都是全部人员", "turn": "每班轮换", "weekly": "每周轮换"}[self.value]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the pattern. people, stand_ins: ids, in order; weekdays: 0 Monday … 6, empty for any."""

    key: str
    label: str
    kind: DutyKind
    days: frozenset[DayKind]
    start: str
    end: str
    people: tuple[int, ...]
    rotation: Rotation = Rotation.ALL
    at_once: int = 1
    stand_ins: tuple[int, ...] = ()
    place: str = ""
    weekdays: frozenset[int] = frozenset()
    anchor: dt.date = _MONDAY
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None

    def __post_init__(self) -> None:
        check_time(self.start, end=False)
        check_time(self.end, end=True)
        if not self.people:
            raise RotaError(f"“{self.label}”没有人员，至少要有一人")
        if not self.days:
            raise RotaError(f"“{self.label}”没有选适用的日子")
        if len(set(self.people)) != len(self.people):
            raise RotaError(f"“{self.label}”里同一个人写了两次")
        if self.rotation is not Rotation.ALL and not 1 <= self.at_once <= len(self.people):
            raise RotaError(f"“{self.label}”每班 {self.at_once} 人，但轮换的只有 {len(self.people)} 人")

    def applies(self, day: dt.date, kind: DayKind) -> bool:
        return (
            kind in self.days
            and (not self.weekdays or day.weekday() in self.weekdays)
            and (self.valid_from is None or day >= self.valid_from)
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class Away:
    """A person who cannot take shifts between two moments (leave)."""

    person: int
    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One person on duty from start to end. instead_of: for whom they stand in. ref: the stored row, if any."""

    start: dt.datetime
    end: dt.datetime
    kind: DutyKind
    person: int
    label: str = field(default="", compare=False)
    place: str = field(default="", compare=False)
    rule: str = field(default="", compare=False)
    instead_of: int | None = field(default=None, compare=False)
    ref: int | None = field(default=None, compare=False)

    def overlaps(self, start: dt.datetime, end: dt.datetime) -> bool:
        return self.start < end and start < self.end

    def covers(self, at: dt.datetime) -> bool:
        return self.start <= at < self.end


def check_time(text: str, *, end: bool) -> None:
    """RotaError unless the text is HH:MM, "open" or "close"; 24:00 only as an end."""
    if text in ("open", "close"):
        return
    found = _TIME.fullmatch(text)
    if not found or (found[1] == "24" and (found[2] != "00" or not end)):
        raise RotaError(f"时间“{text[:12]}”不对，应写成 08:00，结束可写 24:00，或写 open、close 表示上班、下班时间")


def span(rule: Rule, day: dt.date, calendar: WorkCalendar) -> tuple[dt.datetime, dt.datetime]:
    """When the rule's shift of a day begins and ends; an end not after the start falls on the next day."""
    start = moment(day, rule.start, calendar)
    end = moment(day, rule.end, calendar)
    return start, end if end > start else moment(day + _DAY, rule.end, calendar)


def moment(day: dt.date, text: str, calendar: WorkCalendar) -> dt.datetime:
    """A rule's time on a day. "open" and "close" exist on days off too: the hours that the season would have."""
    if text in ("open", "close"):
        hours = calendar.hours.of(day)
        time = hours[0][0] if text == "open" else hours[-1][1]
        return dt.datetime.combine(day, time, calendar.zone)
    hour, minute = int(text[:2]), int(text[3:])
    whole_days, hour = divmod(hour, 24)
    return dt.datetime.combine(day + whole_days * _DAY, dt.time(hour, minute), calendar.zone)


def plan(
    rules: Iterable[Rule], calendar: WorkCalendar, first: dt.date, last: dt.date, away: Sequence[Away] = ()
) -> list[Slot]:
    """The shifts that begin between two days, both included, in order of time.

    Where someone is away, the next in line who is free stands in; where nobody is, the place stays empty and
    `coverage.gaps` says so.
    """
    slots: list[Slot] = []
    for rule in rules:
        for turn, day in _turns(rule, calendar, first, last):
            start, end = span(rule, day, calendar)
            slots += _fill(rule, turn, start, end, away, slots)
    return sorted(slots)


def split(slot: Slot, person: int, start: dt.datetime, end: dt.datetime) -> list[Slot]:
    """The slot with `person` on duty between two moments, and its own person before and after them."""
    start, end = max(start, slot.start), min(end, slot.end)
    if start >= end:
        raise RotaError("替班的时间不在这个班次之内")
    parts = [(slot.start, start, slot.person), (start, end, person), (end, slot.end, slot.person)]
    return [
        Slot(
            a, b, slot.kind, who, slot.label, slot.place, slot.rule,
            instead_of=slot.person if who != slot.person else slot.instead_of,
        )
        for a, b, who in parts
        if a < b
    ]  # fmt: skip


def _turns(rule: Rule, calendar: WorkCalendar, first: dt.date, last: dt.date) -> Iterator[tuple[int, dt.date]]:
    """The rule's days in the span with the number of the turn; a changed pattern never shifts the past."""
    for number, day in _counted(rule, calendar, first, last):
        if first <= day <= last:
            yield number, day


def _counted(rule: Rule, calendar: WorkCalendar, first: dt.date, last: dt.date) -> Iterator[tuple[int, dt.date]]:
    monday = rule.anchor - rule.anchor.weekday() * _DAY
    if rule.rotation is not Rotation.TURN:
        for day in _days(first, last):
            if rule.applies(day, calendar.day(day).kind):
                yield (day - monday).days // 7, day
        return
    if last >= rule.anchor:  # forward from the anchor
        number = 0
        for day in _days(rule.anchor, last):
            if rule.applies(day, calendar.day(day).kind):
                yield number, day
                number += 1
    if first < rule.anchor:  # and backward before it
        number = -1
        for day in reversed(list(_days(first, min(last, rule.anchor - _DAY)))):
            if rule.applies(day, calendar.day(day).kind):
                yield number, day
                number -= 1


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for n in range((last - first).days + 1):
        yield first + n * _DAY


def _fill(
    rule: Rule, turn: int, start: dt.datetime, end: dt.datetime, away: Sequence[Away], planned: Sequence[Slot]
) -> list[Slot]:
    people = rule.people
    if rule.rotation is Rotation.ALL:
        wanted, others = list(people), []
    else:
        line = [people[(turn + k) % len(people)] for k in range(len(people))]
        wanted, others = line[: rule.at_once], line[rule.at_once :]
    reserve = [*others, *rule.stand_ins]
    out: list[Slot] = []
    for person in wanted:
        instead_of = None
        if _is_away(person, start, end, away):
            taken = {s.person for s in out} | set(wanted)
            free = [
                p
                for p in reserve
                if p not in taken and not _is_away(p, start, end, away) and not _is_busy(p, start, end, planned)
            ]
            if not free:
                continue
            instead_of, person = person, free[0]  # noqa: PLW2901 - the loop's person is away
        out.append(Slot(start, end, rule.kind, person, rule.label, rule.place, rule.key, instead_of))
    return out


def _is_away(person: int, start: dt.datetime, end: dt.datetime, away: Sequence[Away]) -> bool:
    return any(a.person == person and a.start < end and start < a.end for a in away)


def _is_busy(person: int, start: dt.datetime, end: dt.datetime, planned: Sequence[Slot]) -> bool:
    return any(s.person == person and s.kind.answers and s.overlaps(start, end) for s in planned)
