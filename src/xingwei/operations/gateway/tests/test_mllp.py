"""MLLP framing: whatever the network and the devices do, every byte that means something comes out once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.wire.mllp import Frame, Reader, frame

BODY = st.binary(min_size=1, max_size=80).map(lambda b: b"MSH|" + b.replace(b"\x0b", b"").replace(b"\x1c", b""))


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(n % (len(stream) + 1) for n in at)})
    return [stream[a:b] for a, b in pairwise(places)]


@given(st.lists(BODY, max_size=6), st.lists(st.integers(0, 10_000), max_size=12))
def test_frames_come_out_as_they_went_in_however_the_network_cuts_them(bodies: list[bytes], at: list[int]) -> None:
    reader = Reader()
    found = [f for part in cut(b"".join(map(frame, bodies)), at) for f in reader.feed(part)]
    assert found == [Frame(b) for b in bodies]
    assert reader.close() == []


@given(st.binary(max_size=400), st.lists(st.integers(0, 10_000), max_size=8))
def test_anything_at_all_is_survived_and_the_next_frame_found(noise: bytes, at: list[int]) -> None:
    reader = Reader(limit=128)
    for part in cut(noise, at):
        for found in reader.feed(part):
            assert len(found.body) <= 128
    assert reader.pending <= 128
    last = reader.feed(b"\x1c\r" + frame(b"MSH|good"))
    assert last[-1] == Frame(b"MSH|good")


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"GET / HTTP/1.1\r\n\x0bMSH|1\x1c\r", [Frame(b"GET / HTTP/1.1\r\n", "outside"), Frame(b"MSH|1")]),
        (b"\r\n\r\n\x0bMSH|1\x1c\r\r\n", [Frame(b"MSH|1")]),
        (b"MSH|1\rPID|1\r\x1c\r", [Frame(b"MSH|1\rPID|1\r", "no_start")]),
        (b"\x0bMSH|1\r\x0bMSH|2\r\x1c\r", [Frame(b"MSH|1\r", "no_end"), Frame(b"MSH|2\r")]),
        (
            b"\x0bMSH|1\rOBX|37\r\x1c\rOBX|18\r\x0bMSH|2\x1c\r",
            [Frame(b"MSH|1\rOBX|37\r\x1c\rOBX|18\r", "tail"), Frame(b"MSH|2")],
        ),
        (b"\x0bMSH|1\x1c\x0bMSH|2\x1c", [Frame(b"MSH|1"), Frame(b"MSH|2")]),
    ],
)
def test_habits_of_devices(stream: bytes, expected: list[Frame]) -> None:
    assert Reader().feed(stream) == expected


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_an_oversize_message_keeps_its_beginning_and_nothing_more(step: int) -> None:
    reader = Reader(limit=100)
    stream = frame(b"MSH|" + b"x" * 5_000) + frame(b"MSH|2")
    found = [f for at in range(0, len(stream), step) for f in reader.feed(stream[at : at + step])]
    assert [f.flaw for f in found] == ["oversize", ""]
    assert found[0].body == b"MSH|" + b"x" * 96
    assert found[1].body == b"MSH|2"


def test_an_endless_message_never_takes_more_memory_than_its_limit() -> None:
    reader = Reader(limit=1_000)
    flaws = [f.flaw for f in reader.feed(b"\x0bMSH|")]
    for _ in range(1_000):
        flaws += [f.flaw for f in reader.feed(b"x" * 500)]
        assert reader.pending <= 1_500
    assert flaws == ["oversize"]


def test_what_was_cut_off_by_the_end_of_the_line_is_not_lost() -> None:
    reader = Reader()
    assert reader.feed(b"\x0bMSH|1\rPID") == []
    assert reader.close() == [Frame(b"MSH|1\rPID", "no_end")]
