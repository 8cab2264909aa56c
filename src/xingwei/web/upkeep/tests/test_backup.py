"""A backup is restored into an empty database and compared, row by row and file by file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from xingwei.base.journal import exporting, sealing
from xingwei.base.journal.services import record
from xingwei.base.journal.verifying import verify as verify_journal
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime import backup, prepare
from xingwei.base.runtime.config import Config, secret_key
from xingwei.base.runtime.models import Installation
from xingwei.testing.people import make_person

PASSPHRASE = "correct horse battery"


def url_of(database: str) -> str:
    return os.environ["DATABASE_URL"].replace("/xingwei?", f"/{database}?")


@pytest.fixture
def home(tmp_path: Path, settings: Any, transactional_db: None) -> Config:
    """An installation with people, a sealed journal, an uploaded file and keys."""
    settings.CONFIG = config = dataclasses.replace(settings.CONFIG, home=tmp_path / "home")
    secret_key(config)
    Installation.objects.create(pk=1, mode="empty", version="0")
    for role in ("it_staff", "reporter"):
        make_person(role, name="何，“立群”\n\t\\N 𠮷")
    for number in range(30):
        with transaction.atomic():
            record(system_actor("command"), "test.act", ("test.thing", str(number), "物"), f"第 {number} 件")
    sealing.seal()
    exporting.export_heads()
    (config.media / "2026" / "03").mkdir(parents=True)
    (config.media / "2026" / "03" / "照片.png").write_bytes(os.urandom(3000))
    return config


@pytest.fixture
def empty_database() -> Iterator[str]:
    name = f"restored_{os.getpid()}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as db:
        db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        db.execute(f'CREATE DATABASE "{name}"')
        yield url_of(name)
        db.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def everything(url: str) -> dict[str, list[str]]:
    """Every table's rows as text, sorted; and the sequences."""
    with psycopg.connect(url) as db:
        names = db.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        found = {
            name: sorted(r[0] for r in db.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))))
            for (name,) in names
        }
        found["sequences"] = sorted(map(str, db.execute("SELECT sequencename, last_value FROM pg_sequences")))
        return found


def tree(config: Config) -> dict[str, bytes]:
    roots = (config.media, config.secrets, config.journal_heads)
    return {str(p.relative_to(config.home)): p.read_bytes() for r in roots for p in r.rglob("*") if p.is_file()}


def source_url() -> str:
    return url_of(connection.settings_dict["NAME"])


def test_all_comes_back(home: Config, empty_database: str, tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "b.tar"
    about = backup.make(home, source_url(), path, passphrase=PASSPHRASE)
    assert about.keys == "encrypted"
    assert about.rows["accounts_user"] == 2
    assert secret_key(home).encode() not in path.read_bytes()

    there = dataclasses.replace(home, home=tmp_path / "there")
    done = backup.restore(there, empty_database, path, known=prepare.known_migration, passphrase=PASSPHRASE)
    before, after = everything(source_url()), everything(empty_database)
    assert before.keys() == after.keys()
    for table, rows in before.items():
        assert after[table] == rows, table
    assert tree(there) == tree(home)
    assert done.files == len(tree(home))
    assert {p.stat().st_mode & 0o777 for p in there.secrets.iterdir()} == {0o600}

    settings.CONFIG = there
    assert _verified_in(empty_database).intact


def _verified_in(url: str) -> Any:
    """The journal's verification with Django connected to another database."""
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = conninfo_to_dict(url)["dbname"]
    try:
        found = verify_journal()
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
    assert found.verdict.checked >= 30
    return found


def test_what_was_restored_still_refuses_changes_to_the_journal(
    home: Config, empty_database: str, tmp_path: Path
) -> None:
    backup.make(home, source_url(), tmp_path / "b.tar")
    there = dataclasses.replace(home, home=tmp_path / "there")
    backup.restore(there, empty_database, tmp_path / "b.tar", known=prepare.known_migration)
    with psycopg.connect(empty_database) as db, pytest.raises(psycopg.Error, match="不能删除"):
        db.execute("DELETE FROM journal_entry")


def test_refusals_change_nothing(home: Config, empty_database: str, tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    backup.make(home, source_url(), path, passphrase=PASSPHRASE)
    there = dataclasses.replace(home, home=tmp_path / "there")

    def refused(sentence: str, file: Path = path, **kwargs: Any) -> None:
        with pytest.raises(backup.BackupError, match=sentence):
            backup.restore(there, empty_database, file, **({"known": prepare.known_migration} | kwargs))
        assert everything(empty_database) == {"sequences": []}
        assert tree(there) == {}

    refused("密钥是加密的")
    refused("口令不对", passphrase="something else entirely")
    refused("来自更新的版本", known=lambda name: name != "runtime.0001_initial", passphrase=PASSPHRASE)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(b"PGDMP") + 2000] ^= 1
    (tmp_path / "damaged.tar").write_bytes(bytes(damaged))
    refused("与清单不符", tmp_path / "damaged.tar", passphrase=PASSPHRASE)
    with psycopg.connect(empty_database):
        refused("还有 1 个连接在使用", passphrase=PASSPHRASE)


def test_a_full_database_is_replaced_only_by_force_and_kept(home: Config, empty_database: str, tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    backup.make(home, source_url(), path)
    with psycopg.connect(empty_database) as db:
        db.execute("CREATE TABLE django_migrations (app text, name text)")
        db.execute("CREATE TABLE precious (n int)")
        db.execute("INSERT INTO precious VALUES (42)")
    there = dataclasses.replace(home, home=tmp_path / "there")
    there.media.mkdir(parents=True)
    (there.media / "old.txt").write_text("old")
    with pytest.raises(backup.BackupError, match="不是空的"):
        backup.restore(there, empty_database, path, known=prepare.known_migration)
    done = backup.restore(there, empty_database, path, known=prepare.known_migration, force=True)
    assert "precious" not in everything(empty_database)
    assert done.before is not None
    assert backup.verify(done.before).about.rows["precious"] == 1
    assert done.old is not None
    assert (done.old / "files" / "old.txt").read_text() == "old"


def test_an_existing_file_is_not_overwritten_and_a_full_disk_leaves_nothing(
    home: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out" / "b.tar"
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(backup.BackupError, match="已经有这个文件"):
        backup.make(home, source_url(), path)
    assert path.read_text() == "mine"
    monkeypatch.setattr("xingwei.base.runtime.backup.making._SPARE", 2**60)
    with pytest.raises(backup.BackupError, match="磁盘空间不够"):
        backup.make(home, source_url(), path.with_name("c.tar"))
    assert list(path.parent.iterdir()) == [path]


def test_a_newer_server_is_told_apart(home: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xingwei.base.runtime.backup.postgres.tools_version", lambda: 9)
    with pytest.raises(backup.ServerTooNew, match="比随产品的备份工具（9）新"):
        backup.make(home, source_url(), tmp_path / "b.tar")


def test_a_restored_database_takes_new_rows(home: Config, empty_database: str, tmp_path: Path) -> None:
    backup.make(home, source_url(), tmp_path / "b.tar")
    backup.restore(
        dataclasses.replace(home, home=tmp_path / "there"),
        empty_database,
        tmp_path / "b.tar",
        known=prepare.known_migration,
    )
    with psycopg.connect(empty_database) as db:
        row = db.execute("SELECT nextval('accounts_user_id_seq') > (SELECT max(id) FROM accounts_user)").fetchone()
    assert row == (True,)
