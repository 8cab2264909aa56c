"""The sending side of ASTM E1381 / LIS01-A2. Pure: bytes and seconds in, actions out. See astm_frames for the protocol."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .astm_frames import ACK, ENQ, EOT, NAK, Send, Times, frames


@dataclass(frozen=True, slots=True)
class Done:
    """Every frame is acknowledged."""


@dataclass(frozen=True, slots=True)
class Failed:
    """reason: Chinese. whole: the last frame left, so that the receiver may have the message."""

    reason: str
    whole: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class GiveWay:
    """Contention: the other side sends first; receive, then start again after `wait_s`."""

    wait_s: float


SenderAction = Send | Done | Failed | GiveWay


class Sender:
    """The sending side of one message. host: gives way at contention (the instrument has priority)."""

    def __init__(
        self, text: bytes, times: Times | None = None, *, size: int = 240, by_record: bool = True, host: bool = True
    ) -> None:
        self._times = times or Times()
        self._all = frames(text, size, by_record=by_record)
        self._frames = deque(self._all)
        self._host = host
        self._state = "idle"
        self._tries = 0
        self._until: float | None = None

    def again(self) -> Sender:
        """The same message from its beginning."""
        fresh = Sender(b"", self._times, host=self._host)
        fresh._all = self._all
        fresh._frames = deque(self._all)
        return fresh

    @property
    def deadline(self) -> float | None:
        return self._until

    @property
    def whole(self) -> bool:
        """The last frame has left."""
        return self._state == "sending" and len(self._frames) == 1

    def start(self, now: float) -> list[SenderAction]:
        self._state, self._until = "asking", now + self._times.reply_s
        return [Send(ENQ)]

    def feed(self, data: bytes, now: float) -> list[SenderAction]:
        out: list[SenderAction] = []
        for at in range(len(data)):
            if self._state in ("idle", "over"):
                break
            out.extend(self._byte(data[at : at + 1], now))
        return out

    def tick(self, now: float) -> list[SenderAction]:
        if self._until is None or now < self._until:
            return []
        if self._state == "waiting":
            return self.start(now)
        return self._fail("对方在规定时间内没有应答")

    def _byte(self, byte: bytes, now: float) -> list[SenderAction]:
        if self._state == "asking":
            return self._asked(byte, now)
        if self._state != "sending":
            return []
        if byte in (ACK, EOT):  # EOT asks for a break after this frame; the frame itself is taken (6.3.5)
            self._frames.popleft()
            self._tries = 0
            if not self._frames:
                self._state, self._until = "over", None
                return [Send(EOT), Done()]
            return self._next(now)
        if byte == NAK:
            self._tries += 1
            if self._tries > self._times.retries:
                return self._fail(f"一帧重发 {self._times.retries} 次仍被拒收", refused=True)
            return self._next(now)
        return []

    def _asked(self, byte: bytes, now: float) -> list[SenderAction]:
        if byte == ACK:
            self._state, self._tries = "sending", 0
            if not self._frames:
                self._state, self._until = "over", None
                return [Send(EOT), Done()]
            return self._next(now)
        if byte == NAK:
            self._tries += 1
            if self._tries > self._times.retries:
                return self._fail("对方一直忙")
            self._state, self._until = "waiting", now + self._times.busy_s
        elif byte == ENQ:
            if self._host:
                self._state, self._until = "idle", None
                return [GiveWay(self._times.contention_s)]
            self._state, self._until = "waiting", now + 1
        return []

    def _next(self, now: float) -> list[SenderAction]:
        self._until = now + self._times.reply_s
        return [Send(self._frames[0])]

    def _fail(self, reason: str, *, refused: bool = False) -> list[SenderAction]:
        whole = self.whole and not refused
        was_sending = self._state == "sending"
        self._state, self._until = "over", None
        return [*([Send(EOT)] if was_sending or not refused else []), Failed(reason, whole, refused)]
