"""Copies are really taken, spoilt, verified and restored: PostgreSQL, MariaDB, archives."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest

from xingwei.base.runtime import embedded

from ..engine.rows import compare
from ..makers import Address, BackupProblem, maker_of
from ..makers.base import run
from ..makers.mysql import _server

NAME = f"backup_source_{os.getpid()}"  # test processes share the server


def quiet(_progress: int, _doing: str) -> None:
    pass


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the server's own user may enter: pytest's are closed to it where tests run as root."""
    with tempfile.TemporaryDirectory(prefix="xingwei-copies-") as directory:
        yield Path(directory)


@pytest.fixture
def postgres() -> Iterator[Address]:
    """A business database in the tests' own server."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME}")
        db.execute(f"CREATE DATABASE {NAME}")
        info = db.info
        address = Address(info.host, info.port, NAME, info.user, "")
    with psycopg.connect(server, dbname=NAME, autocommit=True) as db:
        db.execute("CREATE TABLE visit (id int PRIMARY KEY, at timestamptz NOT NULL)")
        db.execute("INSERT INTO visit SELECT n, now() - n * interval '1 minute' FROM generate_series(1, 1000) n")
        db.execute("CREATE SCHEMA his")
        db.execute("CREATE TABLE his.fee (id int, amount numeric(18, 2))")
    yield address
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.mark.clause("6.1a")
def test_a_dump_is_taken_verified_and_restored_row_for_row(postgres: Address, place: Path) -> None:
    maker, copy = maker_of("pg_dump"), place / "his.dump"
    taken = maker.take(postgres, copy, quiet)
    assert taken.tables == {"visit": 1000, "his.fee": 0}
    assert taken.size == copy.stat().st_size
    assert maker.verify(copy, taken.digest, quiet) == taken.digest
    restored = maker.restore(copy, place / "scratch", {"visit": "at", "gone": "at"}, quiet)
    assert all(line.ok for line in compare(taken.tables, restored.tables))
    newest = restored.newest["visit"]
    assert newest is not None
    assert dt.datetime.now(dt.UTC) - newest < dt.timedelta(hours=1)
    assert restored.newest["gone"] is None
    assert not embedded.running(place / "scratch" / "pg")


def test_a_dump_that_was_changed_or_cut_is_found(postgres: Address, place: Path) -> None:
    maker, copy = maker_of("pg_dump"), place / "his.dump"
    digest = maker.take(postgres, copy, quiet).digest
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupProblem, match="与当初的摘要不符"):
        maker.verify(copy, digest, quiet)
    with pytest.raises(BackupProblem, match="读取备份没有成功"):  # nobody knew its digest
        maker.verify(copy, "", quiet)
    with pytest.raises(BackupProblem, match="恢复没有成功"):
        maker.restore(copy, place / "scratch", {}, quiet)
    assert not embedded.running(place / "scratch" / "pg")


def test_a_database_that_cannot_be_reached_leaves_nothing_behind(place: Path) -> None:
    nowhere = Address("127.0.0.1", 1, "his", "nobody", "secret-word")
    with pytest.raises(BackupProblem) as caught:
        maker_of("pg_dump").take(nowhere, place / "x.dump", quiet)
    assert "secret-word" not in str(caught.value)
    assert list(place.iterdir()) == []


def test_a_physical_backup_is_checked_by_its_manifest_and_started(place: Path) -> None:
    source = place / "pg"
    server = embedded.start(source, volatile=True)
    try:
        with psycopg.connect(server, autocommit=True) as db:
            db.execute("CREATE DATABASE his")
        with psycopg.connect(server, dbname="his", autocommit=True) as db:
            db.execute("CREATE TABLE visit AS SELECT generate_series(1, 7) AS id, now()::timestamp AS at")
        copy = place / "base"
        command = [embedded.programs() / "pg_basebackup", "-D", copy, "-X", "fetch", "-c", "fast", "-d", server]
        run(command, what="备份")
    finally:
        embedded.stop(source)
    maker = maker_of("pg_base")
    digest = maker.verify(copy, "", quiet)
    restored = maker.restore(copy, place / "scratch", {"his.visit": "at"}, quiet)
    assert restored.tables == {"his.visit": 7}
    assert restored.newest["his.visit"] is not None
    assert maker.verify(copy, digest, quiet) == digest  # the drill did not touch it
    victim = max(copy.glob("base/*/*"), key=lambda p: p.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-512])
    with pytest.raises(BackupProblem, match="核对物理备份没有成功"):
        maker.verify(copy, "", quiet)


@pytest.fixture
def mariadb(place: Path) -> Iterator[Path]:
    if not (shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")):
        if os.environ.get("CI") == "true":
            pytest.fail("no MariaDB server in CI: .ci/run installs mariadb-server")
        pytest.skip("no mariadbd on this machine")
    with _server(place / "source") as socket:
        yield socket


@pytest.mark.clause("6.1a")
def test_mariadb_is_dumped_and_restored_for_real(mariadb: Path, place: Path) -> None:
    with pymysql.connect(unix_socket=str(mariadb), user="root", autocommit=True) as db, db.cursor() as cursor:
        cursor.execute("CREATE DATABASE lis CHARACTER SET utf8mb4")
        cursor.execute("CREATE TABLE lis.result (id int PRIMARY KEY, name varchar(40), at datetime)")
        cursor.executemany("INSERT INTO lis.result VALUES (%s, %s, now())", [(n, "白细胞") for n in range(500)])
    maker, copy = maker_of("mysql"), place / "lis.sql.gz"
    taken = maker.take(Address(str(mariadb), 3306, "lis", "root", ""), copy, quiet)
    assert taken.tables == {"lis.result": (500, 500)}
    assert maker.verify(copy, taken.digest, quiet) == taken.digest
    restored = maker.restore(copy, place / "scratch", {"lis.result": "at"}, quiet)
    assert all(line.ok for line in compare(taken.tables, restored.tables))
    assert restored.newest["lis.result"] is not None
    text = gzip.decompress(copy.read_bytes())
    copy.write_bytes(gzip.compress(text[: len(text) // 2]))
    with pytest.raises(BackupProblem, match="没有写完"):
        maker.verify(copy, "", quiet)
    copy.write_bytes(copy.read_bytes()[:-20])
    with pytest.raises(BackupProblem, match="不完整或已损坏"):
        maker.verify(copy, "", quiet)


def test_archives_are_read_to_the_end_and_never_unpacked_elsewhere(place: Path) -> None:
    maker, copy = maker_of("archive"), place / "forms.zip"
    with zipfile.ZipFile(copy, "w") as packed:
        packed.writestr("reports/a.txt", "甲" * 1000)
        packed.writestr("b.txt", "乙")
    digest = maker.verify(copy, "", quiet)
    assert maker.restore(copy, place / "one", {}, quiet).tables == {"reports": 1, ".": 1}
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-30])
    with pytest.raises(BackupProblem, match="不完整"):
        maker.verify(copy, "", quiet)
    with pytest.raises(BackupProblem, match="摘要不符"):
        maker.verify(copy, digest, quiet)
    with zipfile.ZipFile(copy, "w") as packed:
        packed.writestr("../outside.txt", "x")
    with pytest.raises(BackupProblem, match="指向别处"):
        maker.restore(copy, place / "two", {}, quiet)
    assert not (place / "outside.txt").exists()
