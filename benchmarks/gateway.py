"""How many messages a second the gateway accepts and delivers, durably, beside libraries that only acknowledge.

Full work: receive, parse, commit, route, transform by three rules, deliver over MLLP, commit. Accepted counts what was
acknowledged; delivered what the receiver has, over the time until it had all of it. --rows N: N milliseconds each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from rich.table import Table

from .frame import HOME, Bench, Outcome, machine
from .wire.bench import HERE, Sink, Wire, database, free_port, running, wait_for

CONNECTIONS = (1, 8, 64)
PEERS = {
    "python_hl7": "python-hl7",
    "simple_hl7": "simple-hl7（Node）",
    "medplum": "@medplum/hl7（Node）",
    "bare": "asyncio，只拆 MSH",
}
NPM = {"simple-hl7": "3.3.0", "@medplum/hl7": "4.5.2", "@medplum/core": "4.5.2"}
RULES = [
    {"id": "1", "name": "收方系统", "do": "set", "path": "MSH-5", "value": "LIS"},
    {"id": "2", "name": "收方机构", "do": "set", "path": "MSH-6", "value": "GYRMYY"},
    {"id": "3", "name": "就诊类型", "do": "set", "path": "PV1-2", "value": "O"},
]
ROUTE = {
    "when": [{"path": "MSH-9.1", "equals": "ORU"}],
    "key": ["OBR-3"],
    "rules": RULES,
    "to": ["bench-out"],
}


def run(bench: Bench) -> Outcome:
    seconds = bench.options.rows / 1_000 or (4.0 if bench.options.quick else 15.0)
    wire = Wire()
    made = database(bench)
    numbers: dict[str, Any] = {"benchmark": "gateway", "machine": machine()}
    table = Table(title="接口网关：每秒消息数", title_justify="left")
    for name in ("连接数", "接收", "送达", "确认 p50 ms", "确认 p99 ms", "网关处理器 µs/条", "网关内存 MB"):
        table.add_column(name, justify="right")
    with wire.sink() as sink:
        port = free_port()
        channels = [
            {"code": "bench-in", "direction": "in", "settings": {"port": port}},
            {"code": "bench-out", "direction": "out", "settings": {"port": sink.port}, "delivery": {"lanes": 8}},
        ]
        routes = [{"code": "bench", "source": "bench-in", "document": ROUTE}]
        with running(made, channels, routes, [port]) as gateway:
            assert gateway.process is not None
            process = psutil.Process(gateway.process.pid)
            wire.load(port, 8, 2)  # warm
            for connections in CONNECTIONS:
                _one(wire, sink, port, connections, seconds, process, numbers, table)
    _check(made, numbers)
    tables = [table]
    if not bench.options.alone:
        tables.append(_peers(bench, wire, 2.0 if bench.options.quick else 6.0, numbers))
    notes = [
        f"{machine()['cpus']} 个处理器，fsync 打开；发送与接收程序是"
        + ("C（gcc -O2），占用最少" if wire.compiled else "Python/uvloop（没有编译器），也占用处理器"),
        "消息：真实的 ORU^R01，36 个 OBX，约 2 KB" if wire.real else "消息：仿制的 ORU^R01（共享数据不在）",
        "旁边的程序库只收下并应答，什么都不存、不转。",
    ]
    return Outcome(numbers, tables, notes)


def _one(
    wire: Wire, sink: Sink, port: int, connections: int, seconds: float, process: psutil.Process,
    numbers: dict[str, Any], table: Table,
) -> None:  # fmt: skip
    before, cpu, began = sink.count, process.cpu_times(), time.perf_counter()
    told = wire.load(port, connections, seconds)
    while sink.count - before < told["count"] and time.perf_counter() - began < seconds + 60:
        time.sleep(0.001)
    took, delivered = time.perf_counter() - began, sink.count - before
    after = process.cpu_times()
    assert told["bad"] == 0, "not every message was acknowledged"
    assert delivered == told["count"], "not every message was delivered once"
    work = after.user + after.system - cpu.user - cpu.system
    numbers[f"accepted_{connections}"] = round(told["count"] / told["seconds"])
    numbers[f"delivered_{connections}"] = round(delivered / took)
    numbers[f"p50_ms_{connections}"] = round(told["p50_us"] / 1_000, 3)
    table.add_row(
        str(connections), f"{numbers[f'accepted_{connections}']:,}", f"{numbers[f'delivered_{connections}']:,}",
        f"{told['p50_us'] / 1_000:.2f}", f"{told['p99_us'] / 1_000:.2f}", f"{work / told['count'] * 1e6:.0f}",
        f"{process.memory_info().rss / 2**20:.0f}",
    )  # fmt: skip
    numbers[f"rss_mb_{connections}"] = round(process.memory_info().rss / 2**20)


def _check(made: Any, numbers: dict[str, Any]) -> None:
    """What was acknowledged is in the database, and nothing waits."""
    with made.connect() as db:
        stored = db.execute("SELECT count(*), count(DISTINCT control_id) FROM gateway_message").fetchone()
        delivered = db.execute("SELECT count(*) FROM gateway_delivery WHERE outcome = 'delivered'").fetchone()
        waiting = db.execute("SELECT count(*) FROM gateway_queued").fetchone()
    assert stored is not None
    assert delivered == (stored[0],)
    assert waiting == (0,)
    numbers["messages"] = stored[0]


def _peers(bench: Bench, wire: Wire, seconds: float, numbers: dict[str, Any]) -> Table:
    table = Table(title="只收下并应答的程序库", title_justify="left")
    for name in ("程序库", "1 个连接", "8 个连接"):
        table.add_column(name, justify="left" if name == "程序库" else "right")
    for key, label in PEERS.items():
        rates = []
        try:
            with _peer(bench, key) as port:
                wire.load(port, 8, 0.5)
                for connections in (1, 8):
                    told = wire.load(port, connections, seconds)
                    rates.append(f"{told['count'] / told['seconds']:,.0f}")
                    numbers[f"{key}_{connections}"] = round(told["count"] / told["seconds"])
        except (OSError, subprocess.CalledProcessError) as error:
            bench.say(f"{label} 跑不起来：{error}")
            numbers[f"{key}_8"] = None
            rates = ["–", "–"]
        table.add_row(label, *rates)
    return table


@contextmanager
def _peer(bench: Bench, key: str) -> Iterator[int]:
    port = free_port()
    if key in ("python_hl7", "bare"):
        command = [sys.executable, str(HERE / "peers" / f"{key}.py"), str(port)]
    else:
        script = _node_packages(bench) / ("simple_hl7.js" if key == "simple_hl7" else "medplum.mjs")
        command = ["node", str(script), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _node_packages(bench: Bench) -> Path:
    """Into the benchmark's own directory, never into the product's packages."""
    place = HOME / "peers"
    place.mkdir(parents=True, exist_ok=True)
    for script in (HERE / "peers").glob("*js"):
        (place / script.name).write_text(script.read_text())
    if not (place / "node_modules" / "@medplum" / "hl7").is_dir():
        bench.say("· 安装对照的 Node 程序库 …")
        wanted = [f"{name}@{version}" for name, version in NPM.items()]
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--loglevel=error"]
        subprocess.run(["npm", "install", *quiet, *wanted], cwd=place, check=True, env=os.environ, timeout=180)
    return place
