"""Keeping a case's clocks: computed from its events, kept as an index on the row, recomputed at any time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import yaml
from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.calendar import queries as calendars
from xingwei.base.calendar.engine import WorkCalendar
from xingwei.base.site import queries as site
from xingwei.service.contract import queries as contracts

from ..engine.clocks import Clock, Event, Rule, Terms, compute, load, remind_at
from ..models import Case, CaseClocks
from ..models.case import ENDED, NEVER

FILE = Path(__file__).parents[1] / "data" / "clocks.yaml"
_PORTION = 2_000
_JUST_AFTER = dt.timedelta(seconds=1)  # exactly at the deadline is in time
_INDEX = ("clocks", "next_due_at", "next_due_clock", "next_remind_at", "clock_state")
_STAMPS = ("policy_version", "calendar_version")
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def refresh(row: Case) -> None:
    """Recompute from the events and write the index. Inside the act's transaction, after its event was said."""
    events = [
        Event(at, kind, data) for at, kind, data in row.events.order_by("at", "id").values_list("at", "type", "data")
    ]
    terms, calendar = terms_in_force(), calendars.current()
    index = index_of(row.kind, row.category, events, terms, calendar, timezone.now())
    late = index.pop("ever_late")
    row.timing = CaseClocks(
        case=row, policy_version=terms.version if terms else "", calendar_version=calendar.version, **index
    )
    CaseClocks.objects.bulk_create(
        [row.timing], update_conflicts=True, unique_fields=["case"], update_fields=[*_INDEX, *_STAMPS]
    )
    if late and not row.ever_late:
        row.ever_late = True
        Case.objects.filter(pk=row.pk).update(ever_late=True)


def recompute_open(*, progress: Callable[[int], None] | None = None) -> int:
    """Recompute every case that is not closed, after the calendar or the terms changed; returns how many.

    In portions, each a transaction of its own. Where there is more than one, two are on their way at a time, so that
    the database writes while the next deadlines are computed.
    """
    law = _Law(terms_in_force(), calendars.current(), timezone.now())
    cases = list(Case.objects.exclude(category="closed").order_by("pk").values_list("pk", flat=True))
    portions = [cases[n : n + _PORTION] for n in range(0, len(cases), _PORTION)]
    done = 0
    for n in map(law.apply, portions) if len(portions) < 2 else _side_by_side(law.apply, portions):
        done += n
        if progress:
            progress(done)
    return done


def _side_by_side(apply: Callable[[list[int]], int], portions: Sequence[list[int]]) -> Iterator[int]:
    def on_its_own_connection(portion: list[int]) -> int:
        try:
            return apply(portion)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="clocks") as lanes:
        yield from lanes.map(on_its_own_connection, portions)


@dataclass(frozen=True, slots=True)
class _Law:
    """By what all cases are recomputed: one contract, one calendar, one moment."""

    terms: Terms | None
    calendar: WorkCalendar
    now: dt.datetime

    def apply(self, cases: list[int]) -> int:
        """Recompute those of the cases that are still open; returns how many."""
        rules: dict[str, list[Rule]] = {}
        with transaction.atomic():
            held = _locked(cases)
            lines = []  # of all of them before the first is sent: during a COPY the connection answers nothing else
            for pk, events in _events_of(list(held)):
                kind, category = held[pk]
                if kind not in rules:
                    rules[kind] = _rules_under(self.terms, kind)
                lines.append(_line(pk, _index_of(rules[kind], category, events, self.terms, self.calendar, self.now)))
            _write(lines, [self.terms.version if self.terms else "", self.calendar.version])
        return len(held)


@dataclass(frozen=True, slots=True)
class Moved:
    """moved: (number, title, deadline now, deadline then). checked: how many open cases; more: not all were."""

    moved: list[tuple[str, str, dt.datetime, dt.datetime]]
    checked: int
    more: bool


def moved_by(calendar: WorkCalendar, limit: int = 1_000) -> Moved:
    """What another calendar would do to the deadlines of the open cases that are due first; nothing is written."""
    terms, now = terms_in_force(), timezone.now()
    wanted = Case.objects.filter(timing__next_due_at__lt=NEVER).order_by("timing__next_due_at", "timing__case_id")
    columns = ("pk", "kind", "category", "number", "title", "timing__next_due_at")
    found = list(wanted.values_list(*columns)[: limit + 1])
    events = dict(_events_of([row[0] for row in found[:limit]]))
    moved = []
    for pk, kind, category, number, title, before in found[:limit]:
        after = index_of(kind, category, events.get(pk, []), terms, calendar, now)["next_due_at"]
        if after != before:
            moved.append((number, title, before, after))
    return Moved(moved, len(found[:limit]), len(found) > limit)


def index_of(
    kind: str,
    category: str,
    events: Sequence[Event],
    terms: Terms | None,
    calendar: WorkCalendar,
    now: dt.datetime,
) -> dict[str, Any]:
    """The columns of CaseClocks, and ever_late of the case. Without a contract only the house's own clocks run."""
    return _index_of(_rules_under(terms, kind), category, events, terms, calendar, now)


def _index_of(
    rules: Sequence[Rule],
    category: str,
    events: Sequence[Event],
    terms: Terms | None,
    calendar: WorkCalendar,
    now: dt.datetime,
) -> dict[str, Any]:
    clocks = compute(rules, events, terms or _NO_TERMS, calendar)
    warned = [(c, remind_at(c, calendar) if c.running else None) for c in clocks]
    running = [(c, warn) for c, warn in warned if c.running] if category != "closed" else []
    first = min((c for c, _ in running), key=lambda c: c.due or NEVER, default=None)
    paused = category != "closed" and any(c.paused and not c.stopped for c in clocks)
    reminders = [r for c, warn in running for r in _reminders(c, warn) if r > now]
    return {
        "clocks": [_plain(c, warn) for c, warn in warned],
        "next_due_at": first.due if first else ENDED if category == "closed" else NEVER,
        "next_due_clock": first.key if first else "",
        "next_remind_at": min(reminders, default=NEVER),
        "clock_state": "running" if first else "paused" if paused else "",
        "ever_late": any(c.missed(now) for c in clocks if c.side == "vendor"),
    }


def rules_of(kind: str) -> tuple[Rule, ...]:
    return _rules(int(site.value("desk.confirm.hours")))[kind]


def _rules_under(terms: Terms | None, kind: str) -> list[Rule]:
    return [r for r in rules_of(kind) if terms is not None or r.basis != "contract"]


def terms_in_force() -> Terms | None:
    """What the contract in force says of response and arrival; None where there is no contract."""
    try:
        policy = contracts.service_policy()
    except contracts.NoContract:
        return None
    return Terms(
        version=policy.version,
        response=policy.response,
        arrive=policy.arrive,
        arrival_clock=policy.arrival_clock,
        workday=policy.workday,
        response_around_the_clock=policy.response_around_the_clock,
    )


_NO_TERMS = Terms("", dt.timedelta(minutes=30), {})


@lru_cache(maxsize=4)
def _rules(confirm_hours: int) -> dict[str, tuple[Rule, ...]]:
    return load(yaml.safe_load(FILE.read_text(encoding="utf-8")), {"desk.confirm.hours": confirm_hours})


def _reminders(clock: Clock, warn: dt.datetime | None) -> Iterator[dt.datetime]:
    """When people are told of a running clock: ahead of its deadline, and when it is missed."""
    if warn is not None:
        yield warn
    if clock.due is not None:
        yield clock.due + _JUST_AFTER


def _plain(clock: Clock, warn: dt.datetime | None) -> dict[str, Any]:
    """As JSON on the row; `queries.clocks` reads it back. warn: when people are told ahead, where it runs."""
    out: dict[str, Any] = {
        "key": clock.key,
        "label": clock.label,
        "side": clock.side,
        "basis": clock.basis,
        "start": clock.started.isoformat(),
        "measure": clock.measure,
    }
    for name, at in (("due", clock.due), ("stop", clock.stopped), ("paused", clock.paused), ("warn", warn)):
        if at is not None:
            out[name] = at.isoformat()
    if clock.left is not None:
        out["left"] = int(clock.left.total_seconds())
    if clock.provisional:
        out["provisional"] = True
    if clock.trouble:
        out["trouble"] = clock.trouble
    return out


def _locked(cases: list[int]) -> dict[int, tuple[str, str]]:
    """Kind and category of those that are open, held until the transaction ends: nobody moves them meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, kind, category FROM {Case._meta.db_table}"  # noqa: S608 - a constant name
            " WHERE id = ANY(%s) AND category <> 'closed' ORDER BY id FOR UPDATE",
            [cases],
        )
        return {pk: (kind, category) for pk, kind, category in cursor.fetchall()}


def _events_of(cases: list[int]) -> Iterator[tuple[int, list[Event]]]:
    """The events of many cases, one after the other; every case has some.

    As text: reading half a million through the model takes longer than all the rest. No more of them at a time than one
    case has: what lives long is looked through by the garbage collector again and again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT case_id, at::text, type, (data - 'version' - 'move')::text FROM desk_caseevent"
            " WHERE case_id = ANY(%s) ORDER BY case_id, at, id",
            [cases],
        )
        found = cursor.fetchall()
    moment = dt.datetime.fromisoformat
    for case, rows in groupby(found, key=itemgetter(0)):
        yield case, [Event(moment(at), kind, _data(text)) for _, at, kind, text in rows]


@lru_cache(maxsize=2048)
def _data(text: str) -> Mapping[str, Any]:
    """An event's data; most are one of a few, and nobody changes them."""
    data: Mapping[str, Any] = json.loads(text)
    return data


def _line(pk: int, index: Mapping[str, Any]) -> str:
    """As COPY's text format has it."""
    clocks = _as_json(index["clocks"]).replace("\\", "\\\\")
    return (
        f"{pk}\t{clocks}\t{index['next_due_at'].isoformat()}"
        f"\t{index['next_due_clock']}\t{index['next_remind_at'].isoformat()}\t{index['clock_state']}"
        f"\t{'t' if index['ever_late'] else 'f'}\n"
    )


def _write(lines: Iterable[str], stamps: Sequence[str]) -> None:
    """Many rows at once: COPY into a scratch table, one UPDATE. ever_late is never taken back here.

    A row whose clocks stay as they are is left alone: most of a recomputation would be rewriting what is there.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE desk_clock_scratch (id bigint, clocks jsonb, next_due_at timestamptz,"
            " next_due_clock text, next_remind_at timestamptz, clock_state text, ever_late boolean) ON COMMIT DROP"
        )
        with cursor.copy("COPY desk_clock_scratch FROM STDIN") as copy:
            copy.write("".join(lines))
        cursor.execute(
            f"UPDATE {CaseClocks._meta.db_table} c SET clocks = s.clocks, next_due_at = s.next_due_at,"  # noqa: S608
            " next_due_clock = s.next_due_clock, next_remind_at = s.next_remind_at, clock_state = s.clock_state,"
            " policy_version = %s, calendar_version = %s"
            " FROM desk_clock_scratch s WHERE s.id = c.case_id AND (c.clocks, c.next_due_at, c.next_due_clock,"
            " c.next_remind_at, c.clock_state) IS DISTINCT FROM (s.clocks, s.next_due_at,"
            " s.next_due_clock, s.next_remind_at, s.clock_state)",
            stamps,
        )
        cursor.execute(
            f"UPDATE {Case._meta.db_table} c SET ever_late = true FROM desk_clock_scratch s"  # noqa: S608
            " WHERE s.id = c.id AND s.ever_late AND NOT c.ever_late"
        )
