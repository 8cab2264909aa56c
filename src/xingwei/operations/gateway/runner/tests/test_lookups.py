"""What rules ask of other systems, by a gateway that really runs: within a budget, remembered, kept with the message."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from xingwei.operations.gateway.channels import base
from xingwei.operations.gateway.channels.base import Answer, ChannelConfig, ChannelProblem, Kind, Outgoing
from xingwei.testing.gateway import Receiver, furnish, send
from xingwei.testing.gateway_db import Cluster

from .living import life, oru, play, rows, until

pytestmark = pytest.mark.django_db


class Lis:
    """A system that knows whose barcode it is, or does not answer."""

    repeatable = True

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.asked: list[str] = []
        self.down = False
        self.slow_s = 0.0

    def can_look_up(self) -> bool:
        return True

    async def look_up(self, value: str, deadline: float) -> Mapping[str, str] | None:
        self.asked.append(value)
        await asyncio.sleep(self.slow_s)
        if self.down:
            raise ChannelProblem("连不上")
        return {"pid": self.known[value]} if value in self.known else None

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        return Answer(False, permanent=True)

    async def close(self) -> None: ...


@pytest.fixture
def lis() -> Iterator[Lis]:
    made = Lis()

    def factory(channel: ChannelConfig) -> Lis:
        return made

    base.register(Kind("test-look", "查询", {"type": "object"}, None, factory))
    yield made
    base._kinds.pop("test-look")


def ways(house: Cluster, receiver: Receiver, **settings: Any) -> dict[str, int]:
    rule = {"id": "R5", "name": "取患者号", "do": "lookup", "path": "OBR-3.1", "to": "PID-3.1", "source": "lis",
            "column": "pid", "missing": "refuse"}  # fmt: skip
    out = {"host": "127.0.0.1", "port": receiver.port}
    with house.connect() as db:
        return furnish(
            db,
            [
                {"code": "in", "direction": "in", "settings": {"port": 0}},
                {"code": "out", "direction": "out", "settings": out},
                {"code": "out2", "direction": "out", "settings": out},
                {"code": "lis", "direction": "out", "kind": "test-look", "settings": settings,
                 "breaker": {"timeouts": 2, "minimum": 2, "wait_s": 0.3, "probes": 1}},
            ],
            [{"code": "all", "source": "in", "document": {"to": ["out", "out2"], "rules": [rule]}}],
        )  # fmt: skip


def test_what_is_found_is_kept_with_the_message_and_used_again_after_a_restart_and_in_a_replay(
    house: Cluster, lis: Lis
) -> None:
    lis.known = {"S1": "P-one"}

    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        ids = ways(house, receiver)
        async with life(house, ids) as living:
            await send(living.port(), oru(1))
            await living.idle()
            assert lis.asked == ["S1"]  # once for two ways out
            await send(living.port(), oru(1, value="again"))
            await until(lambda: len(receiver.book) == 4)
            assert lis.asked == ["S1"]  # remembered for a while
        assert all(b"PID|1||P-one\r" in body for body in receiver.book)
        assert (
            rows(house, "SELECT source, question, answer FROM gateway_lookup") == [("lis", "S1", {"pid": "P-one"})] * 2
        )
        lis.known = {"S1": "P-another"}  # the world has changed since
        with house.connect() as db:
            db.execute(
                "INSERT INTO gateway_queued (id, message_id, message_at, channel_id, route_version_id, order_key, state,"
                " queued_at, size) SELECT nextval('gateway_ids') * 1000, message_id, message_at, channel_id,"
                " route_version_id, order_key, 'waiting', now(), size FROM gateway_delivery ORDER BY id LIMIT 1"
            )
        async with life(house, ids, "gw-2") as living:
            await until(lambda: len(receiver.book) == 5)
            await living.idle()
        assert lis.asked == ["S1"]
        assert b"PID|1||P-one\r" in receiver.book[-1]

    play(work)


def test_a_source_that_does_not_answer_delays_nobody_else_and_what_it_never_knew_goes_aside(
    house: Cluster, lis: Lis, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xingwei.operations.gateway.runner import dispatcher

    monkeypatch.setattr(dispatcher, "LOOK_AGAIN_S", 0.1)
    lis.known = {"S2": "P-two"}
    lis.slow_s = 5.0

    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        async with life(house, ways(house, receiver, lookup_s=0.1)) as living:
            await send(living.port(), oru(2))
            await until(lambda: rows(house, "SELECT 1 FROM gateway_queued WHERE reason LIKE '%%lis%%'"))
            assert receiver.book == []
            await until(lambda: rows(house, "SELECT 1 FROM gateway_queued WHERE reason LIKE '%%暂不再问%%'"))
            lis.slow_s = 0.0
            await until(lambda: len(receiver.book) == 2)
            await send(living.port(), oru(3, "P7"))
            await until(lambda: rows(house, "SELECT count(*) FROM gateway_queued WHERE state = 'dead'") == [(2,)])
        assert all(b"PID|1||P-two\r" in body for body in receiver.book)

    play(work)
    reasons = rows(house, "SELECT DISTINCT reason FROM gateway_queued WHERE state = 'dead'")
    assert reasons == [("规则“取患者号”：在“lis”里查不到。",)]
    assert rows(house, "SELECT answer FROM gateway_lookup WHERE question = 'S3'") == [(None,)]
