"""New rows of a table or view, each a JSON message.

With a watermark column the poller goes on where the newest stored message stands (`reference`); rows at the watermark
itself are read again and told for repeats, since others with the same time may have come later. With a `mark` statement
a row is marked after it is stored. Killed in between, the row comes again and is told for a repeat.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ..base import ChannelConfig, ChannelProblem, Intake, Overloaded, Received
from .connection import Database, Unreachable
from .statements import prepare

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_KNOWN = 20_000
_LARGEST_BATCH = 10_000
_FIRST = {"integer": "0", "timestamp": "1970-01-01T00:00:00", "text": ""}


class DatabaseListener:
    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        s = channel.settings
        self.channel = channel
        self.intake = intake
        self._database = Database(channel)
        self._query = prepare(str(s["query"]), self._database.name, "select")
        self._mark = prepare(str(s["mark"]), self._database.name, "write") if s.get("mark") else None
        self._watermark = str(s.get("watermark") or "")
        self._type = str(s.get("watermark_type") or "integer")
        self._identity = [str(name) for name in s["identity"]]
        self._batch = int(s.get("batch", 200))
        self._poll_s = float(s.get("poll_s", 5))
        if not self._watermark and self._mark is None:
            raise ChannelProblem("要么填水位列，要么填取后语句，否则同样的行会一再取到。")
        self._after = ""
        self._known: OrderedDict[str, None] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    async def start(self) -> None:
        if self._watermark:
            start = str(self.channel.settings.get("start") or _FIRST[self._type])
            self._after = await self.intake.last_reference() or start
            try:
                self._bound()
            except ValueError:
                raise ChannelProblem(f"起点“{self._after[:40]}”不是{self._type}类型的水位。") from None
        try:
            await asyncio.to_thread(self._try)
        except Unreachable as error:
            raise ChannelProblem(str(error)) from None
        self._task = asyncio.create_task(self._work())

    def _try(self) -> None:
        with self._database.connection():
            pass

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task
        await asyncio.to_thread(self._database.close)

    async def _work(self) -> None:
        while not self._stop.is_set():
            more = False
            try:
                more = await self._round(self._batch)
            except (Unreachable, ChannelProblem) as error:
                self.intake.trouble(str(error))
            except self._database.driver.Error as error:
                self.intake.trouble(f"取数语句没有成功：{type(error).__name__}")
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), self._poll_s)

    async def _round(self, most: int) -> bool:
        """True where there is more to read at once."""
        rows = await asyncio.to_thread(self._fetch, most)
        fresh = [row for row in rows if self._name(row) not in self._known]
        for row in fresh:
            if self._stop.is_set() or not await self._take(row):
                return False
        if len(rows) < most:
            return False
        if not fresh and most < _LARGEST_BATCH:  # more rows with one and the same watermark than a batch holds
            return await self._round(min(most * 4, _LARGEST_BATCH))
        return bool(fresh)

    def _bound(self) -> Any:
        if self._type == "integer":
            return int(self._after)
        return datetime.fromisoformat(self._after) if self._type == "timestamp" else self._after

    def _fetch(self, most: int) -> list[dict[str, Any]]:
        with self._database.connection() as found:
            rows = self._database.rows(found, self._query, {"after": self._bound() if self._watermark else None}, most)
            found.rollback()
            return rows

    async def _take(self, row: dict[str, Any]) -> bool:
        received = self._received(row)
        try:
            await self.intake.accept(received)
        except Overloaded as overloaded:
            self.intake.trouble(overloaded.reason)
            return False
        if self._mark is not None:
            await asyncio.to_thread(self._marked, row)
        else:
            self._after = received.reference
        self._known[received.control_id] = None
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return True

    def _marked(self, row: Mapping[str, Any]) -> None:
        assert self._mark is not None
        with self._database.connection() as found:
            self._database.run(found, self._mark, _Row(row))
            found.commit()

    def _name(self, row: Mapping[str, Any]) -> str:
        values = _Row(row)
        return "|".join(str(plain(values[name])) for name in self._identity)

    def _received(self, row: Mapping[str, Any]) -> Received:
        s, values = self.channel.settings, _Row(row)
        raw = json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False).encode()
        patient = str(values.get(str(s.get("patient") or ""), "") or "")
        reference = str(plain(values[self._watermark])) if self._watermark else self._name(row)
        at = values.get(self._watermark) if self._type == "timestamp" else None
        return Received(
            raw,
            control_id=self._name(row),
            type=str(s.get("type") or "ROW"),
            key=str(values.get(str(s.get("key") or ""), "") or patient),
            patient=patient,
            reference=reference,
            event_at=(at if at.tzinfo else at.replace(tzinfo=_SHANGHAI)) if isinstance(at, datetime) else None,
            charset="utf-8",
            peer=str(s["host"]),
        )


class _Row(dict[str, Any]):
    """Column names as a hospital writes them: Oracle gives them in capitals."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__({**{name.lower(): value for name, value in row.items()}, **row})

    def __missing__(self, name: str) -> Any:
        if name != name.lower() and name.lower() in self:
            return self[name.lower()]
        raise ChannelProblem(f"取到的行里没有列 {name}：请检查取数语句。")


def plain(value: Any) -> Any:
    """As JSON has it: amounts keep their digits, times are ISO 8601, bytes are Base64."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(child) for name, child in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(child) for child in value]
    return value
