"""A gateway in the test's own event loop, with what surrounds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from xingwei.operations.gateway.channels.mllp import MllpListener
from xingwei.operations.gateway.runner.process import Gateway
from xingwei.testing.gateway import Receiver, furnish
from xingwei.testing.gateway_db import Cluster

ORU = (
    b"MSH|^~\\&|ELite 580|Erba|||20260320100000||ORU^R01|%s|P|2.3.1||||||UNICODE\r"
    b"PID|1||%s\rOBR|1||S%s\rOBX|1|NM|WBC||7.1\r"
)


def oru(control_id: object, patient: object = "P1", value: str = "") -> bytes:
    number = str(control_id).encode()
    return ORU % (number, str(patient).encode(), number) + (f"NTE|1||{value}\r".encode() if value else b"")


def number_of(body: bytes) -> str:
    return body.split(b"|", 10)[9].decode()


def play(work: Callable[[], Coroutine[Any, Any, None]], timeout_s: float = 40) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(timeout_s):
            await work()

    asyncio.run(bounded())


async def until(true: Callable[[], Any], timeout_s: float = 15) -> Any:
    """Wait until it is true; what it returned then."""
    end = time.monotonic() + timeout_s
    while not (found := true()):
        assert time.monotonic() < end, "did not become true in time"
        await asyncio.sleep(0.01)
    return found


class Life:
    """A running gateway and where its ways in listen."""

    def __init__(self, gateway: Gateway, ids: dict[str, int]) -> None:
        self.gateway = gateway
        self.ids = ids

    def port(self, code: str = "in") -> int:
        listener = self.gateway._listeners[self.ids[code]]
        assert isinstance(listener, MllpListener)
        return listener.port

    def out(self, code: str = "out") -> Any:
        return self.gateway.outs[self.ids[code]]

    async def idle(self) -> None:
        """Nothing waits anywhere."""
        await until(
            lambda: (
                not any(o.backlog.waiting or o.backlog.settling for o in self.gateway.outs.values())
                and not self.gateway.ledger.waiting
            )
        )


@asynccontextmanager
async def life(house: Cluster, ids: dict[str, int], name: str = "gw-1", *, ready: bool = True) -> AsyncIterator[Life]:
    gateway, stop = Gateway(house.dsn, name), asyncio.Event()
    running = asyncio.create_task(gateway.run(stop))
    try:
        if ready:
            await until(gateway.ready.is_set)
        yield Life(gateway, ids)
    finally:
        stop.set()
        await running


def one_way(house: Cluster, receiver: Receiver, *, out: dict[str, Any] | None = None, **into: Any) -> dict[str, int]:
    """A way in, a route for everything, a way out."""
    given = out or {}
    settings = {"host": "127.0.0.1", "port": receiver.port, **given.get("settings", {})}
    with house.connect() as db:
        return furnish(
            db,
            [
                {"code": "in", "direction": "in", **into, "settings": {"port": 0, **into.get("settings", {})}},
                {"code": "out", "direction": "out", **given, "settings": settings},
            ],
            [{"code": "all", "source": "in", "document": {"to": ["out"]}}],
        )


def rows(house: Cluster, sql: str, *params: Any) -> list[Any]:
    with house.connect() as db:
        return db.execute(sql.encode(), params).fetchall()
