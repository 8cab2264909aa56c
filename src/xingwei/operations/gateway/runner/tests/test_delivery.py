"""What is acknowledged is committed, goes out in order, and once."""

from __future__ import annotations

import asyncio

import pytest

from xingwei.testing.gateway import Receiver, exchange, notify, positive, send
from xingwei.testing.gateway_db import Cluster

from ..pg import DatabaseGone
from .living import life, number_of, one_way, oru, play, rows, until

pytestmark = pytest.mark.django_db  # only so that there is a test database, whose tables are copied


def test_what_is_acknowledged_is_stored_as_it_came_and_delivered(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        async with life(house, one_way(house, receiver)) as living:
            answer = await send(living.port(), oru("A1", "P9"))
            assert b"MSA|AA|A1" in answer
            await living.idle()
        assert receiver.book == [oru("A1", "P9")]

    play(work)
    found = rows(house, "SELECT state, control_id, type, patient, reference, raw, answer, targets FROM gateway_message")
    assert [(*r[:5], bytes(r[5]), r[7]) for r in found] == [
        ("accepted", "A1", "ORU^R01", "P9", "SA1", oru("A1", "P9"), 1)
    ]
    assert b"MSA|AA|A1" in bytes(found[0][6])
    assert rows(house, "SELECT outcome, order_key, code FROM gateway_delivery") == [("delivered", "P9", "AA")]
    assert rows(house, "SELECT count(*) FROM gateway_queued") == [(0,)]


def test_f2_a_repeat_gets_the_stored_answer_and_goes_nowhere_also_after_a_restart(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        ids = one_way(house, receiver)
        async with life(house, ids) as living:
            first = await send(living.port(), oru("A1"))
            assert await send(living.port(), oru("A1")) == first
            await living.idle()
        async with life(house, ids) as living:
            assert await send(living.port(), oru("A1")) == first
            await until(lambda: living.gateway.store.memory(ids["in"]).complete)
            assert await send(living.port(), oru("A1")) == first
        assert len(receiver.book) == 1

    play(work)
    assert rows(house, "SELECT count(*) FROM gateway_message") == [(1,)]


@pytest.mark.parametrize(("setting", "state", "sent"), [("accept", "accepted", 2), ("quarantine", "quarantined", 1)])
def test_f3_the_same_control_id_with_other_content_is_a_message_of_its_own(
    house: Cluster, setting: str, state: str, sent: int
) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        async with life(house, one_way(house, receiver, settings={"same_id": setting})) as living:
            for value in ("", "other", "other", ""):
                assert b"MSA|AA|A1" in await send(living.port(), oru("A1", value=value))
            await living.idle()
            assert len(receiver.book) == sent

    play(work)
    found = rows(house, "SELECT state, problem <> '' FROM gateway_message ORDER BY id")
    assert found == [("accepted", False), (state, True)]


def test_order_is_kept_for_each_patient_with_lanes_beside_one_another(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        async with life(house, one_way(house, receiver, out={"delivery": {"lanes": 8}})) as living:

            async def sender(patient: int) -> None:
                reader, writer = await asyncio.open_connection("127.0.0.1", living.port())
                for n in range(40):
                    await exchange(reader, writer, oru(f"{patient}-{n}", patient))
                writer.close()

            await asyncio.gather(*(sender(p) for p in range(6)))
            await living.idle()
        for patient in range(6):
            own = [number_of(b) for b in receiver.book if number_of(b).startswith(f"{patient}-")]
            assert own == [f"{patient}-{n}" for n in range(40)]

    play(work)


def test_f11_a_receiver_that_is_down_is_waited_for_and_the_bound_pushes_back(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        await receiver.stop()
        ids = one_way(house, receiver, out={"capacity": 20})
        async with life(house, ids) as living:
            answers = [await send(living.port(), oru(n)) for n in range(22)]
            assert [b"MSA|AA" in a for a in answers] == [True] * 20 + [False] * 2
            assert "队列已满".encode() in answers[-1]
            assert b"MSA|AE" in answers[-1]
            await receiver.start()
            await living.idle()
            assert b"MSA|AA" in await send(living.port(), oru("later"))
            await living.idle()
        assert [number_of(b) for b in receiver.book] == [*map(str, range(20)), "later"]

    play(work)


def test_f14_a_poisoned_message_steps_aside_and_its_key_goes_on(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver(lambda body: positive(body, "AE" if number_of(body) == "bad" else "AA"))
        await receiver.start()
        delivery = {"attempts": 3, "backoff_s": 0.01, "backoff_cap_s": 0.05}
        async with life(house, one_way(house, receiver, out={"delivery": delivery})) as living:
            for control_id in ("one", "bad", "two"):
                await send(living.port(), oru(control_id))
            await living.idle()
        assert [number_of(b) for b in receiver.book] == ["one", "bad", "bad", "bad", "two"]

    play(work)
    assert rows(house, "SELECT state, attempts, code FROM gateway_queued") == [("dead", 3, "AE")]
    assert rows(house, "SELECT number, outcome, code FROM gateway_attempt ORDER BY number") == [
        (n, "rejected", "AE") for n in (1, 2, 3)
    ]


def test_what_is_refused_for_good_is_not_tried_again(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver(lambda body: positive(body, "AR"))
        await receiver.start()
        async with life(house, one_way(house, receiver)) as living:
            await send(living.port(), oru("no"))
            await living.idle()
        assert len(receiver.book) == 1

    play(work)
    assert rows(house, "SELECT state, attempts, code FROM gateway_queued") == [("dead", 1, "AR")]


def test_f12_f13_an_answer_that_comes_too_late_is_not_taken_for_the_next_ones(house: Cluster) -> None:
    async def work() -> None:
        asked: list[str] = []

        def answer(body: bytes) -> bytes | None:
            asked.append(number_of(body))
            if len(asked) == 1:
                return None
            if len(asked) == 3:  # first an answer to what was asked before
                line = next(iter(receiver._lines))
                from xingwei.operations.gateway.wire.mllp import frame

                line.write(frame(positive(oru("one"), "AR")))
            return positive(body)

        receiver = Receiver(answer)
        await receiver.start()
        delivery = {"timeout_s": 0.3, "backoff_s": 0.01, "lanes": 1}
        async with life(house, one_way(house, receiver, out={"delivery": delivery})) as living:
            await send(living.port(), oru("one"))
            await send(living.port(), oru("two"))
            await living.idle()
        assert asked == ["one", "one", "two"]

    play(work)
    assert rows(house, "SELECT outcome FROM gateway_delivery") == [("delivered",)] * 2


def test_f5_what_cannot_be_repeated_is_uncertain_after_silence_and_its_key_waits(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver(lambda body: None if number_of(body) == "pay" else positive(body))
        await receiver.start()
        out = {"settings": {"repeatable": False}, "delivery": {"timeout_s": 0.2, "lanes": 4}}
        ids = one_way(house, receiver, out=out)
        async with life(house, ids) as living:
            for control_id, patient in (("pay", "P1"), ("next", "P1"), ("other", "P2")):
                await send(living.port(), oru(control_id, patient))
            await until(lambda: rows(house, "SELECT 1 FROM gateway_queued WHERE state = 'uncertain'"))
            await until(lambda: "other" in map(number_of, receiver.book))
            await asyncio.sleep(0.3)
            assert sorted(map(number_of, receiver.book)) == ["other", "pay"]
            with house.connect() as db:  # a person found out that it did not arrive
                db.execute("UPDATE gateway_queued SET state = 'waiting' WHERE state = 'uncertain'")
                receiver.answer = positive
                notify(db, "queued", ids["out"])
            await living.idle()
        assert [number_of(b) for b in receiver.book if number_of(b) != "other"] == ["pay", "pay", "next"]

    play(work)


def test_f7_the_database_goes_away_and_comes_back_by_itself(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        async with life(house, one_way(house, receiver)) as living:
            await send(living.port(), oru("before"))
            house.kill()
            with pytest.raises(ConnectionError):
                await send(living.port(), oru("while"))
            await asyncio.to_thread(house.start)
            while True:
                try:
                    assert b"MSA|AA|while" in await send(living.port(), oru("while"))
                    break
                except ConnectionError:
                    await asyncio.sleep(0.05)
            await until(lambda: {"before", "while"} <= set(map(number_of, receiver.book)))
            await living.idle()

    play(work)
    assert rows(house, "SELECT count(*) FROM gateway_queued") == [(0,)]
    assert rows(house, "SELECT count(DISTINCT message_id), count(*) FROM gateway_delivery") == [(2, 2)]


@pytest.mark.parametrize("late", [False, True])
def test_f7_a_commit_whose_answer_was_lost_is_not_overtaken(house: Cluster, late: bool) -> None:
    """The first is committed, at once or only after the gateway has given it up, and the gateway never hears of it."""

    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        async with life(house, one_way(house, receiver)) as living:
            link, out = living.gateway.store._link, living.out()
            await send(living.port(), oru("A0"))  # memory keeps up now, the listening connection stays as it is
            await until(lambda: out.backlog.direct)
            run, kept = link.run, []

            async def cut(statement: str, parameters: list[bytes | None]) -> None:
                link.run = run
                if late:
                    kept.append((statement, parameters))
                else:
                    await run(statement, parameters)
                raise DatabaseGone("cut")

            link.run = cut
            with pytest.raises((OSError, TimeoutError, asyncio.IncompleteReadError)):
                await send(living.port(), oru("A1"))
            if late:
                await until(lambda: out.backlog.direct)
                await run(*kept[0])
            for number in ("B1", "B2"):  # of another patient, with larger ids
                assert b"MSA|AA" in await send(living.port(), oru(number, "P2"))
            assert b"MSA|AA|A1" in await send(living.port(), oru("A1"))
            assert b"MSA|AA|A2" in await send(living.port(), oru("A2"))
            await until(lambda: len(receiver.book) == 5)
            await living.idle()
        assert [n for n in map(number_of, receiver.book) if n[0] == "A"] == ["A0", "A1", "A2"]

    play(work)
    assert rows(house, "SELECT count(*), count(DISTINCT control_id) FROM gateway_message") == [(5, 5)]
    assert rows(house, "SELECT count(*) FROM gateway_queued") == [(0,)]


def test_f10_two_processes_never_hold_the_same_channel_and_one_takes_over(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        ids = one_way(house, receiver)
        async with life(house, ids, "gw-1") as one, life(house, ids, "gw-2", ready=False) as two:
            await until(lambda: len(one.gateway.leases.epochs) + len(two.gateway.leases.epochs) == 2)
            await until(lambda: one.gateway._listeners or two.gateway._listeners)
            assert not set(one.gateway.leases.epochs) & set(two.gateway.leases.epochs)
            holder = one if one.gateway._listeners else two
            await send(holder.port(), oru("across"))
            await until(lambda: receiver.book)
        assert [number_of(b) for b in receiver.book] == ["across"]

    play(work)


def test_f9_what_a_former_holder_still_writes_is_refused(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        ids = one_way(house, receiver)
        async with life(house, ids) as living:
            port = living.port()
            with house.connect() as db:
                db.execute("UPDATE gateway_lease SET epoch = epoch + 1, process_id = NULL")
            with pytest.raises(ConnectionError):
                await send(port, oru("stale"))

    play(work)
    assert rows(house, "SELECT count(*) FROM gateway_message") == [(0,)]


def test_f18_a_message_under_way_ends_under_its_version(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        await receiver.stop()
        ids = one_way(house, receiver)
        async with life(house, ids) as living:
            await send(living.port(), oru("old"))
            with house.connect() as db:
                from xingwei.testing.gateway import furnish

                settings = {"host": "127.0.0.1", "port": receiver.port}
                rule = {"id": "1", "name": "收方", "do": "set", "path": "MSH-5", "value": "LIS"}
                furnish(
                    db,
                    [{"code": "in", "direction": "in", "settings": {"port": 0}},
                     {"code": "out", "direction": "out", "settings": settings}],
                    [{"code": "all", "source": "in", "document": {"rules": [rule], "to": ["out"]}}],
                )  # fmt: skip
                notify(db, "configuration")
            await until(
                lambda: any(r.document.get("rules") for rs in living.gateway.snapshot.routes.values() for r in rs)
            )
            await send(living.port(), oru("new"))
            await receiver.start()
            await living.idle()
        assert [b.split(b"|")[4] for b in receiver.book] == [b"", b"LIS"]

    play(work)


def test_f8_a_full_disk_refuses_and_asks_for_a_repeat_and_is_got_over_without_a_restart(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        async with life(house, one_way(house, receiver)) as living:
            with house.connect() as db:
                db.execute(
                    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;"
                    "CREATE TRIGGER full_disk BEFORE INSERT ON gateway_queued EXECUTE FUNCTION full_disk()"
                )
                try:
                    answer = await send(living.port(), oru("A1"))
                    assert b"MSA|AE|A1" in answer
                    assert "磁盘".encode() in answer
                finally:
                    db.execute("DROP FUNCTION full_disk CASCADE")
            assert b"MSA|AA|A1" in await send(living.port(), oru("A1"))
            await living.idle()

    play(work)
    assert rows(house, "SELECT count(*) FROM gateway_message") == [(1,)]
    assert rows(house, "SELECT outcome FROM gateway_delivery") == [("delivered",)]


def test_f19_what_is_replayed_takes_its_place_among_the_live_ones_of_its_key(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        ids = one_way(house, receiver)
        async with life(house, ids) as living:
            await send(living.port(), oru("first"))
            await living.idle()
            await receiver.stop()
            await send(living.port(), oru("live"))
            with house.connect() as db:  # as the replay of a person writes it
                db.execute(
                    "INSERT INTO gateway_queued (id, message_id, message_at, channel_id, order_key, state, queued_at)"
                    " SELECT nextval('gateway_ids'), id, received_at, %s, 'P1', 'waiting', now() FROM gateway_message"
                    " WHERE control_id = 'first'",
                    [ids["out"]],
                )
                notify(db, "queued", ids["out"])
            await until(lambda: living.out().backlog.waiting == 2)
            await receiver.start()
            await living.idle()
        assert [number_of(b) for b in receiver.book] == ["first", "live", "first"]

    play(work)


def test_a_queue_beyond_what_memory_holds_is_fetched_in_portions_and_in_order(
    house: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xingwei.operations.gateway.runner import backlog

    monkeypatch.setattr(backlog, "ROWS_MAX", 10)
    monkeypatch.setattr(backlog, "PORTION", 4)

    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        await receiver.stop()
        async with life(house, one_way(house, receiver)) as living:
            reader, writer = await asyncio.open_connection("127.0.0.1", living.port())
            for n in range(60):
                await exchange(reader, writer, oru(n, f"P{n % 3}"))
            writer.close()
            assert len(living.out().backlog.items) <= 10
            await receiver.start()
            await living.idle()
        for patient in range(3):
            own = [n for b in receiver.book if (n := int(number_of(b))) % 3 == patient]
            assert own == list(range(patient, 60, 3))

    play(work)


def test_a_way_out_is_paused_and_goes_on(house: Cluster) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.start()
        ids = one_way(house, receiver, out={"state": "paused"})
        async with life(house, ids) as living:
            await send(living.port(), oru("A1"))
            await asyncio.sleep(0.2)
            assert receiver.book == []
            with house.connect() as db:
                db.execute("UPDATE gateway_channel SET state = 'running' WHERE code = 'out'")
                notify(db, "configuration", ids["out"])
            await until(lambda: receiver.book)
            with house.connect() as db:
                db.execute("UPDATE gateway_channel SET state = 'paused' WHERE code = 'in'")
                notify(db, "configuration", ids["in"])
            await until(lambda: not living.gateway._listeners)

    play(work)
