"""The listener and the sender on real sockets: what devices and networks do to them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from xingwei.operations.gateway.channels.base import (
    CallFailed,
    ChannelConfig,
    ChannelProblem,
    NotSent,
    Outgoing,
    Overloaded,
    Received,
    Unknown,
)
from xingwei.operations.gateway.channels.mllp import MllpListener, MllpSender
from xingwei.operations.gateway.tests.captures import shared
from xingwei.operations.gateway.wire import hl7
from xingwei.operations.gateway.wire.mllp import frame
from xingwei.testing.gateway import Receiver, exchange, positive, send

ORU = b"MSH|^~\\&|ELite 580|Erba|||20260320||ORU^R01|%s|P|2.3.1||||||UNICODE\rPID|1||P1\rOBX|1|NM|WBC||7.1\r"


class Book:
    """An intake that keeps what it is given."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.lines = 0
        self.troubles: list[str] = []
        self.fail: Exception | None = None
        self.wait = 0.0

    async def accept(self, received: Received) -> bytes | None:
        await asyncio.sleep(self.wait)
        if self.fail is not None:
            raise self.fail
        self.got.append(received)
        return received.answer

    async def call(self, received: Received, budget_s: float | None = None) -> bytes:
        await self.accept(received)
        return positive(received.raw, "AA")

    async def last_reference(self) -> str:
        return ""

    def connections(self, change: int) -> None:
        self.lines += change

    def trouble(self, reason: str) -> None:
        self.troubles.append(reason)


def play(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(bounded())


def way(direction: Any = "in", call: Any = None, **settings: Any) -> ChannelConfig:
    return ChannelConfig(1, "c", "c", direction, "mllp", settings={"port": 0, **settings}, call=call or {})


@asynccontextmanager
async def listening(book: Book, channel: ChannelConfig | None = None) -> AsyncIterator[MllpListener]:
    listener = MllpListener(channel or way(), book)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()
        assert book.lines == 0


def test_a_message_is_handed_over_with_what_can_be_read_of_it_and_acknowledged() -> None:
    async def work() -> None:
        book = Book()
        async with listening(book) as listener:
            answer = await send(listener.port, ORU % b"A1")
        assert hl7.read_ack(answer).control_id == "A1"
        got = book.got[0]
        assert (got.raw, got.control_id, got.type, got.patient, got.peer) == (
            ORU % b"A1", "A1", "ORU^R01", "P1", "127.0.0.1",
        )  # fmt: skip

    play(work)


def test_f15_the_raw_log_of_a_real_device_goes_through_byte_for_byte() -> None:
    raw = shared("hl7", "erba-elite580", "erba_raw.txt").read_bytes()
    stream = raw.replace(b"[VT]", b"\x0b").replace(b"[FS]", b"\x1c").replace(b"[CR]", b"\r")

    async def work() -> None:
        book = Book()
        async with listening(book) as listener:
            _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            for at in range(0, len(stream), 1_448):
                writer.write(stream[at : at + 1_448])
                await writer.drain()
            writer.write_eof()
            await asyncio.sleep(0.3)
            writer.close()
        kept = b"".join(r.raw for r in book.got)
        for mark in (b"\x0b", b"\x1c", b"\r", b"\n"):
            assert stream.replace(b"\x0b", b"").count(mark) >= kept.count(mark)
        assert kept.translate(None, b"\x0b\x1c\r\n") == stream.translate(None, b"\x0b\x1c\r\n")
        good = [r for r in book.got if not r.problem]
        assert len(good) > 5  # in this log most messages have segments after their end
        assert all(hl7.read_ack(r.answer or b"").control_id == r.control_id for r in good)

    play(work)


@pytest.mark.parametrize(
    ("stream", "problem", "answer"),
    [
        (frame(b"hello"), "MSH", b"MSA|AR"),
        (frame(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01||P|2.4\r"), "控制号", b"MSA|AR"),
        (ORU % b"A1" + b"\x1c\r", "开始符", b"MSA|AA|A1"),
        (b"\x0b" + ORU % b"A1" + b"\x1c\rOBX|2|NM|HGB||1\r", "结束符之后", b"MSA|AA|A1"),
        (frame(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|A1|P|2.4\r" + b"x" * 300_000), "上限", b"MSA|AR"),
    ],
)
def test_f15_what_is_wrong_goes_to_quarantine_and_is_answered_as_the_protocol_says(
    stream: bytes, problem: str, answer: bytes
) -> None:
    async def work() -> None:
        book = Book()
        async with listening(book, way(limit_mb=0.1)) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(stream)
            assert answer in await reader.readuntil(b"\x1c\r")
            assert b"MSA|AA|next" in await exchange(reader, writer, ORU % b"next")
            writer.close()
        assert problem in book.got[0].problem
        assert len(book.got[0].raw) <= 110_000
        assert book.got[1].problem == ""

    play(work)


def test_f16_a_slow_sender_is_ended_a_flood_is_refused_and_others_go_on() -> None:
    async def work() -> None:
        book = Book()
        async with listening(book, way(frame_s=0.2, connections=5)) as listener:
            slow_reader, slow = await asyncio.open_connection("127.0.0.1", listener.port)
            slow.write(b"\x0bMSH|^~\\&|drop")
            flood = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(30)]
            for _reader, writer in flood:
                writer.write(b"\x0b")
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await exchange(*flood[-1], ORU % b"A1")
            async with asyncio.timeout(3):
                assert await slow_reader.read() == b""
            for _, writer in flood:
                writer.close()
            await asyncio.sleep(0.1)
            assert b"MSA|AA|A2" in await send(listener.port, ORU % b"A2")
        assert any("没有在时限内" in t for t in book.troubles)
        assert [r.problem != "" for r in book.got] == [True, False]

    play(work)


def test_f16_a_sender_that_does_not_wait_is_read_no_faster_than_it_is_stored() -> None:
    async def work() -> None:
        book = Book()
        book.wait = 0.002
        async with listening(book) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            count = 400

            async def push() -> None:
                for n in range(count):
                    writer.write(frame(ORU % str(n).encode() + b"NTE|" + b"x" * 20_000))
                    await writer.drain()

            pushing = asyncio.create_task(push())
            await asyncio.sleep(0.05)
            (line,) = listener.lines
            assert len(line._frames) <= 200
            for n in range(count):
                assert f"MSA|AA|{n}\r".encode() in await reader.readuntil(b"\x1c\r")
            await pushing
            writer.close()
        assert [r.control_id for r in book.got] == [str(n) for n in range(count)]

    play(work)


def test_when_it_cannot_be_stored_the_sender_is_asked_to_repeat_or_hears_nothing() -> None:
    async def work() -> None:
        book = Book()
        async with listening(book) as listener:
            book.fail = Overloaded("队列已满")
            assert b"MSA|AE|A1|" + "队列已满".encode() in await send(listener.port, ORU % b"A1")
            book.fail = Overloaded("数据库", unsure=True)
            with pytest.raises(ConnectionError):
                await send(listener.port, ORU % b"A1")

    play(work)


def test_a_way_in_may_wait_for_the_receiver_s_own_answer() -> None:
    async def work() -> None:
        book = Book()
        async with listening(book, way(call={"budget_s": 1})) as listener:
            assert b"MSA|AA|A1" in await send(listener.port, ORU % b"A1")
            book.fail = CallFailed("对方已熔断", "unavailable")
            assert b"MSA|AE|A2" in await send(listener.port, ORU % b"A2")

    play(work)


def test_only_the_sources_that_are_allowed_may_connect() -> None:
    async def work() -> None:
        book = Book()
        async with listening(book, way(allow=["10.0.0.0/8"])) as listener:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await send(listener.port, ORU % b"A1")
        assert book.got == []

    play(work)


def test_a_port_that_is_taken_is_told_in_words() -> None:
    async def work() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            with pytest.raises(ChannelProblem, match="端口被别的程序占用"):
                await MllpListener(way(port=other.getsockname()[1]), Book()).start()

    play(work)


def outgoing(control_id: str) -> Outgoing:
    return Outgoing(1, 1, control_id, "ORU^R01", "P1", ORU % control_id.encode(), "M-260320-1")


def soon(seconds: float = 5) -> float:
    return time.monotonic() + seconds


def test_lines_stay_open_and_carry_one_message_at_a_time() -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        sender = MllpSender(way("out", port=receiver.port))
        for n in range(5):
            assert (await sender.send(outgoing(str(n)), soon())).ok
        assert sender.lines == 1
        answers = await asyncio.gather(*(sender.send(outgoing(f"x{n}"), soon()) for n in range(4)))
        assert [a.ok for a in answers] == [True] * 4
        assert 1 < sender.lines <= 4
        await sender.close()
        await receiver.stop()

    play(work)


@pytest.mark.parametrize(("code", "ok", "permanent"), [("AA", 1, 0), ("CA", 1, 0), ("AE", 0, 0), ("AR", 0, 1)])
def test_what_the_answer_means(code: str, ok: int, permanent: int) -> None:
    async def work() -> None:
        receiver = Receiver(lambda body: positive(body, code))
        await receiver.start()
        answer = await MllpSender(way("out", port=receiver.port)).send(outgoing("1"), soon())
        assert (answer.ok, answer.permanent, answer.code) == (bool(ok), bool(permanent), code)

    play(work)


def test_what_would_break_the_frame_is_not_sent() -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        broken = Outgoing(1, 1, "1", "ORU^R01", "P1", ORU % b"1" + b"\x1c\rOBX|2", "M-260320-1")
        answer = await MllpSender(way("out", port=receiver.port)).send(broken, soon())
        assert (answer.ok, answer.permanent) == (False, True)
        assert receiver.book == []

    play(work)


def test_a_receiver_that_is_not_there_and_one_that_is_silent_are_told_apart() -> None:
    async def work() -> None:
        receiver = Receiver(lambda body: None)
        await receiver.start()
        sender = MllpSender(way("out", port=receiver.port))
        with pytest.raises(Unknown) as silent:
            await sender.send(outgoing("1"), soon(0.2))
        assert silent.value.timeout
        assert sender.lines == 0
        await receiver.stop()
        with pytest.raises(NotSent):
            await sender.send(outgoing("2"), soon())

    play(work)


def test_f13_an_answer_to_something_else_is_not_taken() -> None:
    async def work() -> None:
        receiver = Receiver(lambda body: positive(ORU % b"other"))
        await receiver.start()
        with pytest.raises(Unknown):
            await MllpSender(way("out", port=receiver.port)).send(outgoing("1"), soon(0.2))

    play(work)


def test_a_line_that_the_receiver_closed_meanwhile_is_replaced_by_a_new_one() -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        sender = MllpSender(way("out", port=receiver.port))
        assert (await sender.send(outgoing("1"), soon())).ok
        for line in list(receiver._lines):
            line.abort()
        await asyncio.sleep(0.05)
        assert (await sender.send(outgoing("2"), soon())).ok

    play(work)
