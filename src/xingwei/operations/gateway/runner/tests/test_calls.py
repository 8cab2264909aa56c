"""Calls: an answer within the budget whatever the third party does; nothing asked for twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from xingwei.operations.gateway.channels import base
from xingwei.operations.gateway.channels.base import (
    Answer,
    CallFailed,
    ChannelConfig,
    Kind,
    NotSent,
    NotThere,
    Outgoing,
    Received,
    Settled,
    Unclear,
    Unknown,
    left,
)
from xingwei.testing.gateway import furnish, notify
from xingwei.testing.gateway_db import Cluster

from .living import Life, life, play, rows, until

pytestmark = pytest.mark.django_db


class Centre:
    """A third party in memory: what it did, and how it behaves."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.behave: Callable[[Outgoing], str] = lambda outgoing: "answer"
        self.repeatable = False
        self.asked = 0
        self.inquiry: str = "truth"

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        how = self.behave(outgoing)
        if how == "refuse":
            raise NotSent("连不上医保中心")
        if how != "lose":
            self.done.append(outgoing.control_id)
        if how in ("hang", "lose"):
            await asyncio.sleep(left(deadline))
            raise Unknown("医保中心没有应答", timeout=True)
        if how == "late":
            await asyncio.sleep(0.4)
        return Answer(ok=True, code="0", raw=b'{"infcode":0,"no":"%s"}' % outgoing.control_id.encode())

    async def inquire(self, outgoing: Outgoing, deadline: float) -> Settled | NotThere | Unclear:
        self.asked += 1
        if self.inquiry == "fails":
            return Unclear("查询没有成功")
        if outgoing.control_id in self.done:
            return Settled(Answer(ok=True, code="0", raw=b"{}"), "5203 查到结算")
        return NotThere("5203 查无此结算")

    async def close(self) -> None: ...


class Entrance:
    """A way in that the test calls itself."""

    def __init__(self, channel: ChannelConfig, intake: Any) -> None:
        _entrances[channel.code] = intake

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


_entrances: dict[str, Any] = {}


@pytest.fixture
def centre() -> Iterator[Centre]:
    made = Centre()
    base.register(Kind("test-call", "测试", {}, listener=Entrance, sender=lambda channel: made, document="json"))
    yield made
    del base._kinds["test-call"]


BREAKER = {"window_s": 60, "minimum": 100, "timeouts": 3, "wait_s": 1.5, "wait_cap_s": 2, "probes": 2}


def windows(house: Cluster, **out: Any) -> dict[str, int]:
    with house.connect() as db:
        return furnish(
            db,
            [
                {"code": "his", "direction": "in", "kind": "test-call", "call": {"budget_s": 0.25}},
                {"code": "yb", "direction": "out", "kind": "test-call", "breaker": BREAKER,
                 "delivery": {"timeout_s": 0.6}, **out},
            ],
            [{"code": "calls", "source": "his", "document": {"to": ["yb"]}}],
        )  # fmt: skip


def plan(house: Cluster, channel: int, **document: Any) -> None:
    with house.connect() as db:
        row = db.execute(
            "INSERT INTO gateway_plan (code, name, channel_id, created_at) VALUES ('P', 'P', %s, now())"
            " ON CONFLICT (code) DO UPDATE SET channel_id = excluded.channel_id RETURNING id",
            [channel],
        ).fetchone()
        assert row is not None
        db.execute(
            "INSERT INTO gateway_planversion (plan_id, number, state, document, note, author_name, created_at)"
            " VALUES (%s, 1, 'approved', %s, '', '', now())",
            [row[0], json.dumps({"sentence": "医保暂不可用，请先自费", **document})],
        )
        notify(db, "configuration")


async def call(control_id: str, type: str = "2207", key: str = "P1") -> bytes:
    answer: bytes = await _entrances["his"].call(Received(b'{"infno":"x"}', control_id, type, key))
    return answer


async def settled(living: Life) -> None:
    await until(lambda: not living.out("yb").backlog.uncertain and not living.gateway.ledger.waiting)


def test_an_answer_is_committed_before_it_is_given(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        async with life(house, windows(house)):
            assert json.loads(await call("A")) == {"infcode": 0, "no": "A"}
            found = rows(house, "SELECT outcome, response, code FROM gateway_delivery")
            assert [(o, bytes(r), c) for o, r, c in found] == [("answered", b'{"infcode":0,"no":"A"}', "0")]
            assert rows(house, "SELECT count(*) FROM gateway_queued") == [(0,)]

    play(work)


def test_a_type_with_a_budget_of_its_own_may_take_longer_and_is_not_slow(house: Cluster, centre: Centre) -> None:
    """A statement takes longer than a settlement may; nobody stands at a window for it."""
    ids = windows(house)
    with house.connect() as db:
        db.execute(
            "UPDATE gateway_channel SET call = %s WHERE code = 'his'",
            [json.dumps({"budget_s": 0.25, "budgets": {"3202": 5}})],
        )
        slow = {**BREAKER, "minimum": 1, "slow_s": 0.2, "slow_rate": 0.1}
        db.execute("UPDATE gateway_channel SET breaker = %s WHERE code = 'yb'", [json.dumps(slow)])

    async def work() -> None:
        async with life(house, ids) as living:
            centre.behave = lambda _outgoing: "late"
            for number in range(3):
                assert json.loads(await call(f"S{number}", "3202"))["infcode"] == 0
            assert living.out("yb").guard.breaker.state == "closed"

    play(work)


@pytest.mark.clause("1.7c")
def test_f20_a_call_without_answer_costs_its_budget_and_is_asked_about_never_sent_again(
    house: Cluster, centre: Centre
) -> None:
    async def work() -> None:
        centre.behave = lambda outgoing: "hang"
        async with life(house, windows(house)) as living:
            began = time.monotonic()
            with pytest.raises(CallFailed) as failed:
                await call("A")
            assert time.monotonic() - began < 0.5
            assert failed.value.outcome == "uncertain"
            assert failed.value.number.startswith("M-")
            await until(lambda: centre.asked)
            await settled(living)
        assert centre.done == ["A"]

    play(work)
    assert rows(house, "SELECT outcome, settled_by FROM gateway_delivery") == [("answered", "5203 查到结算")]


@pytest.mark.clause("1.7c")
def test_the_plans_answer_says_when_what_was_asked_may_have_been_done(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        ids = windows(house)
        plan(house, ids["yb"], mode="answer", answer={"infcode": -1, "err_msg": "先自费"})
        async with life(house, ids) as living:
            centre.behave = lambda outgoing: "hang"
            said = json.loads(await call("A"))
            assert (said["infcode"], said["uncertain"]) == (-1, True)
            assert said["message"].startswith("M-")
            await settled(living)

    play(work)


def test_what_never_arrived_is_closed_since_its_caller_has_gone(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        centre.behave = lambda outgoing: "lose"
        async with life(house, windows(house)) as living:
            with pytest.raises(CallFailed):
                await call("A")
            await until(lambda: centre.asked)
            await settled(living)
        assert centre.done == []

    play(work)
    assert rows(house, "SELECT outcome, settled_by FROM gateway_delivery") == [("cancelled", "5203 查无此结算")]


def test_a_late_answer_settles_the_matter(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        centre.behave = lambda outgoing: "late"
        async with life(house, windows(house)) as living:
            with pytest.raises(CallFailed):
                await call("A")
            await settled(living)
        assert centre.asked == 0

    play(work)
    assert rows(house, "SELECT outcome, settled_by FROM gateway_delivery") == [("answered", "迟到的应答")]


def test_an_enquiry_that_fails_is_made_again(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        centre.behave, centre.inquiry = lambda outgoing: "hang", "fails"
        async with life(house, windows(house)) as living:
            with pytest.raises(CallFailed):
                await call("A")
            await until(lambda: rows(house, "SELECT 1 FROM gateway_queued WHERE inquiry ->> 'last' <> ''"))
            assert rows(house, "SELECT state FROM gateway_queued") == [("uncertain",)]
            centre.inquiry = "truth"
            await settled(living)

    play(work)


@pytest.mark.clause("1.7b", "1.7c")
def test_a_hanging_third_party_costs_the_budget_a_few_times_then_milliseconds_then_comes_back(
    house: Cluster, centre: Centre
) -> None:
    async def work() -> None:
        ids = windows(house)
        plan(house, ids["yb"], mode="answer", answer={"infcode": -1, "err_msg": "先自费"})
        centre.behave = lambda outgoing: "hang"
        async with life(house, ids) as living:
            for n in range(3):
                assert json.loads(await call(f"hang{n}"))["err_msg"] == "先自费"
            assert living.out("yb").guard.breaker.state == "open"
            began = time.monotonic()
            assert json.loads(await call("cut"))["err_msg"] == "先自费"
            assert time.monotonic() - began < 0.2
            assert "cut" not in centre.done
            centre.behave = lambda outgoing: "answer"
            await asyncio.sleep(1.6)
            assert json.loads(await call("probe1"))["infcode"] == 0
            assert json.loads(await call("probe2"))["infcode"] == 0
            assert living.out("yb").guard.breaker.state == "closed"
            await until(lambda: len(rows(house, "SELECT 1 FROM gateway_breakerevent")) == 3)
            await settled(living)

    play(work)
    changes = rows(house, "SELECT before, after FROM gateway_breakerevent ORDER BY id")
    assert changes == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    found = rows(
        house,
        "SELECT m.control_id, d.outcome FROM gateway_delivery d JOIN gateway_message m ON m.id = d.message_id ORDER BY 1",
    )
    assert dict(found)["cut"] == "degraded"
    assert dict(found)["probe1"] == "answered"


def test_store_and_forward_catches_up_in_order_after_a_cut(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        ids = windows(house)
        plan(house, ids["yb"], mode="store", answer={"infcode": 0, "later": True})
        async with life(house, ids) as living:
            with house.connect() as db:  # as services.breakers.cut does
                db.execute(
                    "UPDATE gateway_breaker SET state = 'cut', since = now(), until = NULL, reason = '演练', by = '程谨',"
                    " updated_at = now()"
                )
                notify(db, "breaker", ids["yb"])
            await until(lambda: living.out("yb").guard.breaker.state == "cut")
            for n in range(3):
                assert json.loads(await call(f"S{n}"))["later"] is True
            assert centre.done == []
            with house.connect() as db:
                db.execute("UPDATE gateway_breaker SET state = 'closed', until = NULL, updated_at = now()")
                notify(db, "breaker", ids["yb"])
            await until(lambda: len(centre.done) == 3)
            await living.idle()
        assert centre.done == ["S0", "S1", "S2"]

    play(work)
    assert rows(house, "SELECT DISTINCT outcome FROM gateway_delivery") == [("delivered",)]


def test_a_cached_answer_is_given_while_the_interface_is_cut(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        ids = windows(house)
        plan(house, ids["yb"], mode="cached", answer={"infcode": -1}, cache_s=60)
        async with life(house, ids) as living:
            first = await call("A", "1101", "person-1")
            living.out("yb").guard.obey("cut", datetime.now(UTC), None, "演练", "程谨")
            assert await call("B", "1101", "person-1") == first
            assert json.loads(await call("C", "1101", "person-2")) == {"infcode": -1}

    play(work)


def test_without_a_plan_the_caller_is_told_at_once_and_nothing_was_sent(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        ids = windows(house)
        async with life(house, ids) as living:
            living.out("yb").guard.obey("cut", datetime.now(UTC), None, "演练", "程谨")
            with pytest.raises(CallFailed) as failed:
                await call("A")
            assert failed.value.outcome == "unavailable"
            assert "熔断" in failed.value.reason
            centre.behave = lambda outgoing: "refuse"
            living.out("yb").guard.obey("closed", datetime.now(UTC), None, "", "")
            with pytest.raises(CallFailed) as failed:
                await call("B")
            assert failed.value.outcome == "unavailable"
        assert centre.done == []

    play(work)
    assert rows(house, "SELECT state, problem <> '' FROM gateway_message ORDER BY id") == [
        ("refused", True),
        ("accepted", False),
    ]
    assert rows(house, "SELECT outcome, code FROM gateway_delivery") == [("cancelled", "not_sent")]


def test_a_call_that_was_on_the_wire_when_the_process_ended_is_asked_about(house: Cluster, centre: Centre) -> None:
    async def work() -> None:
        ids = windows(house)
        async with life(house, ids):
            await call("before")
        with house.connect() as db:  # as a process that was killed leaves it
            db.execute(
                "INSERT INTO gateway_queued (id, message_id, message_at, channel_id, order_key, state, attempts,"
                " queued_at, first_sent_at, inquiry, route_version_id)"
                " SELECT d.id, message_id, message_at, d.channel_id, order_key, 'sending', 1, queued_at, now(),"
                " '{\"call\": true}', route_version_id FROM gateway_delivery d"
            )
        async with life(house, ids) as living:
            await until(lambda: centre.asked)
            await settled(living)
        assert centre.done == ["before"]

    play(work)
    assert rows(house, "SELECT count(*) FROM gateway_delivery WHERE settled_by = '5203 查到结算'") == [(1,)]
