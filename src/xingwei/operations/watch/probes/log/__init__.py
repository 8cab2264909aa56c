"""How many new lines of a log match a pattern since the last look. Lines themselves are never kept or shown: only how
many, since a log may hold what is a patient's."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from typing import Any

import asyncssh

from ...engine.judging import Limit
from ..base import UP, Kind, Looked, Signal, Task, register, schema
from ..host import SSH, run, ssh_why

LINES, HITS = Signal("log.lines", "新增行", "行", ""), Signal("log.hits", "匹配的行", "行")
MOST = 4_000_000  # bytes of one look


async def look(task: Task) -> Looked:
    s = task.settings
    try:
        if s.get("host"):
            size, text = await _there(task)
        else:
            size, text = await asyncio.to_thread(_here, s["path"], task.memory)
    except (OSError, TimeoutError, asyncssh.Error) as error:
        return Looked(False, ssh_why(error) if not isinstance(error, FileNotFoundError) else "没有这个日志文件")
    first = "at" not in task.memory
    task.memory["at"] = size
    if first:
        return Looked(True, "从现在起看新增的行", {"log.lines": 0.0, "log.hits": 0.0})
    lines = text.splitlines()
    wanted = re.compile(s["match"])
    hits = sum(1 for line in lines if wanted.search(line))
    values = {"log.lines": float(len(lines)), "log.hits": float(hits)}
    if hits >= int(s.get("down", 10**9)):
        return Looked(False, f"新增 {len(lines)} 行，{hits} 行匹配", values)
    return Looked(True, f"新增 {len(lines)} 行，{hits} 行匹配", values)


def _here(path: str, memory: dict[str, Any]) -> tuple[int, str]:
    size = os.stat(path).st_size
    start = min(memory.get("at", size), size) if size >= memory.get("at", 0) else 0  # shorter: it was rotated
    with open(path, "rb") as file:
        file.seek(max(start, size - MOST))
        raw = file.read(MOST)
    whole = raw.rfind(b"\n") + 1  # half a line waits for its end
    return max(start, size - MOST) + whole if raw else size, raw[:whole].decode("utf-8", "replace")


async def _there(task: Task) -> tuple[int, str]:
    path, at = shlex.quote(task.settings["path"]), int(task.memory.get("at", -1))
    out = await run(task, f"stat -c %s {path} && S=$(stat -c %s {path}) && A={at} && [ $A -ge 0 ] && "
                    f"{{ [ $S -lt $A ] && A=0; tail -c +$((A+1)) {path} | head -c {MOST}; }}")  # fmt: skip
    head, _, text = out.partition("\n")
    if not head.strip().isdecimal():
        raise FileNotFoundError
    whole = text.rfind("\n") + 1
    size = int(head)
    return (size if at < 0 else (at if size >= at else 0) + len(text[:whole].encode())), text[:whole]


SETTINGS = {**SSH, "path": {"type": "string", "pattern": "^/", "maxLength": 300, "title": "日志文件"},
            "match": {"type": "string", "format": "regex", "minLength": 1, "maxLength": 300, "title": "匹配（正则）"},
            "down": {"type": "integer", "minimum": 1, "title": "一次几行算异常"}}  # fmt: skip
register(Kind("log", "日志", "日志里新增的行有几行匹配；只数行，不取内容", schema(SETTINGS, ["path", "match"]), (UP, LINES, HITS), look,
              (Limit("log.hits", warn=1),), layer="application"))  # fmt: skip
