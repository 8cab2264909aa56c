"""Days of the message path: archived to Parquet, verified, taken out of the database, and brought back for reading.

A day's partition is dropped only after its file has been read again and gives the same number of rows and the same
SM3 as the table. Messages that something is the matter with stay in the default partition for longer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from cryptography.hazmat.primitives.hashes import SM3, Hash
from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.runtime import config
from xingwei.base.runtime.crypto import CryptoError
from xingwei.base.site import queries as site
from xingwei.base.ui.words import CHINA

from ..engine.archive import feed
from ..models import Archive, Channel
from . import sealed_files, text
from .archive_columns import KINDS, Column, columns_of
from .base import GatewayRefused

TABLES = ("message", "delivery", "attempt")
KEEP_AT_LEAST = 7  # days that always stay in the database
AHEAD = 7
_CHUNK = 2_000
_TIME = {"message": "received_at", "delivery": "done_at", "attempt": "at"}


class ArchiveRefused(GatewayRefused):
    """Nothing was archived, dropped or restored; the text says why."""


def make_partitions(today: dt.date | None = None) -> int:
    """The partitions of yesterday to a week ahead; returns how many were missing."""
    day = today or timezone.localdate()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT gateway_make_partitions(%s, %s)", [day - dt.timedelta(days=1), day + dt.timedelta(days=AHEAD)]
        )
        return int(cursor.fetchone()[0])


def days_in_database() -> list[dt.date]:
    """The days that have a partition of messages, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'gateway_message'::regclass AND c.relname ~ '_[0-9]{8}$' ORDER BY 1"
        )
        return [dt.datetime.strptime(name[-8:], "%Y%m%d").date() for (name,) in cursor.fetchall()]  # noqa: DTZ007


def archive_day(actor: Actor, day: dt.date) -> list[Archive]:
    """Write a day's tables to files and verify them; the database keeps its rows. Raises ArchiveRefused.

    Writing the same day again replaces its files, as long as nothing was dropped.
    """
    if day >= timezone.localdate():
        raise ArchiveRefused(f"{day} 还没有过完，不能归档。")
    if day not in days_in_database():
        raise ArchiveRefused(f"{day} 不在库里：没有这一天的报文，或已清出。")
    return [_archive(actor, table, day) for table in TABLES]


def drop_day(actor: Actor, day: dt.date) -> list[Archive]:
    """Take an archived day out of the database; what is abnormal stays. Raises ArchiveRefused where the archive is
    missing or does not agree with the table."""
    rows = {a.table: a for a in Archive.objects.filter(day=day)}
    missing = [t for t in TABLES if t not in rows]
    if missing:
        raise ArchiveRefused(f"{day} 还没有归档，不能清出。")
    if day > timezone.localdate() - dt.timedelta(days=KEEP_AT_LEAST):
        raise ArchiveRefused(f"最近 {KEEP_AT_LEAST} 天总留在库里。")
    for table, row in rows.items():
        if row.state == Archive.State.DROPPED:
            raise ArchiveRefused(f"{day} 已经清出。")
        _agree(row, _digest_of_file(table, Path(row.path)), "归档文件")
        _agree(row, _digest_of_table(_partition(table, day), table), "库中的报文")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '5s'")  # the message path waits no longer than that
        _detach(cursor, day, rows)
        for row in rows.values():
            row.state, row.dropped_at, row.restored_until = Archive.State.DROPPED, timezone.now(), None
            row.save()
        record(
            actor, "gateway.archive.drop", ("gateway.archive", str(day), str(day)), f"{day} 的报文已归档并清出",
            after={t: {"rows": r.rows, "kept": r.kept_rows, "sm3": r.digest} for t, r in rows.items()},
        )  # fmt: skip
    return list(rows.values())


def restore_day(actor: Actor, day: dt.date, *, days: int = 7) -> list[Archive]:
    """Bring a day back for reading for some days. Raises Denied, ArchiveRefused."""
    require(actor, "gateway.capacity:restore")
    if not 1 <= days <= 90:
        raise ArchiveRefused("取回 1 到 90 天。")
    rows = {a.table: a for a in Archive.objects.filter(day=day, state=Archive.State.DROPPED)}
    if set(rows) != set(TABLES):
        raise ArchiveRefused(f"{day} 没有可取回的归档，或还在库里。")
    for table, row in rows.items():
        _agree(row, _digest_of_file(table, Path(row.path)), "归档文件")
    with transaction.atomic(), connection.cursor() as cursor:
        for table, row in rows.items():
            _load(cursor, table, day, Path(row.path))
            row.state = Archive.State.RESTORED
            row.restored_until = timezone.now() + dt.timedelta(days=days)
            row.save()
        text.forget(day)  # to be made findable anew
        record(
            actor, "gateway.archive.restore", ("gateway.archive", str(day), str(day)), f"取回 {day} 的报文 {days} 天",
            after={"days": days},
        )  # fmt: skip
    return list(rows.values())


def run(actor: Actor, today: dt.date | None = None) -> list[str]:
    """The daily task: what is too old, or too much, goes to the archive; what was restored for a time goes back.

    Returns what was done, in sentences; a day that cannot be archived is said and left.
    """
    day = today or timezone.localdate()
    said = []
    sealed_files.sweep(directory())
    for due in due_days(day):
        try:
            if not Archive.objects.filter(day=due, state=Archive.State.RESTORED).exists():
                archive_day(actor, due)
            drop_day(actor, due)
            said.append(f"{due} 已归档并清出")
        except ArchiveRefused as refusal:
            said.append(f"{due} 没有清出：{refusal}")
    if gone := prune_kept(day):
        said.append(f"到期的异常报文 {gone} 行已清出")
    return said


def due_days(today: dt.date) -> list[dt.date]:
    """Days to be taken out: older than the retention, above the size, or restored for a time that is over."""
    held = days_in_database()
    restored = dict(
        Archive.objects.filter(table="message", state=Archive.State.RESTORED).values_list("day", "restored_until")
    )
    keep = max([int(site.value("gateway.retention.days")), *Channel.objects.values_list("retention_days", flat=True)])
    due = {d for d in held if d not in restored and (today - d).days > keep}
    due |= {d for d in held if d in restored and (ends := restored[d]) is not None and ends < timezone.now()}
    limit = int(site.value("gateway.retention.max_gb")) * 1024**3
    sizes = {d: sum(_size(_partition(t, d)) for t in TABLES) for d in held}
    total = sum(size for d, size in sizes.items() if d not in due)
    for oldest in held:
        if total <= limit or (today - oldest).days <= KEEP_AT_LEAST:
            break
        if oldest not in due:
            due.add(oldest)
            total -= sizes[oldest]
    return sorted(due)


def prune_kept(today: dt.date) -> int:
    """Abnormal rows that are older than their own time, if their day is in the archive."""
    last = today - dt.timedelta(days=int(site.value("gateway.retention.error_days")))
    days = list(Archive.objects.filter(table="message", day__lt=last, state=Archive.State.DROPPED, kept_rows__gt=0)
                .values_list("day", flat=True)[:400])  # fmt: skip
    if not days:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        gone = sum(_without(cursor, table, days) for table in TABLES)
        Archive.objects.filter(day__in=days).update(kept_rows=0)
    return gone


def directory() -> Path:
    """Where the files lie; readable by this account only."""
    path = config.from_environment().home / "archive"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _archive(actor: Actor, table: str, day: dt.date) -> Archive:
    partition, columns = _partition(table, day), columns_of(table)
    target = directory() / f"{day:%Y}" / f"{table}-{day:%Y%m%d}.parquet{sealed_files.SUFFIX}"
    target.parent.mkdir(mode=0o700, exist_ok=True)
    digest = Hash(SM3())
    scratch, plain, fresh = (target.with_suffix(end) for end in (".duckdb", sealed_files.PLAIN, ".new"))
    scratch.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(scratch)) as duck, transaction.atomic():
            kinds = ", ".join(f'"{c.name}" {KINDS[c.kind]}' for c in columns)
            duck.execute(f"CREATE TABLE rows ({kinds})")
            count = 0
            for chunk in _rows(partition, table):
                count += feed(digest, chunk)
                _append(duck, columns, chunk)
            plain.touch(mode=0o600)
            duck.execute(f"COPY rows TO '{_quoted(plain)}' (FORMAT parquet, COMPRESSION zstd)")
        sealed_files.seal(plain, fresh)
    finally:
        scratch.unlink(missing_ok=True)
        plain.unlink(missing_ok=True)
    sm3 = digest.finalize().hex()
    if _digest_of_file(table, fresh) != (count, sm3):
        fresh.unlink()
        raise ArchiveRefused(f"{day} 的归档文件读回来与库中不一致，没有采用。请检查磁盘。")
    fresh.replace(target)
    with transaction.atomic():
        row, _ = Archive.objects.update_or_create(
            table=table, day=day,
            defaults={
                "state": Archive.State.WRITTEN, "path": str(target), "rows": count, "digest": sm3,
                "table_bytes": _size(partition), "file_bytes": target.stat().st_size, "archived_at": timezone.now(),
            },
        )  # fmt: skip
        record(
            actor,
            "gateway.archive.write",
            row,
            f"归档 {day} 的{table}：{count:,} 行",
            after={"rows": count, "sm3": sm3},
        )
    return row


def _append(duck: duckdb.DuckDBPyConnection, columns: Sequence[Column], chunk: Sequence[Sequence[str | None]]) -> None:
    part = {c.name: np.array([row[n] for row in chunk], dtype=object) for n, c in enumerate(columns)}
    duck.register("part", part)
    duck.execute(f"INSERT INTO rows SELECT {', '.join(c.into for c in columns)} FROM part")  # noqa: S608
    duck.unregister("part")


def _rows(partition: str, table: str) -> Iterator[list[tuple[str | None, ...]]]:
    """A partition's rows as text, in the order of its key, in portions; inside a transaction."""
    columns = ", ".join(c.out for c in columns_of(table))
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {partition} ORDER BY {_TIME[table]}, id")  # noqa: S608
        while rows := cursor.fetchmany(_CHUNK):
            yield rows


def _digest_of_table(partition: str, table: str) -> tuple[int, str]:
    digest = Hash(SM3())
    with transaction.atomic():
        count = sum(feed(digest, chunk) for chunk in _rows(partition, table))
    return count, digest.finalize().hex()


def _digest_of_file(table: str, path: Path) -> tuple[int, str]:
    digest = Hash(SM3())
    if not path.exists():
        return -1, ""
    return sum(feed(digest, chunk) for chunk in _rows_of_file(columns_of(table), path)), digest.finalize().hex()


def _rows_of_file(columns: Sequence[Column], path: Path) -> Iterator[Sequence[Sequence[str | None]]]:
    wanted = ", ".join(c.read for c in columns)
    with _plain(path) as plain, duckdb.connect() as duck:
        duck.execute(f"SELECT {wanted} FROM read_parquet('{_quoted(plain)}')")  # noqa: S608
        while rows := duck.fetchmany(_CHUNK):
            yield rows


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    try:
        with sealed_files.opened(path) as plain:
            yield plain
    except CryptoError as error:
        raise ArchiveRefused(f"归档文件 {path.name} 打不开：{error}") from None


def _agree(row: Archive, found: tuple[int, str], what: str) -> None:
    if found != (row.rows, row.digest):
        raise ArchiveRefused(f"{row.day} 的{what}与归档清单不一致（{found[0]:,} 行，清单 {row.rows:,} 行），没有清出。")


_KEPT = """
SELECT id FROM {message} WHERE state <> 'accepted' OR id IN (SELECT message_id FROM gateway_queued)
UNION SELECT message_id FROM {delivery} WHERE outcome IN ('degraded', 'skipped', 'cancelled') OR settled_by <> ''
"""


def _detach(cursor: Any, day: dt.date, rows: dict[str, Archive]) -> None:
    """Detach the three partitions, keep what is abnormal, drop the rest. The names are made here, never typed."""
    names = {t: _partition(t, day) for t in TABLES}
    for table, name in names.items():
        cursor.execute(f"ALTER TABLE gateway_{table} DETACH PARTITION {name}")
        cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608
        if cursor.fetchone()[0] != rows[table].rows:
            raise ArchiveRefused(f"{day} 又有报文进来，重新归档后再清出。")
    cursor.execute(f"CREATE TEMP TABLE kept_ids ON COMMIT DROP AS {_KEPT.format(**names)}")
    for table, name in names.items():
        key = "id" if table == "message" else "message_id"
        columns = ", ".join(c.name for c in columns_of(table))
        cursor.execute(
            f"INSERT INTO gateway_{table} ({columns})"  # noqa: S608
            f" SELECT {columns} FROM {name} WHERE {key} IN (SELECT id FROM kept_ids)"
        )
        rows[table].kept_rows = cursor.rowcount
        cursor.execute(f"DROP TABLE {name}")
    cursor.execute("DROP TABLE kept_ids")


def _load(cursor: Any, table: str, day: dt.date, path: Path) -> None:
    """A file's rows as the day's partition again."""
    name, columns = _partition(table, day), columns_of(table)
    _without(cursor, table, [day])
    cursor.execute(f"CREATE TABLE {name} (LIKE gateway_{table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    names = ", ".join(c.name for c in columns)
    blobs = [n for n, c in enumerate(columns) if c.kind == "bytea"]
    times = [n for n, c in enumerate(columns) if c.kind == "timestamp with time zone"]
    with cursor.copy(f"COPY {name} ({names}) FROM STDIN") as copy:
        for chunk in _rows_of_file(columns, path):
            for row in chunk:
                values = list(row)
                for n in blobs:
                    values[n] = None if values[n] is None else f"\\x{values[n]}"
                for n in times:
                    values[n] = None if values[n] is None else f"{values[n]}+00"
                copy.write_row(values)
    first, last = _bounds(day)
    cursor.execute(f"ALTER TABLE gateway_{table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [first, last])


def _without(cursor: Any, table: str, days: Iterable[dt.date]) -> int:
    """The default partition without the rows of some days: made anew, since its rows are never deleted."""
    old, fresh = f"gateway_{table}_other", f"gateway_{table}_fresh"
    ranges = [_bounds(d) for d in days]
    where = " OR ".join([f"({_TIME[table]} >= %s AND {_TIME[table]} < %s)"] * len(ranges))
    values = [value for pair in ranges for value in pair]
    cursor.execute(f"SELECT count(*) FROM {old} WHERE {where}", values)  # noqa: S608
    gone = int(cursor.fetchone()[0])
    if not gone:
        return 0
    cursor.execute(f"ALTER TABLE gateway_{table} DETACH PARTITION {old}")
    cursor.execute(f"CREATE TABLE {fresh} (LIKE gateway_{table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    columns = ", ".join(c.name for c in columns_of(table))
    cursor.execute(
        f"INSERT INTO {fresh} ({columns}) SELECT {columns} FROM {old} WHERE NOT ({where})",  # noqa: S608
        values,
    )
    cursor.execute(f"DROP TABLE {old}")
    cursor.execute(f"ALTER TABLE {fresh} RENAME TO {old}")
    cursor.execute(f"ALTER TABLE gateway_{table} ATTACH PARTITION {old} DEFAULT")
    return gone


def _partition(table: str, day: dt.date) -> str:
    return f"gateway_{table}_{day:%Y%m%d}"


def _bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    first = dt.datetime.combine(day, dt.time(), tzinfo=CHINA)
    return first, first + dt.timedelta(days=1)


def _size(partition: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)", [partition])
        return int(cursor.fetchone()[0])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
