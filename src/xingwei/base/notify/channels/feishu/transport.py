"""Feishu: a robot of a group.

Body ≤ 20 KB; 100 messages a minute and 5 a second, fewer at every full and half hour (code 11232). Signed
robots take timestamp (s) and sign = base64(HMAC-SHA256(key timestamp + "\\n" + secret, "")) in the body.
Success is code 0 (or StatusCode 0 of the older form): "too many request" comes as 9499, with any HTTP status.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.db import models

from ...engine import outcomes, rates
from ...engine.outcomes import Outcome
from ...engine.texts import cut
from ...engine.wire import Answer, HttpCall
from ...models import Robot
from ..base import Message, no_verdict, opened, spoken, unanswered

BODY_LIMIT = 20_000
PER_MINUTE = 100
PER_SECOND = 5
USUAL_PER_MINUTE = 90
_PAUSE = dt.timedelta(minutes=1)
_CROWDED = 11232
_BAD_REQUEST = 9499
_DEAD = {
    _BAD_REQUEST: "请求格式不被接受",
    19001: "机器人不存在，或 Webhook 地址不对",
    19002: "消息格式不被接受",
    19021: "签名不对，或本机时间与飞书相差超过一小时",
    19022: "本机出口地址不在机器人的白名单里",
    19024: "内容里没有机器人要求的关键词",
}


def signature(timestamp: int, secret: str) -> str:
    """Of a timestamp in seconds."""
    digest = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class FeishuRobot:
    source: models.Model
    url: str
    secret: str = ""
    per_minute: int = USUAL_PER_MINUTE
    mention_all: bool = True
    room: int = 6000
    avoids_peak: bool = True

    @classmethod
    def of(cls, robot: Robot) -> Self:
        url = opened(robot.address, f"robot.{robot.ident}.address")
        secret = opened(robot.secret, f"robot.{robot.ident}.secret")
        return cls(robot, url, secret, robot.per_minute, robot.mention_all)

    @property
    def limits(self) -> rates.Limits:
        return rates.per_minute(self.per_minute, PER_SECOND)

    def prepare(self, message: Message, now: dt.datetime) -> tuple[HttpCall, ...]:
        body: dict[str, Any] = {}
        if self.secret:
            stamp = int(now.timestamp())
            body = {"timestamp": str(stamp), "sign": signature(stamp, self.secret)}
        room = BODY_LIMIT // 2
        while True:
            raw = json.dumps(body | self._content(message, room), ensure_ascii=False).encode()
            if len(raw) <= BODY_LIMIT:
                return (HttpCall("POST", self.url, {"Content-Type": "application/json"}, raw),)
            room //= 2

    def _content(self, message: Message, room: int) -> dict[str, Any]:
        """A post: its text is taken as text, whatever tags it may look like."""
        lines: list[list[dict[str, str]]] = []
        if message.text:
            lines.append([{"tag": "text", "text": cut(message.text, room)}])
        if message.url:
            lines.append([{"tag": "a", "text": "查看详情", "href": message.url}])
        if message.urgent and self.mention_all:
            lines.append([{"tag": "at", "user_id": "all"}])
        post = {"zh_cn": {"title": cut(message.heading, 600), "content": lines or [[{"tag": "text", "text": " "}]]}}
        return {"msg_type": "post", "content": {"post": post}}

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        answer = answers[-1]
        data = spoken(answer)
        code = data.get("code", data.get("StatusCode")) if data else None
        if data is None or not isinstance(code, int):
            return unanswered(answer) or no_verdict(answer)
        words = str(data.get("msg", data.get("StatusMessage", "")))
        said = f"（{code} {words[:120]}）"
        if code == 0:
            return unanswered(answer) or outcomes.sent()
        if code == _CROWDED or (code == _BAD_REQUEST and "too many" in words.lower()):
            return outcomes.limited(f"发送太快，飞书限流{said}", _PAUSE)
        if code in _DEAD:
            return outcomes.dead(f"{_DEAD[code]}{said}")
        return outcomes.retry(f"飞书没有收下{said}")

    def learn(self, answers: Sequence[Answer]) -> None:
        """A robot's answer teaches nothing."""
