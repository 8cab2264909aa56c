"""What systems say over HTTP through the gateway: reports that wait in the book until taken, and calls with a time limit."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

from . import points
from .book import Book, Waiting
from .links import Broken, Link

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """state: answered, refused (its text may be shown), timeout or broken."""

    state: str
    body: Json
    seconds: float


class HttpLink(Link):
    """Reports over HTTP POST, in order: taken at 2xx, refused at 4xx, tried again otherwise."""

    __slots__ = ("path", "session")
    path: str
    session: aiohttp.ClientSession | None

    def aimed(self, path: str) -> HttpLink:
        """The path after host and port."""
        self.path, self.session = path, None
        return self

    def report(self, type_: str, key: str, body: Json) -> str:
        """Book a report; its number, which the body carries as msg_id."""
        number = f"{self.channel.upper()}{uuid.uuid4().hex[:24]}"
        self.put(number, type_, key, json.dumps({"msg_id": number, **body}, ensure_ascii=False))
        return number

    async def _connect(self) -> None:
        if self.session is None or self.session.closed:
            self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.answer_s))

    def _drop(self) -> None:
        self.connected = False

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await super().run()
        finally:
            if self.session is not None:
                await self.session.close()

    async def _send(self, waiting: Waiting) -> None:
        assert self.session is not None
        if strike := points.active("send-lost", self.channel):
            points.did(strike, control_id=waiting.control_id)
            self.book.answered(waiting.id, "lost")
            return
        self.book.tried(waiting.id)
        headers = {"Content-Type": "application/json", "X-Message-Id": waiting.control_id}
        url = f"http://{self.host}:{self.port}{self.path}"
        times = 2 if points.active("send-twice", self.channel) else 1
        for _ in range(times):
            try:
                async with self.session.post(url, data=waiting.body, headers=headers) as response:
                    text = (await response.text())[:200]
                    status = response.status
            except aiohttp.ClientError as error:
                raise Broken(str(error)) from error
        self.connected = True
        if status < 300:
            self.book.answered(waiting.id, "acknowledged", str(status))
        elif (status < 500 and status not in {404, 408, 429}) or waiting.tries >= 50:
            self.book.answered(waiting.id, "refused", f"{status} {text}")
        else:
            raise Broken(f"{status} {text}")


class Calls:
    """Calls whose answer the user waits for."""

    def __init__(self, base: str, book: Book) -> None:
        self.base = base
        self.book = book
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, channel: str, path: str, body: Json, limit_s: float) -> Reply:
        """POST and wait at most so long; never raises for what the other side does."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession()
        number = uuid.uuid4().hex
        raw = json.dumps({"msg_id": number, **body}, ensure_ascii=False).encode()
        entry = self.book.write(channel, number, path, str(body.get("patient_id", "")), raw)
        began = time.monotonic()
        headers = {"Content-Type": "application/json", "X-Message-Id": number}
        found: Json = {}
        try:
            limit = aiohttp.ClientTimeout(total=limit_s)
            async with self._session.post(f"{self.base}{path}", data=raw, headers=headers, timeout=limit) as response:
                found = json.loads(await response.read())
                state = "answered" if response.status < 300 and isinstance(found, dict) else "refused"
        except TimeoutError:
            state = "timeout"
        except (aiohttp.ClientError, ValueError, OSError):
            state = "broken"
        told = {"answered": "acknowledged", "refused": "refused"}.get(state, state)
        self.book.answered(entry, told, json.dumps(found, ensure_ascii=False)[:200])
        return Reply(state, found if isinstance(found, dict) else {}, time.monotonic() - began)
