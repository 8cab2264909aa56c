"""A reconciliation from beginning to end: totals, candidates, differences, causes, bridge."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb

from . import candidates, describe, sql, write
from .causes import Judge
from .match import Matcher
from .outcome import Bridge, Convention, Group, Line, Outcome, Period, Result, Verdict
from .partials import Partials
from .spec import Pair, Side, Spec
from .tables import Book, Reading, Source, bring, digests
from .totals import Total, check_values, totals

FEW = 200_000  # rows that one thread is quickest with
Progress = Callable[[str, float], None]


def run(
    spec: Spec,
    sides: Mapping[str, Source],
    workdir: Path,
    progress: Progress | None = None,
    *,
    evidence: Mapping[str, Source] | None = None,
    period: Period | None = None,
    now: dt.datetime | None = None,
    memory_mb: int = 2048,
    threads: int = 2,
    exact: bool = False,
    cache: Path | None = None,
) -> Outcome:
    """Hold the sides against each other; everything written goes to workdir.

    evidence: tables that rules may ask; a rule that asks one which is not given does not hold. period: days that
    count; rows of other days only help to match. now: by what the age of a row is told (default: the latest row).
    exact: read every row exactly, without digests first (for proofs; slow). cache: a
    directory where results of files are kept under their digests, so that a repeated run costs what has changed: for
    sides of many files of which few change. Raises BadInput and SpecProblem.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    return _Run(spec, workdir, progress or (lambda _what, _share: None), period, now, exact, threads, cache).go(
        sides, evidence or {}, memory_mb
    )


class _Run:
    def __init__(
        self,
        spec: Spec,
        workdir: Path,
        progress: Progress,
        period: Period | None,
        now: dt.datetime | None,
        exact: bool,
        threads: int,
        cache: Path | None,
    ) -> None:
        self.spec, self.workdir, self.progress, self.period, self.now, self.exact = (
            spec,
            workdir,
            progress,
            period,
            now,
            exact,
        )
        self.timings: dict[str, float] = {}
        self.cache = cache
        self._digests: dict[str, dict[str, str]] = {}
        self.threads = threads
        self._since = time.perf_counter()

    def go(self, sides: Mapping[str, Source], evidence: Mapping[str, Source], memory_mb: int) -> Outcome:
        spill = self.workdir / "spill"
        with duckdb.connect() as self.con:
            self.con.execute(
                f"SET memory_limit = '{memory_mb}MB'; SET threads = {self.threads}; SET preserve_insertion_order = false"
            )
            self.con.execute(f"SET temp_directory = {sql.text(str(spill))}; SET enable_progress_bar = false")
            try:
                return self._all(sides, evidence)
            finally:
                shutil.rmtree(spill, ignore_errors=True)

    def _all(self, sides: Mapping[str, Source], evidence: Mapping[str, Source]) -> Outcome:
        books = {side.name: bring(self.con, side, sides[side.name], self.workdir) for side in self.spec.sides}
        proof = {
            name: bring(self.con, Side(name, e.title, e.fields, {}), evidence[name], self.workdir)
            for name, e in self.spec.evidence.items()
            if name in evidence
        }
        self._lap("open")
        if self.cache is not None:
            self._digests = {name: digests(sides[name], book.paths) for name, book in books.items()}
            self._lap("digest")
        write.create(self.con, self.spec)
        results = tuple(self._pair(pair, books, proof) for pair in self.spec.pairs)
        path = self.workdir / "differences.parquet"
        count = write.save(self.con, path)
        self._lap("write")
        inputs = {
            f"{name}/{Path(path).name}": digest
            for given in (sides, evidence)
            for name, source in given.items()
            if name in books or name in proof
            for path, digest in digests(source, source.paths or (books | proof)[name].paths).items()
        }
        self._lap("digest")
        rows = {name: book.rows for name, book in books.items()}
        notes = tuple(note for book in [*books.values(), *proof.values()] for note in book.notes)
        return Outcome(_verdict(self.con, results), results, path, count, inputs, self.timings, rows, notes)

    def _lap(self, what: str) -> None:
        now = time.perf_counter()
        self.timings[what] = self.timings.get(what, 0.0) + now - self._since
        self._since = now
        self.progress(what, now)

    def _pair(self, pair: Pair, books: Mapping[str, Book], proof: Mapping[str, Book]) -> Result:
        left, right = books[pair.left], books[pair.right]
        readings = (
            Reading(self.spec, pair, left, right, self.period, right=False),
            Reading(self.spec, pair, right, left, self.period, right=True),
        )
        sums, count = self._rows_of(pair, readings)
        few = count < FEW
        self._lap("fetch")
        self.con.execute(f"SET threads = {1 if few else self.threads}")
        Matcher(self.con, pair).run()
        describe.describe(self.con, self.spec, pair)
        self._lap("match")
        judge = Judge(self.con, self.spec, pair, readings, proof, self._now(pair))
        judge.run()
        write.append(self.con, self.spec, pair, judge)
        self._lap("causes")
        result = self._result(pair, sums)
        self.con.execute(f"SET threads = {self.threads}")
        return result

    def _rows_of(self, pair: Pair, readings: tuple[Reading, Reading]) -> tuple[tuple[list[Total], list[Total]], int]:
        """Totals of both sides, and table `cand`. → its rows."""
        left, right = readings
        bits = candidates.bits_for(left.book.rows + right.book.rows)
        if self.cache is not None and not self.exact:
            digest = (self._digests[pair.left], self._digests[pair.right])
            partials = Partials(self.con, self.cache, readings, digest, bits)
            sums = partials.totals()
            self._lap("totals")
            count = partials.fetch()
            if count is not None:
                return sums, count
        else:
            for reading in readings:
                check_values(self.con, reading)
            sums = (totals(self.con, left), totals(self.con, right))
            self._lap("totals")
        if self.exact:
            return sums, candidates.fetch(self.con, left, right, None)
        return sums, candidates.few(self.con, left, right, bits)

    def _now(self, pair: Pair) -> int:
        """Local microseconds."""
        if self.now is not None:
            return int((self.now.timestamp() + self.spec.timezone_hours * 3600) * 1_000_000)
        field = pair.window.time if pair.window else pair.day
        if not field:
            return 0
        factor = sql.US_PER_DAY if self.spec.fields[field].type == "date" else 1
        row = self.con.execute(f"SELECT coalesce(max(f_{field}), 0) FROM cand").fetchone()
        assert row is not None
        return int(row[0]) * factor

    def _result(self, pair: Pair, sums: tuple[list[Total], list[Total]]) -> Result:
        money = _Money(self.spec.scale)
        lines = tuple(
            Line(code, title, int(n), money(gap), bool(expected))
            for code, title, n, gap, expected in self.con.execute(
                "SELECT c.code, c.title, count(*), sum(d.gap)::BIGINT, bool_and(c.expected) FROM d JOIN judged j USING (id)"
                " JOIN causes c ON c.n = j.cause GROUP BY c.code, c.title ORDER BY min(c.n)"
            ).fetchall()
        )
        (la, lc, lka, lkc), (ra, rc, rka, rkc) = (_summed(side) for side in sums)
        bridge = Bridge(pair.name, money(la), money(ra), lc, rc, lines)
        named = bridge.total_gap - bridge.residual
        conventions = (
            Convention("counted", money(la), money(ra), lc, rc, bridge.residual),
            Convention("excluded", money(lka), money(rka), lkc, rkc, money(rka - lka) - named),
        )
        groups = _groups(pair, sums, describe.named_by_group(self.con), money)
        balances = [c.name for c in conventions if c.balances]
        convention = "both" if len(balances) == 2 else (balances[0] if balances else "none")
        return Result(pair.name, bridge, groups, conventions, convention, _problems(bridge, groups))


class _Money:
    def __init__(self, scale: int) -> None:
        self.scale = scale

    def __call__(self, minor: int) -> Decimal:
        return Decimal(minor).scaleb(-self.scale)


def _summed(side: list[Total]) -> tuple[int, int, int, int]:
    return (
        sum(t.amount for t in side),
        sum(t.count for t in side),
        sum(t.kept_amount for t in side),
        sum(t.kept_count for t in side),
    )


def _groups(
    pair: Pair, sums: tuple[list[Total], list[Total]], named: Mapping[str, int], money: _Money
) -> tuple[Group, ...]:
    """Every group that either side has; opposite gaps are tied together where only one group fits."""
    if not pair.groups:
        return ()
    sides = [{t.group: t for t in side} for side in sums]
    nothing = Total((), 0, 0, 0, 0)
    made = []
    for values in sorted({*sides[0], *sides[1]}):
        left, right = (side.get(values, nothing) for side in sides)
        label = chr(31).join(v or chr(30) for v in values)
        made.append(
            Group(
                pair.name,
                values,
                money(left.amount),
                money(right.amount),
                left.count,
                right.count,
                money(named.get(label, 0)),
            )
        )
    opposite = {g.values: [o.values for o in made if g.gap and o.gap == -g.gap] for g in made}
    return tuple(replace(g, offset_with=opposite[g.values][0] if len(opposite[g.values]) == 1 else None) for g in made)


def _problems(bridge: Bridge, groups: tuple[Group, ...]) -> tuple[str, ...]:
    found = []
    if bridge.residual:
        found.append(f"{bridge.pair}：有 {bridge.residual} 元没有任何一行能说明。")
    found += [
        f"{bridge.pair}：分组 {'·'.join(g.values)} 有 {g.residual} 元没有任何一行能说明。" for g in groups if g.residual
    ]
    return tuple(found)


def _verdict(con: duckdb.DuckDBPyConnection, results: tuple[Result, ...]) -> Verdict:
    if any(result.problems for result in results):
        return "incomplete"
    row = con.execute(
        "SELECT count(*) FROM differences WHERE NOT expected OR (gap <> 0 AND kind <> 'rounding')"
    ).fetchone()
    assert row is not None
    return "differences" if row[0] else "balanced"
