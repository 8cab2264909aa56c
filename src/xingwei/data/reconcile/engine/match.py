"""Rows that could differ → differences. Everything happens in DuckDB on the table `cand` of `candidates`.

Order: rows equal on both sides are taken away; then the keys in order of trust; then several rows against several;
then plus and minus of one side; then the window. What is left stands alone. Nothing depends on the order of rows.
"""

from __future__ import annotations

import duckdb

from . import sql
from .spec import Pair, Window

NEAREST_ROUNDS = 3
LARGEST_BLOCK = 250_000  # pairs of equal amount that the window looks at; more is not a match but noise


class Matcher:
    """One pair of sides. After `run`: table `diff` (kind, l, r, members, score, suggested)."""

    def __init__(self, con: duckdb.DuckDBPyConnection, pair: Pair) -> None:
        self.con, self.pair = con, pair
        self.keys = [f"k{i}" for i in range(len(pair.keys))]

    def run(self) -> None:
        self._equal()
        self._tables()
        if self._left_over():
            self._first_key()
            self._duplicates()
            for i in range(1, len(self.keys)):
                self._further_key(i)
            for combine in self.pair.combine:
                self._combine(list(combine.fields), combine.most)
            for fields in self.pair.net:
                self._net(list(fields))
            if self.pair.window:
                self._window(self.pair.window)
        self._assemble()

    def _count(self, query: str) -> int:
        row = self.con.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def _left_over(self) -> int:
        return self._count("SELECT count(*) FROM rest")

    def _equal(self) -> None:
        """Same key and same content, as often on the left as on the right; without any key the same in every field."""
        compared = [f"f_{c.field}" for c in self.pair.compare]
        content = sql.known(["a", "g", "day", "inside", *compared])
        key = f"coalesce({', '.join(self.keys)})" if len(self.keys) > 1 else "k0"
        lower = f"coalesce(k0, chr(29) || {sql.known(self.keys)})" if len(self.keys) > 1 else "k0"
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE ranked AS SELECT rid, s, k0, u, row_number() OVER (PARTITION BY s, eq ORDER BY u) AS o,"
            f" eq FROM (SELECT rid, s, k0, u, CASE WHEN {key} IS NOT NULL THEN {lower} || chr(28) || {content}"
            " ELSE chr(27) || u END AS eq FROM cand)"
        )
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE rest AS SELECT * FROM cand WHERE rid IN (SELECT rid FROM"
            " (SELECT rid, count(*) OVER (PARTITION BY eq, o) AS n FROM ranked) WHERE n = 1)"
        )

    def _tables(self) -> None:
        self.con.execute("CREATE OR REPLACE TEMP TABLE pairs (l BIGINT, r BIGINT, key INTEGER, score DOUBLE)")
        self.con.execute("CREATE OR REPLACE TEMP TABLE alone (rid BIGINT, kind VARCHAR, other BIGINT)")
        self.con.execute("CREATE OR REPLACE TEMP TABLE many (kind VARCHAR, members BIGINT[])")
        self.con.execute("CREATE OR REPLACE TEMP TABLE hints (rid BIGINT, other BIGINT, score DOUBLE, key INTEGER)")

    def _drop_paired(self) -> None:
        self.con.execute("DELETE FROM rest WHERE rid IN (SELECT l FROM pairs UNION ALL SELECT r FROM pairs)")

    def _first_key(self) -> None:
        """Same number: first rows of the same amount, then those whose amounts are nearest."""
        self._ordinal("k0, a")
        for _ in range(NEAREST_ROUNDS):
            before = self._count("SELECT count(*) FROM pairs")
            self.con.execute(
                "INSERT INTO pairs WITH near AS (SELECT l.rid AS l, r.rid AS r,"
                " row_number() OVER (PARTITION BY l.rid ORDER BY abs(l.a - r.a), r.a, r.u, r.rid) AS x,"
                " row_number() OVER (PARTITION BY r.rid ORDER BY abs(l.a - r.a), l.a, l.u, l.rid) AS y"
                " FROM (SELECT * FROM rest WHERE s = 0 AND k0 IN (SELECT k0 FROM rest GROUP BY k0 HAVING count(*) <= 64)) l"
                " JOIN (SELECT * FROM rest WHERE s = 1) r USING (k0))"
                " SELECT l, r, 0, 1.0 FROM near WHERE x = 1 AND y = 1"
            )
            if self._count("SELECT count(*) FROM pairs") == before:
                return
            self._drop_paired()
        self._ordinal("k0")

    def _ordinal(self, by: str) -> None:
        """The n-th on the left belongs to the n-th on the right of the same `by`."""
        self.con.execute(
            f"INSERT INTO pairs WITH n AS (SELECT rid, s, {by}, row_number() OVER (PARTITION BY s, {by} ORDER BY a, u) AS o"
            f" FROM rest WHERE k0 IS NOT NULL)"
            f" SELECT l.rid, r.rid, 0, 1.0 FROM (FROM n WHERE s = 0) l JOIN (FROM n WHERE s = 1) r USING ({by}, o)"
        )
        self._drop_paired()

    def _duplicates(self) -> None:
        """A row left over although its own side has its number again. Without any row on the other side the first
        of them is not a duplicate but missing there."""
        self.con.execute(
            "INSERT INTO alone WITH all_of AS (SELECT s, k0, count(*) AS n, min_by(rid, u) AS first FROM cand WHERE k0 IN"
            " (SELECT k0 FROM rest) GROUP BY s, k0), mine AS (SELECT rid, s, k0,"
            " count(*) OVER (PARTITION BY s, k0) AS left_over, row_number() OVER (PARTITION BY s, k0 ORDER BY u) AS o"
            " FROM rest WHERE k0 IS NOT NULL) SELECT rid, CASE WHEN s = 0 THEN 'duplicate_left' ELSE 'duplicate_right' END,"
            " (SELECT min_by(c.rid, c.u) FROM cand c WHERE c.s = mine.s AND c.k0 = mine.k0 AND c.rid <> mine.rid)"
            " FROM mine JOIN all_of USING (s, k0) WHERE n > 1 AND (left_over < n OR o > 1)"
        )
        self.con.execute("DELETE FROM rest WHERE rid IN (SELECT rid FROM alone)")

    def _further_key(self, i: int) -> None:
        """Only where the key says one row on each side; otherwise it is only suggested."""
        key = f"k{i}"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE linked AS WITH n AS (SELECT {key}, count(*) FILTER (s = 0) AS nl, count(*) FILTER (s = 1) AS nr"
            f" FROM rest WHERE {key} IS NOT NULL GROUP BY {key} HAVING nl > 0 AND nr > 0)"
            f" SELECT l.rid AS l, r.rid AS r, nl, nr, abs(l.a - r.a) AS off FROM n JOIN rest l USING ({key}) JOIN rest r USING ({key})"
            " WHERE l.s = 0 AND r.s = 1 AND nl * nr <= 10000"
        )
        self.con.execute(f"INSERT INTO pairs SELECT l, r, {i}, 1.0 FROM linked WHERE nl = 1 AND nr = 1")
        self.con.execute(
            f"INSERT INTO hints SELECT l, r, 0.5, {i} FROM linked WHERE nl * nr > 1"
            f" UNION ALL SELECT r, l, 0.5, {i} FROM linked WHERE nl * nr > 1"
        )
        self._drop_paired()

    def _combine(self, fields: list[str], most: int) -> None:
        """Several rows against several, equal to the cent; rows of a number that differs count as well."""
        same = " AND ".join(f"x.f_{name} = y.f_{name}" for name in fields)
        by = ", ".join(f"f_{name}" for name in fields)
        whole = " AND ".join(f"f_{name} IS NOT NULL" for name in fields)
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE grouped AS SELECT list(rid ORDER BY s, a, u) AS members FROM"
            f" (SELECT rid, s, a, u, {by}, 1 AS open FROM rest UNION ALL SELECT c.rid, c.s, c.a, c.u, {_prefixed(fields)}, 0"
            f" FROM pairs p JOIN cand x ON x.rid = p.l JOIN cand y ON y.rid = p.r AND {same} JOIN cand c ON c.rid IN (p.l, p.r)"
            " WHERE x.a <> y.a)"
            f" WHERE {whole} GROUP BY {by} HAVING count(*) FILTER (s = 0) > 0 AND count(*) FILTER (s = 1) > 0"
            f" AND sum(open) > 0 AND count(*) BETWEEN 3 AND {most} AND sum(CASE s WHEN 0 THEN a ELSE -a END) = 0"
        )
        if self._count("SELECT count(*) FROM grouped") == 0:
            return
        self.con.execute("INSERT INTO many SELECT 'combined', members FROM grouped")
        self.con.execute("DELETE FROM rest WHERE rid IN (SELECT unnest(members) FROM grouped)")
        self.con.execute("DELETE FROM pairs WHERE l IN (SELECT unnest(members) FROM grouped)")

    def _net(self, fields: list[str]) -> None:
        """Plus and minus of one side that the other side does not know at all."""
        by = ", ".join(f"f_{name}" for name in fields)
        whole = " AND ".join(f"f_{name} IS NOT NULL" for name in fields)
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE netted AS WITH n AS (SELECT rid, s, a, {by},"
            f" row_number() OVER (PARTITION BY s, {by}, a ORDER BY u) AS o FROM rest WHERE a <> 0 AND {whole})"
            f" SELECT p.rid AS plus, m.rid AS minus FROM n p JOIN n m USING (s, o, {by}) WHERE p.a > 0 AND m.a = -p.a"
        )
        self.con.execute("INSERT INTO many SELECT 'netted', [plus, minus] FROM netted")
        self.con.execute("DELETE FROM rest WHERE rid IN (SELECT plus FROM netted UNION ALL SELECT minus FROM netted)")

    def _window(self, window: Window) -> None:
        """Same amount, near in time. Taken only where each is by far the other's best, otherwise suggested."""
        time = f"f_{window.time}"
        weights = [(f"l.f_{name}", f"r.f_{name}", weight) for name, weight in window.fields.items()]
        got = " + ".join(
            [f"(1.0 - dt / {window.seconds * 1_000_000}.0)"]
            + [f"(CASE WHEN {x} = {y} THEN {w} ELSE 0 END)" for x, y, w in weights]
        )
        of = " + ".join(
            ["1.0"] + [f"(CASE WHEN {x} IS NULL OR {y} IS NULL THEN 0 ELSE {w} END)" for x, y, w in weights]
        )
        got = got.replace("dt", f"abs(l.{time} - r.{time})")
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE near AS WITH block AS (SELECT a FROM rest GROUP BY a"
            f" HAVING count(*) FILTER (s = 0) * count(*) FILTER (s = 1) BETWEEN 1 AND {LARGEST_BLOCK})"
            f" SELECT l.rid AS l, r.rid AS r, ({got}) / ({of}) AS score, l.u AS lu, r.u AS ru"
            f" FROM rest l JOIN block USING (a) JOIN rest r USING (a) WHERE l.s = 0 AND r.s = 1 AND a <> 0"
            f" AND abs(l.{time} - r.{time}) <= {window.seconds * 1_000_000}"
        )
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE best AS SELECT *, row_number() OVER (PARTITION BY l ORDER BY score DESC, ru, r) AS x,"
            " row_number() OVER (PARTITION BY r ORDER BY score DESC, lu, l) AS y,"
            " lead(score, 1, 0.0) OVER (PARTITION BY l ORDER BY score DESC, ru, r) AS second_l,"
            " lead(score, 1, 0.0) OVER (PARTITION BY r ORDER BY score DESC, lu, l) AS second_r FROM near"
        )
        sure = (
            f"x = 1 AND y = 1 AND score >= {window.accept} AND score - second_l >= {window.margin}"
            f" AND score - second_r >= {window.margin}"
        )
        self.con.execute(f"INSERT INTO pairs SELECT l, r, {len(self.keys)}, score FROM best WHERE {sure}")
        self._drop_paired()
        self.con.execute(
            f"INSERT INTO hints SELECT l, r, score, {len(self.keys)} FROM best WHERE x = 1 UNION ALL"
            f" SELECT r, l, score, {len(self.keys)} FROM best WHERE y = 1"
        )

    def _assemble(self) -> None:
        """Table `diff`. Pairs that agree by a further key in everything but numbers of which one is empty are none."""
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE diff AS SELECT kind, l, r, members, score, other FROM ("
            " SELECT '' AS kind, l, r, [l, r] AS members, score, NULL::BIGINT AS other, key FROM pairs"
            " UNION ALL SELECT kind, CASE WHEN kind = 'duplicate_left' THEN rid END, CASE WHEN kind = 'duplicate_right' THEN rid END,"
            " [rid], NULL, other, 0 FROM alone"
            " UNION ALL SELECT CASE s WHEN 0 THEN 'only_left' ELSE 'only_right' END, CASE s WHEN 0 THEN rid END,"
            " CASE s WHEN 1 THEN rid END, [rid], h.score, h.other, 0 FROM rest LEFT JOIN"
            " (SELECT rid, max_by(other, score) AS other, max(score) AS score FROM hints WHERE other IN (SELECT rid FROM rest)"
            " GROUP BY rid) h USING (rid)"
            " UNION ALL SELECT kind, NULL, NULL, members, NULL, NULL, 0 FROM many)"
        )


def _prefixed(fields: list[str]) -> str:
    return ", ".join(f"c.f_{name}" for name in fields)
