"""Every ASTM capture in ../shared/data over a real socket: kept as its frames carried it, or put aside with a reason."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from xingwei.operations.gateway.channels.astm.listener import AstmListener
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel
from xingwei.operations.gateway.engine.documents import read
from xingwei.operations.gateway.wire.astm_frames import ENQ, EOT, frames

from .captures import files, logged_reads, shared

_FRAME = re.compile(rb"\x02[0-7]([^\x03\x17]*)[\x03\x17]")


async def _sent(stream: list[bytes], **settings: Any) -> FakeIntake:
    intake = FakeIntake()
    listener = AstmListener(channel("astm", {"port": 0, **settings}), intake)
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    draining = asyncio.create_task(reader.read())
    for piece in stream:
        writer.write(piece)
        await asyncio.sleep(0)
    writer.write_eof()
    await asyncio.wait_for(draining, 10)
    await listener.stop()
    return intake


def _text(raw: bytes) -> bytes:
    """What the frames of a capture carry, by another way of reading them."""
    return b"".join(_FRAME.findall(raw))


def test_every_capture_is_kept_as_its_frames_carried_it() -> None:
    async def work() -> None:
        for path in [*files("astm/senaite"), *files("astm/astmio/maglumi")]:
            raw = path.read_bytes()
            framed = b"\x02" in raw
            stream = raw if framed else b"".join(frames(raw))
            settings = {"numbers": "any"} if path.name == "yumizen_h500.txt" else {}
            for size in (len(stream), 97, 1):
                whole = ENQ + stream + EOT
                intake = await _sent([whole[at : at + size] for at in range(0, len(whole), size)], **settings)
                if path.name == "mini_vidas.txt":  # a protocol of bioMérieux's own
                    assert all(got.problem for got in intake.got)
                    assert intake.got or intake.troubles
                    continue
                assert b"".join(got.raw for got in intake.got) == (_text(raw) if framed else raw), path.name
                for got in intake.got:
                    _readable(path, got.raw, got.problem)

    shared("astm")
    asyncio.run(asyncio.wait_for(work(), 60))


def _readable(path: Path, raw: bytes, problem: str) -> None:
    """Two mock captures name one delimiter twice: aside, with that reason."""
    if "mock" in path.name:
        assert "分隔符" in problem
        return
    assert problem == "", path.name
    document = read("astm", raw)
    fields = dict(document.fields())
    separator = raw[1:2].decode()
    for number, record in enumerate(line for line in re.split("[\r\n]+", raw.decode()) if line):
        parts = record.split(separator)
        for at, value in enumerate(parts[1:], 2):
            assert not value or value in fields.values(), f"{path.name} {number} {at}"


def test_a_session_whose_reads_are_broken_and_disordered() -> None:
    """Beckman Access 2, as its logger wrote it: what is whole is taken, the rest has a reason, and nothing hangs."""
    reads = logged_reads(shared("astm", "astmio", "access2_logs.txt"))
    intake = asyncio.run(asyncio.wait_for(_sent(reads), 30))
    assert any(not got.problem for got in intake.got)
    assert intake.troubles
    assert all(got.problem for got in intake.got if not got.raw.startswith(b"H|"))
