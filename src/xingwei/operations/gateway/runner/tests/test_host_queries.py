"""Instruments ask the gateway what to do; it answers from the orders that went through, stored with the query."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from xingwei.operations.gateway.channels.astm.link import Link
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, soon
from xingwei.operations.gateway.engine.documents import read
from xingwei.testing.gateway import furnish, send
from xingwei.testing.gateway_db import Cluster

from .living import life, play, rows

pytestmark = pytest.mark.django_db

OML = (
    "MSH|^~\\&|CIS|||||1|OML^O21|%s|P|2.4||||||UNICODE UTF-8\rPID|1||P9||王^明||19900102|M\r"
    "ORC|%s|O1|B17\rOBR|1|O1|B17|GLU|S\rOBR|2|O1|B17|ALT\r"
)
QBP = "MSH|^~\\&|CBC|LAB|LIS|H|1||QBP^Q11|%s|P|2.5||||||UNICODE UTF-8\rQPD|WOS|T77|%s\rRCP|I\r"


def ways(house: Cluster) -> dict[str, int]:
    asking = {"port": 0, "host_query": {"orders": ["cis"], "tests": "codes", "budget_s": 5}}
    with house.connect() as db:
        ids = furnish(
            db,
            [
                {"code": "cis", "direction": "in", "settings": {"port": 0}},
                {"code": "in", "direction": "in", "settings": asking},
                {"code": "x8", "direction": "in", "kind": "astm", "settings": asking},
                {"code": "out", "direction": "out", "settings": {"host": "127.0.0.1", "port": 1}},
            ],
            [{"code": "all", "source": "in", "document": {"to": ["out"]}},
             {"code": "all-x8", "source": "x8", "document": {"to": ["out"]}}],
        )  # fmt: skip
        db.execute(
            "WITH m AS (INSERT INTO gateway_codemap (code, name, system_id)"
            " SELECT 'codes', 'codes', id FROM estate_system WHERE code = 'gwt' RETURNING id)"
            " INSERT INTO gateway_codemapversion (map_id, number, state, document, note, created_at)"
            """ SELECT id, 1, 'released', '{"pairs": {"GLU": "101"}}', '', now() FROM m"""
        )
    return ids


def test_an_instrument_is_told_over_hl7_and_over_astm_what_to_do(house: Cluster) -> None:
    async def work() -> None:
        async with life(house, ways(house)) as living:
            await send(living.port("cis"), (OML % ("C1", "NW")).encode())
            answer = read("hl7", await send(living.port(), (QBP % ("Q1", "B17")).encode()))
            assert (answer.get("MSA-2"), answer.get("QAK-2"), answer.get("PID-5.1")) == ("Q1", "OK", "王明")
            assert answer.all("OBR[*]-4.1") == ["101", "ALT"]
            nothing = read("hl7", await send(living.port(), (QBP % ("Q2", "B99")).encode()))
            assert nothing.get("QAK-2") == "NF"

            instrument = FakeIntake()
            told = await _ask(living, instrument, b"H|\\^&|N1||X8\rQ|1|^B17\rL|1|N\r")
            assert read("astm", told).all("O-5[*].4") == ["101", "ALT"]
            assert read("astm", told).get("P-6.1") == "王明"

            await send(living.port("cis"), (OML % ("C2", "CA")).encode())  # taken back: the newest word counts
            gone = read("hl7", await send(living.port(), (QBP % ("Q3", "B17")).encode()))
            assert gone.get("QAK-2") == "NF"
            repeated = read("hl7", await send(living.port(), (QBP % ("Q1", "B17")).encode()))
            assert repeated.get("QAK-2") == "OK"  # the very answer that was stored with it

    play(work)
    kept = rows(
        house, "SELECT type, reference, targets, answer IS NOT NULL FROM gateway_message WHERE type ~ 'Q' ORDER BY id"
    )
    assert kept == [("QBP^Q11", "B17", 0, True), ("QBP^Q11", "B99", 0, True), ("ASTM^Q", "B17", 0, True),
                    ("QBP^Q11", "B17", 0, True)]  # fmt: skip
    assert rows(house, "SELECT count(*) FROM gateway_queued") == [(0,)]


async def _ask(living: Any, instrument: FakeIntake, text: bytes) -> bytes:
    port = living.gateway._listeners[living.ids["x8"]].port
    own = channel("astm", {"role": "instrument", "port": 0})
    _, link = await asyncio.get_running_loop().create_connection(lambda: Link(own, instrument), "127.0.0.1", port)
    assert (await link.transmit(text, soon())).ok
    (found,) = await instrument.wait(1, 10)
    await link.close()
    return found.raw
