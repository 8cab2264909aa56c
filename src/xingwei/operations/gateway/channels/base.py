"""What a kind of channel is made of, and what it may expect of the process that runs it.

A kind is a folder beside this file whose `__init__.py` calls `register(Kind(…))`; nothing else in the gateway knows it.
A listener hands each message to `intake.accept` (store, then acknowledge) or `intake.call` (the sender waits for the
receiver's answer); a sender carries one `Outgoing` and says what came back. docs/gateway.md has the states.
"""

from __future__ import annotations

import errno
import pkgutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol, runtime_checkable

DocumentKind = Literal["hl7", "astm", "json", "xml", "bytes"]


@dataclass(slots=True)
class Received:
    """What came in, byte for byte, and what the channel could read of it without much work.

    control_id: by which a repeat is told (MSH-10); empty: there is none. key: what must stay in order (a route may
    refine it). reference: the business number (specimen, order, settlement). charset: as the message says. answer:
    what will be acknowledged once the message is committed; stored with it, and given again to a repeat. problem:
    not empty where the message goes to quarantine, in Chinese.
    """

    raw: bytes
    control_id: str = ""
    type: str = ""
    key: str = ""
    patient: str = ""
    reference: str = ""
    event_at: datetime | None = None
    charset: str = ""
    peer: str = ""
    problem: str = ""
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One delivery on its way. raw: the processed bytes. number: M-261124-418829. attempt: from 1."""

    message_id: int
    delivery_id: int
    control_id: str
    type: str
    key: str
    raw: bytes
    number: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said.

    ok: it has the message. permanent: it will never take it (AR, schema, 4xx). business: it refuses what the message
    asks (insured person not found): the interface works, so no failure for the breaker, and final for the delivery.
    """

    ok: bool
    permanent: bool = False
    business: bool = False
    code: str = ""
    text: str = ""
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Settled:
    """An enquiry found that the message arrived; answer: what the receiver had answered, as far as it tells."""

    answer: Answer
    how: str = ""


@dataclass(frozen=True, slots=True)
class NotThere:
    """An enquiry found that the message never arrived: it may be sent."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The enquiry itself failed; asked again later. reason: Chinese."""

    reason: str


class ChannelProblem(Exception):
    """The channel cannot run as it is configured (port taken, host unknown). Chinese, says what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_WHY = {
    errno.EADDRINUSE: "端口被别的程序占用",
    errno.EACCES: "没有权限（1024 以下的端口要特权）",
    errno.EADDRNOTAVAIL: "这台机器没有这个地址",
}


def not_listening(host: str, port: int, error: OSError) -> ChannelProblem:
    """Why a port cannot be listened on, as a problem to raise."""
    why = _WHY.get(error.errno or 0, "请检查地址和端口")
    return ChannelProblem(f"不能在 {host}:{port} 上监听：{why}。")


class NotSent(ChannelProblem):
    """No byte of the message left: safe to send again, whatever the receiver is."""


class Unknown(ChannelProblem):
    """Bytes left and no answer came. `timeout`: the answer's time was up (counts for the breaker as such)."""

    def __init__(self, reason: str, *, timeout: bool = False) -> None:
        super().__init__(reason)
        self.timeout = timeout


class Overloaded(Exception):
    """Not stored: the queue is at its bound, or the database does not answer. The listener answers as its protocol
    says "later" (HL7: AE/CE; HTTP: 503). reason: Chinese. unsure: perhaps it was stored all the same (the database went
    away in the middle): better close the line without an answer, the repeat will be told."""

    def __init__(self, reason: str, *, unsure: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unsure = unsure


class CallFailed(Exception):
    """A call has no answer from the receiver, and no plan gives one. reason: the sentence for the user of the main
    flow. outcome: `refused` (went nowhere: no route), `unavailable` (cut off, nothing was sent), `uncertain` (sent,
    the outcome is not known; it is being asked about)."""

    def __init__(self, reason: str, outcome: Literal["refused", "unavailable", "uncertain"], number: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.outcome = outcome
        self.number = number


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """A row of gateway_channel as the process runs it. A changed row is a new object (compare `version`)."""

    id: int
    code: str
    name: str
    direction: Literal["in", "out"]
    kind: str
    state: str = "running"
    peer: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    delivery: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    breaker: Mapping[str, Any] = field(default_factory=dict)
    capacity: int = 200_000
    version: int = 1

    @property
    def charset(self) -> str:
        """The other side's character set where its messages do not say it; a Python codec name."""
        return str(self.settings.get("charset") or "utf-8")

    @property
    def timeout_s(self) -> float:
        """How long a way out waits for an answer."""
        return float(self.delivery.get("timeout_s", 10))

    @property
    def budget_s(self) -> float:
        """How long a way in lets its caller wait in all."""
        return float(self.call.get("budget_s", 5))

    def budget_of(self, type: str) -> float:
        """The same for one type of message: statements and files take longer, and nobody stands at a window for them."""
        return float(self.call.get("budgets", {}).get(type, self.budget_s))


class Intake(Protocol):
    """The process, as a listener sees it."""

    async def accept(self, received: Received) -> bytes | None:
        """Store the message; returns the acknowledgement's bytes after the commit: `received.answer`, or the one
        stored with the first where this is a repeat. Raises Overloaded."""

    async def call(self, received: Received, budget_s: float | None = None) -> bytes:
        """Store the request, carry it to the receiver, store the answer, return its bytes (or those of the
        degradation plan). Within the budget, whatever the receiver does. Raises Overloaded, CallFailed."""

    async def last_reference(self) -> str:
        """The `reference` of the newest message of this channel: where a poller goes on. Empty: none yet."""

    def connections(self, change: int) -> None:
        """A line to the channel was opened (+1) or closed (-1)."""

    def trouble(self, reason: str) -> None:
        """Something that is no message: bytes outside a frame, a refused connection. Counted as an error."""


@runtime_checkable
class Listener(Protocol):
    async def start(self) -> None:
        """Bind or open; raises ChannelProblem."""

    async def stop(self) -> None:
        """Stop accepting, let what is under way finish."""


@runtime_checkable
class Sender(Protocol):
    """A way out; several sends may be under way at once (as many as the channel has lanes)."""

    repeatable: bool
    """The receiver can tell a repeat (same control id, same bytes)."""

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        """deadline: on time.monotonic(). Raises NotSent, Unknown. Cancelled: as Unknown."""

    async def close(self) -> None: ...


@runtime_checkable
class Inquirer(Protocol):
    """A Sender that can ask whether an earlier delivery arrived."""

    async def inquire(self, outgoing: Outgoing, deadline: float) -> Settled | NotThere | Unclear: ...


@runtime_checkable
class Selective(Protocol):
    """A Sender whose receiver can tell repeats of some messages only (a question may be asked twice, a settlement
    may not). Without it `repeatable` holds for all."""

    def can_repeat(self, outgoing: Outgoing) -> bool: ...


@runtime_checkable
class Looker(Protocol):
    """A way out that can be asked about one value, for rules that look something up. It changes nothing there."""

    def can_look_up(self) -> bool:
        """Its settings say how."""

    async def look_up(self, value: str, deadline: float) -> Mapping[str, str] | None:
        """What it knows of the value: columns or JSON paths with their texts; None: nothing. Raises ChannelProblem
        where it cannot be asked."""


def left(deadline: float) -> float:
    """Seconds until a deadline on time.monotonic(), never negative."""
    return max(0.0, deadline - time.monotonic())


@dataclass(frozen=True, slots=True)
class Kind:
    """schema: JSON Schema of Channel.settings, with Chinese titles. document: what reads its bytes (engine.documents)."""

    code: str
    name: str
    schema: Mapping[str, Any]
    listener: Callable[[ChannelConfig, Intake], Listener] | None = None
    sender: Callable[[ChannelConfig], Sender] | None = None
    document: DocumentKind = "bytes"


_kinds: dict[str, Kind] = {}
_PACKAGE = __name__.rpartition(".")[0]


def register(kind: Kind) -> Kind:
    _kinds[kind.code] = kind
    return kind


def kinds() -> Mapping[str, Kind]:
    """Every kind there is, by code."""
    for module in pkgutil.iter_modules(import_module(_PACKAGE).__path__):
        if module.ispkg and module.name != "tests":
            import_module(f"{_PACKAGE}.{module.name}")
    return dict(sorted(_kinds.items()))


def kind(code: str) -> Kind:
    """One kind, importing only its folder where that bears its code. Raises ChannelProblem."""
    if code not in _kinds and code.isidentifier() and find_spec(f"{_PACKAGE}.{code}") is not None:
        import_module(f"{_PACKAGE}.{code}")
    if code not in _kinds:
        kinds()
    try:
        return _kinds[code]
    except KeyError:
        raise ChannelProblem(f"没有“{code}”这种通道：请在通道的“协议”里改选。") from None
