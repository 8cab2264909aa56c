"""Bringing a mapping's days into the lake: in pieces, each checked against the source and committed by itself.

A run that is killed leaves whole pieces; the next one goes on from there. The same days read again give the same
files, so reading twice changes nothing. An advisory lock of PostgreSQL keeps two runs of one mapping apart.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from xingwei.base.connections.engine.statements import DIALECTS
from xingwei.base.connections.queries import ConnectionProblem, NotNow, Reader, opened

from .. import writing
from ..engine import mapping as maps
from ..engine.datasets import ZONE
from ..models import Extract, Mapping, Part, Retired
from ..session import engine
from ..stage import Stage, StageProblem

log = logging.getLogger(__name__)
MEMORY_MB = 384
_LOCK = 0x4C414B45  # "LAKE": the first half of the advisory lock's number
LATE_EVERY = dt.timedelta(hours=1)
TRIES = 3


class Busy(Exception):
    """Another process extracts this mapping now."""


class Mismatch(Exception):
    """What was read is not what the source counts; the text is Chinese."""


@dataclass(slots=True)
class Piece:
    """Days that are read by one statement. since, until: half open; None: the whole snapshot."""

    since: dt.date | None = None
    until: dt.date | None = None
    back: bool = False  # a piece of the past, to be remembered as done


@dataclass(slots=True)
class Work:
    """One run."""

    mapping: Mapping
    spec: maps.Spec
    reader: Reader
    run: Extract
    texts: dict[str, str]
    days: set[dt.date] = field(default_factory=set)


def extract(
    mapping: Mapping,
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    any_time: bool = False,
    now: dt.datetime | None = None,
    after_piece: Callable[[Piece], None] = lambda piece: None,
) -> Extract:
    """Read what is new, late or still missing; since, until (both included): these days instead.

    Returns the run, whose state and problem say how it went. Raises Busy, and NotNow outside the source's hours.
    after_piece is called after each commit.
    """
    at = now or timezone.now()
    with _alone(mapping):
        mapping.refresh_from_db()
        interrupted(mapping)
        run = Extract.objects.create(mapping=mapping, started_at=timezone.now())
        began, worked = time.monotonic(), time.process_time()
        problem = ""
        try:
            spec = maps.parse(mapping.document)
            with opened(mapping.connection.code, any_time=any_time) as reader:
                work = Work(mapping, spec, reader, run, maps.statements(spec, DIALECTS[reader.kind]))
                try:
                    for piece in _given(work, since, until) if since and until else _pieces(work, at):
                        _take(work, piece)
                        after_piece(piece)
                finally:
                    run.source_s, run.days = reader.busy_s, len(work.days)
                if not since:
                    _finished(mapping, at)
        except NotNow as refused:
            if not run.written:
                run.delete()
                raise
            problem = str(refused)
        except (ConnectionProblem, Mismatch, StageProblem, writing.UnreadableValue, maps.MappingProblem) as error:
            problem = str(error)
        except Exception:
            log.exception("extract of %s", mapping.code)
            _end(run, began, worked, "程序出错，已记入日志")
            _remember_problem(mapping, "抽取时程序出错，已记入日志")
            raise
        _end(run, began, worked, problem)
        _remember_problem(mapping, problem)
        return run


def interrupted(mapping: Mapping) -> int:
    """Mark runs as broken off that still stand as running though nobody holds the mapping's lock. Call with the lock."""
    return Extract.objects.filter(mapping=mapping, state=Extract.State.RUNNING).update(
        state=Extract.State.INTERRUPTED, ended_at=timezone.now(), problem="进程中断；已提交的分区都在，这次接着抽"
    )


def _given(work: Work, since: dt.date, until: dt.date) -> Iterator[Piece]:
    if not work.spec.watermark:
        yield Piece()
        return
    yield from _cut(since, until + dt.timedelta(days=1), work.spec.days_at_once)


def _pieces(work: Work, at: dt.datetime) -> Iterator[Piece]:
    """Newest first where people wait for it, then the past that is missing, then what changed in the past."""
    spec, mapping = work.spec, work.mapping
    if not spec.watermark:
        yield Piece()
        return
    today = at.astimezone(ZoneInfo(spec.zone)).date()
    end = today + dt.timedelta(days=1)
    late_due = mapping.mark is None or mapping.late_at is None or at - mapping.late_at >= LATE_EVERY
    first_recent = min(today, _local(mapping.mark, spec).date()) if mapping.mark else today
    if late_due:
        first_recent = min(first_recent, today - dt.timedelta(days=spec.late_days))
    yield Piece(first_recent, end)
    missing = mapping.done_through or mapping.since or _first_day(work)
    if missing is not None:
        for piece in _cut(missing, first_recent, spec.days_at_once):
            piece.back = True
            yield piece
    if mapping.mark is not None:
        yield from _changed(work, at, first_recent)
    if late_due:
        yield from _recount(work, first_recent)
        Mapping.objects.filter(pk=mapping.pk).update(late_at=at)


def _cut(since: dt.date, until: dt.date, days: int) -> Iterator[Piece]:
    while since < until:
        end = min(until, since + dt.timedelta(days=days))
        yield Piece(since, end)
        since = end


def _first_day(work: Work) -> dt.date | None:
    """The day of the source's first row; remembered as the mapping's beginning."""
    (rows,) = list(work.reader.rows(work.texts["bounds"])) or [[(None, None)]]
    first = _day(rows[0][0], work.spec)
    if first is not None:
        Mapping.objects.filter(pk=work.mapping.pk).update(since=first)
        work.mapping.since = first
    return first


def _changed(work: Work, at: dt.datetime, recent: dt.date) -> Iterator[Piece]:
    """Days before the recent ones in which the source changed a row since the last run (with some overlap)."""
    spec = work.spec
    assert work.mapping.mark is not None
    params = {
        "since": _local(work.mapping.mark, spec) - dt.timedelta(hours=1),
        "until": _local(at, spec) + dt.timedelta(days=1),
    }
    days: set[dt.date] = set()
    for column in spec.changed:
        for rows in work.reader.rows(work.texts[f"changed {column}"], params):
            days |= {day for (value,) in rows if (day := _day(value, spec)) is not None and day < recent}
    for day in sorted(days):
        yield Piece(day, day + dt.timedelta(days=1))


def _recount(work: Work, recent: dt.date) -> Iterator[Piece]:
    """The past counted again, piece by piece; what no longer agrees is read anew. Only where the past is complete."""
    mapping, spec = work.mapping, work.spec
    if mapping.done_through is None or mapping.since is None or mapping.done_through < recent - dt.timedelta(days=1):
        return
    span = 31
    begin = mapping.recounted_to or mapping.since
    if begin >= recent or begin < mapping.since or (recent - mapping.since).days <= span:
        begin = mapping.since  # from the start again
    end = min(recent, begin + dt.timedelta(days=span))
    if begin < end:
        counted = _ask(work, begin, end)
        held = _held(mapping, spec, begin, end)
        if counted != held:
            for day in _cut(begin, end, 1):
                assert day.since is not None
                assert day.until is not None
                if _ask(work, day.since, day.until) != _held(mapping, spec, day.since, day.until):
                    yield day
    Mapping.objects.filter(pk=mapping.pk).update(recounted_to=end)


def _held(mapping: Mapping, spec: maps.Spec, since: dt.date, until: dt.date) -> tuple[int, dict[str, Decimal]]:
    parts = Part.objects.filter(mapping=mapping, day__gte=since, day__lt=until).values_list("rows", "sums")
    sums = dict.fromkeys(spec.sums, Decimal(0))
    rows = 0
    for count, found in parts:
        rows += count
        for name in sums:
            sums[name] += Decimal(found.get(name, 0))
    return rows, sums


def _ask(work: Work, since: dt.date | None, until: dt.date | None) -> tuple[int, dict[str, Decimal]]:
    """How many rows, and which sums, the source itself counts."""
    rows = [r for batch in work.reader.rows(work.texts["check"], _params(work.spec, since, until)) for r in batch]
    values = rows[0]
    return int(values[0]), {n: _cents(v) for n, v in zip(work.spec.sums, values[1:], strict=True)}


def _take(work: Work, piece: Piece) -> None:
    """Read, check, write and commit one piece; read again where the source moved under it."""
    for attempt in range(TRIES):
        try:
            with engine(memory_mb=MEMORY_MB, threads=1) as db:
                stage, sums = _read(work, db, piece)
                writing.transform(stage, work.spec)
                _check_days(work, db, piece)
                written = list(writing.write_days(db, work.spec))
                _check_written(work, stage, sums, written)
                _commit(work, piece, written)
            return
        except Mismatch:
            if attempt == TRIES - 1:
                raise


def _read(work: Work, db: Any, piece: Piece) -> tuple[Stage, dict[str, Decimal]]:
    stage = Stage(db, list(work.spec.columns))
    params = _params(work.spec, piece.since, piece.until)
    work.reader.snapshot()
    for rows in work.reader.rows(work.texts["rows"], params):
        stage.add(rows)
    work.run.rows += stage.rows
    counted, sums = _ask(work, piece.since, piece.until)
    if counted != stage.rows:
        raise Mismatch(f"行数对不上：业务库 {counted:,} 行，读到 {stage.rows:,} 行，没有写入")
    if work.spec.sums and stage.rows:
        chosen = ", ".join(
            f'coalesce(sum(CAST("{c}" AS DECIMAL(38,4))), 0)' if c not in stage.empty else "0"
            for c in work.spec.sums.values()
        )
        found = db.execute(f"SELECT {chosen} FROM raw").fetchall()[0]  # noqa: S608 - own names
        for (name, of_source), value in zip(sums.items(), found, strict=True):
            if of_source != _cents(value):
                title = work.spec.dataset.field(name).title
                raise Mismatch(f"{title}合计对不上：业务库 {of_source:,}，读到 {_cents(value):,}，没有写入")
    return stage, sums


def _check_written(work: Work, stage: Stage, sums: dict[str, Decimal], written: list[writing.Written]) -> None:
    """What is in the files is what the source counted, to the cent."""
    rows = sum(one.rows for one in written)
    if rows != stage.rows:
        raise Mismatch(f"读到 {stage.rows:,} 行，写出 {rows:,} 行，没有提交")
    for name, of_source in sums.items():
        found = sum((Decimal(one.sums[name]) for one in written), Decimal(0))
        if found != of_source:
            title = work.spec.dataset.field(name).title
            raise Mismatch(f"{title}在业务库有分以下的小数，合计 {of_source:,} 变成 {found:,}；请在映射里写明怎样取整")


def _check_days(work: Work, db: Any, piece: Piece) -> None:
    if piece.since is None or piece.until is None:
        return
    for day in writing.days_of(db, work.spec):
        if day is None or not piece.since <= day < piece.until:
            name = work.spec.dataset.field(work.spec.dataset.day).title
            raise Mismatch(f"水位列 {work.spec.watermark} 的日子与“{name}”不一致（{day}），请改映射")


def _commit(work: Work, piece: Piece, written: list[writing.Written]) -> None:
    """All days of the piece count from here on, or none of them."""
    now = timezone.now()
    mapping, run = work.mapping, work.run
    with transaction.atomic():
        before = {p.day: p for p in _parts_of(mapping, piece)}
        for one in written:
            old = before.pop(one.day, None)
            if old is not None and old.digest == one.digest and old.mapping_version == mapping.version:
                Part.objects.filter(pk=old.pk).update(checked_at=now)
                run.unchanged += 1
                continue
            values = {
                "dataset": mapping.dataset, "path": one.path, "rows": one.rows, "bytes": one.bytes, "digest": one.digest,
                "sums": dict(one.sums), "mapping_version": mapping.version, "extract": run, "written_at": now, "checked_at": now,
            }  # fmt: skip
            Part.objects.update_or_create(mapping=mapping, day=one.day, defaults=values)
            if old is not None and old.path != one.path:
                Retired.objects.create(path=old.path, retired_at=now)
            Retired.objects.filter(path=one.path).delete()
            run.written += 1
            run.bytes += one.bytes
            if one.day:
                work.days.add(one.day)
        for gone in before.values():  # days that have no rows any more
            Retired.objects.create(path=gone.path, retired_at=now)
            gone.delete()
        if piece.back:
            Mapping.objects.filter(pk=mapping.pk).update(done_through=piece.until)
        run.save()


def _parts_of(mapping: Mapping, piece: Piece) -> Any:
    rows = Part.objects.select_for_update().filter(mapping=mapping)
    return rows.filter(day__gte=piece.since, day__lt=piece.until) if piece.since else rows.filter(day=None)


def _finished(mapping: Mapping, at: dt.datetime) -> None:
    """All pieces are in: the next run begins where this one stood."""
    values: dict[str, Any] = {"mark": at, "checked_at": timezone.now()}
    if mapping.canonical.day and mapping.since is not None:
        values["done_through"] = at.astimezone(ZoneInfo(mapping.document.get("zone", ZONE))).date()
    Mapping.objects.filter(pk=mapping.pk).update(**values)


def _end(run: Extract, began: float, worked: float, problem: str) -> None:
    run.state = Extract.State.FAILED if problem else Extract.State.DONE
    run.problem = problem[:500]
    run.ended_at = timezone.now()
    run.total_s, run.processor_s = time.monotonic() - began, time.process_time() - worked
    run.save()


def _remember_problem(mapping: Mapping, problem: str) -> None:
    row = Mapping.objects.get(pk=mapping.pk)
    since = (row.problem_since or timezone.now()) if problem else None
    Mapping.objects.filter(pk=row.pk).update(problem=problem[:500], problem_since=since)


def _params(spec: maps.Spec, since: dt.date | None, until: dt.date | None) -> dict[str, Any]:
    if since is None or until is None:
        return {}
    return {"since": _bound(since, spec), "until": _bound(until, spec)}


def _bound(day: dt.date, spec: maps.Spec) -> Any:
    """Midnight as the source's column has it."""
    midnight = dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the source's own clock
    return midnight.strftime(spec.time_format) if spec.time_format else midnight


def _local(at: dt.datetime, spec: maps.Spec) -> dt.datetime:
    return at.astimezone(ZoneInfo(spec.zone)).replace(tzinfo=None)


def _day(value: Any, spec: maps.Spec) -> dt.date | None:
    if isinstance(value, str):
        try:
            form = spec.time_format
            value = dt.datetime.strptime(value.strip(), form) if form else dt.datetime.fromisoformat(value.strip())  # noqa: DTZ007
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return value.date() if value.tzinfo is None else value.astimezone(ZoneInfo(spec.zone)).date()
    return value if isinstance(value, dt.date) else None


def _cents(value: Any) -> Decimal:
    return Decimal(str(value or 0)).quantize(Decimal("0.0001"))


@contextmanager
def _alone(mapping: Mapping) -> Iterator[None]:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, mapping.pk])
        if not cursor.fetchone()[0]:
            raise Busy(f"“{mapping.title}”正在抽取")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, mapping.pk])
