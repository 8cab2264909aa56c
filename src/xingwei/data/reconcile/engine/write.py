"""Judged differences → one Parquet file, and the bridge's lines. The columns are documented in docs/reconcile.md."""

from __future__ import annotations

from pathlib import Path

import duckdb

from . import sql
from .causes import Judge, shown, why
from .spec import Pair, Spec
from .tables import shown_name_sql

COLUMNS = (
    "id VARCHAR", "pair VARCHAR", "kind VARCHAR", "cause VARCHAR", "title VARCHAR", "detail VARCHAR", "rule VARCHAR",
    "why VARCHAR", "confidence DOUBLE", "expected BOOLEAN", "owner VARCHAR", "sla_hours DOUBLE", "remedy VARCHAR",
    "remedy_title VARCHAR", "precondition VARCHAR", "ready BOOLEAN", "left_amount DECIMAL(18,{scale})",
    "right_amount DECIMAL(18,{scale})", "gap DECIMAL(18,{scale})", "left_count INTEGER", "right_count INTEGER", "day DATE",
    "changed VARCHAR[]", "score DOUBLE", "suggestion VARCHAR", "fields VARCHAR", "proof VARCHAR",
)  # fmt: skip


def create(con: duckdb.DuckDBPyConnection, spec: Spec) -> None:
    columns = ", ".join(COLUMNS).replace("{scale}", str(spec.scale))
    con.execute(f"CREATE OR REPLACE TEMP TABLE differences ({columns})")


def append(con: duckdb.DuckDBPyConnection, spec: Spec, pair: Pair, judge: Judge) -> None:
    """The differences of one pair."""
    _causes(con, spec, pair)
    _proofs(con, spec, pair, judge)
    money = f"DECIMAL(38,{spec.scale})"
    amount = "(dx.{0}::" + money + f" / {10**spec.scale})::DECIMAL(18,{spec.scale})"
    con.execute(
        "INSERT INTO differences SELECT dx.id, "
        f"{sql.text(pair.name)}, dx.kind, c.code, c.title, c.detail, c.rule, w.why, c.confidence, c.expected, c.owner, c.sla_hours,"
        " c.remedy, c.remedy_title, c.precondition, j.ready,"
        f" {amount.format('al')}, {amount.format('ar')}, {amount.format('gap')}, dx.nl, dx.nr,"
        f" DATE '1970-01-01' + dx.day, dx.changed, dx.score, {_suggestion(spec, pair)}, {_fields(spec, pair)}, f.proof"
        " FROM dx JOIN judged j USING (id) LEFT JOIN causes c ON c.n = j.cause LEFT JOIN whys w USING (id)"
        " LEFT JOIN proofs f USING (id) LEFT JOIN cand o ON o.rid = dx.other"
    )


def save(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Ordered by id, so that the same differences give the same bytes. → how many."""
    con.execute(
        f"COPY (SELECT * FROM differences ORDER BY pair, id) TO {sql.text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    row = con.execute("SELECT count(*) FROM differences").fetchone()
    assert row is not None
    return int(row[0])


def _causes(con: duckdb.DuckDBPyConnection, spec: Spec, pair: Pair) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE causes (n INTEGER, code VARCHAR, title VARCHAR, detail VARCHAR, rule VARCHAR, confidence DOUBLE,"
        " expected BOOLEAN, owner VARCHAR, sla_hours DOUBLE, remedy VARCHAR, remedy_title VARCHAR, precondition VARCHAR)"
    )
    left, right = spec.side(pair.left).title, spec.side(pair.right).title

    def named(template: str) -> str:
        return template.replace("左侧", left).replace("右侧", right) if left and right else template

    rows = []
    for n, c in enumerate(pair.causes):
        remedy = (c.remedy.act, c.remedy.title, c.remedy.precondition) if c.remedy else (None, None, None)
        rows.append(
            (
                n,
                c.code,
                named(c.title),
                named(c.detail),
                c.rule,
                c.confidence,
                c.expected,
                c.owner,
                c.sla_hours,
                *remedy,
            )
        )
    marks = f"({', '.join('?' * 12)})"
    con.execute(f"INSERT INTO causes VALUES {', '.join([marks] * len(rows))}", [value for row in rows for value in row])
    fields = list(pair.used())
    money = frozenset(n for n in fields if spec.fields[n].type == "money")
    times = frozenset(n for n in fields if spec.fields[n].type == "time")
    cases = " ".join(
        f"WHEN {n} THEN {why(named(c.why or c.detail or c.title), fields, money, times, spec.scale)}"
        for n, c in enumerate(pair.causes)
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE whys AS SELECT id, CASE cause {cases} END AS why FROM dx JOIN judged USING (id)"
    )


def _struct(spec: Spec, pair: Pair, prefix: str) -> str:
    parts = [
        f"{sql.text(n)}: {shown(f'{prefix}{n}', spec.fields[n].type == 'money', spec.fields[n].type == 'time', spec.scale)}"
        for n in pair.used()
    ]
    return "{" + ", ".join(parts) + "}"


def _fields(spec: Spec, pair: Pair) -> str:
    """{"left": {…}, "right": {…}}: one row of each side, null where it has none."""
    left, right = (f"CASE WHEN dx.{s} IS NOT NULL THEN {_struct(spec, pair, f'dx.{s}_')} END" for s in ("l", "r"))
    return f"to_json({{'left': {left}, 'right': {right}}})::VARCHAR"


def _suggestion(spec: Spec, pair: Pair) -> str:
    sides = f"CASE o.s WHEN 0 THEN {sql.text(pair.left)} ELSE {sql.text(pair.right)} END"
    place = f"'source': {sides}, 'file': {shown_name_sql('o.filename')}, 'line': o.line"
    return (
        f"CASE WHEN dx.other IS NOT NULL THEN to_json({{{place}, 'fields': {_struct(spec, pair, 'o.f_')},"
        " 'score': dx.score})::VARCHAR END"
    )


def _proofs(con: duckdb.DuckDBPyConnection, spec: Spec, pair: Pair, judge: Judge) -> None:
    """Own rows first, then the rows that the tests of the cause found."""
    parts = [
        "SELECT d.id, 0 AS o, c.s, c.u, to_json({'source': CASE c.s WHEN 0 THEN "
        f"{sql.text(pair.left)} ELSE {sql.text(pair.right)} END, 'file': {shown_name_sql('c.filename')}, 'line': c.line,"
        f" 'fields': {_struct(spec, pair, 'c.f_')}}}) AS row FROM (SELECT id, unnest(members) AS rid FROM d) d JOIN cand c USING (rid)"
    ]
    for n, cause in enumerate(pair.causes):
        for table, where in judge.proofs(cause):
            parts.append(
                f"SELECT p.id, 1, 0, p.u, to_json({{'source': {sql.text(where)}, 'file': {shown_name_sql('p.filename')}, 'line': p.line,"
                f" 'values': list_transform(string_split(p.u, chr(31)), lambda x: nullif(x, chr(30)))}}) FROM {table} p"
                f" JOIN judged j USING (id) WHERE j.cause = {n}"
            )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE proofs AS SELECT id, to_json(list(row ORDER BY o, s, u))::VARCHAR AS proof"
        f" FROM ({' UNION ALL '.join(parts)}) GROUP BY id"
    )
