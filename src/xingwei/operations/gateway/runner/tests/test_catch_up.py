"""After a cut: what piled up goes in order at the speed that the plan agreed; what comes meanwhile does not wait."""

from __future__ import annotations

import time

import pytest

from xingwei.testing.gateway import Receiver, notify, positive, send
from xingwei.testing.gateway_db import Cluster

from .living import life, number_of, one_way, oru, play, rows, until
from .test_calls import plan

pytestmark = pytest.mark.django_db

PER_MINUTE = 600  # one every 0.1 s


def state(house: Cluster, channel: int, now: str) -> None:
    """As the page's cut and recovery write it."""
    with house.connect() as db:
        db.execute(
            'INSERT INTO gateway_breaker (channel_id, state, since, reason, by, "window", updated_at)'
            " VALUES (%s, %s, now(), '演练', '程谨', '{}', now()) ON CONFLICT (channel_id)"
            " DO UPDATE SET state = excluded.state, since = now(), until = NULL, updated_at = now()",
            [channel, now],
        )
        notify(db, "breaker", channel)


def test_the_agreed_speed_is_kept_also_over_a_restart_and_live_traffic_goes_on(house: Cluster) -> None:
    times: dict[str, float] = {}

    def answer(body: bytes) -> bytes:
        times[number_of(body)] = time.monotonic()
        return positive(body)

    async def work() -> None:
        receiver = Receiver(answer)
        await receiver.start()
        ids = one_way(house, receiver)
        plan(house, ids["out"], mode="store", limits={"catch_up_per_minute": PER_MINUTE}, lines=[], reconcile=[])
        async with life(house, ids) as living:
            state(house, ids["out"], "cut")
            await until(lambda: living.out().guard.breaker.state == "cut")
            for n in range(12):
                await send(living.port(), oru(n, f"P{n % 3}"))
            assert not receiver.book
            state(house, ids["out"], "closed")
            await until(lambda: len(receiver.book) >= 3)
            await send(living.port(), oru("live", "P9"))
            await until(lambda: "live" in times)
            assert len(receiver.book) < 9  # it overtook what is paced
        async with life(house, ids, "gw-2") as living:  # another process takes over in the middle
            await until(lambda: len(times) == 13)
            await living.idle()

    play(work)
    old = [times[str(n)] for n in range(12)]
    assert old == sorted(old)
    assert old[-1] - old[0] >= 11 * 60 / PER_MINUTE * 0.8  # the first of the second process goes at once
    assert rows(house, "SELECT count(*) FROM gateway_queued") == [(0,)]


def test_without_an_agreed_speed_it_goes_as_fast_as_it_can(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        ids = one_way(house, receiver)
        async with life(house, ids) as living:
            state(house, ids["out"], "cut")
            await until(lambda: living.out().guard.breaker.state == "cut")
            for n in range(40):
                await send(living.port(), oru(n))
            began = time.monotonic()
            state(house, ids["out"], "closed")
            await living.idle()
            assert time.monotonic() - began < 4  # 40 at the speed above would take as long
        assert [number_of(b) for b in receiver.book] == [str(n) for n in range(40)]

    play(work)
