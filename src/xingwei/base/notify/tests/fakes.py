"""Services that answer as the real ones do, errors included: most of them with HTTP 200.

The rate limits run on the test's clock, so that a limiter that is wrong is punished as it would be in earnest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    at: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Services:
    """base: its address. asked[NAME]: what came. force(NAME, …): the next answer, whatever was asked."""

    base: str = ""
    asked: dict[str, list[Request]] = field(default_factory=lambda: defaultdict(list))
    forced: dict[str, deque[tuple[int, Any]]] = field(default_factory=lambda: defaultdict(deque))
    dingtalk_secret: str = ""
    feishu_secret: str = ""
    blocked_until: float = 0.0
    tokens: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=lambda: {"wanglei"})
    sms_answer: Any = field(default_factory=lambda: {"code": 0, "msg": "ok"})

    def force(self, name: str, status: int, body: Any, times: int = 1) -> None:
        self.forced[name].extend([(status, body)] * times)

    def within(self, name: str, seconds: float) -> int:
        return sum(1 for r in self.asked[name] if r.at > time.time() - seconds)

    # --- WeCom -------------------------------------------------------------------------------------------
    def wecom(self, r: Request) -> Any:
        if r.query.get("key") != "good":
            return {"errcode": 93000, "errmsg": "invalid webhook url, hint: [1773]"}
        if self.within("wecom", 60) > 20:
            return {"errcode": 45009, "errmsg": "api freq out of limit"}
        kind = r.json["msgtype"]
        content = r.json[kind]["content"].encode()
        if len(content) > (2048 if kind == "text" else 4096):
            return {"errcode": 40058, "errmsg": f"{kind}.content exceed max length"}
        return {"errcode": 0, "errmsg": "ok"}

    def gettoken(self, r: Request) -> Any:
        if r.query.get("corpid") != "ww1" or r.query.get("corpsecret") != "s3cret":
            return {"errcode": 40001, "errmsg": "invalid credential"}
        if not self.tokens:  # asked again, it is the same one until it runs out
            self.tokens.append("token-0")
        return {"errcode": 0, "errmsg": "ok", "access_token": self.tokens[-1], "expires_in": 7200}

    def message(self, r: Request) -> Any:
        if not self.tokens or r.query.get("access_token") != self.tokens[-1]:
            return {"errcode": 42001, "errmsg": "access_token expired"}
        if r.json["touser"] not in self.members:
            return {"errcode": 0, "errmsg": "ok", "invaliduser": r.json["touser"], "msgid": "m1"}
        return {"errcode": 0, "errmsg": "ok", "msgid": "m1"}

    # --- DingTalk ----------------------------------------------------------------------------------------
    def dingtalk(self, r: Request) -> Any:
        if r.query.get("access_token") != "good":
            return {"errcode": 300001, "errmsg": "token is not exist"}
        if self.dingtalk_secret:
            stamp = r.query.get("timestamp", "0")
            text = f"{stamp}\n{self.dingtalk_secret}".encode()
            digest = hmac.new(self.dingtalk_secret.encode(), text, hashlib.sha256).digest()
            if base64.b64encode(digest).decode() != r.query.get("sign") or abs(time.time() - int(stamp) / 1000) > 3600:
                return {"errcode": 310000, "errmsg": "sign not match"}
        if time.time() < self.blocked_until or self.within("dingtalk", 60) > 20:
            self.blocked_until = max(self.blocked_until, time.time() + 600)
            return {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
        if len(r.body) > 20000:
            return {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
        return {"errcode": 0, "errmsg": "ok"}

    # --- Feishu ------------------------------------------------------------------------------------------
    def feishu(self, r: Request) -> Any:
        if not r.path.endswith("/good"):
            return {"code": 19001, "msg": "param invalid: incoming webhook access token invalid", "data": {}}
        if self.feishu_secret:
            stamp = r.json.get("timestamp", "0")
            key = f"{stamp}\n{self.feishu_secret}".encode()
            if base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode() != r.json.get("sign"):
                return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
        if self.within("feishu", 1) > 5 or self.within("feishu", 60) > 100:
            return {"code": 9499, "msg": "too many request", "data": {}}
        if len(r.body) > 20 * 1024 or "post" not in r.json["content"]:
            return {"code": 9499, "msg": "Bad Request", "data": {}}
        return {"code": 0, "msg": "success", "data": {}, "StatusCode": 0, "StatusMessage": "success"}

    def sms(self, r: Request) -> Any:
        return self.sms_answer

    def voice(self, r: Request) -> Any:
        return "0,已受理"

    def media(self, r: Request) -> Any:
        return b"\x89PNG\r\n\x1a\n" + b"0" * 40


_ROUTES = {
    "/cgi-bin/webhook/send": "wecom",
    "/cgi-bin/gettoken": "gettoken",
    "/cgi-bin/message/send": "message",
    "/cgi-bin/media/get": "media",
    "/robot/send": "dingtalk",
    "/sms": "sms",
    "/voice": "voice",
}


def start() -> tuple[Services, ThreadingHTTPServer]:
    services = Services()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            query = {k: v[0] for k, v in parse_qs(parts.query).items()}
            request = Request(time.time(), self.command, parts.path, query, dict(self.headers), self.rfile.read(length))
            name = "feishu" if parts.path.startswith("/open-apis/bot/v2/hook/") else _ROUTES.get(parts.path, "?")
            services.asked[name].append(request)
            status, body = 200, None
            if services.forced[name]:
                status, body = services.forced[name].popleft()
            else:
                body = getattr(services, name)(request)
            if callable(body):
                body = body()
            raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header(
                "Content-Type", "image/png" if isinstance(raw, bytes) and raw[:4] == b"\x89PNG" else "application/json"
            )
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = answer

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    services.base = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return services, server
