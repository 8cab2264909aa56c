"""Whether a process runs on a host, how many, since when; by SSH, or on this machine."""

from __future__ import annotations

import asyncio
import re
import time

import asyncssh
import psutil

from ...engine.judging import number
from ..base import UP, Kind, Looked, Signal, Task, register, schema
from ..host import SSH, run, ssh_why

COUNT, AGE = Signal("proc.count", "进程数", "个", "low"), Signal("proc.age_h", "最久运行", "小时", "")
_COMMAND = "ps -eo etimes=,args= 2>/dev/null"


async def look(task: Task) -> Looked:
    try:
        lines = await asyncio.to_thread(_here) if not task.settings.get("host") else _read(await run(task, _COMMAND))
    except (OSError, TimeoutError, asyncssh.Error) as error:
        return Looked(False, ssh_why(error))
    wanted = re.compile(task.settings["match"])
    ages = [age for age, command in lines if wanted.search(command) and "etimes=,args=" not in command]
    least = int(task.settings.get("least", 1))
    values = {"proc.count": float(len(ages))} | ({"proc.age_h": max(ages) / 3600} if ages else {})
    if len(ages) < least:
        return Looked(False, f"在运行的进程 {len(ages)} 个，至少应有 {least} 个", values)
    return Looked(True, f"{len(ages)} 个在运行，最近启动的已运行 {number(min(ages) / 3600)} 小时", values)


def _read(text: str) -> list[tuple[float, str]]:
    out = []
    for line in text.splitlines():
        age, _, command = line.strip().partition(" ")
        if age.isdecimal():
            out.append((float(age), command))
    return out


def _here() -> list[tuple[float, str]]:
    now = time.time()
    return [
        (now - (p.info["create_time"] or now), " ".join(p.info["cmdline"] or []) or (p.info["name"] or ""))
        for p in psutil.process_iter(["cmdline", "name", "create_time"])
    ]


SETTINGS = {**SSH, "match": {"type": "string", "format": "regex", "minLength": 1, "maxLength": 200, "title": "命令行里有（正则）"},
            "least": {"type": "integer", "minimum": 1, "maximum": 1000, "title": "至少几个"}}  # fmt: skip
register(
    Kind(
        "process",
        "进程",
        "主机上的某个程序在不在运行",
        schema(SETTINGS, ["match"]),
        (UP, COUNT, AGE),
        look,
        layer="host",
    )
)
