"""WeCom: a robot of a group (webhook), and messages of the hospital's own application to one person.

Robot: text ≤ 2,048 B, markdown ≤ 4,096 B, 20 messages a minute. Success is errcode 0 in the body; HTTP is 200
for everything. developer.work.weixin.qq.com/document/path/99110 (robot), /90236 (application).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx
from django.db import models
from django.utils import timezone

from ...engine import outcomes, rates
from ...engine.outcomes import Outcome
from ...engine.wire import Answer, HttpCall
from ...models import Robot, WecomApp
from ...sealing import seal
from ..base import Message, Unsendable, markdown, no_verdict, opened, plain, spoken, unanswered
from ..carry import carry

TEXT_LIMIT = 2048
MARKDOWN_LIMIT = 4096
PER_MINUTE = 20
USUAL_PER_MINUTE = 18  # clocks differ, and others may use the same robot
APP_PER_MINUTE = 30  # to one person; beyond it the message is dropped without an error
_JSON = {"Content-Type": "application/json"}
_TOO_FAST = 45009
_BUSY = {-1, 45033, 50001}
_DEAD = {
    93000: "机器人已被移出群，或 Webhook 地址不对",
    40008: "消息类型不被支持",
    40058: "消息内容不合要求",
    44004: "消息内容为空",
    45002: "消息内容太长",
    45008: "消息内容太长",
}
_APP_DEAD = {
    40001: "应用 Secret 不对",
    40013: "企业 ID 不对",
    40056: "AgentId 不对",
    60020: "本机出口地址不在应用的企业可信 IP 里",
    60111: "收件人的企业微信号不存在",
    81013: "收件人不在应用的可见范围",
    301002: "AgentId 不是这个应用的",
}
_BAD_TOKEN = {40014, 42001, 41001}


def errcode(answer: Answer) -> int | None:
    data = spoken(answer)
    code = data.get("errcode") if data else None
    return code if isinstance(code, int) else None


def _said(answer: Answer, words: str) -> str:
    message = str((spoken(answer) or {}).get("errmsg", ""))[:120]
    return f"{words}（{errcode(answer)} {message}）"


def judge_code(answer: Answer, dead: dict[int, str]) -> Outcome:
    """What errcode means; dead: codes after which trying again is useless."""
    if (verdict := unanswered(answer)) is not None:
        return verdict
    code = errcode(answer)
    if code is None:
        return no_verdict(answer)
    if code == 0:
        return outcomes.sent()
    if code == _TOO_FAST:
        return outcomes.limited(_said(answer, "发送太快，企业微信限流"), dt.timedelta(minutes=1))
    if code in dead:
        return outcomes.dead(_said(answer, dead[code]))
    return outcomes.retry(_said(answer, "企业微信忙" if code in _BUSY else "企业微信没有收下"))


def _post(url: str, body: dict[str, Any]) -> HttpCall:
    return HttpCall("POST", url, _JSON, json.dumps(body, ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class WecomRobot:
    source: models.Model
    url: str
    per_minute: int = USUAL_PER_MINUTE
    mention_all: bool = True
    room: int = TEXT_LIMIT - 700
    avoids_peak: bool = False

    @classmethod
    def of(cls, robot: Robot) -> Self:
        url = opened(robot.address, f"robot.{robot.ident}.address")
        return cls(robot, url, robot.per_minute, robot.mention_all)

    @property
    def limits(self) -> rates.Limits:
        return rates.per_minute(self.per_minute)

    def prepare(self, message: Message, now: dt.datetime) -> tuple[HttpCall, ...]:
        if message.urgent and self.mention_all:  # only text messages can call everyone
            body = {"content": plain(message, TEXT_LIMIT), "mentioned_list": ["@all"]}
            return (_post(self.url, {"msgtype": "text", "text": body}),)
        return (_post(self.url, {"msgtype": "markdown", "markdown": {"content": markdown(message, MARKDOWN_LIMIT)}}),)

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        return judge_code(answers[-1], _DEAD)

    def learn(self, answers: Sequence[Answer]) -> None:
        """A robot's answer teaches nothing."""


@dataclass(frozen=True, slots=True)
class WecomApplication:
    """token: the access token in force, "" where a new one must be asked for first."""

    source: models.Model
    base: str
    corp_id: str
    agent_id: int
    secret: str
    token: str = ""
    room: int = TEXT_LIMIT - 600
    avoids_peak: bool = True

    @classmethod
    def of(cls, app: WecomApp) -> Self:
        if app.agent_id is None or not app.corp_id or not app.secret:
            raise Unsendable("企业微信应用没有配置完整。")
        token = ""
        if app.access_token and app.access_token_until and app.access_token_until > timezone.now():
            token = opened(app.access_token, "wecom.access_token")
        return cls(app, app.base.rstrip("/"), app.corp_id, app.agent_id, opened(app.secret, "wecom.secret"), token)

    @classmethod
    def configured(cls) -> Self:
        app = WecomApp.objects.filter(on=True).first()
        if app is None:
            raise Unsendable("企业微信应用没有启用。")
        return cls.of(app)

    @property
    def limits(self) -> rates.Limits:
        return rates.per_minute(APP_PER_MINUTE)

    def token_call(self) -> HttpCall:
        address = f"{self.base}/cgi-bin/gettoken?corpid={quote(self.corp_id)}&corpsecret={quote(self.secret)}"
        return HttpCall("GET", address, take={"access_token": "access_token"})

    def prepare(self, message: Message, now: dt.datetime) -> tuple[HttpCall, ...]:
        body = {
            "touser": message.address,
            "msgtype": "text",
            "agentid": self.agent_id,
            "text": {"content": plain(message, TEXT_LIMIT)},
        }
        address = f"{self.base}/cgi-bin/message/send?access_token="
        if self.token:
            return (_post(address + quote(self.token), body),)
        return (self.token_call(), _post(address + "{access_token}", body))

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        answer = answers[-1]
        if errcode(answer) in _BAD_TOKEN:
            return outcomes.retry("企业微信的访问令牌已失效，换新的再发")
        verdict = judge_code(answer, _DEAD | _APP_DEAD)
        if verdict.result is not outcomes.Result.SENT:
            return verdict
        data = spoken(answer) or {}
        if "msgid" not in data and "access_token" in data:  # a token, and then nothing
            return outcomes.retry("取到了令牌，消息没有发出")
        if data.get("invaliduser"):  # to one person, so it is this one
            return outcomes.dead("收件人不在应用的可见范围")
        return verdict

    def renewed(self, http: httpx.Client) -> str:
        """The token in force; a new one is asked for and kept where there is none, "" where none is given."""
        if self.token:
            return self.token
        answers = carry([self.token_call()], http)
        self.learn(answers)
        return str((spoken(answers[-1]) or {}).get("access_token", ""))

    def learn(self, answers: Sequence[Answer]) -> None:
        """Keep a new token until a little before it runs out; forget one that is refused."""
        if errcode(answers[-1]) in _BAD_TOKEN:
            WecomApp.objects.update(access_token="", access_token_until=None)
            return
        data = spoken(answers[0]) or {}
        token, seconds = data.get("access_token"), data.get("expires_in")
        if errcode(answers[0]) == 0 and isinstance(token, str) and isinstance(seconds, int) and seconds > 0:
            until = timezone.now() + dt.timedelta(seconds=min(seconds, 7200) * 0.9)
            WecomApp.objects.update(access_token=seal(token, "wecom.access_token"), access_token_until=until)
