"""The clocks of a case: a pure function of (events, terms, calendar). Nothing here remembers anything.

A clock has runs. A run starts and stops at events; its deadline is counted either by the wall (around the clock) or
in working time. Pauses are read from the events and lengthen the deadline in the run's own measure, so that a pause
over a weekend costs a workday clock nothing. What a later event changes (level, agreement, pause) is applied to the
same start: no change loses a pause, and raising a level can make a deadline nearer, never already missed.
Clauses 9.2a, 9.2b.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal

from xingwei.base.calendar.engine import CalendarError, WorkCalendar
from xingwei.service.contract.engine.model import Arrival

SOON = dt.timedelta(hours=1)
Measure = Literal["wall", "work"]
_at = attrgetter("at")
ClockState = Literal["ok", "soon", "late", "pause", "done", "unknown"]
_ENDS_A_WAIT = frozenset({"resumed", "resolved", "answered", "reopened", "closed", "confirmed", "merged"})
_GRADES = frozenset({"opened", "graded"})


class ClockError(ValueError):
    """clocks.yaml contradicts itself; the message names the place."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. data: severity, waiting, until, state, it_first – as CaseEvent.data holds them."""

    at: dt.datetime
    type: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """How long: a fixed duration by the wall, workdays, a term of the contract, or a moment that the event names."""

    wall: dt.timedelta | None = None
    workdays: int = 0
    contract: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of clock, as data/clocks.yaml describes it."""

    key: str
    label: str
    basis: str
    side: str
    span: Span
    starts: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()
    renews: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()
    during: frozenset[str] = frozenset()
    pauses: frozenset[str] = frozenset()
    severities: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """What the contract says of response and arrival (contract.engine.service.ServicePolicy, as far as needed)."""

    version: str
    response: dt.timedelta
    arrive: Mapping[int, Arrival]
    arrival_clock: str = "round_the_clock"
    workday: str = "same_time"
    response_around_the_clock: bool = True


@dataclass(frozen=True, slots=True)
class Clock:
    """One run. due is None while it cannot be told (paused, or trouble says why). left: what a paused run had left."""

    key: str
    label: str
    side: str
    basis: str
    started: dt.datetime
    due: dt.datetime | None
    measure: Measure
    stopped: dt.datetime | None = None
    paused: dt.datetime | None = None
    left: dt.timedelta | None = None
    provisional: bool = False
    trouble: str = ""

    @property
    def running(self) -> bool:
        return self.stopped is None and self.paused is None and self.due is not None

    def missed(self, now: dt.datetime) -> bool:
        """Whether the deadline passed before the run stopped; exactly at the deadline is in time."""
        return self.due is not None and self.due < (self.stopped or now)

    def state(self, now: dt.datetime) -> ClockState:
        if self.stopped is not None:
            return "done"
        if self.paused is not None:
            return "pause"
        if self.due is None:
            return "unknown"
        if self.due < now:
            return "late"
        return "soon" if self.due - now <= SOON else "ok"


@dataclass(frozen=True, slots=True)
class _Run:
    start: dt.datetime
    stop: dt.datetime | None
    until: str | None


@dataclass(frozen=True, slots=True)
class _Pause:
    start: dt.datetime
    stop: dt.datetime | None
    whom: str


@dataclass(frozen=True, slots=True)
class _Story:
    """The events by time, and what every rule needs of them."""

    events: Sequence[Event]
    pauses: Sequence[_Pause]
    grades: Sequence[tuple[dt.datetime, int]]
    agreements: Sequence[tuple[dt.datetime, dt.datetime]]
    terms: Terms
    calendar: WorkCalendar

    @property
    def level(self) -> int:
        return self.grades[-1][1] if self.grades else 0


def compute(rules: Iterable[Rule], events: Iterable[Event], terms: Terms, calendar: WorkCalendar) -> list[Clock]:
    """Every run of every rule, in the order of the rules, runs by start. The order of equal times is kept."""
    ordered = sorted(events, key=_at)
    story = _Story(ordered, _pauses(ordered), _grades(ordered), _agreements(ordered), terms, calendar)
    level, happened = story.level, {e.type for e in ordered}
    return [
        _clock(rule, run, story)
        for rule in rules
        if (not rule.severities or level in rule.severities)
        and (rule.during or not (happened.isdisjoint(rule.starts) and happened.isdisjoint(rule.renews)))
        for run in (_stays(rule, ordered) if rule.during else _runs(rule, ordered))
    ]


def remind_at(clock: Clock, calendar: WorkCalendar, ahead: dt.timedelta = SOON) -> dt.datetime | None:
    """When to warn before the deadline, in the clock's own measure: never at midnight for a workday's clock."""
    if clock.due is None:
        return None
    if clock.measure == "wall":
        return max(clock.due - ahead, clock.started)
    try:
        return max(calendar.back(clock.due, ahead), clock.started)
    except CalendarError:
        return clock.started


def load(data: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, tuple[Rule, ...]]:
    """Kind → its rules, from the parsed clocks.yaml. settings: values of spans that name one (hours)."""
    general = data["clocks"]
    out = {}
    for kind, chosen in data["kinds"].items():
        rules = []
        for key, override in chosen.items():
            if key not in general:
                raise ClockError(f"kinds.{kind}：没有时钟 {key}")
            rules.append(_rule(key, general[key], override, settings))
        out[kind] = tuple(rules)
    return out


def _rule(key: str, raw: Mapping[str, Any], override: Any, settings: Mapping[str, Any]) -> Rule:
    return Rule(
        key=key,
        label=raw["label"],
        basis=raw["basis"],
        side=raw["side"],
        span=_span(key, override or raw["span"], settings),
        **{
            name: frozenset(raw.get(name, ()))
            for name in ("starts", "again", "renews", "stops", "during", "pauses", "severities")
        },
    )


def _span(key: str, raw: Mapping[str, Any], settings: Mapping[str, Any]) -> Span:
    (name, value), *more = raw.items()
    if more:
        raise ClockError(f"clocks.{key}.span：只能写一项")
    if name == "setting":
        return Span(wall=dt.timedelta(hours=float(settings[value])))
    if name in {"minutes", "hours"}:
        return Span(wall=dt.timedelta(**{name: float(value)}))
    if name == "workdays":
        return Span(workdays=int(value))
    if name == "contract" and value in {"response", "arrival"}:
        return Span(contract=value)
    if name == "event":
        return Span(event=value)
    raise ClockError(f"clocks.{key}.span：不认识 {name}: {value}")


def _runs(rule: Rule, events: Sequence[Event]) -> list[_Run]:
    """starts: the first run only. again: closes a run and begins the next. renews: begins one whatever was before."""
    runs: list[_Run] = []
    begun: tuple[dt.datetime, str | None] | None = None
    ever = False
    for event in events:
        first = event.type in rule.starts and not ever and not (event.type == "opened" and event.data.get("it_first"))
        next_one = event.type in rule.renews or (begun is not None and event.type in rule.again)
        if begun is not None and (next_one or event.type in rule.stops):
            runs.append(_Run(begun[0], event.at, begun[1]))
            begun = None
        if first or next_one:
            begun, ever = (event.at, event.data.get(rule.span.event)), True
    if begun is not None:
        runs.append(_Run(begun[0], None, begun[1]))
    return runs


def _stays(rule: Rule, events: Sequence[Event]) -> list[_Run]:
    """The times that the case spent in the rule's states, cut where `again` asks for the next run."""
    runs: list[_Run] = []
    since: dt.datetime | None = None
    for event in events:
        state = event.data.get("state")
        stays = state in rule.during if state is not None else since is not None
        if since is not None and (not stays or event.type in rule.again):
            runs.append(_Run(since, event.at, None))
            since = None
        if stays and since is None:
            since = event.at
    if since is not None:
        runs.append(_Run(since, None, None))
    return runs


def _agreements(events: Sequence[Event]) -> list[tuple[dt.datetime, dt.datetime]]:
    return [
        (e.at, dt.datetime.fromisoformat(str(e.data["until"])))
        for e in events
        if e.type == "agreed" and e.data.get("until")
    ]


def _pauses(events: Sequence[Event]) -> list[_Pause]:
    """Every wait for somebody else: from its event to the next one that is no wait for the same party."""
    pauses: list[_Pause] = []
    since: dt.datetime | None = None
    whom = ""
    for event in events:
        if event.type == "paused":
            if since is not None:
                pauses.append(_Pause(since, event.at, whom))
            since, whom = event.at, str(event.data.get("waiting", ""))
        elif since is not None and event.type in _ENDS_A_WAIT:
            pauses.append(_Pause(since, event.at, whom))
            since = None
    if since is not None:
        pauses.append(_Pause(since, None, whom))
    return pauses


def _grades(events: Sequence[Event]) -> list[tuple[dt.datetime, int]]:
    grades: list[tuple[dt.datetime, int]] = []
    for event in events:
        level = event.data.get("severity")
        if level is not None and event.type in _GRADES and (not grades or grades[-1][1] != level):
            grades.append((event.at, int(level)))
    return grades


def _clock(rule: Rule, run: _Run, story: _Story) -> Clock:
    calendar = story.calendar
    try:
        due, measure = _due(rule, run, story)
        due, paused = _pushed(due, run, [p for p in story.pauses if p.whom in rule.pauses], measure, calendar)
    except CalendarError as error:
        return Clock(rule.key, rule.label, rule.side, rule.basis, run.start, None, "work", run.stop, trouble=str(error))
    left = None
    if paused is not None:
        left = calendar.between(paused, due) if measure == "work" else due - paused
    return Clock(
        key=rule.key,
        label=rule.label,
        side=rule.side,
        basis=rule.basis,
        started=run.start,
        due=due if paused is None else None,
        measure=measure,
        stopped=run.stop,
        paused=paused,
        left=left,
        provisional=measure == "work" and calendar.provisional(run.start.date(), due.date()),
    )


def _due(rule: Rule, run: _Run, story: _Story) -> tuple[dt.datetime, Measure]:
    """The deadline before any pause."""
    span, terms = rule.span, story.terms
    if span.event:
        return dt.datetime.fromisoformat(str(run.until)), "wall"
    if span.wall is not None:
        return run.start + span.wall, "wall"
    if span.workdays:
        return _workdays(run.start, span.workdays, terms.workday, story.calendar), "work"
    if span.contract == "arrival":
        return _arrival(run, story)
    if terms.response_around_the_clock:
        return run.start + terms.response, "wall"
    return story.calendar.add(run.start, terms.response), "work"


def _arrival(run: _Run, story: _Story) -> tuple[dt.datetime, Measure]:
    """Lowering a level counts from the start; raising it counts from when it was raised, and never lengthens.

    Where the level's terms allow an agreement, the last one made in time takes the place of the deadline: an
    agreement after the deadline cures nothing.
    """
    terms, calendar = story.terms, story.calendar
    due: dt.datetime | None = None
    measure: Measure = "wall"
    before = 0
    for at, level in story.grades:
        if level not in terms.arrive or (run.stop is not None and at > run.stop):
            continue
        raised = due is not None and level < before
        start = max(at, run.start) if raised else run.start
        own, own_measure = _allowed(start, terms.arrive[level], terms, calendar)
        if not (raised and due is not None and due < own):
            due, measure = own, own_measure
        before = level
    if due is None:
        raise CalendarError("没有定级，到场时限算不出来")
    if terms.arrive[before].or_by_agreement:
        for at, until in story.agreements:
            if run.start <= at <= due:
                due, measure = until, "wall"
    return due, measure


def _allowed(start: dt.datetime, allowed: Arrival, terms: Terms, calendar: WorkCalendar) -> tuple[dt.datetime, Measure]:
    if allowed.hours is None:
        return _workdays(start, allowed.workdays or 1, terms.workday, calendar), "work"
    if terms.arrival_clock == "working_hours":
        return calendar.add(start, allowed.hours), "work"
    return start + allowed.hours, "wall"


def _workdays(start: dt.datetime, days: int, reading: str, calendar: WorkCalendar) -> dt.datetime:
    """n workdays after the start: at the same time of day, counted from the next working moment where the start
    lies outside working time; or at the close of the n-th workday after the day of the start."""
    if reading == "close_of_day":
        date = start.astimezone(calendar.zone).date()
        return calendar.close_of(calendar.workday_after(date, days))
    effective = calendar.working_start(start).astimezone(calendar.zone)
    date = calendar.workday_after(effective.date(), days)
    return dt.datetime.combine(date, effective.time(), calendar.zone)


def _pushed(
    due: dt.datetime, run: _Run, pauses: Sequence[_Pause], measure: Measure, calendar: WorkCalendar
) -> tuple[dt.datetime, dt.datetime | None]:
    """The deadline with every pause of the run added in its measure, and since when the run is paused now."""
    for pause in pauses:
        begin = max(pause.start, run.start)
        end = pause.stop if run.stop is None else min(pause.stop or run.stop, run.stop)
        if begin >= due or (end is not None and end <= begin):
            continue
        if end is None:
            return due, begin
        due = calendar.add(due, calendar.between(begin, end)) if measure == "work" else due + (end - begin)
    return due, None
