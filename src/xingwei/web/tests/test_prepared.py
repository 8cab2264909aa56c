"""A start skips preparation only when nothing that it would look at has changed."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from xingwei.base.runtime import config
from xingwei.web import prepared
from xingwei.web.prepared import Account

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Config:
    """A home that was prepared by a program of one file, from one file of data."""
    program = tmp_path / "program"
    program.mkdir()
    (program / "a.py").write_text("1")
    (tmp_path / "data.yaml").write_text("1")
    monkeypatch.setattr(prepared, "_PROGRAM", program)
    monkeypatch.setattr(prepared, "_FRONT_END", tmp_path / "lock.json")
    settings = config.from_environment({"XINGWEI_HOME": str(tmp_path / "home")})
    settings.static.mkdir(parents=True)
    (settings.static / "staticfiles.json").write_text("{}")
    remember(settings, tmp_path)
    return settings


def remember(settings: config.Config, tmp_path: Path) -> None:
    prepared.remember(
        settings, url(), files=[tmp_path / "data.yaml"], mode="demo", accounts=[Account("li", "李敏", "收费员")]
    )


def url() -> str:
    return os.environ["DATABASE_URL"].replace("/xingwei?", f"/{connection.settings_dict['NAME']}?")


def test_nothing_changed(home: config.Config) -> None:
    found = prepared.unchanged(home, url())
    assert found is not None
    assert (found.mode, found.accounts) == ("demo", [Account("li", "李敏", "收费员")])


@pytest.mark.parametrize("what", ["program/a.py", "program/new.py", "data.yaml", "lock.json"])
def test_a_changed_or_new_file(what: str, home: config.Config, tmp_path: Path) -> None:
    (tmp_path / what).write_text("other")
    assert prepared.unchanged(home, url()) is None


def test_compiled_files_do_not_matter(home: config.Config, tmp_path: Path) -> None:
    (tmp_path / "program" / "a.pyc").write_text("other")
    assert prepared.unchanged(home, url()) is not None


def test_missing_static_files_another_database_and_a_broken_note(home: config.Config) -> None:
    assert prepared.unchanged(home, url().replace("host=", "application_name=other&host=")) is None
    (home.static / "staticfiles.json").rename(home.static / "gone.json")
    assert prepared.unchanged(home, url()) is None
    (home.static / "gone.json").rename(home.static / "staticfiles.json")
    assert prepared.unchanged(home, url()) is not None
    (home.run / "prepared.json").write_text('{"fingerprint": 1}')
    assert prepared.unchanged(home, url()) is None


@pytest.mark.django_db(transaction=True)
def test_a_database_that_lost_its_migrations(home: config.Config, tmp_path: Path) -> None:
    with psycopg.connect(url(), autocommit=True) as db:
        db.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('x', '0001', now())")
        try:
            assert prepared.unchanged(home, url()) is None
            remember(home, tmp_path)
            assert prepared.unchanged(home, url()) is not None
        finally:
            db.execute("DELETE FROM django_migrations WHERE app = 'x'")
    assert prepared.unchanged(home, url()) is None
