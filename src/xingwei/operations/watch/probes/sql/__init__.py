"""A database: does it answer, how fast, who waits for whom, what is full, how far the standby is behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ...engine.judging import Limit
from ..base import HOST, MS, PASSWORD, PORT, UP, Kind, Looked, Signal, Task, register, schema, why
from .drivers import Database, connect
from .statements import ENGINES, Statement, refused, statements

COST = Signal("db.cost_ms", "拨测占用", "毫秒")
_ASK = {"oracle": "SELECT 1 FROM dual"}


async def look(task: Task) -> Looked:
    memory = task.memory
    began = time.perf_counter()
    try:
        database: Database | None = memory.get("database")
        values: dict[str, float] = {}
        if database is None:
            async with asyncio.timeout(task.timeout_s):
                database = memory["database"] = await connect(task.settings, task.timeout_s)
            values["db.connect_ms"] = (time.perf_counter() - began) * 1000
        asked = time.perf_counter()
        async with asyncio.timeout(task.timeout_s):
            await database.rows(_ASK.get(task.settings["engine"], "SELECT 1"))
            values["ms"] = (time.perf_counter() - asked) * 1000
            words, problem = await _ask_all(task, database, values)
        values["db.cost_ms"] = (time.perf_counter() - asked) * 1000
    except Exception as error:  # drivers raise what they like
        _drop(memory)
        return Looked(False, _say(error))
    if problem:
        return Looked(False, problem, values)
    return Looked(True, "；".join(words) or f"应答 {values['ms']:.0f} 毫秒", values)


async def _ask_all(task: Task, database: Database, values: dict[str, float]) -> tuple[list[str], str]:
    """Fills the values; what there is to say, and why it failed."""
    memory = task.memory
    turn = memory["turn"] = memory.get("turn", -1) + 1
    words: list[str] = []
    left_out: set[str] = memory.setdefault("left_out", set())
    for statement in _wanted(task.settings, database.variant):
        if turn % statement.every or statement.signal in left_out:
            continue
        try:
            number, said = await _number(database, statement)
        except Exception as error:
            if not _not_allowed(error):
                raise
            left_out.add(statement.signal)  # no such view here, or no right to read it: asked again after a reconnect
            continue
        if number is None:
            continue
        if statement.since:
            before = memory.get(f"since:{statement.signal}")
            memory[f"since:{statement.signal}"] = number
            if before is None:
                continue
            number = max(0.0, number - before)
        values[statement.signal] = number
        if said and number > 0 and statement.signal in {"db.blocked", "db.longtx_s"} and number >= 5:
            words.append(f"{statement.title} {number:.0f} {statement.unit}，{said}")
    for check in task.settings.get("checks") or ():
        _, rows = await database.rows(check["sql"])
        found = rows[0][0] if rows else None
        if found is None:
            return words, f"{check['title']}：没有查到"
        values[check["signal"]] = float(found)
    return words, ""


def _wanted(settings: Mapping[str, Any], variant: str) -> Iterator[Statement]:
    chosen = settings.get("signals")
    for statement in statements(settings["engine"]):
        if (not chosen or statement.signal in chosen) and statement.engine in {"", variant}:
            yield statement


async def _number(database: Database, statement: Statement) -> tuple[float | None, str]:
    if statement.needs:
        _, there = await database.rows(f"SELECT to_regclass('{statement.needs}') IS NOT NULL")
        if not there or not there[0][0]:
            return None, ""
    columns, rows = await database.rows(statement.sql)
    if not rows:
        return None, ""
    row = rows[0]
    if statement.show:
        value = row[list(columns).index(statement.show)] if statement.show in columns else None
        return (None if value is None else float(value)), ""
    said = str(row[1]) if len(row) > 1 and row[1] is not None else ""
    return (None if row[0] is None else float(row[0])), said


def _not_allowed(error: Exception) -> bool:
    """The view is missing or may not be read: no failure of the database."""
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return bool(state[:2] == "42" or state == "55000")
    code = error.args[0] if error.args else None
    code = getattr(code, "code", code)
    return code in {1044, 1045, 1109, 1142, 1146, 1227, 942, 1031, 229, 208, 300}


def _drop(memory: dict[str, Any]) -> None:
    database = memory.pop("database", None)
    memory.pop("left_out", None)
    if database is not None:
        try:
            closing = database.close()
            if closing is not None:
                closing.close()
        except Exception:  # noqa: S110 - it is broken anyway
            pass


def _say(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    state = getattr(error, "sqlstate", None)
    known = {"28P01": "口令不对", "28000": "账号不允许登录", "3D000": "没有这个数据库", "53300": "连接数已满", "57P03": "数据库正在启动",
             "57014": "超过时限没有查完"}  # fmt: skip
    if state in known:
        return f"{known[state]}（{state}）"
    if isinstance(error, (OSError, TimeoutError)):
        return why(error)
    return f"数据库报错：{text[0][:160] if text else type(error).__name__}"


def check(settings: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """What no schema says: own statements must read only."""
    for at, item in enumerate(settings.get("checks") or ()):
        if text := refused(item["sql"], settings["engine"]):
            yield text, ("checks", at, "sql")


_SIGNALS = {s.signal: Signal(s.signal, s.title, s.unit, s.worse) for e in ENGINES for s in statements(e)}
SETTINGS: dict[str, Any] = {
    "engine": {"enum": list(ENGINES), "title": "数据库"},
    "host": HOST, "port": PORT, "database": {"type": "string", "maxLength": 120, "title": "库名或服务名"},
    "user": {"type": "string", "maxLength": 120, "title": "账号"}, "password": PASSWORD,
    "signals": {"type": "array", "items": {"enum": sorted(_SIGNALS)}, "title": "只看这些"},
    "checks": {
        "type": "array", "title": "另外查询", "maxItems": 20,
        "items": {
            "type": "object", "required": ["signal", "title", "sql"], "additionalProperties": False,
            "properties": {
                "signal": {"type": "string", "pattern": "^[a-z0-9_.]+$", "maxLength": 60},
                "title": {"type": "string", "minLength": 1, "maxLength": 60},
                "sql": {"type": "string", "minLength": 5, "maxLength": 4000},
            },
        },
    },
}  # fmt: skip
register(
    Kind(
        "sql", "数据库", "连上、查一句、再看锁、事务、会话、空间、备库和慢语句", schema(SETTINGS, ["engine", "host"]),
        (UP, MS, COST, Signal("db.connect_ms", "连接用时", "毫秒"), *_SIGNALS.values()), look,
        (
            Limit("ms", warn=500, down=None, for_s=60), Limit("db.blocked", warn=5, down=20, for_s=30),
            Limit("db.longtx_s", warn=600, down=3600), Limit("db.sess_pct", warn=80, down=97),
            Limit("db.tbs_pct", warn=85, down=98), Limit("db.arch_pct", warn=70, down=95),
            Limit("db.temp_pct", warn=90, down=99), Limit("repl.lag", warn=60, down=900, for_s=60),
            Limit("db.deadlock", warn=3), Limit("db.log_pct", warn=85, down=98),
        ),
        layer="database",
    )
)  # fmt: skip
