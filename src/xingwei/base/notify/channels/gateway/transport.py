"""Text messages and calls by an HTTP gateway that the hospital has a contract with, whichever it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from xingwei.base.ui.words import CHINA

from ...engine import gateways, outcomes, rates
from ...engine.outcomes import Outcome
from ...engine.texts import one_line
from ...engine.wire import Answer, HttpCall
from ...models import Gateway
from ..base import Message, Unsendable, opened, unanswered

# To one number: what nobody takes for spam and what wakes somebody up (after GoAlert's throttles).
_LIMITS = {
    "sms": (rates.Window(5, dt.timedelta(minutes=15)),),
    "voice": (rates.Window(3, dt.timedelta(minutes=15)),),
}


@dataclass(frozen=True, slots=True)
class HttpGateway:
    source: Gateway
    secret: str
    avoids_peak: bool = False

    @classmethod
    def of(cls, gateway: Gateway) -> Self:
        return cls(gateway, opened(gateway.secret, f"gateway.{gateway.ident}.secret"))

    @classmethod
    def configured(cls, kind: str, attempts: int) -> Self:
        """The gateway for this attempt: where there are several, a failed delivery goes on to the next."""
        chosen = list(Gateway.objects.filter(kind=kind, on=True))
        if not chosen:
            raise Unsendable("没有启用短信网关。" if kind == "sms" else "没有启用语音网关。")
        return cls.of(chosen[attempts % len(chosen)])

    @property
    def limits(self) -> rates.Limits:
        return _LIMITS[self.source.kind]

    @property
    def room(self) -> int:
        return self.source.max_chars * 3

    def prepare(self, message: Message, now: dt.datetime) -> tuple[HttpCall, ...]:
        g = self.source
        if not gateways.is_mobile(message.address):
            raise Unsendable("手机号不对，应是 11 位。")
        values = {
            "mobile": message.address,
            "title": message.title,
            "text": self._words(message),
            "secret": self.secret,
            "time": f"{now.astimezone(CHINA):%Y%m%d%H%M%S}",
        }
        headers = {}
        for line in g.headers.splitlines():
            name, _, value = line.partition(":")
            if name.strip():
                headers[name.strip()] = gateways.fill(value.strip(), values, "header")
        body = b""
        if g.method == Gateway.Method.POST:
            body = gateways.fill(g.body, values, g.format, g.charset).encode(g.charset, "replace")
            headers.setdefault("Content-Type", f"{g.format}; charset={g.charset}")
        url = gateways.fill(g.url, values, "url", g.charset)
        return (HttpCall(g.method, url, headers, body),)

    def _words(self, message: Message) -> str:
        """Title and text in the gateway's length. No link: operators refuse text messages that carry one."""
        title = f"{'【紧急】' if message.urgent else ''}{message.title}"
        words = one_line(f"{title}。{message.text}" if message.text else title)
        return words if len(words) <= self.source.max_chars else words[: self.source.max_chars - 1] + "…"

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        answer = answers[-1]
        if (verdict := unanswered(answer)) is not None:
            return verdict
        said = one_line(answer.body)[:160] or f"HTTP {answer.status}"
        if answer.status < 300 and gateways.succeeded(answer, self.source.success_path, self.source.success_value):
            return outcomes.sent("网关已收下")
        return outcomes.retry(f"网关没有收下：{said}")

    def learn(self, answers: Sequence[Answer]) -> None:
        """A gateway's answer teaches nothing."""
