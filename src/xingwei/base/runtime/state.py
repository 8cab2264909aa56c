"""What the supervisor writes down for others to read: run/state.json, and the lock that says that it lives."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from .config import Config
from .trouble import Trouble


@dataclass(slots=True)
class ChildState:
    """pid is None while the child does not run. started_at: seconds since the epoch."""

    name: str
    label: str
    pid: int | None = None
    started_at: float | None = None
    restarts: int = 0
    last_exit: int | None = None


@dataclass(slots=True)
class State:
    address: str
    pid: int
    started_at: float
    children: list[ChildState] = field(default_factory=list)


@contextmanager
def only_one(config: Config) -> Iterator[None]:
    """Held by the supervisor; raises Trouble where another one holds it."""
    try:
        config.run.mkdir(parents=True, exist_ok=True)
        lock = (config.run / "lock").open("a")
    except OSError as error:
        raise Trouble(
            f"数据目录 {config.home} 不能写（{error.strerror}）。请改目录权限，或用 XINGWEI_HOME 指定别的目录。"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = read(config)
            where = f"：{other.address} （进程 {other.pid}）" if other else ""
            raise Trouble(f"杏维已经在运行{where}。要再开一份，请用 XINGWEI_HOME 指定另一个数据目录。") from None
        try:
            yield
        finally:
            _path(config).unlink(missing_ok=True)


def write(config: Config, state: State) -> None:
    path = _path(config)
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(asdict(state), ensure_ascii=False))
    scratch.replace(path)


def read(config: Config) -> State | None:
    """The running supervisor's state; None where none runs."""
    try:
        raw: dict[str, Any] = json.loads(_path(config).read_text())
        if not psutil.pid_exists(raw["pid"]):
            return None
        return State(**raw | {"children": [ChildState(**child) for child in raw["children"]]})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(config: Config) -> Path:
    return config.run / "state.json"
