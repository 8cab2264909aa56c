"""The embedded server: started by who needs it, stopped by the last one, and not put off by what a crash left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from xingwei.base.runtime import embedded


@pytest.fixture
def home() -> Iterator[Path]:
    """Not under pytest's own directory: as root PostgreSQL runs as another user, and may not go in there."""
    directory = Path(tempfile.mkdtemp(prefix="xingwei-embedded-"))
    yield directory
    shutil.rmtree(directory)


def test_the_last_user_stops_it_and_a_stale_pid_file_does_not_hinder(home: Path) -> None:
    pgdata = home / "home" / "pg"
    with embedded.session(pgdata) as uri:
        with psycopg.connect(uri) as db:
            db.execute("CREATE TABLE kept (n int)")
        with embedded.session(pgdata) as again:
            assert again == uri
        assert embedded.running(pgdata)
    assert not embedded.running(pgdata)

    # what remains after a power cut: a pid that meanwhile is another program's
    (pgdata / "postmaster.pid").write_text(f"{os.getpid()}\n{pgdata}\n0\n5432\n\n\n\nready\n")
    assert not embedded.running(pgdata)
    with embedded.session(pgdata) as uri, psycopg.connect(uri) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("长" * 60) / "pg"
    assert len(os.fsencode(embedded.socket_dir(deep))) < 90
    assert embedded.socket_dir(deep) != embedded.socket_dir(deep.with_name("pg2"))
