"""Is what was restored what was backed up? Table by table, by rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sentinel:
    """A table that must be there: with so many rows at least, and (with `newest`, a column of times) with rows that
    are no older than `within` before the copy was taken."""

    table: str
    rows: int = 1
    newest: str = ""
    within: dt.timedelta = dt.timedelta(days=2)


Rows = int | Sequence[int]
"""Rows of a table when the copy was taken: a number, or (least, most) where the table was written meanwhile."""


@dataclass(frozen=True, slots=True)
class Line:
    """One table. expected: as it should be, in words; "" where nobody counted when the copy was taken."""

    table: str
    expected: str
    found: int | None
    ok: bool
    remark: str = ""

    def plain(self) -> dict[str, Any]:
        return {"table": self.table, "expected": self.expected, "found": self.found, "ok": self.ok,
                "remark": self.remark}  # fmt: skip


def compare(
    expected: Mapping[str, Rows] | None,
    found: Mapping[str, int],
    sentinels: Sequence[Sentinel] = (),
    newest: Mapping[str, dt.datetime | None] | None = None,
    taken_at: dt.datetime | None = None,
) -> list[Line]:
    """expected: rows by table, counted when the copy was taken; None where the copy came from elsewhere, then only
    the sentinels judge. What is wrong comes first, then by name. Nothing to judge by is itself wrong."""
    lines: dict[str, Line] = {}
    for table in {*(expected or {}), *found}:
        least, most = _bounds(None if expected is None else expected.get(table))
        got = found.get(table)
        remark = ""
        if expected is not None and table not in expected:
            remark = "备份时没有这张表"
        elif got is None:
            remark = "恢复后没有这张表"
        elif least is not None and most is not None and not least <= got <= most:
            remark = f"行数不符，差 {max(least - got, got - most)} 行"
        said = "" if least is None else f"{least}" if least == most else f"{least} 至 {most}"
        lines[table] = Line(table, said, got, not remark, remark)
    for sentinel in sentinels:
        lines[sentinel.table] = _judge(sentinel, lines.get(sentinel.table), newest or {}, taken_at)
    if expected is None and not sentinels:
        lines[""] = Line("", "", None, False, "没有可以核对的表：请在备份计划里写明要核对的表")
    if not found:
        lines[""] = Line("", "", None, False, "恢复后一张表也没有")
    return sorted(lines.values(), key=lambda line: (line.ok, line.table))


def _bounds(rows: Rows | None) -> tuple[int | None, int | None]:
    if rows is None or isinstance(rows, int):
        return rows, rows
    return rows[0], rows[-1]


def _judge(
    sentinel: Sentinel, line: Line | None, newest: Mapping[str, dt.datetime | None], taken_at: dt.datetime | None
) -> Line:
    if line is None or line.found is None:
        return Line(sentinel.table, line.expected if line else "", None, False, "恢复后没有这张表")
    if not line.ok:
        return line
    if line.found < sentinel.rows:
        return Line(line.table, line.expected, line.found, False, f"不足 {sentinel.rows} 行")
    if sentinel.newest and taken_at is not None:
        at = newest.get(sentinel.table)
        if at is None:
            return Line(line.table, line.expected, line.found, False, f"“{sentinel.newest}”没有时间")
        if at < taken_at - sentinel.within:
            behind = taken_at - at
            return Line(line.table, line.expected, line.found, False, f"最新一行比备份早 {behind.days} 天")
    return line
