"""Serial ports, by pseudo-terminals."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from xingwei.operations.gateway.channels.base import ChannelProblem, NotSent
from xingwei.operations.gateway.channels.serial.listener import SerialListener
from xingwei.operations.gateway.channels.serial.sender import SerialSender
from xingwei.operations.gateway.channels.serial.text import TextListener
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon
from xingwei.operations.gateway.wire.astm_frames import ACK, ENQ, EOT, frames

TEXT = b"H|\\^&|77||X\rP|1|A9\rO|1|S-1\rR|1|^^^K|4.1|mmol/L\rL|1|N\r"


class Instrument:
    """The other end of the cable."""

    def __init__(self) -> None:
        self.end, inner = pty.openpty()
        tty.setraw(self.end)
        tty.setraw(inner)
        self.device = os.ttyname(inner)
        self._inner = inner

    async def read(self, count: int = 4096) -> bytes:
        return await asyncio.wait_for(asyncio.to_thread(os.read, self.end, count), 5)

    async def say(self, data: bytes) -> bytes:
        os.write(self.end, data)
        return await self.read(1)

    def close(self) -> None:
        for end in (self.end, self._inner):
            os.close(end)


@pytest.fixture
def instrument() -> Iterator[Instrument]:
    found = Instrument()
    yield found
    found.close()


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


def test_an_instrument_on_a_serial_port_and_orders_back_to_it(instrument: Instrument) -> None:
    async def work() -> None:
        intake = FakeIntake()
        settings = {"device": instrument.device, "baud": 19200}
        listener = SerialListener(channel("serial", settings), intake)
        await listener.start()
        assert await instrument.say(ENQ) == ACK
        for one in frames(TEXT):
            half = len(one) // 2
            os.write(instrument.end, one[:half])
            assert await instrument.say(one[half:]) == ACK
        os.write(instrument.end, EOT)
        assert (intake.got[0].raw, intake.got[0].peer) == (TEXT, instrument.device)
        out = SerialSender(channel("serial", settings, direction="out"))
        sending = asyncio.create_task(out.send(outgoing(TEXT), soon()))
        assert await instrument.read(1) == ENQ
        os.write(instrument.end, ACK)
        got = b""
        while not got.endswith(EOT):
            got += await instrument.read()
            if got.endswith(b"\r\n"):
                os.write(instrument.end, ACK)
        assert got == b"".join(frames(TEXT)) + EOT
        assert (await sending).ok
        await out.close()
        await listener.stop()

    run(work)


def test_text_of_an_instrument_s_own(instrument: Instrument) -> None:
    async def work() -> None:
        intake = FakeIntake()
        settings = {
            "device": instrument.device,
            "start": "02",
            "end": "03",
            "gap_s": 0.1,
            "reply": "06",
            "charset": "gbk",
            "type": "URINE",
        }
        listener = TextListener(channel("serial_text", settings), intake)
        await listener.start()
        assert await instrument.say("xx\x02样本 12 GLU +-\x03".encode("gbk")) == ACK
        assert (intake.got[0].raw.decode("gbk"), intake.got[0].type, intake.got[0].problem) == (
            "\x02样本 12 GLU +-\x03",
            "URINE",
            "",
        )
        os.write(instrument.end, b"\x02half a result")
        await intake.wait(2)
        assert "不完整" in intake.got[1].problem
        await listener.stop()

    run(work)


def test_text_cut_by_silence(instrument: Instrument) -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = TextListener(channel("serial_text", {"device": instrument.device, "gap_s": 0.1}), intake)
        await listener.start()
        os.write(instrument.end, b"line 1\r\nline 2\r\n")
        await intake.wait()
        assert (intake.got[0].raw, intake.got[0].problem) == (b"line 1\r\nline 2\r\n", "")
        await listener.stop()

    run(work)


def test_a_port_that_is_not_there() -> None:
    async def work() -> None:
        with pytest.raises(ChannelProblem, match="打不开"):
            await SerialListener(channel("serial", {"device": "/dev/ttyNONE9"}), FakeIntake()).start()
        with pytest.raises(NotSent, match="打不开"):
            await SerialSender(channel("serial", {"device": "/dev/ttyNONE9"}, direction="out")).send(
                outgoing(TEXT), soon()
            )

    run(work)


def test_a_port_that_was_lost_is_opened_again(instrument: Instrument) -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = SerialListener(channel("serial", {"device": instrument.device, "reopen_s": 0.1}), intake)
        await listener.start()
        link = next(iter(_links().values()))
        link._wire.close()
        for _ in range(300):
            if link not in _links().values() and _links():
                break
            await asyncio.sleep(0.01)
        assert await instrument.say(ENQ) == ACK
        await listener.stop()

    run(work)


def _links() -> dict[str, Any]:
    from xingwei.operations.gateway.channels.astm.link import links

    return links
