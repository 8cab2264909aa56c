"""What a kind of probe is. Each kind is a package beside this module; nothing else in the watch knows it.

A kind looks once: it opens what it needs, asks, closes or keeps, and says in Chinese what it found. It never raises
for what the other side does; whatever it raises all the same is a failure whose text is for the log.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..engine.judging import Limit, Looked
from ..engine.triage.signals import meaning

__all__ = ["Kind", "Looked", "ProbeProblem", "Signal", "Task", "all_kinds", "kind", "register", "why"]


class ProbeProblem(Exception):
    """Settings that cannot be used; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A number that a kind measures. name: as in the fault catalogue where it has one. worse: high, low or "" ."""

    name: str
    title: str
    unit: str = ""
    worse: str = "high"


@dataclass(slots=True)
class Task:
    """One look. settings: secrets opened. memory: the probe's own, kept between looks by the same process; whatever in
    it has `close` is closed when the probe goes. shared: the process's (one HTTP session for all)."""

    code: str
    settings: Mapping[str, Any]
    timeout_s: float
    memory: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)


Look = Callable[[Task], Awaitable[Looked]]


@dataclass(frozen=True, slots=True)
class Kind:
    """code, Chinese title, what it does in a sentence, JSON Schema of its settings (format "password": sealed), what it
    measures, which limits hold where the probe gives none, and how it looks (None: something else brings results).

    prefixes: signals whose full name is only known at run time ("log.error.") count as measured, too."""

    code: str
    title: str
    does: str
    schema: Mapping[str, Any]
    signals: Sequence[Signal]
    look: Look | None
    limits: Sequence[Limit] = ()
    layer: str = ""

    def signal(self, name: str) -> Signal:
        known = next((s for s in self.signals if s.name == name), None)
        if known is not None:
            return known
        found = meaning(name)  # the fault catalogue's names mean the same wherever they come from
        return Signal(name, found.title or name, "", {"up": "high", "down": "low"}.get(found.bad, ""))


_kinds: dict[str, Kind] = {}
MS = Signal("ms", "用时", "毫秒")
UP = Signal("up", "通", "", "low")


def register(found: Kind) -> Kind:
    _kinds[found.code] = found
    return found


def all_kinds() -> dict[str, Kind]:
    """Every kind there is, in the order of the codes."""
    _import_all()
    return dict(sorted(_kinds.items()))


@cache
def _import_all() -> None:
    """A kind registers itself when its package is imported."""
    from .. import probes

    for module in pkgutil.iter_modules(probes.__path__):
        if module.ispkg and module.name != "tests":
            importlib.import_module(f"{probes.__name__}.{module.name}")


def kind(code: str) -> Kind:
    """Raises ProbeProblem."""
    found = all_kinds().get(code)
    if found is None:
        raise ProbeProblem(f"没有“{code}”这种拨测方式，可用的是：{'、'.join(all_kinds())}")
    return found


def why(error: BaseException) -> str:
    """What a connection's failure means, in a few words."""
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return "超时没有应答"
    if isinstance(error, ConnectionRefusedError):
        return "端口没有开（拒绝连接）"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, asyncio.IncompleteReadError)):
        return "对方断开了连接"
    if isinstance(error, ssl.SSLError):
        return f"TLS 握手失败：{getattr(error, 'verify_message', '') or error.reason or error}"
    if isinstance(error, OSError):
        known = {101: "网络不可达", 113: "主机不可达", -2: "域名解析不到", -3: "域名解析失败", -5: "域名解析不到"}
        return known.get(error.errno or 0) or f"连接失败：{error.strerror or error}"
    return f"{type(error).__name__}：{error}"[:200]


PORT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 65535, "title": "端口"}
HOST: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200, "title": "主机"}
PASSWORD: dict[str, Any] = {"type": "string", "format": "password", "title": "口令", "maxLength": 2000}


def schema(properties: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False}
