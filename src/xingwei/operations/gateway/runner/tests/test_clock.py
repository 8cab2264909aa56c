"""F17: the machine's clock jumps while the gateway runs, and while it stands still."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from xingwei.testing.gateway import Receiver, positive, send
from xingwei.testing.gateway_db import Cluster

from .living import life, number_of, one_way, oru, play, rows, until

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DELIVERY = {"backoff_s": 0.05, "backoff_cap_s": 0.3, "attempts": 50}


def by(jump: timedelta) -> time_machine.travel:
    """The clock is set by so much, and goes on from there; what counts seconds is left alone."""
    return time_machine.travel(datetime.now(UTC) + jump, tick=True)


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_f17_what_waits_goes_on_in_order_and_once_when_the_clock_jumps(house: Cluster, jump: timedelta) -> None:
    async def work() -> None:
        busy = True
        receiver = Receiver(lambda body: positive(body, "AE" if busy else "AA"))
        await receiver.start()
        async with life(house, one_way(house, receiver, out={"delivery": DELIVERY})) as living:
            await send(living.port(), oru("0"))
            await until(lambda: len(receiver.book) >= 2)  # it waits between its attempts
            with by(jump):
                first = await send(living.port(), oru("1"))
                tried = len(receiver.book)
                await until(lambda: len(receiver.book) > tried, 5)
                busy, receiver.book[:] = False, []
                assert await send(living.port(), oru("1")) == first  # still known as a repeat
                await send(living.port(), oru("2"))
                await living.idle()
                held = living.gateway.leases.epochs
            await asyncio.sleep(0)
            assert living.gateway.leases.epochs == held  # no lease was lost or gained by it
            await send(living.port(), oru("3"))
            await living.idle()
        accepted = [number_of(b) for b in receiver.book]
        assert accepted == sorted(accepted)
        assert set(accepted) == {"0", "1", "2", "3"}

    play(work)
    assert rows(house, "SELECT count(*), count(DISTINCT message_id) FROM gateway_delivery") == [(4, 4)]
    assert rows(house, "SELECT control_id FROM gateway_message ORDER BY id") == [("0",), ("1",), ("2",), ("3",)]


def test_f17_a_wait_that_was_written_before_the_clock_went_back_is_no_longer_than_any_wait(house: Cluster) -> None:
    """A gateway that starts after the jump finds times that lie a day ahead: of a retry, of an open breaker."""

    async def work() -> None:
        receiver = Receiver(lambda body: positive(body, "AE"))
        await receiver.start()
        breaker = {"minimum": 3, "wait_s": 2.5, "wait_cap_s": 2.5, "probes": 1}
        ids = one_way(house, receiver, out={"delivery": DELIVERY, "breaker": breaker})
        with by(DAY):
            async with life(house, ids) as living:
                await send(living.port(), oru("0"))
                await until(lambda: living.out().guard.breaker.state == "open")
                await until(lambda: rows(house, "SELECT 1 FROM gateway_breaker WHERE state = 'open'"))
        ahead = rows(house, "SELECT next_at > now() + interval '20 hours' FROM gateway_queued")
        assert ahead == [(True,)]
        receiver.answer = positive
        receiver.book.clear()
        async with life(house, ids, "gw-2") as living:
            await until(lambda: receiver.book)
            await living.idle()
        assert [number_of(b) for b in receiver.book] == ["0"]

    play(work)
