"""A business function walked end to end: a few steps in order, each a request, a statement or a message, with values
carried from one to the next. What it sends is marked as synthetic; the last steps take back what the first ones made,
and are walked even where something in between failed."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ..base import MS, UP, Kind, Looked, Task, register, schema
from ..http import SETTINGS as HTTP
from ..http import ask
from ..http.assertions import MISSING, at
from ..mllp import SETTINGS as MLLP
from ..mllp import send
from ..sql.drivers import connect
from ..sql.statements import ENGINES, refused


async def look(task: Task) -> Looked:
    carried = {"id": f"XW{datetime.now().astimezone():%y%m%d%H%M%S}{secrets.token_hex(2).upper()}",
               "time": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}", **(task.settings.get("values") or {})}  # fmt: skip
    values: dict[str, float] = {}
    failed = ""
    began = time.perf_counter()
    for number, step in enumerate(task.settings["steps"], start=1):
        if failed and not step.get("always"):
            continue
        started = time.perf_counter()
        looked = await _walk(task, step, carried)
        took = (time.perf_counter() - started) * 1000
        values[f"step{number}.ms"] = took
        if not looked.ok and not failed:
            failed = f"第 {number} 步“{step['name']}”：{looked.said}"
            if not step.get("always"):
                values["ms"] = (time.perf_counter() - began) * 1000
    values.setdefault("ms", (time.perf_counter() - began) * 1000)
    if failed:
        return Looked(False, failed, values)
    slowest = max(range(1, len(task.settings["steps"]) + 1), key=lambda n: values.get(f"step{n}.ms", 0))
    name = task.settings["steps"][slowest - 1]["name"]
    return Looked(True, f"{len(task.settings['steps'])} 步都通，{values['ms'] / 1000:.2f} 秒，最慢“{name}”", values)


async def _walk(task: Task, step: Mapping[str, Any], carried: dict[str, Any]) -> Looked:
    kind = next(k for k in ("http", "mllp", "sql") if k in step)
    settings = _filled(step[kind], carried)
    if kind == "http":
        looked, document = await ask(task, {**settings, "token": settings.get("token") or task.settings.get("token")})
        for name, path in (step.get("keep") or {}).items():
            found = at(document, path)
            if found is MISSING and looked.ok:
                return Looked(False, f"应答里没有字段 {path}", looked.values)
            if found is not MISSING:
                carried[name] = found
        return looked
    if kind == "mllp":
        own = Task(task.code, settings, task.timeout_s, task.memory, task.shared)
        return (await send(own, settings["message"], str(carried["id"])[:20]))[0]
    return await _query(task, settings)


async def _query(task: Task, settings: Mapping[str, Any]) -> Looked:
    key = f"sql:{settings['engine']}:{settings['host']}:{settings.get('database')}"
    try:
        database = task.memory.get(key)
        async with asyncio.timeout(task.timeout_s):
            if database is None:
                password = settings.get("password") or task.settings.get("password")
                database = task.memory[key] = await connect({**settings, "password": password}, task.timeout_s)
            _, rows = await database.rows(settings["sql"])
    except Exception as error:  # drivers raise what they like
        if (kept := task.memory.pop(key, None)) is not None:
            kept.close()
        return Looked(False, f"数据库：{str(error).splitlines()[0][:120] if str(error) else type(error).__name__}")
    if not rows:
        return Looked(False, "没有查到应有的记录")
    return Looked(True, f"{len(rows)} 行")


def _filled(value: Any, carried: Mapping[str, Any]) -> Any:
    """{id}, {time} and what was kept, in every text of the step."""
    if isinstance(value, str):
        for name, text in carried.items():
            value = value.replace("{" + name + "}", str(text))
        return value
    if isinstance(value, Mapping):
        return {k: _filled(v, carried) for k, v in value.items()}
    return [_filled(v, carried) for v in value] if isinstance(value, list) else value


def check(settings: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for number, step in enumerate(settings.get("steps") or ()):
        if "sql" in step and (text := refused(step["sql"]["sql"], step["sql"]["engine"])):
            yield text, ("steps", number, "sql", "sql")


def _part(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return schema(properties, required)


_SQL = {"engine": {"enum": list(ENGINES)}, "host": {"type": "string"}, "port": {"type": "integer"}, "database": {"type": "string"},
        "user": {"type": "string"}, "password": {"type": "string"}, "sql": {"type": "string", "minLength": 5}}  # fmt: skip
_STEP = {
    "type": "object", "required": ["name"], "additionalProperties": False,
    "oneOf": [{"required": ["http"]}, {"required": ["mllp"]}, {"required": ["sql"]}],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 30}, "always": {"type": "boolean"},
        "keep": {"type": "object", "additionalProperties": {"type": "string"}},
        "http": _part({**HTTP, "url": {"type": "string", "pattern": "^https?://"}}, ["url"]),
        "mllp": _part(MLLP, ["host", "port", "message"]), "sql": _part(_SQL, ["engine", "host", "sql"]),
    },
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "steps": {"type": "array", "items": _STEP, "minItems": 1, "maxItems": 12, "title": "步骤"},
    "values": {"type": "object", "additionalProperties": {"type": ["string", "number"]}, "title": "取值"},
    "token": {"type": "string", "format": "password", "title": "令牌"},
    "password": {"type": "string", "format": "password", "title": "数据库口令"},
}
register(
    Kind(
        "steps",
        "业务全程",
        "把一项业务从头走到尾，数据带“模拟”标记，走完撤回",
        schema(SETTINGS, ["steps"]),
        (UP, MS),
        look,
        layer="application",
    )
)
