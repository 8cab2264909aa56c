"""Out into a table of another system (中间表): one row, or one for each result, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from ...engine.documents import Document, DocumentProblem, check_path, read
from ..base import Answer, ChannelConfig, ChannelProblem, NotSent, Outgoing, Unknown, left
from .connection import Database, Unreachable
from .listener import plain
from .statements import Statement, prepare

_OWN = ("control_id", "number", "type", "key")


class DatabaseSender:
    """repeatable: the statement finds out by itself what is there already (`exists`)."""

    def __init__(self, channel: ChannelConfig) -> None:
        s = channel.settings
        self.channel = channel
        self._database = Database(channel)
        self._insert = prepare(str(s["insert"]), self._database.name, "write") if s.get("insert") else None
        self._lookup = prepare(str(s["lookup"]), self._database.name, "select") if s.get("lookup") else None
        if self._lookup is not None and set(self._lookup.names) != {"value"}:
            raise ChannelProblem("查询语句里只能有 :value，也必须有。")
        self._exists = prepare(str(s["exists"]), self._database.name, "select") if s.get("exists") else None
        self.repeatable = self._exists is not None
        self._form = str(s.get("form") or "json")
        self._fields: Mapping[str, str] = dict(s.get("fields") or {})
        self._each = str(s.get("each") or "")
        try:
            for path in (*self._fields.values(), *([self._each] if self._each else [])):
                check_path(self._form, path)
        except DocumentProblem as problem:
            raise ChannelProblem(problem.reason) from None
        wanted = [name for one in (self._insert, self._exists) if one is not None for name in one.names]
        unknown = {*wanted} - {*self._fields, *_OWN, "raw"}
        if unknown:
            raise ChannelProblem(f"语句里的 :{sorted(unknown)[0]} 没有写明取自哪个字段。")

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        return await asyncio.to_thread(self._send, outgoing)

    async def close(self) -> None:
        await asyncio.to_thread(self._database.close)

    def _rows(self, outgoing: Outgoing) -> Iterator[dict[str, Any]]:
        document = read(self._form, outgoing.raw, str(self.channel.settings.get("charset") or ""))
        own: dict[str, Any] = {name: getattr(outgoing, name) for name in _OWN}
        own["raw"] = outgoing.raw.decode(document.charset, "replace")
        if not self._each:
            yield {**{name: document.get(path) or None for name, path in self._fields.items()}, **own}
            return
        for spot in document.spots(self._each):
            yield {**{name: _beside(document, path, spot) or None for name, path in self._fields.items()}, **own}

    def can_look_up(self) -> bool:
        return self._lookup is not None

    async def look_up(self, value: str, deadline: float) -> Mapping[str, str] | None:
        if self._lookup is None:
            raise ChannelProblem("这个通道没有写查询语句。")
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._found, value), left(deadline))
        except TimeoutError:
            raise ChannelProblem("在时限内没有查完。") from None
        except Unreachable as error:
            raise ChannelProblem(str(error)) from None
        except (self._database.driver.Error, OSError) as error:
            raise ChannelProblem(f"查询没有成功：{_words(error)}") from None

    def _found(self, value: str) -> dict[str, str] | None:
        assert self._lookup is not None
        with self._database.connection() as found:
            rows = self._database.rows(found, self._lookup, {"value": value}, 1)
            found.rollback()
        if not rows:
            return None
        texts = {name: "" if cell is None else str(plain(cell)).strip() for name, cell in rows[0].items()}
        return {**{name.lower(): text for name, text in texts.items()}, **texts}

    def _send(self, outgoing: Outgoing) -> Answer:
        if self._insert is None:
            return Answer(False, permanent=True, code="只供查询", text="这个通道没有写入语句，只能用来查询")
        insert = self._insert
        try:
            rows = list(self._rows(outgoing))
        except DocumentProblem as problem:
            return Answer(False, permanent=True, code="报文", text=problem.reason)
        driver = self._database.driver
        try:
            with self._database.connection() as found:
                if self._exists is not None and rows and self._database.rows(found, self._exists, rows[0], 1):
                    found.rollback()
                    return Answer(True, code="已有")
                count = sum(max(0, self._database.run(found, insert, row)) for row in rows)
                self._commit(found)
                return Answer(True, code="已写", text=f"{count} 行")
        except Unreachable as error:
            raise NotSent(str(error)) from None
        except (driver.IntegrityError, driver.DataError, driver.ProgrammingError) as error:
            return Answer(False, permanent=True, code=_code(error), text=f"数据库拒收：{_words(error)}")
        except (driver.Error, OSError) as error:
            raise NotSent(f"写入没有成功，已回滚：{_words(error)}") from None

    def _commit(self, found: Any) -> None:
        try:
            found.commit()
        except (self._database.driver.Error, OSError) as error:
            raise Unknown(f"提交时连接中断：{_words(error)}") from None


def _beside(document: Document, path: str, spot: Any) -> str:
    """A field of the same occurrence where the path has a wildcard, else of the message."""
    same = document.bound(path, spot) if "*" in path else None
    return document.read(same) if same is not None else document.get(path)


def _code(error: Exception) -> str:
    return str(
        getattr(error, "sqlstate", None) or (error.args[0] if error.args and isinstance(error.args[0], int) else "")
    )


def _words(error: Exception) -> str:
    """Its class and code only: the driver's text quotes the values."""
    return " ".join(part for part in (type(error).__name__, _code(error)) if part)


__all__ = ["DatabaseSender", "Statement"]
