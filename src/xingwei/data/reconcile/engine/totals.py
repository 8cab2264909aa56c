"""Totals of each side by group and day, summed from every row: what the named rows must explain to the last cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from . import sql
from .outcome import BadInput
from .tables import Reading, shown_name


@dataclass(frozen=True, slots=True)
class Total:
    """Of one group: minor units and rows, once with refunded rows and once without."""

    group: tuple[str, ...]
    amount: int
    count: int
    kept_amount: int
    kept_count: int


def totals(con: duckdb.DuckDBPyConnection, reading: Reading) -> list[Total]:
    """Of the rows inside the period."""
    return [total for _file, total in _totals(con, reading, None)]


def totals_by_file(con: duckdb.DuckDBPyConnection, reading: Reading, paths: Sequence[Path]) -> dict[str, list[Total]]:
    """The same of each file by its path; a file without such rows has none."""
    found: dict[str, list[Total]] = {str(path): [] for path in paths}
    for file, total in _totals(con, reading, paths):
        found[file].append(total)
    return found


def _totals(con: duckdb.DuckDBPyConnection, reading: Reading, paths: Sequence[Path] | None) -> list[tuple[str, Total]]:
    """First by the columns as they are stored, then by what they mean: few values are looked at closely instead of
    every row. paths: each file apart."""
    pair = reading.pair
    stored = list(dict.fromkeys(c for name in (*pair.groups, pair.refund.flag) if name and (c := reading.stored(name))))
    amount = reading.summable()
    if pair.refund.flag:
        sums, kept = f"sum({amount}) AS a, count(*) AS n", f"NOT ({reading.refunded()})"
        kept_sums = f"sum(a) FILTER ({kept}), sum(n) FILTER ({kept})"
    else:
        sums = f"sum({amount}) AS a, count(*) AS n, sum({amount}) FILTER ({amount} >= 0) AS ka,"
        sums += f" count(*) FILTER (coalesce({amount}, 0) >= 0) AS kn"
        kept_sums = "sum(ka), sum(kn)"
    file = "filename" if paths is not None else "''"
    groups = [f"coalesce({reading.exact(name)}, '') AS g{i}" for i, name in enumerate(pair.groups)]
    scan = reading.book.scan(paths, place=paths is not None)
    inner = f"SELECT {', '.join([*stored, f'{file} AS file', sums])} FROM {scan} WHERE {reading.where()} AND {reading.inside()}"
    rows = con.execute(
        f"SELECT {', '.join(['file', *groups, 'sum(a), sum(n)', kept_sums])} FROM ({inner} GROUP BY ALL) GROUP BY ALL"
    ).fetchall()
    n = len(groups) + 1
    return [
        (r[0], Total(tuple(r[1:n]), *(reading.minor(v) if i % 2 == 0 else int(v or 0) for i, v in enumerate(r[n:]))))
        for r in rows
    ]


def added_up(parts: Sequence[Total]) -> list[Total]:
    """Parts of one side, group by group."""
    sums: dict[tuple[str, ...], Total] = {}
    for t in parts:
        s = sums.get(t.group, Total(t.group, 0, 0, 0, 0))
        sums[t.group] = Total(
            t.group, s.amount + t.amount, s.count + t.count, s.kept_amount + t.kept_amount, s.kept_count + t.kept_count
        )
    return list(sums.values())


def check_values(con: duckdb.DuckDBPyConnection, reading: Reading, paths: Sequence[Path] | None = None) -> None:
    """Amounts that are no amounts, times that are no times: they would silently count as nothing. Raises BadInput."""
    doubtful = _doubtful(reading)
    if not doubtful:
        return
    tests = {name: f"({_source(reading, name)} IS NOT NULL AND {reading.exact(name)} IS NULL)" for name in doubtful}
    counted = ", ".join(f"count(*) FILTER ({test})" for test in tests.values())
    found = con.execute(f"SELECT {counted} FROM {reading.book.scan(paths)}").fetchone()
    assert found is not None
    for field, count in zip(tests, found, strict=True):
        if count:
            raise BadInput(_first_bad(con, reading, field, tests[field], count))


def _doubtful(reading: Reading) -> list[str]:
    """Fields whose stored type lets in what the field cannot hold."""
    fields = dict.fromkeys(
        [*(c.field for c in reading.pair.compare), *([reading.pair.day] if reading.pair.day else [])]
    )
    out = []
    for field in fields:
        column, kind = reading.column(field), reading.kind(field)
        stored = reading.book.types.get(column.column, "")
        if kind == "text" or not stored or column.constant is not None:
            continue
        if kind == "money" and stored.startswith("DECIMAL") and column.unit == "yuan":
            if int(stored.rstrip(")").split(",")[1]) > reading.spec.scale:
                out.append(field)
        elif stored == "VARCHAR" or (kind == "money" and stored in {"DOUBLE", "FLOAT"}):
            out.append(field)
    return out


def _source(reading: Reading, field: str) -> str:
    source = sql.source_column(reading.column(field), reading.book.types)
    stored = reading.book.types.get(reading.column(field).column, "VARCHAR")
    return f"nullif(trim({source}), '')" if stored == "VARCHAR" else source


def _first_bad(con: duckdb.DuckDBPyConnection, reading: Reading, field: str, test: str, count: int) -> str:
    row = con.execute(
        f"SELECT filename, {reading.book.line}, ({_source(reading, field)})::VARCHAR FROM {reading.book.scan(place=True)}"
        f" WHERE {test} ORDER BY filename, file_row_number LIMIT 1"
    ).fetchone()
    assert row is not None
    column, title = reading.column(field).column, reading.spec.fields[field].title
    what = f"金额（最多 {reading.spec.scale} 位小数）" if reading.kind(field) == "money" else "日期或时间"
    return (
        f"{reading.book.side.title}：{shown_name(row[0])} 第 {row[1]} 行，列 {column}（{title}）写的是"
        f"“{row[2]}”，不是{what}。共 {count} 处，请改正后重来；没有载入任何一行。"
    )
