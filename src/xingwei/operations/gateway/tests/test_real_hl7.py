"""Every HL7 message in ../shared/data, broken ones too, over a real socket: kept byte for byte, read or put aside with a
reason, and where an independent parser can read it, read alike."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from xingwei.operations.gateway.channels.mllp.listener import MllpListener
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel
from xingwei.operations.gateway.engine.documents import DocumentProblem, read
from xingwei.operations.gateway.engine.rules import compile_route
from xingwei.operations.gateway.wire.mllp import frame

from .captures import control_bytes, files, shared

FILES = [path for path in files("hl7") if path.name != "erba_raw.txt"]
UNREADABLE = {"sample_unix.hl7", "sample_win.hl7", "Lyme_WithBadDelimiters_bc53.txt"}
"""Their MSH-1 and MSH-2 are not five different delimiters: two were escaped twice, one was broken on purpose."""

_PYTHON_HL7 = """
import hl7, json, sys
for name in sys.stdin.read().split("\\n"):
    text = open(name, "rb").read().decode("utf-8-sig", "replace").strip("\\r\\n")
    text = text.replace("\\r\\n", "\\r").replace("\\n", "\\r")
    try:
        parsed = hl7.parse(text)
        said = [[str(s[0])] + [str(f) for f in s[1:]] for s in parsed]
    except Exception:
        said = None
    print(json.dumps(said), flush=True)
"""
_HL7APY = """
import json, sys
from hl7apy.parser import parse_segment
from hl7apy.consts import VALIDATION_LEVEL
for name in sys.stdin.read().split("\\n"):
    text = open(name, "rb").read().decode("utf-8-sig", "replace")
    lines = [l for l in text.replace("\\r\\n", "\\n").replace("\\r", "\\n").split("\\n") if l.startswith("PID|")]
    try:
        segment = parse_segment(lines[0], version="2.5", validation_level=VALIDATION_LEVEL.TOLERANT)
        said = {f: segment.children.get(f)[0].to_er7() for f in ("PID_3", "PID_5", "PID_7", "PID_8", "PID_11")
                if segment.children.get(f)}
    except Exception:
        said = None
    print(json.dumps(said), flush=True)
"""


@cache
def _asked(script: str) -> dict[str, Any]:
    """What another parser reads of every file; it runs in a process of its own and is given a minute (python-hl7 hangs
    on some inputs)."""
    names = [str(path) for path in FILES]
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        out, _ = process.communicate("\n".join(names).encode(), timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    return dict(zip(names, map(json.loads, out.decode().splitlines()), strict=False))


def test_every_message_goes_over_the_line_and_is_kept_byte_for_byte() -> None:
    if not FILES:
        shared("hl7")

    async def work() -> None:
        intake = FakeIntake()
        listener = MllpListener(channel("mllp", {"port": 0}), intake)
        await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        for number, path in enumerate(FILES):
            raw = path.read_bytes()
            framed = frame(raw)
            cut = number % 7 + 1  # now and then in pieces
            for at in range(0, len(framed), len(framed) // cut + 1):
                writer.write(framed[at : at + len(framed) // cut + 1])
                await asyncio.sleep(0)
            await intake.wait(number + 1)
            got = intake.got[number]
            assert got.raw == raw, path.name
            document = None if path.name in UNREADABLE else read("hl7", raw, got.charset)
            if got.answer is not None:
                assert await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5), path.name
            else:
                assert document is not None, path.name
                assert "NE" in (document.get("MSH-15"), document.get("MSH-16")), "only who wants no answer gets none"
        writer.close()
        await listener.stop()
        assert len(FILES) > 200
        assert {path.name for path in FILES} >= UNREADABLE
        for path in FILES:
            if path.name in UNREADABLE:
                with pytest.raises(DocumentProblem, match="MSH-1、MSH-2"):
                    read("hl7", path.read_bytes())

    asyncio.run(asyncio.wait_for(work(), 60))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_python_hl7_reads_it_alike(path: Path) -> None:
    theirs = _asked(_PYTHON_HL7).get(str(path))
    if theirs is None or path.name in UNREADABLE:
        pytest.skip("python-hl7 cannot read it")
    ours = read("hl7", path.read_bytes())
    fields = dict(ours.fields())
    seen: dict[str, int] = {}
    names = [segment[0] for segment in theirs]
    for segment in theirs:
        name = segment[0]
        if len(name) != 3 or not name.isalnum() or not name.isupper():
            continue
        seen[name] = seen.get(name, 0) + 1
        where = f"{name}[{seen[name]}]" if names.count(name) > 1 else name
        for number, value in enumerate(segment[1:], 1):
            assert fields.get(f"{where}-{number}", "").rstrip() == value.rstrip(), f"{path.name} {where}-{number}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_hl7apy_reads_the_patient_alike(path: Path) -> None:
    theirs = _asked(_HL7APY).get(str(path))
    if theirs is None or path.name in UNREADABLE:
        pytest.skip("hl7apy cannot read it")
    document = read("hl7", path.read_bytes())
    for name, value in theirs.items():  # it drops empty components
        ours = document.get(f"{name.replace('_', '-')}[1]")
        assert [part for part in ours.split("^") if part.strip("&")] == [part for part in value.split("^") if part], (
            name
        )


@pytest.mark.parametrize("path", [p for p in FILES if p.name not in UNREADABLE], ids=lambda path: path.name)
def test_rules_change_what_they_name_and_nothing_else(path: Path) -> None:
    raw = path.read_bytes()
    route = compile_route(
        {"rules": [{"id": "1", "name": "接收方", "do": "set", "path": "MSH-6", "value": "HOSPITAL"}], "to": ["x"]}, {}
    )
    before = dict(read("hl7", raw).fields())
    document = read("hl7", raw)
    route.apply(document)
    after = dict(read("hl7", document.to_bytes()).fields())
    first = (
        next(name for name in after if name.endswith("-6") and name[:3] in ("MSH", "FHS", "BHS"))
        if "MSH-6" not in after
        else "MSH-6"
    )
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} <= {first, "MSH[1]-6"}


def test_the_raw_log_of_an_instrument_with_segments_after_the_end() -> None:
    """Erba ELite 580: its pieces in the order in which its logger wrote them, FS in the middle. Nothing hangs; what is
    whole is taken, the rest is kept aside with its reason, and the next good message is read."""
    log = shared("hl7", "erba-elite580", "erba_raw.txt").read_text()
    sent = "".join(line for line in log.split("\n") if not line.startswith(("MSH|^~\\&|||ELite", "MSA|")))

    async def work() -> None:
        intake = FakeIntake()
        listener = MllpListener(channel("mllp", {"port": 0}), intake)
        await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        draining = asyncio.create_task(reader.read())
        stream = control_bytes(sent)
        for at in range(0, len(stream), 700):
            writer.write(stream[at : at + 700])
            await writer.drain()
        good = shared("hl7", "erba-elite580", "msg_013.hl7").read_bytes()
        writer.write(frame(good))
        writer.write_eof()
        await asyncio.wait_for(draining, 20)
        await listener.stop()
        assert intake.got[-1].raw == good
        assert intake.got[-1].problem == ""
        whole = [got for got in intake.got if not got.problem]
        aside = [got for got in intake.got if got.problem]
        assert len(whole) > 50
        assert aside
        kept = sum(len(got.raw) for got in intake.got)
        assert kept > 0.98 * len(stream), "apart from the framing nothing is thrown away"

    asyncio.run(asyncio.wait_for(work(), 60))
