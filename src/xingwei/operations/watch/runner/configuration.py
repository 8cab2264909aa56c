"""The probes as a process runs them: read from the table, secrets opened, limits compiled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg

from ..engine.baseline import Usual
from ..engine.judging import Limit, Memory
from ..engine.schedule import SHARES
from ..probes.base import Kind, ProbeProblem, kind
from .secrets import opened

_PROBES = f"""
SELECT p.id, p.version, p.code, p.name, p.kind, p.node, p.settings, p.limits, p.every_s, p.timeout_s, p.fails,
  s.state, s.since, s.values
FROM watch_probe p LEFT JOIN watch_probestate s ON s.probe_id = p.id
WHERE p.active AND p.id %% {SHARES} = ANY(%s)
"""  # noqa: S608 - a constant of this package
_VERSIONS = f"SELECT id, version FROM watch_probe WHERE active AND id %% {SHARES} = ANY(%s)"  # noqa: S608
_BASELINES = """
SELECT s.probe_id, s.signal, s.worse, b.mid, b.spread, b.level, b.days, b.made_at
FROM watch_baseline b JOIN watch_series s ON s.id = b.series_id
WHERE s.probe_id = ANY(%s) AND s.worse <> '' AND b.days >= %s
"""
BASELINE_DAYS = 3  # a baseline of fewer days says nothing yet


@dataclass(slots=True)
class Running:
    """A probe with what this process remembers of it. problem: why it cannot run, Chinese."""

    id: int
    version: int
    code: str
    name: str
    node: str
    kind: Kind | None
    settings: dict[str, Any]
    limits: tuple[Limit, ...]
    every_s: float
    timeout_s: float
    fails: int
    memory: Memory
    problem: str = ""
    since: Any = None
    own: dict[str, Any] = field(default_factory=dict)
    usual: dict[str, tuple[Usual, str]] = field(default_factory=dict)
    busy: bool = False

    async def forget(self) -> None:
        """Close what the kind kept between looks."""
        kept, self.own = self.own, {}
        for value in kept.values():
            close = getattr(value, "close", None)
            if close is not None:
                try:
                    result = close()
                    if hasattr(result, "__await__"):
                        await result
                except Exception:  # noqa: S110 - it is thrown away
                    pass


async def versions(db: psycopg.AsyncConnection[Any], shares: Collection[int]) -> dict[int, int]:
    """Raises psycopg.Error."""
    rows = await (await db.execute(_VERSIONS, [list(shares)])).fetchall()
    return dict(rows)


async def read(db: psycopg.AsyncConnection[Any], shares: Collection[int]) -> list[Running]:
    """All probes of these shares. One that cannot be used comes with its problem. Raises psycopg.Error."""
    rows = await (await db.execute(_PROBES, [list(shares)])).fetchall()
    return [_running(row) for row in rows]


def _running(row: Any) -> Running:
    (pid, version, code, name, kind_code, node, settings, limits, every_s, timeout_s, fails, state, since, _) = row
    made = Running(
        pid, version, code, name, node, None, dict(settings), (), float(every_s), float(timeout_s), fails,
        Memory(state or "ok"), since=since,
    )  # fmt: skip
    if state == "down":
        made.memory.fails = fails
    try:
        found = kind(kind_code)
        made.settings = opened(code, kind_code, settings)
        own = [Limit.of(item) for item in limits]
        given = {limit.signal for limit in own}
        made.kind, made.limits = found, tuple(own) + tuple(x for x in found.limits if x.signal not in given)
        if state in {"warn", "down"}:
            made.memory.levels = dict.fromkeys((x.signal for x in made.limits), state)
    except ProbeProblem as problem:
        made.problem = str(problem)
    return made


async def read_baselines(
    db: psycopg.AsyncConnection[Any], ids: Collection[int]
) -> dict[int, dict[str, tuple[Usual, str]]]:
    """Probe → signal → (what is usual, which way is worse). Raises psycopg.Error."""
    out: dict[int, dict[str, tuple[Usual, str]]] = {}
    rows = await (await db.execute(_BASELINES, [list(ids), BASELINE_DAYS])).fetchall()
    for probe_id, signal, worse, mid, spread, level, days, _ in rows:
        usual = Usual(_floats(mid), _floats(spread), float(level or 0), days)
        out.setdefault(probe_id, {})[signal] = (usual, worse)
    return out


def _floats(values: list[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
