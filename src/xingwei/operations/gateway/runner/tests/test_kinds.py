"""Every kind of channel in a gateway that really runs: stored, routed, delivered; and what real systems sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from xingwei.operations.gateway.channels.dicom.tests.test_dicom import archive, image, store
from xingwei.operations.gateway.channels.http.tests.test_http import post, receiver
from xingwei.operations.gateway.channels.insurance.tests.test_insurance_channel import HEAD, RAW, Platform, found
from xingwei.operations.gateway.tests.captures import files, shared
from xingwei.operations.gateway.tests.test_real_hl7 import FILES
from xingwei.operations.gateway.wire.astm_frames import ENQ, EOT, frames
from xingwei.testing.gateway import Receiver, exchange, furnish
from xingwei.testing.gateway_db import Cluster

from .living import life, one_way, play, rows, until

pytestmark = pytest.mark.django_db  # only so that there is a test database, whose tables are copied


def channels(
    house: Cluster, into: dict[str, Any], out: dict[str, Any], document: dict[str, Any] | None = None
) -> dict[str, int]:
    with house.connect() as db:
        return furnish(
            db,
            [{"code": "in", "direction": "in", **into}, {"code": "out", "direction": "out", **out}],
            [{"code": "all", "source": "in", "document": {"to": ["out"], **(document or {})}}],
        )


def port(living: Any, code: str = "in") -> int:
    return int(living.gateway._listeners[living.ids[code]].port)


def test_every_real_message_is_committed_byte_for_byte_and_delivered_or_aside_with_its_reason(house: Cluster) -> None:
    shared("hl7")

    async def work() -> None:
        target = Receiver()
        await target.start()
        ids = one_way(house, target, settings={"same_id": "accept"})
        async with life(house, ids) as living:
            reader, writer = await asyncio.open_connection("127.0.0.1", living.port())
            for path in FILES:
                with contextlib.suppress(TimeoutError):  # some want no answer
                    await exchange(reader, writer, path.read_bytes(), 0.2)
            writer.close()
            await living.idle()
        assert len(target.book) > 0.9 * len(FILES)

    play(work, 120)
    stored = {
        bytes(raw): (state, problem)
        for raw, state, problem in rows(house, "SELECT raw, state, problem FROM gateway_message")
    }
    for path in FILES:
        state, problem = stored[path.read_bytes()]
        assert state == "accepted" or problem, path.name


def test_results_of_an_instrument_go_to_a_web_service(house: Cluster) -> None:
    text = (
        next(p for p in files("astm/astmio/maglumi")).read_bytes()
        if files("astm/astmio/maglumi")
        else shared("astm").read_bytes()
    )
    seen: list[bytes] = []

    async def take(request: Any) -> Any:
        from aiohttp import web

        seen.append(await request.read())
        return web.json_response({"code": 0})

    async def work() -> None:
        runner, url = await receiver(take)
        rules = [{"id": "1", "name": "条码补零", "do": "pad", "path": "O-3", "width": 12}]
        ids = channels(
            house, {"kind": "astm", "settings": {"port": 0}}, {"kind": "http", "settings": {"url": url}},
            {"key": ["O-3"], "rules": rules},
        )  # fmt: skip
        async with life(house, ids) as living:
            reader, writer = await asyncio.open_connection("127.0.0.1", port(living))
            for piece in [ENQ, *frames(text)]:
                writer.write(piece)
                assert await asyncio.wait_for(reader.read(1), 5) == b"\x06"
            assert rows(house, "SELECT raw FROM gateway_message")[0][0] == text, "committed before the last ACK"
            writer.write(EOT)
            await until(lambda: seen)
            await living.idle()
            writer.close()
        await runner.cleanup()

    play(work)
    barcode = text.split(b"O|1|")[1].split(b"|")[0]
    assert seen == [text.replace(b"O|1|" + barcode, b"O|1|" + barcode.rjust(12, b"0"))]
    assert rows(house, "SELECT outcome, order_key FROM gateway_delivery") == [("delivered", barcode.decode())]


def insured(house: Cluster, platform: Platform, **out: Any) -> dict[str, int]:
    return channels(
        house,
        {"kind": "insurance", "settings": {"port": 0, "path": "/yb/"}, "call": {"budget_s": 0.5}},
        {"kind": "insurance", "settings": {"url": platform.url, "grace_s": 0, **out}, "delivery": {"timeout_s": 1}},
    )


def test_a_settlement_is_carried_and_a_lost_one_asked_about_never_sent_twice(house: Cluster) -> None:
    async def work() -> None:
        async with Platform(i2207="hang", i1101={"infcode": 0, "output": {"x": 1}}, i5203=found()) as platform:
            async with life(house, insured(house, platform)) as living:
                path = "/yb/fsi/api/rsfComIfsService/callService"
                status, said = await post(port(living), RAW.replace(b"2207", b"1101").replace(b"1234", b"9999"), path)
                assert (status, said) == (200, {"infcode": 0, "output": {"x": 1}})
                began = asyncio.get_running_loop().time()
                status, said = await post(port(living), RAW, path)
                assert asyncio.get_running_loop().time() - began < 1.0, "the cashier waits no longer than the budget"
                assert (said["infcode"], said["outcome"]) == (-1, "uncertain")
                await until(
                    lambda: len(rows(house, "SELECT 1 FROM gateway_delivery WHERE settled_by LIKE '%%S9%%'")) == 1, 20
                )
            sent = [document["infno"] for _, _, document in platform.seen]
            assert sent.count("2207") == 1
            assert sent.count("5203") >= 1

    play(work, 60)
    assert rows(house, "SELECT count(*) FROM gateway_queued") == [(0,)]
    assert HEAD["msgid"] in {control for (control,) in rows(house, "SELECT control_id FROM gateway_message")}


def test_images_pass_from_a_modality_to_the_archive(house: Cluster) -> None:
    seen: list[Any] = []

    async def work() -> None:
        server = archive(0, seen)
        ids = channels(
            house, {"kind": "dicom", "settings": {"port": 0}},
            {"kind": "dicom", "settings": {"port": server.socket.getsockname()[1]}},
        )  # fmt: skip
        async with life(house, ids) as living:
            assert await asyncio.to_thread(store, port(living), image(PatientID="P9")) == 0
            await until(lambda: seen)
            await living.idle()
        await asyncio.to_thread(server.shutdown)

    play(work)
    assert seen == ["P9"]
    assert rows(house, "SELECT outcome, order_key FROM gateway_delivery") == [("delivered", "P9")]


def test_files_become_rows_of_a_table(house: Cluster, tmp_path: Path) -> None:
    with house.connect() as db:
        db.execute("CREATE TABLE IF NOT EXISTS middle (msg text PRIMARY KEY, name text)")
        db.execute("TRUNCATE middle")
        where = {"host": db.info.host, "port": db.info.port, "database": db.info.dbname, "user": db.info.user}

    async def work() -> None:
        ids = channels(
            house,
            {"kind": "file_json", "settings": {"directory": str(tmp_path), "poll_s": 0.1, "stable_s": 0.1, "pattern": "*.json"}},
            {
                "kind": "database",
                "settings": {
                    "driver": "postgresql", **where,
                    "insert": "INSERT INTO middle (msg, name) VALUES (:number, :name)", "fields": {"name": "patient.name"},
                    "exists": "SELECT 1 FROM middle WHERE msg = :number",
                },
            },
        )  # fmt: skip
        async with life(house, ids) as living:
            for number in range(20):
                (tmp_path / f"{number}.json").write_text(json.dumps({"patient": {"name": f"病人{number}"}}))
            await until(lambda: rows(house, "SELECT count(*) FROM middle") == [(20,)])
            await living.idle()

    play(work)
    assert sorted(name for (name,) in rows(house, "SELECT name FROM middle")) == sorted(f"病人{n}" for n in range(20))
    assert len(list(tmp_path.glob("done/*/*.json"))) == 20
