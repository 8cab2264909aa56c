"""Two hundred kills of gateway, database and receivers at random moments under load; then the books are compared."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from xingwei.testing.gateway import SRC, GatewayProcess, exchange, furnish, notify
from xingwei.testing.gateway_db import Cluster

from .living import oru, play, rows, until

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

KILLS = int(os.environ.get("XINGWEI_KILLS", "200"))
PATIENTS = 6
SEED = 20261124


class ReceiverProcess:
    def __init__(self, port: int, book: Path) -> None:
        self.port, self.book = port, book
        book.touch()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xingwei.testing.gateway_receiver", str(self.port), str(self.book)],
            env=os.environ | {"PYTHONPATH": str(SRC)},
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def read(self) -> list[str]:
        return self.book.read_text().split()


class Sender:
    """A device: one message at a time, the same again until it is acknowledged. Its book is what it knows for sure."""

    def __init__(self, patient: int, port: int) -> None:
        self.patient, self.port = patient, port
        self.acknowledged: list[str] = []
        self.stopping = False

    async def run(self) -> None:
        line = None
        while not self.stopping:
            control_id = f"{self.patient}-{len(self.acknowledged)}"
            message = oru(control_id, f"P{self.patient}")
            while True:
                try:
                    line = line or await asyncio.open_connection("127.0.0.1", self.port)
                    answer = await exchange(*line, message, 5)
                    if f"MSA|AA|{control_id}".encode() in answer:
                        break
                except (OSError, TimeoutError):
                    if line is not None:
                        line[1].close()
                    line = None
                await asyncio.sleep(0.03)
            self.acknowledged.append(control_id)
        if line is not None:
            line[1].close()


class Hospital:
    def __init__(self, house: Cluster, tmp: Path) -> None:
        ports = [free_port() for _ in range(3)]
        self.house = house
        self.lis = ReceiverProcess(ports[0], tmp / "lis")
        self.pay = ReceiverProcess(ports[1], tmp / "pay")
        quick = {"timeout_s": 2, "backoff_s": 0.05, "backoff_cap_s": 0.5, "attempts": 1_000}
        never = {"timeouts": 100_000, "failure_rate": 1.1, "slow_rate": 1.1}
        with house.connect() as db:
            self.ids = furnish(
                db,
                [
                    {"code": "in", "direction": "in", "settings": {"port": ports[2]}},
                    {"code": "lis", "direction": "out", "settings": {"port": ports[0]}, "delivery": quick,
                     "breaker": never},
                    {"code": "pay", "direction": "out", "settings": {"port": ports[1], "repeatable": False},
                     "delivery": quick, "breaker": never},
                ],
                [{"code": "both", "source": "in", "document": {"to": ["lis", "pay"]}}],
            )  # fmt: skip
        self.gateway = GatewayProcess(house.dsn, log=tmp / "gateway.log")
        self.gateway.start()
        self.senders = [Sender(n, ports[2]) for n in range(PATIENTS)]
        self.settled_by_person = 0

    async def kill_something(self, chance: random.Random) -> str:
        victim = chance.choices(["gateway", "lis", "pay", "database"], [45, 15, 15, 25])[0]
        if victim == "gateway":
            self.gateway.kill()
            self.gateway.start()
        elif victim == "database":
            self.house.kill()
            await asyncio.to_thread(self.house.start)
        else:
            receiver = self.lis if victim == "lis" else self.pay
            receiver.kill()
            receiver.start()
        return victim

    async def decide(self) -> None:
        """The person who looks after what is uncertain: asks the receiver's book, then says what is so."""
        while True:
            await asyncio.sleep(0.3)
            try:
                await asyncio.to_thread(self._decide)
            except psycopg.Error:
                continue

    def _decide(self) -> None:
        with self.house.connect() as db:
            found = db.execute(
                "SELECT q.id, m.control_id FROM gateway_queued q JOIN gateway_message m ON m.id = q.message_id"
                " WHERE q.state = 'uncertain' AND q.first_sent_at < now() - interval '1 second'"
            ).fetchall()
            arrived = set(self.pay.read())
            for id, control_id in found:
                self.settled_by_person += 1
                if control_id in arrived:
                    db.execute(
                        "WITH gone AS (DELETE FROM gateway_queued WHERE id = %s AND state = 'uncertain' RETURNING *)"
                        " INSERT INTO gateway_delivery (id, done_at, message_id, message_at, channel_id, order_key,"
                        " outcome, queued_at, settled_by) SELECT id, now(), message_id, message_at, channel_id,"
                        " order_key, 'delivered', queued_at, 'person' FROM gone",
                        [id],
                    )
                else:
                    db.execute(
                        "UPDATE gateway_queued SET state = 'waiting' WHERE id = %s AND state = 'uncertain'", [id]
                    )
            if found:
                notify(db, "queued", self.ids["pay"])

    def empty(self) -> bool:
        try:
            return rows(self.house, "SELECT count(*) FROM gateway_queued") == [(0,)]
        except psycopg.Error:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_hundred_kills_lose_nothing_and_send_nothing_twice(house: Cluster, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    victims: Counter[str] = Counter()
    hospital = Hospital(house, tmp_path)

    async def work() -> None:
        senders = [asyncio.create_task(s.run()) for s in hospital.senders]
        person = asyncio.create_task(hospital.decide())
        await until(lambda: all(s.acknowledged for s in hospital.senders), 20)
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.02, 0.35))
            victims[await hospital.kill_something(chance)] += 1
        for sender in hospital.senders:
            sender.stopping = True
        await asyncio.gather(*senders)
        await until(hospital.empty, 60)
        person.cancel()

    try:
        play(work, 300)
    finally:
        hospital.gateway.stop()
        hospital.lis.kill()
        hospital.pay.kill()
    check(hospital, victims)


def check(hospital: Hospital, victims: Counter[str]) -> None:
    sent = [c for s in hospital.senders for c in s.acknowledged]
    sys.stdout.write(f"{dict(victims)}, {len(sent)} messages, {hospital.settled_by_person} decided by a person\n")
    assert victims.total() == KILLS
    assert len(sent) > KILLS
    stored = rows(hospital.house, "SELECT control_id, raw FROM gateway_message WHERE state = 'accepted'")
    assert Counter(c for c, _ in stored) == Counter(sent)  # the books of the senders, once each
    assert all(bytes(raw) == oru(c, f"P{c.split('-')[0]}") for c, raw in stored)
    outcomes = rows(
        hospital.house, "SELECT channel_id, outcome, count(DISTINCT id), count(*) FROM gateway_delivery GROUP BY 1, 2"
    )
    assert sorted(outcomes) == sorted(
        (hospital.ids[code], "delivered", len(sent), len(sent)) for code in ("lis", "pay")
    )
    lis, pay = hospital.lis.read(), hospital.pay.read()
    assert Counter(pay) == Counter(sent)  # not one of them twice
    for sender in hospital.senders:
        mine = f"{sender.patient}-"
        assert [c for c in pay if c.startswith(mine)] == sender.acknowledged
        first = list(dict.fromkeys(c for c in lis if c.startswith(mine)))
        assert first == sender.acknowledged
