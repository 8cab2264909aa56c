"""Instruments over TCP: as they should be, and as they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from xingwei.operations.gateway.channels.astm.link import links
from xingwei.operations.gateway.channels.astm.listener import AstmListener
from xingwei.operations.gateway.channels.astm.sender import AstmSender
from xingwei.operations.gateway.channels.base import NotSent, Unknown
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon, until
from xingwei.operations.gateway.tests.captures import shared
from xingwei.operations.gateway.wire.astm_frames import ACK, ENQ, EOT, NAK, frame, frames

TEXT = b"H|\\^&|77||X\rP|1|A9\rO|1|S-1\rR|1|^^^K|4.1|mmol/L\rL|1|N\r"


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


async def listening(intake: FakeIntake, **settings: Any) -> AstmListener:
    listener = AstmListener(channel("astm", {"port": 0, **settings}), intake)
    await listener.start()
    return listener


async def instrument(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def say(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], data: bytes) -> bytes:
    line[1].write(data)
    return await asyncio.wait_for(line[0].read(1), 5)


async def session(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], text: bytes) -> None:
    assert await say(line, ENQ) == ACK
    for one in frames(text):
        assert await say(line, one) == ACK
    line[1].write(EOT)


def test_what_is_acknowledged_is_stored() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        line = await instrument(listener.port)
        await session(line, TEXT)
        got = intake.got[0]
        assert (got.raw, got.control_id, got.type, got.patient, got.reference, got.problem) == (
            TEXT,
            "77",
            "ASTM^R",
            "A9",
            "S-1",
            "",
        )
        assert got.peer == "127.0.0.1"
        await session(line, TEXT)
        assert len(intake.got) == 2
        line[1].close()
        await listener.stop()
        assert intake.lines == 0

    run(work)


def test_a_full_queue_refuses_the_last_frame_until_there_is_room() -> None:
    async def work() -> None:
        intake = FakeIntake()
        intake.overloaded = "队列已满"
        listener = await listening(intake)
        line = await instrument(listener.port)
        assert await say(line, ENQ) == ACK
        *first, last = frames(TEXT)
        for one in first:
            assert await say(line, one) == ACK
        assert await say(line, last) == NAK
        intake.overloaded = ""
        assert await say(line, last) == ACK
        assert [got.raw for got in intake.got] == [TEXT]
        line[1].close()
        await listener.stop()

    run(work)


def test_frames_broken_across_reads() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        line = await instrument(listener.port)
        for byte in ENQ + b"".join(frames(TEXT)) + EOT:
            line[1].write(bytes([byte]))
            await asyncio.sleep(0)
        await intake.wait()
        assert intake.got[0].raw == TEXT
        line[1].close()
        await listener.stop()

    run(work)


def test_a_line_that_breaks_or_falls_silent_leaves_what_it_sent_aside() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, frame_s=0.1)
        line = await instrument(listener.port)
        await say(line, ENQ)
        await say(line, frame(1, b"H|\\^&|1\r", last=True))
        await intake.wait()
        assert "超时" in intake.got[0].problem
        await say(line, ENQ)
        await say(line, frame(1, b"H|\\^&|2\r", last=True))
        line[1].transport.abort()
        await intake.wait(2)
        assert "连接中断" in intake.got[1].problem
        await listener.stop()

    run(work)


def test_noise_floods_and_slow_lines_harm_nobody() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, connections=5, limit_mb=0.01, frame_limit=300)
        noisy = await instrument(listener.port)
        noisy[1].write(b"\x02" + b"x" * 300_000 + b"\x0b\x00\xff" * 1000)
        slow = [await instrument(listener.port) for _ in range(4)]
        for line in slow:
            line[1].write(b"\x05\x02")
        await until(lambda: intake.lines == 5)
        refused = await instrument(listener.port)
        assert await asyncio.wait_for(refused[0].read(), 5) == b""
        noisy[1].close()
        await until(lambda: intake.lines == 4)
        good = await instrument(listener.port)
        await session(good, TEXT)
        assert intake.got[-1].raw == TEXT
        assert intake.troubles
        for line in [*slow, good]:
            line[1].close()
        await listener.stop()

    run(work)


def test_a_real_session_of_a_cobas() -> None:
    raw = shared("astm", "senaite", "cobas_c111.txt").read_bytes()

    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        line = await instrument(listener.port)
        line[1].write(ENQ + raw + EOT)
        await intake.wait()
        assert intake.got[0].reference.startswith("T20")
        assert intake.got[0].problem == ""
        line[1].close()
        await listener.stop()

    run(work)


def test_our_sender_and_our_listener_understand_one_another() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        sender = AstmSender(channel("astm", {"port": listener.port}, direction="out"))
        answers = await asyncio.gather(*(sender.send(outgoing(TEXT), soon()) for _ in range(5)))
        assert all(answer.ok for answer in answers)
        assert [got.raw for got in intake.got] == [TEXT] * 5
        await sender.close()
        await listener.stop()

    run(work)


async def stubborn(answers: Callable[[bytes], bytes]) -> tuple[asyncio.Server, int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(answers(data))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def test_what_the_receiver_surely_lacks_and_what_it_may_have() -> None:
    async def work() -> None:
        with pytest.raises(NotSent, match="连不上"):
            await AstmSender(channel("astm", {"port": 9}, direction="out")).send(outgoing(TEXT), soon())
        cases = [(lambda data: b"", NotSent), (lambda data: ACK if data == ENQ or b"L|1" not in data else b"", Unknown)]
        for answers, error in cases:
            server, port = await stubborn(answers)
            sender = AstmSender(channel("astm", {"port": port, "reply_s": 0.2}, direction="out"))
            with pytest.raises(error):
                await sender.send(outgoing(TEXT), soon())
            await sender.close()
            server.close()
        server, port = await stubborn(lambda data: ACK if data == ENQ else NAK)
        sender = AstmSender(channel("astm", {"port": port}, direction="out"))
        answer = await sender.send(outgoing(TEXT), soon())
        assert (answer.ok, answer.code) == (False, "NAK")
        await sender.close()
        server.close()

    run(work)


def test_orders_go_down_the_line_on_which_the_instrument_asked() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        out = AstmSender(channel("astm", {"through": listener.channel.code}, direction="out"))
        with pytest.raises(NotSent, match="没有连到"):
            await out.send(outgoing(TEXT), soon())
        line = await instrument(listener.port)
        await session(line, b"H|\\^&\rQ|1|^S-9||ALL\rL|1|N\r")
        assert intake.got[0].type == "ASTM^Q"
        sending = asyncio.create_task(out.send(outgoing(TEXT), soon()))
        received = b""
        assert await asyncio.wait_for(line[0].read(1), 5) == ENQ
        line[1].write(ACK)
        while not received.endswith(EOT):
            received += await asyncio.wait_for(line[0].read(4096), 5)
            if received.endswith(b"\r\n"):
                line[1].write(ACK)
        assert received == b"".join(frames(TEXT)) + EOT
        assert (await sending).ok
        line[1].close()
        await until(lambda: not links)
        await listener.stop()

    run(work)


def test_at_contention_the_instrument_goes_first() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, contention_s=0.1)
        out = AstmSender(channel("astm", {"through": listener.channel.code}, direction="out"))
        line = await instrument(listener.port)
        await until(lambda: bool(links))
        sending = asyncio.create_task(out.send(outgoing(TEXT), soon()))
        assert await asyncio.wait_for(line[0].read(1), 5) == ENQ
        assert await say(line, ENQ) == ACK, "our own ENQ is withdrawn"
        for one in frames(TEXT):
            assert await say(line, one) == ACK
        line[1].write(EOT)
        assert await asyncio.wait_for(line[0].read(1), 5) == ENQ, "and then it is our turn"
        answers = b""
        line[1].write(ACK)
        while not answers.endswith(EOT):
            answers += await asyncio.wait_for(line[0].read(4096), 5)
            if answers.endswith(b"\r\n"):
                line[1].write(ACK)
        assert (await sending).ok
        line[1].close()
        await listener.stop()

    run(work)
