"""What all forms share."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xingwei.base.connections.engine.reasons import reason

from ..engine.rows import Rows

Say = Callable[[int, str], None]
"""Told how far it is, 0 to 100, and what is being done (Chinese)."""

HOURS_MAX = 6
_BLOCK = 1 << 20


class BackupProblem(Exception):
    """It did not work; str() is a Chinese sentence without secrets that says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is that is to be backed up. schema: only this one of it; "" for all."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """tables: rows by table as the copy has them; None where nobody can say."""

    size: int
    digest: str
    tables: Mapping[str, Rows] | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Restored:
    """Rows by table of what came out, the newest time of the columns that were asked for, and how long it took."""

    tables: Mapping[str, int]
    newest: Mapping[str, dt.datetime | None]
    seconds: float


class Maker(ABC):
    """One form of backup."""

    suffix = ""

    def take(self, address: Address, target: Path, say: Say) -> Taken:
        """Write a copy to `target`, whole or not at all. Raises BackupProblem."""
        raise BackupProblem("这种形式的备份只能由医院自己的程序执行，杏维只核对。")

    @abstractmethod
    def verify(self, path: Path, digest: str, say: Say) -> str:
        """Read the whole copy; its digest. digest: what it was when it was taken, "" where unknown.

        Raises BackupProblem: changed, cut off, unreadable.
        """

    @abstractmethod
    def restore(self, path: Path, scratch: Path, newest: Mapping[str, str], say: Say) -> Restored:
        """Into a scratch database under `scratch`, which is stopped at the end; the caller removes the directory.

        newest: column of times by table. Raises BackupProblem.
        """


def digest_of(path: Path, say: Say | None = None, upto: int = 100) -> str:
    """SHA-256 of a file; of a directory that of all its files' digests and names, in order. Raises BackupProblem."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if not files:
        raise BackupProblem(f"备份 {path.name} 不在了，或是空目录。")
    whole, done, total = hashlib.sha256(), 0, max(size_of(path), 1)
    for file in files:
        own = hashlib.sha256()
        for block in blocks(file):
            own.update(block)
            done += len(block)
            if say is not None:
                say(min(upto, upto * done // total), "读取并计算摘要")
        if path.is_file():
            return own.hexdigest()
        whole.update(f"{file.relative_to(path)}\0".encode() + own.digest())
    return whole.hexdigest()


def blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise BackupProblem(f"备份 {path.name} 读不了：{error.strerror}。") from None


def size_of(path: Path) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(p.stat().st_size for p in files)


def same(found: str, expected: str, path: Path) -> None:
    """Raises BackupProblem where the copy is not what it was."""
    if expected and found != expected:
        raise BackupProblem(f"备份 {path.name} 与当初的摘要不符：文件被改动或已损坏。")


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, what: str) -> str:
    """Run a program to its end; what it printed. Raises BackupProblem with its last words."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=HOURS_MAX * 3600,
            check=False,
        )
    except FileNotFoundError:
        raise BackupProblem(f"{what}：这台机器上没有程序 {Path(command[0]).name}。") from None
    except subprocess.TimeoutExpired:
        raise BackupProblem(f"{what}：超过 {HOURS_MAX} 小时没有结束。") from None
    if done.returncode != 0:
        raise BackupProblem(f"{what}没有成功：{last_words(done.stderr)}")
    return done.stdout.decode("utf-8", "replace")


def last_words(said: bytes) -> str:
    """The last line of what a program complained, without passwords."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    line = lines[-1] if lines else "程序没有说明原因"
    return reason(re.sub(r"(?i)(password|pwd)\s*[=:]?\s*\S+", r"\1 …", line)[:300])
