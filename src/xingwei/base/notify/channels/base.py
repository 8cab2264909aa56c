"""What every transport is, and what they share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.db import models

from xingwei.base.runtime.crypto import CryptoError

from ..engine import outcomes
from ..engine.outcomes import Outcome
from ..engine.rates import Limits
from ..engine.texts import cut, unmarked
from ..engine.wire import Answer, Call
from ..sealing import unseal

SIGN = "【杏维】"


class Unsendable(Exception):
    """This delivery cannot be made at all; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class Message:
    """url: absolute, or "". reply: headers of the mail that this one answers."""

    ident: str
    address: str
    title: str
    text: str
    url: str
    urgent: bool
    reply: dict[str, str] | None = None

    @property
    def heading(self) -> str:
        return f"{SIGN}{'【紧急】' if self.urgent else ''}{self.title}"


class Transport(Protocol):
    """limits: of its lane. room: bytes of text that a message may carry. source: the configuration row."""

    @property
    def limits(self) -> Limits: ...
    @property
    def room(self) -> int: ...
    @property
    def avoids_peak(self) -> bool: ...
    @property
    def source(self) -> models.Model: ...
    def prepare(self, message: Message, now: dt.datetime) -> tuple[Call, ...]:
        """What to say; raises Unsendable."""

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        """What the answers mean; there is one at least."""

    def learn(self, answers: Sequence[Answer]) -> None:
        """Keep what is worth keeping of the answers (a token), after each delivery."""


def opened(token: str, purpose: str) -> str:
    """The plain text of a sealed secret; raises Unsendable where the key is gone."""
    try:
        return unseal(token, purpose)
    except CryptoError as error:
        raise Unsendable(f"密钥打不开，请重新录入：{error}") from error


def absolute(url: str) -> str:
    """A link as a message outside carries it."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{url}" if url.startswith("/") else url


def markdown(message: Message, limit: int, line_break: str = "\n") -> str:
    """Heading, text and link in at most limit bytes; only the text is cut."""
    head = f"**{unmarked(cut(message.heading, 300))}**"
    tail = f"{line_break}[查看详情]({message.url})" if message.url else ""
    room = limit - len(head.encode()) - len(tail.encode()) - len(line_break.encode())
    text = cut(line_break.join(unmarked(message.text).splitlines()), max(room, 0))
    return head + (line_break + text if text else "") + tail


def plain(message: Message, limit: int) -> str:
    """Heading, text and address in at most limit bytes; only the text is cut."""
    head = unmarked(cut(message.heading, 300))
    tail = f"\n{message.url}" if message.url else ""
    room = limit - len(head.encode()) - len(tail.encode()) - 1
    text = cut(unmarked(message.text), max(room, 0))
    return head + (f"\n{text}" if text else "") + tail


def unanswered(answer: Answer) -> Outcome | None:
    """The verdict where the service itself has not spoken: no answer, or an error of the server in front."""
    if answer.trouble:
        return outcomes.retry(answer.trouble)
    if answer.status == 429:
        return outcomes.limited("对方要求放慢（HTTP 429）", dt.timedelta(minutes=1))
    if answer.status >= 500:
        return outcomes.retry(f"对方服务器出错（HTTP {answer.status}）")
    return None


def spoken(answer: Answer) -> dict[str, Any] | None:
    """The JSON object that the service answered; None for anything else, such as a proxy's error page."""
    data = answer.data()
    return data if isinstance(data, dict) else None


def no_verdict(answer: Answer) -> Outcome:
    return outcomes.retry(f"答复不是约定的格式（HTTP {answer.status}），可能被代理或防火墙拦下")
