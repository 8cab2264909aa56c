"""Is everything as it was when this home was last prepared? Then a start need not even import Django.

Compared are the files that preparation reads (program, set-up data, front-end packages: path, size, time) and,
in the database, which migrations it has. Any difference, and preparation is done as usual.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from xingwei.base.runtime.config import REPO, Config

_PROGRAM = Path(__file__).resolve().parents[1]
_FRONT_END = REPO / "node_modules" / ".package-lock.json"


@dataclass(frozen=True, slots=True)
class Account:
    """One that the welcome shows."""

    username: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Prepared:
    fingerprint: str
    migrations: str
    files: list[str]
    mode: str
    accounts: list[Account]


def remember(config: Config, url: str, *, files: Iterable[Path], mode: str, accounts: list[Account]) -> None:
    """Write down how things are, after a preparation that came to its end. files: what set-up steps read."""
    names = sorted(str(path) for path in files)
    now = Prepared(_fingerprint(names, url), _migrations(url), names, mode, accounts)
    config.run.mkdir(parents=True, exist_ok=True)
    scratch = _path(config).with_suffix(".new")
    scratch.write_text(json.dumps(asdict(now), ensure_ascii=False))
    scratch.replace(_path(config))


def unchanged(config: Config, url: str) -> Prepared | None:
    """What was remembered, if all is still so."""
    try:
        raw = json.loads(_path(config).read_text())
        was = Prepared(**raw | {"accounts": [Account(**a) for a in raw["accounts"]]})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    static = (config.static / "staticfiles.json").exists()
    same = static and was.fingerprint == _fingerprint(was.files, url) and was.migrations == _migrations(url)
    return was if same else None


def _path(config: Config) -> Path:
    return config.run / "prepared.json"


def _fingerprint(names: Iterable[str], url: str) -> str:
    digest = hashlib.sha256(url.encode())
    for path in sorted(_files(_PROGRAM, _FRONT_END, *map(Path, names))):
        state = path.stat()
        digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(*roots: Path) -> Iterator[Path]:
    for root in roots:
        if root.is_dir():
            yield from (p for p in root.rglob("*") if p.is_file() and p.suffix != ".pyc")
        elif root.exists():
            yield root


def _migrations(url: str) -> str:
    """Which migrations the database has; "" for none."""
    try:
        with psycopg.connect(url, connect_timeout=8) as db:
            row = db.execute("SELECT count(*), max(id), max(applied)::text FROM django_migrations").fetchone()
    except psycopg.errors.UndefinedTable:
        return ""
    return str(row)
