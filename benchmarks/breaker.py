"""What a third party that hangs costs the main flow: p99 of a window's step with it, over p99 without it.

A step at a window is a message to the hospital's own systems and a call to the third party. The third party is a
process of its own, stopped with SIGSTOP: it takes connections and never answers. Measured after the first budget.
--rows N: N milliseconds each.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop
from rich.table import Table

from xingwei.testing.gateway import exchange

from .frame import Bench, Database, Outcome, Timings
from .wire.bench import Wire, database, free_port, running

WINDOWS = 8
PACE_S = 0.1  # a step a window every tenth of a second
BUDGET_S = 1.0
BREAKER = {"window_s": 60, "minimum": 20, "timeouts": 3, "wait_s": 5, "wait_cap_s": 60, "probes": 20}
_ADT = b"MSH|^~\\&|HIS|GY|||20260320||ADT^A08|M%d|P|2.4||||||UNICODE UTF-8\rPID|1||P%d\r"
_CALL = b"MSH|^~\\&|HIS|GY|||20260320||ZYB^Z01|C%d|P|2.4||||||UNICODE UTF-8\rPID|1||P%d\r"


@dataclass(slots=True)
class _Phase:
    steps: Timings
    own: Timings
    calls: Timings
    refused: int = 0
    until: float = 0.0


@dataclass(slots=True)
class _Window:
    number: int
    lines: list[Any] = field(default_factory=list)


def run(bench: Bench) -> Outcome:
    seconds = bench.options.rows / 1_000 or (6.0 if bench.options.quick else 25.0)
    wire = Wire()
    made = database(bench)
    with wire.sink() as own, wire.sink() as third:
        ports = [free_port(), free_port()]
        channels = [
            {"code": "main-in", "direction": "in", "settings": {"port": ports[0]}},
            {"code": "main-out", "direction": "out", "settings": {"port": own.port}},
            {"code": "call-in", "direction": "in", "settings": {"port": ports[1]}, "call": {"budget_s": BUDGET_S}},
            {"code": "call-out", "name": "医保", "direction": "out", "breaker": BREAKER,
             "settings": {"port": third.port, "repeatable": False}, "delivery": {"timeout_s": 2}},
        ]  # fmt: skip
        routes = [
            {"code": "main", "source": "main-in", "document": {"to": ["main-out"]}},
            {"code": "call", "source": "call-in", "document": {"to": ["call-out"]}},
        ]
        with running(made, channels, routes, ports):
            _plan(made)
            time.sleep(6)  # found by the slow poll
            phases = uvloop.run(_measure(ports, seconds, third.process))
    return _outcome(phases)


def _plan(made: Database) -> None:
    with made.connect() as db:
        db.execute("DELETE FROM gateway_planversion")
        db.execute("DELETE FROM gateway_plan")
        db.execute(
            "WITH plan AS (INSERT INTO gateway_plan (code, name, channel_id, created_at) SELECT 'bench', '医保', id,"
            " now() FROM gateway_channel WHERE code = 'call-out' RETURNING id)"
            " INSERT INTO gateway_planversion (plan_id, number, state, document, note, author_name, created_at)"
            " SELECT id, 1, 'approved', %s, '', '', now() FROM plan",
            [json.dumps({"mode": "answer", "sentence": "医保中心没有应答，请先自费结算，稍后补传。"})],
        )


async def _measure(ports: list[int], seconds: float, third: Any) -> list[_Phase]:
    windows = [_Window(n) for n in range(WINDOWS)]
    for window in windows:
        window.lines = [await asyncio.open_connection("127.0.0.1", port) for port in ports]
    names = ("对方正常", "对方挂起，头一个时限之内", "对方挂起，之后")
    phases = [_Phase(Timings(n), Timings(n), Timings(n)) for n in names]
    await _play(windows, _Phase(Timings(""), Timings(""), Timings("")), 1.5)
    await _play(windows, phases[0], seconds)
    third.send_signal(signal.SIGSTOP)
    try:
        await _play(windows, phases[1], BUDGET_S * 1.5)
        await _play(windows, phases[2], seconds)
    finally:
        third.send_signal(signal.SIGCONT)
    return phases


async def _play(windows: list[_Window], phase: _Phase, seconds: float) -> None:
    phase.until = time.perf_counter() + seconds
    await asyncio.gather(*(_steps(window, phase) for window in windows))


_numbers = iter(range(10**9))


async def _steps(window: _Window, phase: _Phase) -> None:
    await asyncio.sleep(PACE_S * window.number / WINDOWS)
    while (began := time.perf_counter()) < phase.until:
        n = next(_numbers)
        await exchange(*window.lines[0], _ADT % (n, n))
        between = time.perf_counter()
        answer = await exchange(*window.lines[1], _CALL % (n, n))
        ended = time.perf_counter()
        phase.own.seconds.append(between - began)
        phase.calls.seconds.append(ended - between)
        phase.steps.seconds.append(ended - began)
        phase.refused += b"MSA|AA" not in answer
        await asyncio.sleep(max(0.0, began + PACE_S - ended))


def _outcome(phases: list[_Phase]) -> Outcome:
    table = Table(title="第三方挂起时的主流程（毫秒）", title_justify="left")
    columns = ("", "步数", "整步 p50", "整步 p99", "本院消息 p99", "第三方调用 p99", "最慢", "按方案答复")
    for name in columns:
        table.add_column(name, justify="right" if name else "left")
    for phase in phases:
        table.add_row(
            phase.steps.name, str(len(phase.steps.seconds)), f"{phase.steps.p50:.1f}", f"{phase.steps.at(0.99):.1f}",
            f"{phase.own.at(0.99):.1f}", f"{phase.calls.at(0.99):.1f}", f"{phase.steps.worst:.1f}", str(phase.refused),
        )  # fmt: skip
    normal, _, hanging = phases
    numbers = {
        "benchmark": "breaker",
        "p99_ratio": round(hanging.steps.at(0.99) / normal.steps.at(0.99), 3),
        "p99_ms_normal": round(normal.steps.at(0.99), 2),
        "p99_ms_hanging": round(hanging.steps.at(0.99), 2),
        "own_p99_ratio": round(hanging.own.at(0.99) / normal.own.at(0.99), 3),
        "budget_ms": BUDGET_S * 1_000,
        "steps": len(normal.steps.seconds) + len(hanging.steps.seconds),
    }
    notes = [
        f"{WINDOWS} 个窗口，每个每秒 {1 / PACE_S:g} 步；一步是一条本院消息加一次第三方调用，时限 {BUDGET_S:g} 秒。",
        "对方挂起：它的进程被 SIGSTOP，连接还在，永不应答。等待期满放行的试探由一个窗口付一次时限，也算在内。",
    ]
    return Outcome(numbers, [table], notes)
