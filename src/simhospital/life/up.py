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
from datetime import date, timedelta
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from simhospital.centre.adopt import adopt
from simhospital.channels.bills import DROP
from simhospital.generate.build import about
from simhospital.generate.plan import Plan
from simhospital.generate.reader import let_read
from simhospital.home import announce, home
from simhospital.settings import Settings

from .day import arrivals, enquiries
from .dayend import DayEnd, by_the_clock, past_bills
from .hospital import Hospital

log = logging.getLogger("simhospital")
STATUS = "status.json"
_PROGRAM = (sys.executable, "-m", "simhospital")
Say = Callable[[str], None]
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


async def live(settings: Settings, plan: Plan | None, say: Say, *, children: Sequence[Sequence[str]] = ()) -> None:
    """Live until SIGINT or SIGTERM. plan: the past to build first where the database has none yet."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    hospital = Hospital(settings, home())
    announce("hospital")
    keepers: list[asyncio.Task[None]] = [asyncio.create_task(_child(command, say)) for command in children]
    opening = asyncio.create_task(_open(hospital, plan, say))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({opening, stop}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
        await stop
    finally:
        for task in (opening, stop, *keepers):
            task.cancel()
        await asyncio.gather(opening, stop, *keepers, return_exceptions=True)
        await hospital.stop()


async def _open(hospital: Hospital, plan: Plan | None, say: Say) -> None:
    settings = hospital.settings
    await _past(hospital, plan, say)
    for trouble in await hospital.start():
        say(trouble)
    hospital.keep(arrivals(hospital))
    hospital.keep(enquiries(hospital))
    if settings.database_url:
        hospital.keep(by_the_clock(DayEnd(settings.database_url, hospital.place, hospital.channels)))
    hospital.keep(_tell(hospital))
    say(f"{settings.name}已开门，消息发往 {settings.host}，HTTP 入口 {settings.http}")


async def _past(hospital: Hospital, plan: Plan | None, say: Say) -> None:
    """Build the past where there is none, and take the patients from it. Without a database the hospital lives on."""
    url = hospital.settings.database_url
    if not url:
        say("没有 SIMHOSPITAL_DATABASE_URL：只有消息，没有业务库")
        return
    try:
        known = await asyncio.to_thread(_known, url)
        if plan is not None and not known:
            say(f"生成业务库：{plan.days} 天，每天 {plan.visits} 人次……")
            await _build(url, plan)
        await asyncio.to_thread(let_read, url)
        await asyncio.to_thread(_remember, hospital, url)
        count = await asyncio.to_thread(_take, hospital, url)
        say(f"业务库已就绪，{count} 名患者")
    except psycopg.Error as error:
        say(f"业务库不可用（{str(error).strip()[:200]}），先只发消息")


def _known(url: str) -> dict[str, str]:
    """What was built there; makes the database where the server has none of that name."""
    name = conninfo_to_dict(url).get("dbname")
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True, connect_timeout=10) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(str(name))))
    with psycopg.connect(url, connect_timeout=10) as connection:
        return about(connection)


def _remember(hospital: Hospital, url: str) -> None:
    """The insurer knows what was settled, and the channels have sent their bills of the last month."""
    place = hospital.place
    adopt(url, place)
    with psycopg.connect(url, connect_timeout=10) as connection:
        facts = about(connection)
    end = date.fromisoformat(facts["first"]) + timedelta(days=int(facts["days"]))
    mark = place / DROP / f".past-{facts['first']}-{facts['days']}-{facts['seed']}"
    if not mark.exists():
        past_bills(url, place, end - timedelta(days=min(31, int(facts["days"]))), end)
        mark.touch()


def _take(hospital: Hospital, url: str) -> int:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return hospital.world.take_from(connection, hospital.settings.traffic.patients)


async def _build(url: str, plan: Plan) -> None:
    """In a process of its own, which ends with this one. Raises psycopg.Error where it failed."""
    numbers = {"--days": plan.days, "--visits": plan.visits, "--seed": plan.seed, "--until": plan.last}
    options = [str(part) for pair in numbers.items() for part in pair]
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM,
        "build",
        *options,
        env=os.environ | {"SIMHOSPITAL_DATABASE_URL": url},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        if code := await process.wait():
            raise psycopg.OperationalError(f"生成没有完成，退出码 {code}")
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await process.wait()


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
        process = await asyncio.create_subprocess_exec(*_PROGRAM, *command, stdin=asyncio.subprocess.DEVNULL)
        try:
            code = await process.wait()
        finally:
            await _end(process)
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
