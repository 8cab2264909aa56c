"""The database as the hot path uses it: one prepared statement a group, its rows as binary arrays.

One statement is one round trip and one commit, whatever the number of rows; measured against BEGIN, two binary COPYs
and COMMIT it takes a third of the time for groups of six, because nothing waits in between. psycopg opens the
connection; the statements go through its libpq layer, since its cursor costs more than the commit for small groups.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGresult

log = logging.getLogger(__name__)

STATEMENT_TIMEOUT_S = 30
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000

_INT2, _INT4, _INT8 = struct.Struct("!ih").pack, struct.Struct("!ii").pack, struct.Struct("!iq").pack
_LENGTH = struct.Struct("!i").pack
_HEAD = struct.Struct("!iiiii").pack
_NULL = _LENGTH(-1)
_EMPTY = _LENGTH(0)


class DatabaseGone(Exception):
    """No answer: whether the group was committed is not known. The message is for the log."""


class Fenced(Exception):
    """Other processes hold these channels now; nothing of the group was written."""

    def __init__(self, channels: frozenset[int]) -> None:
        super().__init__(f"channels {sorted(channels)} are held by another process")
        self.channels = channels


class Refused(Exception):
    """The database refused the statement (disk full, a value it cannot keep); nothing of the group was written."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate} {message}")
        self.sqlstate = sqlstate


# Arrays in PostgreSQL's binary format: dimensions, has nulls, element type, length, lower bound, elements.


def _array(oid: int, parts: Sequence[bytes], count: int) -> bytes:
    return b"".join((_HEAD(1, 1, oid, count, 1), *parts))


def int8s(values: Sequence[int]) -> bytes:
    return _array(20, [_INT8(8, v) for v in values], len(values))


def int4s(values: Sequence[int | None]) -> bytes:
    return _array(23, [_NULL if v is None else _INT4(4, v) for v in values], len(values))


def int2s(values: Sequence[int]) -> bytes:
    return _array(21, [_INT2(2, v) for v in values], len(values))


def texts(values: Sequence[str]) -> bytes:
    parts: list[bytes] = []
    for value in values:
        if value:
            encoded = value.encode("utf-8", "replace")
            if b"\0" in encoded:
                encoded = encoded.replace(b"\0", b"")
            parts += (_LENGTH(len(encoded)), encoded)
        else:
            parts.append(_EMPTY)
    return _array(25, parts, len(values))


def byteas(values: Sequence[bytes | None], oid: int = 17) -> bytes:
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += (_LENGTH(len(value)), value)
    return _array(oid, parts, len(values))


def jsons(values: Sequence[bytes | None]) -> bytes:
    """JSON text, as jsonb[]: the binary form begins with its version."""
    return byteas([None if v is None else b"\x01" + v for v in values], 3802)


def moments(values: Sequence[int | None]) -> bytes:
    """Times as microseconds since 2000 (`micros`)."""
    return _array(1184, [_NULL if v is None else _INT8(8, v) for v in values], len(values))


def micros(at: datetime) -> int:
    """PostgreSQL's time: microseconds since the first of January 2000, UTC."""
    passed = at - _EPOCH
    return passed.days * _DAY_US + passed.seconds * 1_000_000 + passed.microseconds


def moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000 + _EPOCH.timestamp(), UTC)


class Link:
    """One connection that knows some statements by heart, used by one group at a time.

    It opens itself when it is first used, and again after it broke; there is no second try inside: who waits for a
    group must know that it failed.
    """

    def __init__(self, dsn: str, name: str, statements: Mapping[str, str], settings: Iterable[str] = ()) -> None:
        self.name = name
        self._dsn = dsn
        self._statements = statements
        self._settings = tuple(settings)
        self._connection: psycopg.AsyncConnection | None = None
        self._waiting: asyncio.Future[list[PGresult]] | None = None
        self._results: list[PGresult] = []
        self._socket = -1  # libpq forgets it when the connection is lost
        self.opened = 0

    @property
    def open(self) -> bool:
        return self._connection is not None

    async def connect(self) -> None:
        """Raises DatabaseGone."""
        await self.close()
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=5, application_name=f"xingwei gateway {self.name}"
            )
            for setting in (f"statement_timeout = '{STATEMENT_TIMEOUT_S}s'", *self._settings):
                await connection.execute(f"SET {setting}".encode())
        except (psycopg.Error, OSError) as error:
            raise DatabaseGone(str(error)) from error
        self._connection, self._socket = connection, connection.pgconn.socket
        asyncio.get_running_loop().add_reader(self._socket, self._readable)
        try:
            for name, sql in self._statements.items():
                connection.pgconn.send_prepare(name.encode(), sql.encode())
                await self._result(STATEMENT_TIMEOUT_S)
        except psycopg.Error as error:
            await self.close()
            raise DatabaseGone(str(error)) from error
        self.opened += 1

    async def run(self, name: str, params: Sequence[bytes | None], timeout_s: float = STATEMENT_TIMEOUT_S) -> int:
        """Run a prepared statement, all parameters binary; how many rows it wrote. Raises DatabaseGone, Fenced,
        Refused."""
        result = await self._execute(name, params, timeout_s)
        return result.command_tuples or 0

    async def ids(self, name: str, params: Sequence[bytes | None], timeout_s: float = STATEMENT_TIMEOUT_S) -> set[int]:
        """The same, for statements that return one bigint column."""
        result = await self._execute(name, params, timeout_s)
        return {int.from_bytes(result.get_value(n, 0) or b"", "big", signed=True) for n in range(result.ntuples)}

    async def rows(
        self, name: str, params: Sequence[bytes | None], timeout_s: float = STATEMENT_TIMEOUT_S
    ) -> list[tuple[bytes | None, ...]]:
        """The same, for statements that return rows; values in binary."""
        result = await self._execute(name, params, timeout_s)
        columns = range(result.nfields)
        return [tuple(result.get_value(n, c) for c in columns) for n in range(result.ntuples)]

    async def _execute(self, name: str, params: Sequence[bytes | None], timeout_s: float) -> PGresult:
        if self._connection is None:
            await self.connect()
        assert self._connection is not None
        try:
            self._connection.pgconn.send_query_prepared(name.encode(), params, [1] * len(params), 1)
        except psycopg.Error as error:
            await self.close()
            raise DatabaseGone(str(error)) from error
        return await self._result(timeout_s)

    async def _result(self, timeout_s: float) -> PGresult:
        assert self._connection is not None
        loop, connection = asyncio.get_running_loop(), self._connection.pgconn
        self._results = []
        waiting = self._waiting = loop.create_future()
        timer = loop.call_later(timeout_s, self._break, "没有回答")
        try:
            if connection.flush() == 1:
                loop.add_writer(self._socket, self._writable)
            results = await waiting
        except asyncio.CancelledError:
            await self.close()  # the connection is in the middle of something
            raise
        except (DatabaseGone, psycopg.Error) as error:
            await self.close()
            raise DatabaseGone(str(error)) from error
        finally:
            timer.cancel()
            self._waiting = None
        return await self._judge(results)

    async def _judge(self, results: list[PGresult]) -> PGresult:
        for result in results:
            if result.status in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE):
                state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
                message = (result.error_message or b"").decode("utf-8", "replace").strip()
                if state == "XW001":
                    detail = (result.error_field(pq.DiagnosticField.MESSAGE_DETAIL) or b"").decode()
                    raise Fenced(frozenset(int(c) for c in detail.split(",") if c))
                if not state or state[:2] in ("08", "57", "58", "XX") or state == "25P02":
                    await self.close()
                    raise DatabaseGone(message)
                raise Refused(state, message)
        return results[-1]

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)
        connection.pgconn.finish()

    def _break(self, reason: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(DatabaseGone(reason))

    def _writable(self) -> None:
        if self._connection is None:
            return
        try:
            if self._connection.pgconn.flush() == 0:
                asyncio.get_running_loop().remove_writer(self._socket)
        except psycopg.Error as error:
            self._break(str(error))

    def _readable(self) -> None:
        if self._connection is None:
            return
        connection = self._connection.pgconn
        try:
            connection.consume_input()
            while not connection.is_busy():
                result = connection.get_result()
                if result is None:
                    if self._waiting is not None and not self._waiting.done():
                        self._waiting.set_result(self._results)
                    return
                self._results.append(result)
        except psycopg.Error as error:
            waiting = self._waiting is not None
            self._break(str(error))
            if not waiting:  # closed by the server while nothing was asked
                asyncio.get_running_loop().remove_reader(self._socket)
                self._connection = None
                connection.finish()
