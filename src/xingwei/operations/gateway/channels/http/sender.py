"""The way out over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ...engine.documents import Document, DocumentProblem, check_path, read
from ..base import Answer, ChannelConfig, ChannelProblem, Outgoing
from .client import HttpAnswer, HttpClient

_LATER = frozenset({401, 403, 408, 425, 429})
"""Refused for now: a token that expired, a limit of rates; the message itself may be good."""


class HttpSender:
    def __init__(self, channel: ChannelConfig) -> None:
        settings = channel.settings
        self.channel = channel
        self.repeatable = bool(settings.get("repeatable", False))
        self.client = HttpClient(channel, keep=self.repeatable)
        self._success = settings.get("success")
        self._refusal = settings.get("refusal")
        self._message = str(settings.get("message") or "")
        try:
            for path in (self._message, *(rule["path"] for rule in (self._success, self._refusal) if rule)):
                if path:
                    check_path("json", path)
        except DocumentProblem as problem:
            raise ChannelProblem(problem.reason) from None

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        settings = self.channel.settings
        headers = {
            **(settings.get("headers") or {}),
            "Content-Type": str(settings.get("content_type") or "application/json; charset=utf-8"),
            "X-Message-Id": _header(outgoing.control_id or outgoing.number),
        }
        method = str(settings.get("method") or "POST")
        return self.judge(await self.client.request(method, str(settings["url"]), outgoing.raw, headers, deadline))

    def can_look_up(self) -> bool:
        return bool(self.channel.settings.get("lookup"))

    async def look_up(self, value: str, deadline: float) -> Mapping[str, str] | None:
        settings = self.channel.settings
        url, name = str(settings["url"]), str(settings.get("lookup") or "")
        if not name:
            raise ChannelProblem("这个通道没有写查询参数名。")
        asked = f"{url}{'&' if '?' in url else '?'}{name}={quote(value, safe='')}"
        answer = await self.client.request("GET", asked, b"", dict(settings.get("headers") or {}), deadline)
        if answer.status == 404:
            return None
        document = _document(answer)
        if not 200 <= answer.status < 300 or document is None:
            raise ChannelProblem(f"对方返回 HTTP {answer.status}，读不出结果。")
        if self._success and not _holds(self._success, document):
            return None
        return dict(document.fields()) or None

    async def close(self) -> None:
        await self.client.close()

    def judge(self, answer: HttpAnswer) -> Answer:
        """By the configured marks in the body, else by the status."""
        document = _document(answer) if self._success or self._refusal or self._message else None
        text = document.get(self._message)[:300] if document is not None and self._message else ""
        code = f"HTTP {answer.status}"
        if document is not None and _holds(self._refusal, document):
            return Answer(False, business=True, code=code, text=text, raw=answer.body)
        fine = 200 <= answer.status < 300
        if fine and self._success:
            fine = document is not None and _holds(self._success, document)
        if fine:
            return Answer(True, code=code, raw=answer.body)
        permanent = 400 <= answer.status < 500 and answer.status not in _LATER
        return Answer(False, permanent=permanent, code=code, text=text or f"对方返回 {code}", raw=answer.body)


def _header(value: str) -> str:
    """Header values are Latin-1 without line breaks."""
    return "".join(char if 32 <= ord(char) < 127 else "_" for char in value)[:200]


def _document(answer: HttpAnswer) -> Document | None:
    try:
        return read("json", answer.body)
    except DocumentProblem:
        return None


def _holds(rule: Mapping[str, Any] | None, document: Document) -> bool:
    return bool(rule) and document.get(str(rule["path"])) in [str(value) for value in rule["in"]]  # type: ignore[index]
