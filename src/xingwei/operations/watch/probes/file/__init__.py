"""How old the newest file of a pattern is, and how large: exports, backups, hand-over directories."""

from __future__ import annotations

import asyncio
import glob
import os
import shlex
import time
from typing import Any

import asyncssh

from ...engine.judging import Limit, number
from ..base import UP, Kind, Looked, Signal, Task, register, schema
from ..host import SSH, run, ssh_why

SIGNALS = (Signal("file.age_h", "最新文件的年龄", "小时"), Signal("file.mb", "最新文件大小", "MB", "low"),
           Signal("file.count", "文件数", "个", ""))  # fmt: skip


async def look(task: Task) -> Looked:
    s = task.settings
    try:
        found = await asyncio.to_thread(_here, s["path"]) if not s.get("host") else await _there(task)
    except (OSError, TimeoutError, asyncssh.Error) as error:
        return Looked(False, ssh_why(error))
    if not found:
        return Looked(False, "没有符合的文件", {"file.count": 0.0})
    at, size = max(found)
    hours = max(time.time() - at, 0) / 3600
    values = {"file.age_h": hours, "file.mb": size / 1e6, "file.count": float(len(found))}
    if (most := s.get("max_age_h")) is not None and hours > most:
        return Looked(False, f"最新的文件已有 {number(hours)} 小时，最多 {number(most)} 小时", values)
    if (least := s.get("min_mb")) is not None and size / 1e6 < least:
        return Looked(False, f"最新的文件只有 {number(size / 1e6)} MB，至少 {number(least)} MB", values)
    return Looked(True, f"最新的文件 {number(hours)} 小时前，{number(size / 1e6)} MB", values)


def _here(pattern: str) -> list[tuple[float, float]]:
    out = []
    for name in glob.iglob(pattern):
        try:
            stat = os.stat(name)
        except OSError:
            continue
        out.append((stat.st_mtime, float(stat.st_size)))
    return out


async def _there(task: Task) -> list[tuple[float, float]]:
    directory, _, name = task.settings["path"].rpartition("/")
    place, wanted = shlex.quote(directory or "/"), shlex.quote(name)
    command = f"find {place} -maxdepth 1 -type f -name {wanted} -printf '%T@ %s\\n' | sort -n | tail -2000"
    out = []
    for line in (await run(task, command)).splitlines():
        at, _, size = line.partition(" ")
        out.append((float(at), float(size)))
    return out


_NUMBER: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0}
SETTINGS = {**SSH, "path": {"type": "string", "pattern": "^/", "maxLength": 300, "title": "文件，可用 *"},
            "max_age_h": _NUMBER | {"title": "最多几小时"}, "min_mb": _NUMBER | {"title": "至少几 MB"}}  # fmt: skip
register(
    Kind(
        "file",
        "文件",
        "某处最新的文件是几时的、多大",
        schema(SETTINGS, ["path"]),
        (UP, *SIGNALS),
        look,
        (Limit("file.count", warn=None),),
        layer="host",
    )
)
