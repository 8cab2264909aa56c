"""A request and what must hold of its answer: status, words, values in the JSON, time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from ..base import MS, PASSWORD, UP, Kind, Looked, Task, register, schema, why
from .assertions import SCHEMA as EXPECT
from .assertions import wrong

STORED = 262_144  # bytes of an answer that are looked at


def session(shared: dict[str, Any]) -> aiohttp.ClientSession:
    """One for the process: no proxy of the environment, no cookies, certificates checked by each probe's own setting."""
    found = shared.get("http")
    if found is None or found.closed:
        connector = aiohttp.TCPConnector(limit=0, limit_per_host=8, keepalive_timeout=20, ttl_dns_cache=30)
        found = shared["http"] = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )
    return found


async def ask(task: Task, settings: Mapping[str, Any], body: Any = None) -> tuple[Looked, Any]:
    """The result and the answer's JSON (None where it is none)."""
    url, method = settings["url"], settings.get("method", "GET")
    headers = {"User-Agent": "xingwei-watch", "X-Synthetic": "1"} | dict(settings.get("headers") or {})
    if token := settings.get("token"):
        headers["Authorization"] = f"Bearer {token}"
    sent = settings.get("body") if body is None else body
    data = sent if isinstance(sent, str) or sent is None else json.dumps(sent, ensure_ascii=False)
    if sent is not None and not isinstance(sent, str):
        headers.setdefault("Content-Type", "application/json")
    began = time.perf_counter()
    try:
        async with session(task.shared).request(
            method, url, data=data.encode() if data is not None else None, headers=headers, allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=task.timeout_s), ssl=bool(settings.get("verify", True)),
        ) as answer:  # fmt: skip
            raw = await answer.content.read(STORED)
            status = answer.status
            text = raw.decode(answer.charset or "utf-8", "replace")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError) as error:
        cause = getattr(error, "os_error", None) or error
        return Looked(False, f"{why(cause)}"), None
    ms = (time.perf_counter() - began) * 1000
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    problem = wrong(settings.get("expect") or {}, status, text, document)
    values = {"ms": ms, "http.status": float(status)}
    return Looked(not problem, problem or f"{status}，{ms:.0f} 毫秒", values), document


async def look(task: Task) -> Looked:
    return (await ask(task, task.settings))[0]


SETTINGS: Mapping[str, Any] = {
    "url": {"type": "string", "pattern": "^https?://[^\\s]+$", "title": "网址", "maxLength": 500},
    "method": {"enum": ["GET", "HEAD", "POST", "PUT"], "title": "方法"},
    "headers": {"type": "object", "additionalProperties": {"type": "string"}, "title": "请求头"},
    "token": PASSWORD | {"title": "令牌"},
    "body": {"title": "内容"},
    "verify": {"type": "boolean", "title": "校验证书"},
    "expect": EXPECT,
}

register(
    Kind(
        "http",
        "网页与服务",
        "发一个请求，核对应答的状态、内容和用时",
        schema(SETTINGS, ["url"]),
        (UP, MS),
        look,
        layer="application",
    )
)
