"""The centre's memory: one SQLite file with write-ahead log, each transaction durable before its answer leaves."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists person (
    psn_no text primary key, cert_type text not null, certno text not null unique, name text not null,
    gend text not null, brdy text, insutype text not null, psn_type text not null, status text not null,
    civil integer not null, aid integer not null, insuplc text not null, emp_name text, balance text not null);
create table if not exists year (
    psn_no text, year text, deductible text not null, pooled text not null, burden text not null,
    admissions integer not null, primary key (psn_no, year));
create table if not exists signed (
    sign_no text primary key, fixmedins text not null, opter text not null, at text not null, out_at text);
create table if not exists message (
    msgid text primary key, infno text not null, fixmedins text not null, at text not null, infcode integer not null);
create table if not exists visit (
    mdtrt_id text primary key, kind text not null, psn_no text not null, fixmedins text not null, number text not null,
    insutype text not null, med_type text not null, begntime text not null, endtime text, status text not null,
    insuplc text not null, msgid text not null, info text not null);
create index if not exists visit_person on visit (psn_no, begntime);
create table if not exists diagnosis (
    mdtrt_id text, type text, srt_no integer, info text not null, primary key (mdtrt_id, type, srt_no));
create table if not exists fee (
    mdtrt_id text, sn text, batch text not null, psn_no text not null, total text not null, own text not null,
    over text not null, prepaid text not null, scope text not null, setl_id text, info text not null,
    primary key (mdtrt_id, sn));
create table if not exists settlement (
    setl_id text primary key, mdtrt_id text not null, psn_no text not null, fixmedins text not null,
    msgid text not null, infno text not null, setl_time text not null, insutype text not null, med_type text not null,
    clr_type text not null, office text not null, refunded text not null, of text, reversed_at text,
    medfee text not null, fund text not null, account text not null, cash text not null, info text not null,
    detail text not null);
create index if not exists settlement_time on settlement (fixmedins, setl_time);
create index if not exists settlement_visit on settlement (mdtrt_id);
create index if not exists settlement_message on settlement (msgid);
create table if not exists file (
    number text primary key, filename text not null, fixmedins text not null, content blob not null, until text not null);
create table if not exists mapping (
    fixmedins text, medins_list_codg text, med_list_codg text, info text not null,
    primary key (fixmedins, medins_list_codg, med_list_codg));
create table if not exists application (
    id text primary key, fixmedins text not null, at text not null, withdrawn_at text, info text not null);
create table if not exists counter (name text primary key, value integer not null);
"""


class Store:
    """An open file. One connection, used by one thread: the centre answers one transaction after another."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = full")
        self.db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        self.db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; durable when it is left without an exception."""
        self.db.execute("begin immediate")
        try:
            yield self.db
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def next(self, name: str) -> int:
        """The next number of a counter, within the transaction."""
        row = self.db.execute(
            "insert into counter values (?, 1) on conflict (name) do update set value = value + 1 returning value",
            (name,),
        ).fetchone()
        return int(row[0])

    def insert(self, table: str, **values: Any) -> None:
        """Insert one row; lists and objects become JSON."""
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self.db.execute(f"insert into {table} ({names}) values ({marks})", [_plain(v) for v in values.values()])  # noqa: S608

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row or None."""
        row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows."""
        return self.db.execute(sql, values).fetchall()


def _plain(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if value is None or isinstance(value, (int, bytes)) else str(value)
