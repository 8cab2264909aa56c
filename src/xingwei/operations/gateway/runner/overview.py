"""What `xingwei gateway status` says."""

from __future__ import annotations

from typing import Any

import psycopg

from xingwei.base.runtime import config, database

_LIVE_S = 10

_CHANNELS = """SELECT c.code, c.name, c.direction, c.state, p.name, l.expires_at > now(), l.problem, b.state, g.values,
  g.at > now() - make_interval(secs => %s)
FROM gateway_channel c LEFT JOIN gateway_lease l ON l.channel_id = c.id LEFT JOIN gateway_process p
  ON p.id = l.process_id LEFT JOIN gateway_breaker b ON b.channel_id = c.id LEFT JOIN gateway_gauge g
  ON g.channel_id = c.id ORDER BY c.direction, c.code"""
_ALIVE = "SELECT 1 FROM gateway_process WHERE name = %s AND seen_at > now() - make_interval(secs => %s)"

_STATES = {"running": "运行", "paused": "暂停", "draining": "排空", "stopped": "停用"}
_BREAKERS = {"open": "已熔断", "half_open": "半开", "cut": "人工切断"}


def overview(dsn: str = "") -> list[str]:
    """A line a channel."""
    with psycopg.connect(dsn or database.uri(config.from_environment())) as db:
        return [_line(row) for row in db.execute(_CHANNELS, [_LIVE_S]).fetchall()]


def alive(name: str, dsn: str = "") -> bool:
    """A process of that name has said within the last seconds that it lives."""
    try:
        with psycopg.connect(dsn or database.uri(config.from_environment()), connect_timeout=3) as db:
            return db.execute(_ALIVE, [name, _LIVE_S]).fetchone() is not None
    except psycopg.Error:
        return False


def _line(row: Any) -> str:
    code, name, direction, state, process, leased, problem, breaker, values, fresh = row
    arrow = "入" if direction == "in" else "出"
    said = [f"{arrow} {code:<16} {name}", _STATES.get(state, state), process if process and leased else "没有进程运行"]
    if problem:
        said.append(problem)
    if breaker in _BREAKERS:
        said.append(_BREAKERS[breaker])
    if values and fresh:
        said.append(f"{values.get('rate_1m', 0):g} 条/分")
        if direction == "out":
            said.append(f"排队 {values.get('waiting', 0)}")
            said += [f"{label} {values[key]}" for key, label in (("uncertain", "结果不明"), ("dead", "死信"))
                     if values.get(key)]  # fmt: skip
    return "  ".join(said)
