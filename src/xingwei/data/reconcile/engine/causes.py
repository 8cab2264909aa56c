"""Rules → SQL: each difference gets the first cause whose tests hold, with the rows that prove it.

Nothing here knows a cause by name. A test looks at the difference, its rows, or asks whether another row exists that
proves it (`partner`): among the differences, in all rows of a side, or in a table of evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from . import sql
from .spec import Cause, Pair, Spec, Test, minor, partners
from .tables import Book, Reading

_SIDES = ("left", "right")
PROOFS = 5  # rows kept as proof for one test


class Judge:
    """Names the causes of table `d`. evidence: tables that were given, by name."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        spec: Spec,
        pair: Pair,
        readings: tuple[Reading, Reading],
        evidence: Mapping[str, Book],
        now_us: int,
    ) -> None:
        self.con, self.spec, self.pair, self.readings, self.evidence = con, spec, pair, readings, evidence
        self.now_us = now_us
        self.found: dict[str, str] = {}
        self.sources: dict[str, str] = {}

    def run(self) -> None:
        """Table `judged`: id, cause (index into the pair's causes), ready (the remedy's requirements hold)."""
        self._looked_at()
        cases, ready = [], []
        for i, cause in enumerate(self.pair.causes):
            cases.append(f"WHEN {self._all(cause.when)} THEN {i}")
            if cause.remedy and cause.remedy.requires:
                ready.append(f"WHEN {i} THEN {self._all(cause.remedy.requires)}")
        ok = f"CASE cause {' '.join(ready)} ELSE true END" if ready else "true"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE judged AS SELECT id, cause, {ok} AS ready FROM"
            f" (SELECT *, CASE {' '.join(cases)} END AS cause FROM dx)"
        )

    def proofs(self, cause: Cause) -> list[tuple[str, str]]:
        """(table, name of where the rows stand) of every proof of the cause's tests that were found."""
        asked = [*partners(cause.when), *(partners(cause.remedy.requires) if cause.remedy else ())]
        return [
            (self.found[key], p["where"]) for p in asked if (key := _key(p)) in self.found and p.get("exists", True)
        ]

    def _looked_at(self) -> None:
        fields = list(self.pair.used())
        columns = ", ".join(f"l.f_{n} AS l_{n}, r.f_{n} AS r_{n}, coalesce(l.f_{n}, r.f_{n}) AS x_{n}" for n in fields)
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE dx AS SELECT d.*, coalesce(l.a, r.a) AS xa, {columns} FROM d"
            " LEFT JOIN cand l ON l.rid = d.l LEFT JOIN cand r ON r.rid = d.r"
        )

    def _all(self, tests: Sequence[Test]) -> str:
        return "(" + " AND ".join(self._test(test) for test in tests) + ")"

    def _test(self, test: Test) -> str:
        ((name, body),) = test.items()
        if name == "any":
            return "(" + " OR ".join(self._test(t) for t in body) + ")"
        if name == "all":
            return self._all(body)
        if name == "not":
            return f"(NOT {self._test(body)})"
        made: str = getattr(self, f"_{name}")(body)
        return f"coalesce({made}, false)"

    def _kind(self, kinds: Sequence[str]) -> str:
        return f"kind IN ({sql.texts(list(kinds))})"

    def _field(self, body: Mapping[str, Any]) -> str:
        column = {"left": "l", "right": "r", "any": "x"}[body.get("side", "any")] + "_" + body["name"]
        parts = []
        if "in" in body:
            parts.append(f"{column}::VARCHAR IN ({sql.texts(body['in'])})")
        if "sign" in body:
            parts.append(f"{column} {'>' if body['sign'] == 'positive' else '<'} 0")
        if "most" in body:
            parts.append(f"abs({column}) <= {minor(body['most'], self.spec.scale)}")
        if "null" in body:
            parts.append(f"{column} IS {'' if body['null'] else 'NOT '}NULL")
        if "hours" in body:
            since, until = (int(t[:2]) * 60 + int(t[3:]) for t in body["hours"])
            minute = f"(({column} // 60000000) % 1440)"
            joint = "AND" if since <= until else "OR"
            parts.append(f"({minute} >= {since} {joint} {minute} <= {until})")
        return "(" + (" AND ".join(parts) or "true") + ")"

    def _gap(self, body: Mapping[str, Any]) -> str:
        parts = []
        if "most" in body:
            parts.append(f"abs(gap) <= {minor(body['most'], self.spec.scale)}")
        if "least" in body:
            parts.append(f"abs(gap) >= {minor(body['least'], self.spec.scale)}")
        if "sign" in body:
            parts.append({"positive": "gap > 0", "negative": "gap < 0", "zero": "gap = 0"}[body["sign"]])
        return "(" + (" AND ".join(parts) or "true") + ")"

    def _changed(self, body: Mapping[str, Any]) -> str:
        parts = []
        if "only" in body:
            parts.append(f"list_has_all([{sql.texts(body['only'])}], changed)")
        if "any" in body:
            parts.append(f"list_has_any([{sql.texts(body['any'])}], changed)")
        return "(" + (" AND ".join(parts) or "true") + ")"

    def _age(self, body: Mapping[str, Any]) -> str:
        time = self.pair.window.time if self.pair.window else self.pair.day
        if not time:
            return "false"
        factor = 86_400_000_000 if self.spec.fields[time].type == "date" else 1
        hours = f"(({self.now_us} - x_{time} * {factor}) / 3600000000.0)"
        parts = [f"{hours} <= {body['most_hours']}"] if "most_hours" in body else []
        parts += [f"{hours} >= {body['least_hours']}"] if "least_hours" in body else []
        return "(" + (" AND ".join(parts) or "true") + ")"

    def _partner(self, body: Mapping[str, Any]) -> str:
        where = body["where"]
        if where in self.spec.evidence and where not in self.evidence:
            return "false"  # nobody gave that evidence: neither that it exists nor that it does not
        key = _key(body)
        if key not in self.found:
            self.found[key] = f"proof_{len(self.found)}"
            self._search(self.found[key], body)
        inside = f"id IN (SELECT id FROM {self.found[key]})"
        return inside if body.get("exists", True) else f"NOT ({inside})"

    def _search(self, table: str, body: Mapping[str, Any]) -> None:
        source, side = self._rows(body)
        on = " AND ".join(f"dx.x_{mine} = p.f_{theirs}" for mine, theirs in body["on"].items())
        tests = [on, *side, *self._narrowed(body)]
        distance = self._distance(body)
        tests += self._near(body, distance)
        rank = f"abs({distance})" if distance else "0"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT id, p.filename, p.line, p.u, p.a"
            f"{', p.t' if distance else ', NULL::BIGINT AS t'} FROM dx JOIN {source} p ON {' AND '.join(tests)}"
            f" QUALIFY row_number() OVER (PARTITION BY id ORDER BY {rank}, p.u, p.filename, p.line) <= {PROOFS}"
        )

    def _rows(self, body: Mapping[str, Any]) -> tuple[str, list[str]]:
        """The table to look in, and what ties its rows to the side of the difference."""
        where = body["where"]
        if where in self.evidence:
            return self._evidence_table(where), []
        own = "CASE WHEN l IS NOT NULL THEN 0 ELSE 1 END"
        wanted = {"left": "0", "right": "1", "same": f"({own})", "other": f"(1 - ({own}))"}[where]
        other_row = "NOT list_contains(dx.members, p.rid)"
        if body.get("unmatched"):
            return f"(SELECT c.*, {self._time()} AS t FROM cand c WHERE rid IN (SELECT unnest(members) FROM d))", [
                f"p.s = {wanted}",
                other_row,
            ]
        table = self._side_table(tuple(body["on"].items()))
        mine = "list_contains(dx.places, {'s': p.s, 'f': p.filename, 'n': p.line})"
        self._places()
        return table, [f"p.s = {wanted}", f"NOT {mine}"]

    def _places(self) -> None:
        if "places" in self.sources:
            return
        self.sources["places"] = "dx"
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE dx AS SELECT dx.*, w.places FROM dx JOIN (SELECT id, list({'s': c.s, 'f': c.filename,"
            " 'n': c.line}) AS places FROM (SELECT id, unnest(members) AS rid FROM d) m JOIN cand c USING (rid)"
            " GROUP BY id) w USING (id)"
        )

    def _side_table(self, on: tuple[tuple[str, str], ...]) -> str:
        """All rows of both sides that have a value which a difference has."""
        key = f"side:{on}"
        if key in self.sources:
            return self.sources[key]
        table = self.sources[key] = f"around_{len(self.sources)}"
        parts = []
        for s, reading in enumerate(self.readings):
            tests = [
                f"{reading.exact(theirs)} IN (SELECT x_{mine} FROM dx WHERE x_{mine} IS NOT NULL)"
                for mine, theirs in on
            ]
            fields = [f"{reading.exact(n)} AS f_{n}" for n in self.pair.used()]
            parts.append(
                f"SELECT {s} AS s, {', '.join(fields)}, filename, {reading.book.line} AS line FROM {reading.book.scan(place=True)}"
                f" WHERE {reading.where()} AND {' AND '.join(tests)}"
            )
        everything = sql.known([f"f_{n}" for n in self.pair.used()])
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT *, {everything} AS u, coalesce(f_{self.pair.amount}, 0) AS a,"
            f" {self._time()} AS t FROM ({' UNION ALL '.join(parts)})"
        )
        return table

    def _time(self) -> str:
        time = self.pair.window.time if self.pair.window and self.pair.window.time else self.pair.day
        return f"f_{time}" if time else "NULL::BIGINT"

    def _evidence_table(self, where: str) -> str:
        if where in self.sources:
            return self.sources[where]
        table = self.sources[where] = f"evidence_{len(self.sources)}"
        wanted, book = self.spec.evidence[where], self.evidence[where]
        fields = {
            n: sql.exact(c, book.types, wanted.types[n], self.spec.scale, self.spec.timezone_hours)
            for n, c in wanted.fields.items()
        }
        amount = next((f"f_{n}" for n, t in wanted.types.items() if t == "money"), "NULL::BIGINT")
        time = next((f"f_{n}" for n, t in wanted.types.items() if t == "time"), "NULL::BIGINT")
        picked = ", ".join(f"{made} AS f_{n}" for n, made in fields.items())
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT *, {sql.known([f'f_{n}' for n in fields])} AS u, {amount} AS a,"
            f" {time} AS t FROM (SELECT {picked}, filename, {book.line} AS line FROM {book.scan(place=True)})"
        )
        return table

    def _narrowed(self, body: Mapping[str, Any]) -> list[str]:
        tests = [f"p.f_{n}::VARCHAR IN ({sql.texts(v)})" for n, v in body.get("filter", {}).items()]
        amount = body.get("amount", "any")
        tests += {"same": ["p.a = dx.xa"], "opposite": ["p.a = -dx.xa"], "any": []}[amount]
        if "sign" in body:
            tests.append(f"p.a {'>' if body['sign'] == 'positive' else '<'} 0")
        return tests

    def _distance(self, body: Mapping[str, Any]) -> str:
        """That row's time minus the difference's, in microseconds; empty where there are no times."""
        own = (self.pair.window.time if self.pair.window else "") or self.pair.day
        if not own:
            return ""
        if body.get("unmatched"):
            return f"(p.f_{own} - dx.x_{own})"
        where = body["where"]
        if where in self.evidence and "time" not in self.spec.evidence[where].types.values():
            return ""
        return f"(p.t - dx.x_{own})" if self.spec.fields[own].type == "time" else ""

    def _near(self, body: Mapping[str, Any], distance: str) -> list[str]:
        if not distance:
            return []
        tests = [f"abs({distance}) <= {body['within_seconds'] * 1_000_000}"] if "within_seconds" in body else []
        if "order" in body:
            tests.append(f"{distance} {'<=' if body['order'] == 'before' else '>='} 0")
        return tests


def _key(body: Mapping[str, Any]) -> str:
    """Two tests that look for the same rows share one search."""
    return repr({name: body[name] for name in sorted(body) if name != "exists"})


def why(template: str, fields: Sequence[str], money: frozenset[str], times: frozenset[str], scale: int) -> str:
    """ "网关 {setl_time} 超时" → an SQL expression over `dx`; unknown names stay as they are written."""
    parts = []
    for piece in re.split(r"(\{[a-z0-9_]+\})", template):
        field = piece[1:-1]
        if piece.startswith("{") and field in fields:
            parts.append(f"coalesce({shown(f'x_{field}', field in money, field in times, scale)}, '—')")
        elif piece:
            parts.append(sql.text(piece))
    return " || ".join(parts) or "''"


def shown(column: str, money: bool, time: bool, scale: int) -> str:
    if money:
        return (
            f"({column}::DECIMAL(38,{scale}) / {10**scale})::DECIMAL(38,{scale})::VARCHAR"
            if scale
            else f"{column}::VARCHAR"
        )
    if time:
        return f"strftime(make_timestamp({column}), '%Y-%m-%d %H:%M:%S')"
    return f"{column}::VARCHAR"
