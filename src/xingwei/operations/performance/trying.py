"""Trying advice on a copy: the newest proven way back (a dump of the backups) becomes a scratch database, which gives
away the plan, gets the index, and gives away the plan again. The hospital's own database is never asked for a plan."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from xingwei.base.runtime import embedded

from .engine import plans
from .engine.plans import Cause, Weakness

_SIZES = """SELECT n.nspname || '.' || c.relname, greatest(c.reltuples, 0) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')"""


class TrialProblem(Exception):
    """It could not be tried; str() is the Chinese reason."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A plan. lines: as the database prints it, without costs of every branch; cost: the database's estimate."""

    cost: float
    lines: list[str]

    def plain(self) -> dict[str, Any]:
        return {"cost": round(self.cost, 2), "plan": self.lines}


@dataclass(slots=True)
class Tried:
    """before and after: plans; change: the SQL between them, "" where there is nothing to change."""

    before: Seen
    after: Seen | None = None
    change: str = ""
    weakness: Weakness | None = None
    others: list[Weakness] = field(default_factory=list)


def try_out(dump: Path, text: str, schema: str) -> Tried:
    """The statement's plan on a copy, and what an index changes. Raises TrialProblem."""
    with _copy(dump) as db:
        if schema:
            db.execute("SELECT set_config('search_path', %s, false)", [schema])
        plan, before = _explain(db, text)
        sizes = {name: float(rows) for name, rows in db.execute(_SIZES).fetchall()}
        found = plans.weaknesses(plan, sizes)
        tried = Tried(before, weakness=found[0] if found else None, others=found[1:4])
        for weak in found:
            if not weak.index:
                continue
            db.execute(weak.index.replace(" CONCURRENTLY", "").encode())
            db.execute("ANALYZE")
            _, after = _explain(db, text)
            if after.cost < before.cost * 0.9:
                tried.after, tried.change, tried.weakness = after, weak.index, weak
                return tried
        return tried


def _explain(db: psycopg.Connection[Any], text: str) -> tuple[Mapping[str, Any], Seen]:
    """The generic plan: parameters stay open, nothing is run."""
    statement = text.rstrip("; \n")
    try:
        row = db.execute(b"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) " + statement.encode()).fetchone()
        lines = db.execute(b"EXPLAIN (GENERIC_PLAN) " + statement.encode()).fetchall()
    except psycopg.Error as error:
        raise TrialProblem(f"副本上给不出执行计划：{str(error).strip().splitlines()[0][:200]}") from None
    assert row is not None
    document = row[0] if isinstance(row[0], list) else json.loads(row[0])
    plan: Mapping[str, Any] = document[0]["Plan"]
    return plan, Seen(plans.total_cost(plan), [str(line[0]) for line in lines][:60])


@contextmanager
def _copy(dump: Path) -> Iterator[psycopg.Connection[Any]]:
    if not dump.is_file():
        raise TrialProblem("备份文件不在了，请先做一次备份。")
    scratch = Path(tempfile.mkdtemp(prefix="xingwei-trial-"))
    pgdata = scratch / "pg"
    try:
        embedded.start(pgdata, volatile=True)
        command: list[str | Path] = [
            embedded.programs() / "pg_restore", "--no-owner", "--no-privileges", "--jobs=2",
            f"--dbname={embedded.uri(pgdata)}", dump,
        ]  # fmt: skip
        subprocess.run(command, capture_output=True, check=False, timeout=3 * 3600)
        with psycopg.connect(embedded.uri(pgdata), autocommit=True) as db:
            db.execute("ANALYZE")
            yield db
    except psycopg.Error as error:
        raise TrialProblem(f"副本用不了：{str(error).strip().splitlines()[0][:200]}") from None
    finally:
        embedded.stop(pgdata)
        shutil.rmtree(scratch, ignore_errors=True)


def words(tried: Tried) -> tuple[str, str]:
    """(cause, advice) in words with the figure that it gains."""
    weak = tried.weakness
    if weak is None:
        return (
            "没有明显的弱点",
            f"执行计划里没有大表扫描和大排序（估计代价 {tried.before.cost:,.0f}），改索引没有用；请看调用次数与等待。",
        )
    table = f"{weak.table}（约 {weak.rows:,.0f} 行）"
    if tried.change and tried.after is not None:
        times = tried.before.cost / max(tried.after.cost, 0.01)
        return "缺少索引", (
            f"每次都扫描整张 {table}，条件只留下 {weak.share:.2%}。在副本上按 {'、'.join(weak.columns)} 建索引后，"
            f"估计代价由 {tried.before.cost:,.0f} 降到 {tried.after.cost:,.0f}，约为原来的 {1 / times:.1%}。"
        )
    said: dict[Cause, Callable[[], tuple[str, str]]] = {
        Cause.MISSING_INDEX: lambda: (
            "扫描大表", f"扫描整张 {table}，但按 {'、'.join(weak.columns)} 建索引在副本上没有降低代价，不建议建。"
        ),
        Cause.WHOLE_TABLE: lambda: (
            "数据增长", f"要读 {table} 的 {weak.share:.0%}，索引帮不上；请按日期归档或分区，或让程序少取。"
        ),
        Cause.REPEATED_SCAN: lambda: (
            "循环里扫描", f"在循环里反复扫描 {table}；请给连接条件建索引，或把子查询改写成连接。"
        ),
        Cause.SORT: lambda: ("大排序", f"大部分代价在按 {'、'.join(weak.columns)[:80]} 排序；请让程序只取要显示的一页。"),
        Cause.OTHER: lambda: ("其他", "请研发查看执行计划。"),
    }  # fmt: skip
    return said[weak.cause]()
