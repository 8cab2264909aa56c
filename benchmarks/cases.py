"""Cases by the hundred thousand: the same rows that the desk's services write, set-based.

Every column that the services compute is computed by the same functions (grams, the index of the clocks); the rows
go in by COPY, in blocks that several processes make at once. The same plan gives the same rows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from . import house, stories, texts
from .frame import REPO, Database, set_up_django

ZONE = dt.timezone(dt.timedelta(hours=8))
ANCHOR = dt.datetime(2026, 11, 20, 10, 0, tzinfo=ZONE)  # the newest case; fixed, so that rows are the same anywhere
BLOCK = 5_000
EVENTS = 40  # room for the events of one case: their ids follow the case's
TABLES = ("desk_case", "desk_caseclocks", "desk_casetext", "desk_caseevent")
_SOURCES = (
    *(Path(__file__).with_name(f"{name}.py") for name in ("cases", "house", "stories", "texts")),
    texts.SCENARIOS,
    texts.WORDS,
    REPO / "src" / "xingwei" / "base" / "ui" / "grams.py",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many cases over how many days; stay: the share of those of the last year that do not come to an end."""

    rows: int
    days: int = 5 * 365
    stay: float = 0.008
    seed: int = 20261120

    def opened(self, n: int) -> tuple[dt.datetime, int, int]:
        """When case n (from 0) came in; its month's first day and its serial in the month."""
        day, within = divmod(n * self.days, self.rows)
        date = ANCHOR.date() - dt.timedelta(days=self.days - 1 - day)
        share = within / self.rows
        # nine in ten between 8 and 18 o'clock; the last day ends at the anchor
        hour = (
            share / 0.05 * 8
            if share < 0.05
            else 8 + (share - 0.05) / 0.9 * 10
            if share < 0.95
            else 18 + (share - 0.95) / 0.05 * 5.9
        )
        if date == ANCHOR.date():
            hour *= 10 / 24
        moment = dt.datetime.combine(date, dt.time(), ZONE) + dt.timedelta(hours=hour)
        first_day = self.days - 1 - (ANCHOR.date() - date.replace(day=1)).days
        first = max(0, -(-first_day * self.rows // self.days))
        return moment, first, n - first + 1


def digest(plan: Plan) -> str:
    """What the rows depend on besides the tables: this directory's sources, and the functions whose answers they hold."""
    seen = hashlib.sha256(repr(plan).encode())
    for path in _SOURCES:
        seen.update(path.read_bytes())
    return seen.hexdigest()


def load(database: Database, plan: Plan, progress: Callable[[int], None]) -> None:
    """Write all cases and their events into a database that `house.build` has filled. Indexes are made afterwards."""
    with database.connect() as db:
        later = take_indexes(db, TABLES)
    starts = range(0, plan.rows, BLOCK)
    done = 0
    processes = min(len(os.sched_getaffinity(0)), 4, len(starts))
    with multiprocessing.get_context("spawn").Pool(processes, _start, (database.uri, plan)) as pool:
        for n in pool.imap_unordered(_write_block, starts):
            done += n
            progress(done)
    with database.connect() as db:
        _months(db, plan)
        for name in ("desk_case", "desk_caseevent"):
            db.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")
        db.execute("SET maintenance_work_mem = '512MB'")
        for statement in later:
            db.execute(statement)
        for name in TABLES:
            db.execute(f"VACUUM (ANALYZE) {name}")
        db.execute("ANALYZE")
        db.execute("CHECKPOINT")


def take_indexes(db: Any, tables: Sequence[str]) -> list[str]:
    """Drop the indexes and constraints that make loading slow; returns the statements that make them again."""
    later = []
    constraints = db.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid::regclass::text = ANY(%s) AND contype = 'u'",
        [list(tables)],
    ).fetchall()
    for table, name, definition in constraints:
        db.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        later.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    indexes = db.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid::regclass::text = ANY(%s) AND NOT i.indisprimary",
        [list(tables)],
    ).fetchall()
    for name, definition in indexes:
        db.execute(f'DROP INDEX "{name}"')
        later.append(definition)
    return later


def _months(db: Any, plan: Plan) -> None:
    db.execute(
        "INSERT INTO desk_number (month, last) SELECT split_part(number, '-', 1), max(split_part(number, '-', 2)::int)"
        " FROM desk_case GROUP BY 1 ON CONFLICT (month) DO UPDATE SET last = excluded.last"
    )


# In the processes that write


@dataclass(slots=True)
class _Worker:
    plan: Plan
    house: house.House
    department_names: dict[str, int]
    department_weights: list[float]
    categories: dict[tuple[str, str], str]
    terms: Any
    calendar: Any
    db: Any


_worker: _Worker | None = None


def _start(uri: str, plan: Plan) -> None:
    global _worker
    os.environ["DATABASE_URL"] = uri
    set_up_django()
    import psycopg

    from xingwei.base.calendar import queries as calendars
    from xingwei.service.desk.services.clocks import terms_in_force
    from xingwei.service.desk.workflow import workflow

    found = house.read()
    db = psycopg.connect(uri, autocommit=True)
    db.execute("SET session_replication_role = replica")  # rows are whole by making: no key is looked up again
    db.execute("SET synchronous_commit = off")
    _worker = _Worker(
        plan=plan,
        house=found,
        department_names={label: pk for pk, label in found.departments},
        department_weights=list(accumulate(1 / (n + 4) for n in range(len(found.departments)))),
        categories={(k.key, s.key): s.category for k in workflow().kinds.values() for s in k.states.values()},
        terms=terms_in_force(),
        calendar=calendars.current(),
        db=db,
    )


def _write_block(start: int) -> int:
    from xingwei.service.desk.models import Case, CaseClocks, CaseEvent, CaseText

    assert _worker is not None
    plan = _worker.plan
    tables = [_Table(model) for model in (Case, CaseClocks, CaseText, CaseEvent)]
    stop = min(start + BLOCK, plan.rows)
    for n in range(start, stop):
        row, timing, words, lines = _case(n)
        for table, columns in zip(tables, (row, timing, words), strict=False):
            table.add(columns)
        for k, line in enumerate(lines):
            tables[3].add({**line, "id": n * EVENTS + k + 1})
    with _worker.db.transaction(), _worker.db.cursor() as cursor:
        for table in tables:
            table.write(cursor)
    return stop - start


class _Table:
    """Rows of one table on their way; columns that are not given have the model's default."""

    def __init__(self, model: Any) -> None:
        self.name = model._meta.db_table
        self.columns = [(f.column, _text(f.get_default())) for f in model._meta.concrete_fields if not f.generated]
        self.rows: list[str] = []

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append("\t".join([_text(row[c]) if c in row else default for c, default in self.columns]))

    def write(self, cursor: Any) -> None:
        names = ", ".join(f'"{c}"' for c, _ in self.columns)
        with cursor.copy(f"COPY {self.name} ({names}) FROM STDIN") as copy:
            copy.write("\n".join(self.rows) + "\n")


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _text(value: Any) -> str:
    """A value as COPY's text format has it."""
    known = _FORMATS.get(type(value))
    return known(value) if known else _plain(str(value))  # a choice of the model


def _plain(value: str) -> str:
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


def _array(value: list[Any]) -> str:
    if value and isinstance(value[0], str):
        return "{" + ",".join(f'"{v}"' for v in value) + "}"
    return "{" + ",".join(map(str, value)) + "}"


@dataclass(frozen=True, slots=True)
class _Json:
    value: Any


_FORMATS: dict[type, Callable[[Any], str]] = {
    str: _plain,
    int: str,
    bool: lambda value: "t" if value else "f",
    type(None): lambda value: "\\N",
    dt.datetime: lambda value: value.isoformat(),
    list: _array,
    _Json: lambda value: _plain(json.dumps(value.value, ensure_ascii=False)),
}


@cache
def _kinds() -> tuple[list[str], list[float]]:
    return list(stories.KINDS), list(accumulate(stories.KINDS.values()))


def _case(n: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Case n, its clocks, its words for the search, and its events, as columns."""
    from xingwei.base.ui.grams import normal
    from xingwei.service.desk.engine import facets
    from xingwei.service.desk.engine.clocks import Event
    from xingwei.service.desk.engine.numbers import numbers
    from xingwei.service.desk.services.clocks import index_of

    assert _worker is not None
    w, plan = _worker, _worker.plan
    random = Random(plan.seed * 1_000_003 + n)
    opened, _, serial = plan.opened(n)
    kinds, weights = _kinds()
    kind = random.choices(kinds, cum_weights=weights)[0]
    scenario = random.choice(texts.scenarios()[kind])
    department, place = _department(random, scenario)
    told = texts.tell(random, scenario, place)
    severity = _severity(random) if kind == "incident" else 0
    recent = opened > ANCHOR - dt.timedelta(days=365)
    stay = recent and random.random() < plan.stay
    lines = stories.tell(random, kind, severity, opened, ANCHOR, stay=stay)
    people = _People(random, w.house, department)
    row = _row(random, n, kind, severity, scenario, told, lines, people)
    row |= {"number": f"{opened:%y%m}-{serial:03d}", "opened_at": opened, "department_id": department}
    said = normal("\n".join(_said(row)))
    known = facets.of(system_id=row["system_id"], kind_key=kind, department_id=department, people=row["people"])
    words = {"case_id": n + 1, "text": said, "grams": numbers(said, known)}
    index = index_of(kind, row["category"], [Event(e.at, e.type, e.data) for e in lines], w.terms, w.calendar, ANCHOR)
    row["ever_late"] = index.pop("ever_late")
    timing = index | {
        "case_id": n + 1,
        "clocks": _Json(index["clocks"]),
        "policy_version": w.terms.version if w.terms else "",
        "calendar_version": w.calendar.version,
    }
    return row, timing, words, [_event(n, line, people, k) for k, line in enumerate(lines)]


def _said(row: dict[str, Any]) -> list[str]:
    """As services/text.searchable joins them."""
    names = ("number", "title", "description", "tried", "cause", "solution", "reporter_name")
    return [row[name] for name in names if row[name]] + list(row["tags"])


class _People:
    """Who takes part in one case."""

    def __init__(self, random: Random, found: house.House, department: int) -> None:
        reporters = found.people.get(department) or found.it
        self.reporter = random.choice(reporters)
        self.registrar = random.choice(found.vendor if random.random() < 0.6 else found.it)
        self.assignee = found.vendor[min(int(random.expovariate(0.25)), len(found.vendor) - 1)]
        self.it = random.choice(found.it)

    def by(self, role: str) -> tuple[int, str]:
        return {"asker": self.reporter, "registrar": self.registrar, "it": self.it}.get(role, self.assignee)


def _department(random: Random, scenario: texts.Scenario) -> tuple[int, str]:
    assert _worker is not None
    known = _worker.department_names.get(scenario.department)
    if known is not None and random.random() < 0.6:
        return known, scenario.department
    return random.choices(_worker.house.departments, cum_weights=_worker.department_weights)[0]


def _severity(random: Random) -> int:
    return random.choices(list(stories.LEVELS), weights=list(stories.LEVELS.values()))[0]


def _row(
    random: Random,
    n: int,
    kind: str,
    severity: int,
    scenario: texts.Scenario,
    told: texts.Told,
    lines: Sequence[stories.Line],
    people: _People,
) -> dict[str, Any]:
    """The columns that follow from the story."""
    assert _worker is not None
    state = next((e.data["state"] for e in reversed(lines) if "state" in e.data), "new")
    category = _worker.categories[kind, state]
    solved = category in {"resolved", "closed"}
    assigned = any(e.type in {"assigned", "responded"} for e in lines)
    channel = random.choices(list(stories.CHANNELS), weights=list(stories.CHANNELS.values()))[0]
    registrar = people.reporter if channel in {"portal", "wecom", "email"} else people.registrar
    takes_part = {people.reporter[0], registrar[0], *([people.assignee[0]] if assigned else [])}
    closed = _at(lines, "confirmed") if category == "closed" else None
    system = _worker.house.systems.get(scenario.system)
    subsystems, functions = _worker.house.subsystems.get(system or 0), _worker.house.functions.get(system or 0)
    return {
        "id": n + 1,
        "kind": kind,
        "state": state,
        "category": category,
        "severity": severity,
        "title": told.title,
        "description": told.description,
        "system_id": system,
        "subsystem_id": random.choice(subsystems) if subsystems and random.random() < 0.7 else None,
        "function_id": random.choice(functions) if functions and random.random() < 0.7 else None,
        "reporter_id": people.reporter[0],
        "reporter_name": people.reporter[1],
        "phone": f"8{random.randrange(100, 999)}",
        "channel": channel,
        "registered_by_id": registrar[0],
        "assignee_id": people.assignee[0] if assigned else None,
        "waiting_for": stories.WAITING.get(state, ""),
        "party": (scenario.party or "unknown") if solved else "unknown",
        "tried": told.tried,
        "cause": told.cause if solved else "",
        "solution": told.solution if solved else "",
        "satisfaction": random.choice((None, 3, 4, 5, 5, 5)) if closed else None,
        "tags": list(told.tags),
        "people": sorted(takes_part),
        "version": len(lines),
        "idempotency_key": None,
        "responded_at": _at(lines, "responded"),
        "arrived_at": _at(lines, "arrived"),
        "restored_at": _at(lines, "restored"),
        "resolved_at": _at(lines, "resolved", "answered") if category in {"resolved", "closed", "answered"} else None,
        "closed_at": closed,
        "updated_at": lines[-1].at,
    }


def _at(lines: Sequence[stories.Line], *types: str) -> dt.datetime | None:
    return next((e.at for e in reversed(lines) if e.type in types), None)


def _event(n: int, line: stories.Line, people: _People, version: int) -> dict[str, Any]:
    who = people.by(line.by)
    return {
        "case_id": n + 1,
        "at": line.at,
        "type": line.type,
        "actor_id": who[0],
        "actor_name": who[1],
        "said": line.said,
        "text": "已电话联系，问题复现，正在处理。" if line.type == "noted" else "",
        "data": _Json({**line.data, "version": version}),
        "internal": line.type == "noted" and line.by != "asker",
    }
