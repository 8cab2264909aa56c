"""DingTalk: a robot of a group.

Body ≤ 20,000 B; 20 messages a minute, and who is faster is silent for ten (errcode 130101). Signed robots
take timestamp (ms) and sign = base64(HMAC-SHA256(key secret, timestamp + "\\n" + secret)) in the address.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.db import models

from ...engine import outcomes, rates
from ...engine.outcomes import Outcome
from ...engine.texts import unmarked
from ...engine.wire import Answer, HttpCall
from ...models import Robot
from ..base import Message, markdown, no_verdict, opened, spoken, unanswered

BODY_LIMIT = 20_000
PER_MINUTE = 20
USUAL_PER_MINUTE = 18  # one message too many costs ten minutes
_SILENCE = dt.timedelta(minutes=10, seconds=5)
_TOO_FAST = {130101, 410100}
_DEAD = {
    300001: "机器人不存在，或 access_token 不对",
    310000: "被机器人的安全设置拒绝：加签密钥、关键词或 IP 不符",
    400013: "群已解散",
    400014: "access_token 不对",
    400101: "access_token 不对",
    400102: "机器人已停用",
    400106: "机器人不存在",
    430101: "内容含有不安全的外链",
    430102: "内容含有不合适的文字",
    430103: "内容含有不合适的图片",
    430104: "内容不合适",
}


def signature(timestamp: int, secret: str) -> str:
    """Of a timestamp in milliseconds; not yet escaped for an address."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class DingtalkRobot:
    source: models.Model
    url: str
    secret: str = ""
    per_minute: int = USUAL_PER_MINUTE
    mention_all: bool = True
    room: int = 6000
    avoids_peak: bool = False

    @classmethod
    def of(cls, robot: Robot) -> Self:
        url = opened(robot.address, f"robot.{robot.ident}.address")
        secret = opened(robot.secret, f"robot.{robot.ident}.secret")
        return cls(robot, url, secret, robot.per_minute, robot.mention_all)

    @property
    def limits(self) -> rates.Limits:
        return rates.per_minute(self.per_minute)

    def prepare(self, message: Message, now: dt.datetime) -> tuple[HttpCall, ...]:
        url = self.url
        if self.secret:
            stamp = int(now.timestamp() * 1000)
            joint = "&" if "?" in url else "?"
            url += joint + urlencode({"timestamp": stamp, "sign": signature(stamp, self.secret)})
        return (HttpCall("POST", url, {"Content-Type": "application/json"}, self._body(message)),)

    def _body(self, message: Message) -> bytes:
        room = BODY_LIMIT // 2
        while True:  # quotes and line breaks count double in JSON
            content = {"title": unmarked(message.heading), "text": markdown(message, room, "\n\n")}
            everyone = message.urgent and self.mention_all
            body = json.dumps(
                {"msgtype": "markdown", "markdown": content, "at": {"isAtAll": everyone}}, ensure_ascii=False
            ).encode()
            if len(body) <= BODY_LIMIT:
                return body
            room //= 2

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        answer = answers[-1]
        if (verdict := unanswered(answer)) is not None:
            return verdict
        data = spoken(answer)
        code = data.get("errcode") if data else None
        if data is None or not isinstance(code, int):
            return no_verdict(answer)
        said = f"（{code} {str(data.get('errmsg', ''))[:120]}）"
        if code == 0:
            return outcomes.sent()
        if code in _TOO_FAST:
            return outcomes.limited(f"发送太快，钉钉停用机器人 10 分钟{said}", _SILENCE)
        if code in _DEAD:
            return outcomes.dead(f"{_DEAD[code]}{said}")
        return outcomes.retry(f"钉钉没有收下{said}")

    def learn(self, answers: Sequence[Answer]) -> None:
        """A robot's answer teaches nothing."""
