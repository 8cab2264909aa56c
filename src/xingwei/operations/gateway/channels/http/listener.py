"""The way in over HTTP: JSON stored and then answered, or carried to the receiver whose answer is given back."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from ...engine.documents import Document, DocumentProblem, check_path, read
from ..base import CallFailed, ChannelConfig, ChannelProblem, Intake, Overloaded, Received
from ..secrets import secret
from ..sources import networks
from .server import Mount, Reply, Request, SharedServer, join, leave

SHANGHAI = ZoneInfo("Asia/Shanghai")
STATUS = {"refused": 422, "unavailable": 503, "uncertain": 504}
_RECEIPT = '{"code":0,"message":"ok"}'


class HttpListener:
    """Kinds over HTTP are subclasses: they say how to read a request and how their protocol refuses one."""

    document = "json"
    calls = False
    methods: tuple[str, ...] = ("POST",)

    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        settings = channel.settings
        self.channel = channel
        self.intake = intake
        self.prefix = str(settings.get("path") or "/")
        self.waits = self.calls or settings.get("mode") == "call"
        self._token = secret(channel, "token")
        self._extract: Mapping[str, str] = dict(settings.get("extract") or {})
        self._receipt = str(settings.get("receipt") or _RECEIPT)
        try:
            for path in self._extract.values():
                check_path(self.document, path)
            if self.document == "json":
                json.loads(self._receipt)
        except DocumentProblem as problem:
            raise ChannelProblem(problem.reason) from None
        except ValueError:
            raise ChannelProblem("“收下后的应答”不是 JSON。") from None
        self._allowed = networks(settings.get("allow") or [])
        self._server: SharedServer | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.port

    async def start(self) -> None:
        settings = self.channel.settings
        mount = Mount(
            self.prefix,
            self.handle,
            self.refuse,
            self.intake,
            int(float(settings.get("limit_mb", 16)) * 2**20),
            float(settings.get("body_s", 30)),
            self._allowed,
            self.methods,
        )
        host, port = str(settings.get("host") or "127.0.0.1"), int(settings["port"])
        self._server = await join(host, port, mount, settings.get("tls"))

    async def stop(self) -> None:
        if self._server is not None:
            await leave(self._server, self.prefix)

    # what a protocol over HTTP has of its own

    def refuse(self, status: int, text: str) -> Reply:
        return Reply(status, json.dumps({"code": status, "message": text}, ensure_ascii=False).encode())

    def failed(self, received: Received, problem: CallFailed) -> Reply:
        body = {"code": STATUS[problem.outcome], "message": problem.reason, "outcome": problem.outcome}
        if problem.number:
            body["number"] = problem.number
        return Reply(STATUS[problem.outcome], json.dumps(body, ensure_ascii=False).encode())

    def received(self, request: Request) -> Received:
        """What is kept of a request. Never raises: what cannot be read is said in `problem`."""
        got = Received(request.body, charset=charset_of(request, self.channel), peer=request.peer)
        try:
            self.describe(got, request, read(self.document, request.body, got.charset))
        except DocumentProblem as problem:
            got.problem = problem.reason
        return got

    def describe(self, got: Received, request: Request, document: Document) -> None:
        found = {name: document.get(path).strip()[:200] for name, path in self._extract.items()}
        got.charset = document.charset
        got.control_id = found.get("control_id") or request.headers.get("X-Message-Id", "")[:200]
        got.type = found.get("type") or str(self.channel.settings.get("type") or request.path.strip("/")[:60])
        got.key = found.get("key") or found.get("patient", "")
        got.patient = found.get("patient", "")
        got.reference = found.get("reference", "")
        got.event_at = moment(found.get("event_at", ""))

    def receipt(self, received: Received) -> bytes:
        return self._receipt.encode()

    def answered(self, received: Received, body: bytes) -> Reply:
        return Reply(200, body)

    # the way of a request

    async def handle(self, request: Request) -> Reply:
        if self._token and not _bears(request.headers, self._token):
            self.intake.trouble("访问口令不对")
            return self.refuse(401, "访问口令不对。")
        received = self.received(request)
        try:
            if received.problem:
                refused = self.refuse(422, received.problem)
                received.answer = refused.body
                await self.intake.accept(received)
                return refused
            if self.waits:
                return self.answered(received, await self.intake.call(received))
            received.answer = self.receipt(received)
            return Reply(200, await self.intake.accept(received) or self.receipt(received))
        except Overloaded as overloaded:
            return _later(self.refuse(503, overloaded.reason))
        except CallFailed as problem:
            return self.failed(received, problem)


def _later(reply: Reply) -> Reply:
    return Reply(reply.status, reply.body, reply.content_type, {"Retry-After": "2"})


def _bears(headers: Mapping[str, str], token: str) -> bool:
    given = headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return hmac.compare_digest(given.encode(), token.encode())


def charset_of(request: Request, channel: ChannelConfig) -> str:
    """What the request's header says, else what the channel does."""
    for part in request.headers.get("Content-Type", "").split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset" and value:
            return value.strip("\"' ")
    return str(channel.settings.get("charset") or "")


def moment(text: str) -> datetime | None:
    """ISO 8601, "2026-11-25 08:30:00", 20261125083000; without a zone in the hospital's time."""
    if not text:
        return None
    for size, form in ((14, "%Y%m%d%H%M%S"), (8, "%Y%m%d")):
        if len(text) == size and text.isdigit():
            try:
                return datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
            except ValueError:
                return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)
