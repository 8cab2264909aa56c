"""The backups that are kept: names, list, thinning out."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from ..moment import stamp
from .archive import About, BackupError, read_about

_NAME = re.compile(r"xingwei-(?P<kind>auto|hand|before-\w+)-\d{8}-\d{6}\.tar$")


@dataclass(frozen=True, slots=True)
class Kept:
    """about is None, and trouble says why, for a file that cannot be read."""

    path: Path
    kind: str
    size: int
    made_at: dt.datetime
    about: About | None
    trouble: str = ""


def automatic(directory: Path, kind: str = "auto") -> Path:
    """The name of a backup made now. kind: auto, hand, before-upgrade."""
    return directory / f"xingwei-{kind}-{stamp()}.tar"


def kept(directory: Path) -> list[Kept]:
    """The backups in the directory, newest first."""
    found = [_read(path) for path in directory.glob("xingwei-*.tar") if _NAME.match(path.name)]
    return sorted(found, key=lambda b: b.made_at, reverse=True)


def thin_out(directory: Path, keep: int, kind: str = "auto") -> list[Path]:
    """Delete all but the newest `keep` of the kind; returns what was deleted. Others are never touched."""
    surplus = [b.path for b in kept(directory) if b.kind == kind][keep:]
    for path in surplus:
        path.unlink(missing_ok=True)
    return surplus


def _read(path: Path) -> Kept:
    state = path.stat()
    kind = match["kind"] if (match := _NAME.match(path.name)) else ""
    made_at = dt.datetime.fromtimestamp(state.st_mtime, dt.UTC)
    try:
        return Kept(path, kind, state.st_size, made_at, read_about(path))
    except BackupError as error:
        return Kept(path, kind, state.st_size, made_at, None, str(error))
