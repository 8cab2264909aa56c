"""The whole hospital in one program: the living systems here, the insurance centre as a child that can die alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from simhospital.generate.build import about, build
from simhospital.generate.plan import Plan
from simhospital.home import home
from simhospital.settings import Settings

from .day import arrivals, enquiries
from .hospital import Hospital

log = logging.getLogger("simhospital")
STATUS = "status.json"
Say = Callable[[str], None]
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


async def live(settings: Settings, plan: Plan | None, say: Say, *, children: Sequence[Sequence[str]] = ()) -> None:
    """Live until SIGINT or SIGTERM. plan: the past to build first where the database has none yet."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    hospital = Hospital(settings, home())
    keepers = [asyncio.create_task(_child(command, say)) for command in children]
    try:
        await _past(hospital, plan, say)
        await hospital.start()
        hospital.keep(arrivals(hospital))
        hospital.keep(enquiries(hospital))
        hospital.keep(_tell(hospital))
        say(f"{settings.name}已开门，消息发往 {settings.host}，HTTP 入口 {settings.http}")
        await stopping.wait()
    finally:
        for task in keepers:
            task.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await hospital.stop()


async def _past(hospital: Hospital, plan: Plan | None, say: Say) -> None:
    """Build the past where there is none, and take the patients from it. Without a database the hospital lives on."""
    url = hospital.settings.database_url
    if not url:
        say("没有 SIMHOSPITAL_DATABASE_URL：只有消息，没有业务库")
        return

    def prepare() -> int:
        with psycopg.connect(url, connect_timeout=10) as connection:
            known = about(connection)
        if plan is not None and not known:
            say(f"生成业务库：{plan.days} 天，每天 {plan.visits} 人次……")
            build(url, plan, say=log.debug)
        with psycopg.connect(url) as connection:
            return hospital.world.take_from(connection, hospital.settings.traffic.patients)

    try:
        count = await asyncio.to_thread(prepare)
        say(f"业务库已就绪，{count} 名患者")
    except psycopg.Error as error:
        say(f"业务库不可用（{str(error).strip()[:200]}），先只发消息")


async def _tell(hospital: Hospital) -> None:
    """Write down every few seconds how things stand, for `simhospital status`."""
    path = hospital.place / STATUS
    while True:
        text = json.dumps({"at": time.time(), "pid": os.getpid(), **hospital.status()}, ensure_ascii=False)
        fresh = path.with_suffix(".new")
        with contextlib.suppress(OSError):
            fresh.write_text(text, "utf-8")
            fresh.replace(path)
        await asyncio.sleep(2)


async def _child(command: Sequence[str], say: Say) -> None:
    """Keep a part of the hospital running as a process of its own."""
    failures = 0
    while True:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simhospital", *command, stdin=asyncio.subprocess.DEVNULL
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 5)
            raise
        failures = 0 if time.monotonic() - began > 60 else failures + 1
        say(f"{' '.join(command)} 停止（退出码 {code}）")
        await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])


def read_status(place: Path) -> dict[str, object] | None:
    """What the running hospital wrote last; None where none has run."""
    try:
        found: dict[str, object] = json.loads((place / STATUS).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found
