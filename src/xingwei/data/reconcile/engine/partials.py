"""Results of parts that are kept, so that a repeated run costs what has changed.

Of every file of both sides, under its digest: two hashes a row, and the totals by group; files that are new in a run
go into one batch together. Of every side: the sums of
all buckets for the set of files that it had. Of the differing rows: the rows themselves. A file with another digest is
another file: its sums are added, those of the one it replaced taken away. All of it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from . import sql
from .candidates import NO_KEY, PADDED, Buckets, chosen, finished
from .tables import Reading
from .totals import Total, added_up, check_values, totals_by_file

FORM = 1  # of what is kept; another one starts anew
MOST_BATCHES = 60  # more are made anew as one
MODULUS = 1 << 61


class Partials:
    """One pair of sides. digests: of every file of a side, by path. Raises what the reading of a file raises."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        directory: Path,
        readings: tuple[Reading, Reading],
        digests: tuple[Mapping[str, str], Mapping[str, str]],
        bits: int,
    ) -> None:
        self.con, self.readings, self.buckets = con, readings, Buckets(bits)
        self.digests = tuple(_told_apart(side) for side in digests)
        said = [self._columns(side) for side in (0, 1)]
        self.place = directory / hashlib.sha256(json.dumps([FORM, bits, *said]).encode()).hexdigest()[:20]
        self.place.mkdir(parents=True, exist_ok=True)
        self.batches: list[dict[str, list[str]]] = [self._read(f"batches-{side}.json", {}) for side in (0, 1)]

    def totals(self) -> tuple[list[Total], list[Total]]:
        """Of each side by group; every file is read, and its values checked, once."""
        return self._totals(0), self._totals(1)

    def fetch(self) -> int | None:
        """Table `cand`, of rows that differ. → how many, or None where blanks around keys ask for the plain way."""
        for side in (0, 1):
            self._side(side)
        padded = self._one(f"SELECT count(*) FROM (FROM side_0 UNION ALL FROM side_1) WHERE n >= {PADDED // 2}")
        if padded:
            return None
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE bad AS SELECT b FROM side_0 l FULL JOIN side_1 r USING (b) WHERE"
            f" (coalesce(l.h, 0)::HUGEINT - coalesce(r.h, 0)) % {MODULUS} <> 0 OR coalesce(l.n, 0) <> coalesce(r.n, 0)"
            f" OR coalesce(l.n, 0) >= {NO_KEY}"
        )
        self._rows()
        return self._gather()

    def _columns(self, side: int) -> str:
        """All that the kept hashes depend on."""
        reading = self.readings[side]
        made = [self.buckets.hashed(reading), self.buckets.fingerprint(reading), self.buckets.counted(reading, "")]
        return " ".join([*made, reading.where(), chosen(reading)])

    def _one(self, query: str) -> int:
        row = self.con.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def _read(self, name: str, nothing: Any) -> Any:
        path = self.place / name
        return json.loads(path.read_text()) if path.exists() else nothing

    def _write(self, name: str, document: Any) -> None:
        fresh = self.place / f"{name}.new"
        fresh.write_text(json.dumps(document, sort_keys=True))
        fresh.replace(self.place / name)

    def _copy(self, what: str, name: str) -> None:
        fresh = self.place / f"{name}.new"
        self.con.execute(f"COPY ({what}) TO {sql.text(str(fresh))} (FORMAT parquet, COMPRESSION lz4_raw)")
        fresh.replace(self.place / name)

    def _totals(self, side: int) -> list[Total]:
        reading = self.readings[side]
        asked = f"{reading.inside()} {reading.refunded()} {reading.summable()}"
        name = f"totals-{side}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.json"
        kept = self._read(name, {})
        new = {path: digest for path, digest in self.digests[side].items() if digest not in kept}
        if new:
            paths = [Path(path) for path in new]
            check_values(self.con, reading, paths)
            for path, found in totals_by_file(self.con, reading, paths).items():
                kept[new[path]] = [[list(t.group), t.amount, t.count, t.kept_amount, t.kept_count] for t in found]
            self._write(name, {digest: kept[digest] for digest in self.digests[side].values()})
        return added_up([Total(tuple(t[0]), *t[1:]) for d in self.digests[side].values() for t in kept[d]])

    def _hash(self, side: int) -> None:
        """Files that are new as one batch: two hashes a row, and where it stands."""
        known = self.batches[side]
        if len({batch for batch, _path in known.values()}) > MOST_BATCHES:
            known.clear()
            for batch in self.place.glob(f"{side}-*.parquet"):
                batch.unlink()
        new = {path: digest for path, digest in self.digests[side].items() if digest not in known}
        if not new:
            return
        reading = self.readings[side]
        name = f"{side}-{hashlib.sha256(json.dumps(sorted(new.values())).encode()).hexdigest()[:20]}.parquet"
        self._copy(
            f"SELECT filename AS f, {self.buckets.hashed(reading)} AS k, {self.buckets.fingerprint(reading)} AS h,"
            f" {self.buckets.counted(reading, '')} AS n, file_row_number AS row"
            f" FROM {reading.book.scan([Path(path) for path in new], place=True)} WHERE {reading.where()}",
            name,
        )
        known |= {digest: [name, path] for path, digest in new.items()}
        self._write(f"batches-{side}.json", known)

    def _side(self, side: int) -> None:
        """Table `side_N`: bucket, sum of hashes, count."""
        now = set(self.digests[side].values())
        state, sums = self.place / f"side-{side}.json", self.place / f"side-{side}.parquet"
        before = set(self._read(state.name, [])) if sums.exists() else set()
        self._hash(side)
        gone = before - now
        if not gone <= set(self.batches[side]) or len(gone) + len(now - before) > len(now) // 2:
            before = gone = set()
        parts = self._summed(side, now - before, "") + self._summed(side, gone, "-")
        parts += [f"SELECT b, h::HUGEINT AS h, n::HUGEINT AS n FROM {sql.text(str(sums))}"] if before else []
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE side_{side} AS SELECT b, (sum(h) % {MODULUS})::BIGINT AS h, sum(n)::BIGINT AS n"
            f" FROM ({' UNION ALL '.join(parts)}) GROUP BY b"
        )
        if now != before:
            state.unlink(missing_ok=True)  # sums without their state are made anew: a kill in between harms nothing
            self._copy(f"FROM side_{side}", sums.name)
            self._write(state.name, sorted(now))

    def _batched(self, side: int, digests: Iterable[str]) -> Iterator[tuple[str, str]]:
        """(a batch, the test that picks the files from it)."""
        wanted = set(digests)
        held: dict[str, dict[str, str]] = {}
        for digest, (batch, path) in self.batches[side].items():
            held.setdefault(batch, {})[digest] = path
        for batch, files in sorted(held.items()):
            mine = [path for digest, path in files.items() if digest in wanted]
            if mine:
                test = "true" if len(mine) == len(files) else f"f IN ({sql.texts(mine)})"
                yield sql.text(str(self.place / batch)), test

    def _summed(self, side: int, digests: Iterable[str], mark: str) -> list[str]:
        return [
            f"SELECT (k & {self.buckets.mask})::UINTEGER AS b, {mark}sum(h) AS h, {mark}sum(n) AS n FROM {batch}"
            f" WHERE {test} GROUP BY 1"
            for batch, test in self._batched(side, digests)
        ]

    def _rows(self) -> None:
        """Table `wanted`: side, digest and row of every row whose number does not agree on both sides."""
        sides, names = [], []
        for side in (0, 1):
            live = set(self.digests[side].values())
            sides += [
                f"SELECT {side} AS s, {batch} AS batch, f, k, h, n, row FROM {batch} WHERE {test}"
                f" AND (k & {self.buckets.mask})::UINTEGER IN (SELECT b FROM bad)"
                for batch, test in self._batched(side, live)
            ]
            names += [
                f"({side}, {sql.text(str(self.place / batch))}, {sql.text(path)}, {sql.text(digest)})"
                for digest, (batch, path) in self.batches[side].items()
                if digest in live
            ]
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE near_rows AS {' UNION ALL '.join(sides)}")
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT s, kept, row FROM near_rows JOIN"
            f" (VALUES {', '.join(names)}) v(s, batch, f, kept) USING (s, batch, f) WHERE k IN (SELECT k FROM near_rows"
            " GROUP BY k HAVING sum(CASE s WHEN 0 THEN h ELSE -h END) <> 0 OR count(*) FILTER (s = 0) <> count(*) FILTER (s = 1)"
            f" OR max(n) >= {NO_KEY})"
        )

    def _gather(self) -> int:
        """Kept rows, and those that are new, together as `cand`; what was wanted is kept."""
        parts = [self._known(side) for side in (0, 1)]
        self.con.execute(finished(self.readings, parts))
        return self._one("SELECT count(*) FROM cand")

    def _known(self, side: int) -> str:
        """The wanted rows of a side: those that an earlier run fetched, and the others from their files."""
        reading, name = self.readings[side], f"rows-{side}.parquet"
        files = ", ".join(f"({sql.text(digest)}, {sql.text(path)})" for path, digest in self.digests[side].items())
        mine = f"(SELECT w.kept, w.row, p.path FROM wanted w JOIN (VALUES {files}) p(kept, path) USING (kept) WHERE s = {side})"
        table = f"known_{side}"
        kept = self.place / name
        scan = reading.book.scan(reading.book.paths[:1], place=True)
        source = (
            f"FROM {sql.text(str(kept))}"
            if kept.exists()
            else f"SELECT '' AS kept, 0 AS row, {chosen(reading)} FROM {scan} LIMIT 0"
        )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT x.* FROM ({source}) x JOIN {mine} USING (kept, row)"
        )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE missing AS FROM {mine} m WHERE NOT EXISTS (SELECT 1 FROM {table} x"
            " WHERE x.kept = m.kept AND x.row = m.row)"
        )
        hit = [Path(row[0]) for row in self.con.execute("SELECT DISTINCT path FROM missing ORDER BY path").fetchall()]
        if hit:
            self.con.execute(
                f"INSERT INTO {table} SELECT m.kept, m.row, c.* EXCLUDE (file_row_number) FROM (SELECT {chosen(reading)}, file_row_number"
                f" FROM {reading.book.scan(hit, place=True)}) c JOIN missing m ON m.path = c.filename AND m.row = c.file_row_number"
            )
            self._copy(f"FROM {table}", name)
        return (
            f"SELECT {side} AS s, k.* EXCLUDE (kept, row) REPLACE (p.path AS filename) FROM {table} k"
            f" JOIN (VALUES {files}) p(kept, path) USING (kept)"
        )


def _told_apart(digests: Mapping[str, str]) -> dict[str, str]:
    """Short names of contents; the same content twice is twice the rows, and the second one has a name of its own."""
    seen: dict[str, int] = {}
    out = {}
    for path, digest in digests.items():
        seen[digest] = seen.get(digest, 0) + 1
        out[path] = hashlib.sha256(f"{digest} {seen[digest]}".encode()).hexdigest()[:32]
    return out
