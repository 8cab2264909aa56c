from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from xingwei.operations.gateway.channels.base import ChannelProblem, NotSent
from xingwei.operations.gateway.channels.file.listener import FileListener
from xingwei.operations.gateway.channels.file.sender import FileSender
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon, until


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


def listener(folder: Path, intake: FakeIntake, **settings: Any) -> FileListener:
    base = {"directory": str(folder), "poll_s": 0.02, "stable_s": 0.1, "pattern": "*.csv"}
    return FileListener(channel("file", {**base, **settings}), intake)


def moved(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"{name}/*/*"))


def test_a_file_is_taken_when_it_is_whole_and_moved_away(tmp_path: Path) -> None:
    async def work() -> None:
        intake = FakeIntake()
        taker = listener(tmp_path, intake)
        await taker.start()
        growing = (tmp_path / "a.csv").open("wb")
        for _ in range(10):
            growing.write("糖化,5.9\n".encode("gbk"))
            growing.flush()
            await asyncio.sleep(0.03)
            assert not intake.got, "it was still growing"
        growing.close()
        (tmp_path / "b.txt").write_text("not ours")
        await intake.wait()
        got = intake.got[0]
        assert (got.raw, got.reference, got.type, got.problem) == ("糖化,5.9\n".encode("gbk") * 10, "a.csv", "CSV", "")
        await until(lambda: len(moved(tmp_path, "done")) == 1)
        assert not (tmp_path / "a.csv").exists()
        (tmp_path / "a.csv").write_bytes(got.raw)
        await intake.wait(2)
        assert intake.got[1].control_id == got.control_id, "an export that is repeated is told for a repeat"
        await until(lambda: [p.name for p in moved(tmp_path, "done")] == ["a.csv", "a~1.csv"])
        await taker.stop()
        assert (tmp_path / "b.txt").exists()

    run(work)


def test_a_file_waits_for_its_marker(tmp_path: Path) -> None:
    async def work() -> None:
        intake = FakeIntake()
        taker = listener(tmp_path, intake, marker=".ok")
        await taker.start()
        (tmp_path / "a.csv").write_text("1")
        await asyncio.sleep(0.2)
        assert not intake.got
        (tmp_path / "a.csv.ok").touch()
        await intake.wait()
        await until(lambda: not (tmp_path / "a.csv.ok").exists())
        await taker.stop()

    run(work)


def test_what_cannot_be_taken_stays_or_goes_to_failed(tmp_path: Path) -> None:
    async def work() -> None:
        intake = FakeIntake()
        intake.overloaded = "队列已满"
        taker = listener(tmp_path, intake, limit_mb=0.01, stable_s=0)
        await taker.start()
        (tmp_path / "full.csv").write_text("1")
        await until(lambda: bool(intake.troubles))
        assert (tmp_path / "full.csv").exists()
        intake.overloaded = ""
        await intake.wait()
        (tmp_path / "big.csv").write_bytes(b"x" * 20_000)
        (tmp_path / "empty.csv").touch()
        await intake.wait(3)
        problems = {got.reference: got.problem for got in intake.got}
        assert "超过上限" in problems["big.csv"]
        assert "空的" in problems["empty.csv"]
        await until(
            lambda: {p.name: p.stat().st_size for p in moved(tmp_path, "failed")} == {"big.csv": 20_000, "empty.csv": 0}
        )
        await taker.stop()

    run(work)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(ChannelProblem, match="用不了"):
            await listener(tmp_path / "none", FakeIntake()).start()
        sender = FileSender(channel("file", {"directory": str(tmp_path / "none")}, direction="out"))
        with pytest.raises(NotSent, match="写不了"):
            await sender.send(outgoing(b"x"), soon())

    run(work)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    async def work() -> None:
        (tmp_path / "secret").write_text("secret")
        folder = tmp_path / "in"
        folder.mkdir()
        (folder / "a.csv").symlink_to(tmp_path / "secret")
        intake = FakeIntake()
        taker = listener(folder, intake, stable_s=0)
        await taker.start()
        await asyncio.sleep(0.1)
        await taker.stop()
        assert intake.got == []

    run(work)


def test_files_appear_whole_under_their_names(tmp_path: Path) -> None:
    async def work() -> None:
        sender = FileSender(
            channel("file", {"directory": str(tmp_path), "name": "{type}_{control_id}.hl7"}, direction="out")
        )
        answer = await sender.send(outgoing(b"MSH|", "ORU^R01", "../../etc/x"), soon())
        assert answer.ok
        assert [p.name for p in tmp_path.iterdir()] == ["ORU_R01_.._.._etc_x.hl7"]
        assert next(tmp_path.iterdir()).read_bytes() == b"MSH|"
        assert (await sender.send(outgoing(b"MSH|2", "ORU^R01", "../../etc/x"), soon())).ok
        assert len(os.listdir(tmp_path)) == 1
        strict = FileSender(
            channel("file", {"directory": str(tmp_path), "name": "a", "existing": "refuse"}, direction="out")
        )
        assert (await strict.send(outgoing(b"1"), soon())).ok
        assert (await strict.send(outgoing(b"1"), soon())).ok
        assert (await strict.send(outgoing(b"2"), soon())).permanent

    run(work)
