"""The backup's file: written so that half of one is never taken for whole, read so that nothing false is used."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ..setup import Report
from ..trouble import Trouble

FORMAT = 1
ABOUT, MANIFEST = "about.json", "manifest.json"
_CHUNK = 2**20
_DAMAGED = "备份文件不完整或已损坏"


class BackupError(Trouble):
    """A backup cannot be made, read or restored; nothing was changed unless the sentence says so."""


class ServerTooNew(BackupError):
    """The database's server is newer than the programs that come with the product."""


@dataclass(frozen=True, slots=True)
class About:
    """rows: how many each table held. migrations: what the database had applied, "app.name"."""

    format: int
    version: str
    made_at: str
    server: str
    rows: dict[str, int]
    migrations: list[str]
    keys: str  # "encrypted", "plain"
    mode: str

    @property
    def moment(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.made_at)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup whose every byte was checked."""

    path: Path
    about: About
    members: dict[str, int]  # name → size


class Writer:
    """Writes NAME.part; only `finish` gives it its name. Leaving the block otherwise removes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self.members: dict[str, dict[str, Any]] = {}
        self.finished = False

    def __enter__(self) -> Writer:
        descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.stream = os.fdopen(descriptor, "w+b")
        self.tar = tarfile.open(fileobj=self.stream, mode="w", format=tarfile.PAX_FORMAT)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stream.close()
        if not self.finished:
            self.part.unlink(missing_ok=True)

    def add(self, name: str, content: IO[bytes], size: int, modified: float | None = None) -> None:
        """size bytes of content; a file that shrank meanwhile raises BackupError."""
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(time.time() if modified is None else modified)
        hashing = _Hashing(content)
        try:
            self.tar.addfile(info, hashing)
        except OSError as error:
            raise BackupError(f"备份没有成功：写 {self.part} 时出错（{error.strerror or error}）。") from error
        self.members[name] = {"size": size, "sha256": hashing.digest.hexdigest()}

    def add_bytes(self, name: str, content: bytes) -> None:
        self.add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as stream:
            state = os.fstat(stream.fileno())
            self.add(name, stream, state.st_size, state.st_mtime)

    def finish(self) -> None:
        """Write the manifest, reach the disk, take the final name."""
        content = json.dumps({"format": FORMAT, "members": self.members}, ensure_ascii=False).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode, info.mtime = len(content), 0o600, int(time.time())
        self.tar.addfile(info, io.BytesIO(content))
        self.tar.close()
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.part.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self.finished = True


def about_bytes(about: About) -> bytes:
    return json.dumps(asdict(about), ensure_ascii=False, indent=1).encode()


def read_about(path: Path) -> About:
    """What a backup says of itself, from its first bytes; it is not thereby known to be whole."""
    with _opened(path) as tar:
        return _parsed(_first(tar))


def verify(path: Path, report: Report | None = None) -> Backup:
    """Read the whole file and compare every digest. Raises BackupError."""
    report = report or Report()
    total = path.stat().st_size if path.exists() else 0
    found: dict[str, dict[str, Any]] = {}
    about: About | None = None
    manifest: dict[str, Any] | None = None
    with _opened(path) as tar:
        for info in tar:
            if not info.isfile() or manifest is not None:
                raise BackupError(f"{_DAMAGED}：里面有不该有的 {info.name[:60]}。")
            content = _member(tar, info)
            if info.name == MANIFEST:
                manifest = _json(content.read())
                continue
            digest = hashlib.sha256()
            kept = bytearray()
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                if info.name == ABOUT:
                    kept += chunk
                report(tar.offset, total, info.name)
            if info.name == ABOUT:
                about = _parsed(bytes(kept))
            found[info.name] = {"size": info.size, "sha256": digest.hexdigest()}
    if manifest is None or about is None:
        raise BackupError(f"{_DAMAGED}：没有写完，缺少末尾的清单。")
    _compare(manifest.get("members", {}), found)
    return Backup(path, about, {name: entry["size"] for name, entry in found.items()})


def _compare(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    for name in sorted({*wanted, *found}):
        if wanted.get(name) != found.get(name):
            raise BackupError(f"{_DAMAGED}：{name[:80]} 与清单不符。")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with path.open("rb") as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            yield tar
    except FileNotFoundError:
        raise BackupError(f"没有这个文件：{path}") from None
    except IsADirectoryError:
        raise BackupError(f"{path} 是目录，请写备份文件。") from None
    except PermissionError:
        raise BackupError(f"没有权限读 {path}。") from None
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{_DAMAGED}，或者不是杏维的备份：{path}") from error


def _first(tar: tarfile.TarFile) -> bytes:
    info = tar.next()
    if info is None or info.name != ABOUT or info.size > 10 * _CHUNK:
        raise BackupError(f"这不是杏维的备份：{tar.name!s}")
    return _member(tar, info).read()


def _member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(info)
    if content is None:
        raise BackupError(f"{_DAMAGED}：{info.name[:60]} 不是文件。")
    return content


def _parsed(content: bytes) -> About:
    raw = _json(content)
    if raw.get("format") != FORMAT:
        raise BackupError(f"备份的格式是 {raw.get('format')}，本版本只认识 {FORMAT}：请用做备份的那个版本恢复。")
    try:
        return About(**raw)
    except TypeError as error:
        raise BackupError(f"{_DAMAGED}：说明里缺了内容。") from error


def _json(content: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(content)
    except ValueError as error:
        raise BackupError(f"{_DAMAGED}：说明读不懂。") from error
    if not isinstance(raw, dict):
        raise BackupError(f"{_DAMAGED}：说明读不懂。")
    return raw


class _Hashing(io.RawIOBase):
    """Reads through, keeping the digest of what was read."""

    def __init__(self, content: IO[bytes]) -> None:
        self.content, self.digest = content, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self.content.read(size)
        self.digest.update(chunk)
        return chunk
