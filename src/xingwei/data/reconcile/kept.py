"""Files of the reconciliations, kept under their digest: inputs, results, uploads. Same content, one file."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xingwei.base.runtime import config

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """name: as people know it. digest: SHA-256 of the content."""

    name: str
    digest: str
    size: int
    rows: int | None = None
    source: str = ""

    @property
    def path(self) -> Path:
        return path_of(self.digest, Path(self.name).suffix)

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, value: dict[str, Any]) -> Kept:
        return cls(value["name"], value["digest"], value["size"], value.get("rows"), value.get("source", ""))


def root() -> Path:
    return config.from_environment().home / "reconcile"


def path_of(digest: str, suffix: str = "") -> Path:
    """The suffix stays: readers tell the kind of a file by it."""
    return root() / "kept" / digest[:2] / f"{digest}{suffix.lower()}"


def digest_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def keep(path: Path, name: str = "", *, rows: int | None = None, source: str = "") -> Kept:
    """Keep a file that is there: linked where the disk allows it, else copied. The original stays."""
    digest = digest_of(path)
    kept = Kept(name or path.name, digest, path.stat().st_size, rows, source)
    target = kept.path
    if target.is_file():
        return kept
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        try:
            os.link(path, scratch)
        except OSError:
            shutil.copyfile(path, scratch)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return kept


def shown_as(file: Kept, place: Path) -> Path:
    """The kept file under its own name in this directory."""
    place.mkdir(parents=True, exist_ok=True)
    target = place / file.name.replace("/", "_").replace("\\", "_").lstrip(".")
    target.unlink(missing_ok=True)
    try:
        os.link(file.path, target)
    except OSError:
        shutil.copyfile(file.path, target)
    return target


def keep_chunks(chunks: Iterable[bytes], name: str, *, most: int) -> Kept:
    """Keep what comes in pieces; raises ValueError beyond `most` bytes, and keeps nothing then."""
    place = root() / "kept"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = place / f".incoming-{secrets.token_hex(8)}"
    size = 0
    try:
        with scratch.open("wb") as out:
            for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise ValueError(name)
                out.write(chunk)
        return keep(scratch, name)
    finally:
        scratch.unlink(missing_ok=True)


def workdir(run: int) -> Path:
    """Where a run works (0: something else); to be emptied when it ends."""
    place = root() / "work" / (str(run) if run else secrets.token_hex(8))
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    return place
