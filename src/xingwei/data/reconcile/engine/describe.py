"""Matched and lonely rows → differences with kind, gap, what changed and a number that stays over runs. Table `d`."""

from __future__ import annotations

import duckdb

from . import sql
from .spec import Pair, Spec


def describe(con: duckdb.DuckDBPyConnection, spec: Spec, pair: Pair) -> None:
    """From `diff` and `cand`; rows outside the period alone are no difference."""
    _joined(con, pair)
    _kinds(con, pair)
    _numbers(con, spec, pair)
    for compare in pair.compare:
        if compare.tolerance and compare.cap is not None:
            _cap(con, compare.field, compare.cap)


def _joined(con: duckdb.DuckDBPyConnection, pair: Pair) -> None:
    """One row a difference: sums over its members that are inside the period, and one member of each side."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE sums AS SELECT d.n, count(*) FILTER (c.s = 0 AND c.inside) AS nl,"
        " count(*) FILTER (c.s = 1 AND c.inside) AS nr, sum(c.a) FILTER (c.s = 0 AND c.inside) AS al,"
        " sum(c.a) FILTER (c.s = 1 AND c.inside) AS ar, min_by(c.rid, c.u) FILTER (c.s = 0) AS l,"
        " min_by(c.rid, c.u) FILTER (c.s = 1) AS r, min(c.day) AS day FROM"
        " (SELECT rowid AS n, unnest(members) AS rid FROM diff) d JOIN cand c USING (rid) GROUP BY d.n HAVING nl + nr > 0"
    )
    changed = [
        f"CASE WHEN l.f_{name} IS DISTINCT FROM r.f_{name} THEN {sql.text(name)} END"
        for name in dict.fromkeys([*(c.field for c in pair.compare), *pair.groups])
        if name != pair.day
    ]
    if pair.day:
        changed.append(f"CASE WHEN l.day IS DISTINCT FROM r.day THEN {sql.text(pair.day)} END")
    identity = ", ".join(f"l.k{i}, r.k{i}" for i in range(len(pair.keys)))
    con.execute(
        "CREATE OR REPLACE TEMP TABLE d0 AS SELECT diff.kind AS made, m.l, m.r, diff.members, diff.score, diff.other, m.nl, m.nr,"
        " m.al, m.ar, (coalesce(m.ar, 0) - coalesce(m.al, 0))::BIGINT AS gap, m.day, l.k0 AS lk, r.k0 AS rk,"
        f" list_filter([{', '.join(changed)}], lambda x: x IS NOT NULL) AS changed, coalesce({identity}, l.u, r.u) AS identity,"
        " coalesce(l.u, '') || chr(29) || coalesce(r.u, '') AS u, coalesce(l.inside, true) AND coalesce(r.inside, true) AS whole"
        " FROM diff JOIN sums m ON m.n = diff.rowid LEFT JOIN cand l ON l.rid = m.l LEFT JOIN cand r ON r.rid = m.r"
    )


def _kinds(con: duckdb.DuckDBPyConnection, pair: Pair) -> None:
    tolerated = [c for c in pair.compare if c.tolerance]
    small = " AND ".join(
        [f"list_has_all([{sql.texts([c.field for c in tolerated])}], changed)"]
        + [f"coalesce(abs(r.f_{c.field} - l.f_{c.field}), 0) <= {c.tolerance}" for c in tolerated]
    ) if tolerated else "false"  # fmt: skip
    groups = f"[{sql.texts(list(pair.groups))}]::VARCHAR[]"
    day = f"[{sql.text(pair.day)}]" if pair.day else "[]::VARCHAR[]"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE d1 AS SELECT d0.* EXCLUDE (made), CASE WHEN made <> '' THEN made"
        " WHEN len(changed) = 0 THEN 'linked' WHEN NOT whole AND l.a = r.a THEN 'day'"
        f" WHEN {small} THEN 'rounding' WHEN list_has_all({day}, changed) THEN 'day'"
        f" WHEN list_has_all(list_concat({groups}, {day}), changed) THEN 'group' ELSE 'differs' END AS kind"
        " FROM d0 LEFT JOIN cand l ON l.rid = d0.l LEFT JOIN cand r ON r.rid = d0.r"
    )
    con.execute("DELETE FROM d1 WHERE kind = 'linked' AND score = 1.0 AND (lk IS NULL OR rk IS NULL OR lk = rk)")


def _numbers(con: duckdb.DuckDBPyConnection, spec: Spec, pair: Pair) -> None:
    """A difference keeps its number while its rows keep their first known number, whatever becomes of its cause."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE d AS SELECT left(md5(concat_ws(chr(31),"
        f" {sql.text(spec.code)}, {sql.text(pair.name)}, identity, o::VARCHAR)), 16) AS id, * EXCLUDE (identity, o)"
        " FROM (SELECT *, row_number() OVER (PARTITION BY identity ORDER BY kind LIKE 'dup%', u) AS o FROM d1)"
    )


def _cap(con: duckdb.DuckDBPyConnection, field: str, cap: int) -> None:
    """What is over the day's cap is no rounding any more."""
    con.execute(
        f"UPDATE d SET kind = 'differs' WHERE id IN (SELECT id FROM (SELECT d.id, sum(abs(coalesce(r.f_{field} - l.f_{field}, 0)))"
        " OVER (PARTITION BY d.day ORDER BY d.id) AS so_far FROM d JOIN cand l ON l.rid = d.l JOIN cand r ON r.rid = d.r"
        f" WHERE d.kind = 'rounding' AND l.f_{field} <> r.f_{field}) WHERE so_far > {cap})"
    )


def named_by_group(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Group → what the differences add to its gap."""
    rows = con.execute(
        "SELECT c.g, sum(CASE c.s WHEN 1 THEN c.a ELSE -c.a END)::BIGINT FROM (SELECT unnest(members) AS rid FROM d) m"
        " JOIN cand c USING (rid) WHERE c.inside GROUP BY c.g"
    ).fetchall()
    return {row[0]: int(row[1]) for row in rows}
