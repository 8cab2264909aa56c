"""Results of parts that are kept, so that a repeated run costs what has changed.

Of every file of both sides, under its digest: two hashes a row, and the totals by group. Of every side: the sums of
all buckets for the set of files that it had. Of the differing rows: the rows themselves. A file with another digest is
another file: its sums are added, those of the one it replaced taken away. All of it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from . import sql
from .candidates import NO_KEY, PADDED, Buckets, chosen, finished
from .tables import Reading
from .totals import Total, added_up, check_values, totals

FORM = 1  # of what is kept; another one starts anew
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
            f"CREATE OR REPLACE TEMP TABLE bad AS SELECT b FROM side_0 l FULL JOIN side_1 r USING (b) WHERE"
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

    def _of(self, side: int, digest: str) -> Path:
        return self.place / f"{side}-{digest}.parquet"

    def _one(self, query: str) -> int:
        row = self.con.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def _totals(self, side: int) -> list[Total]:
        reading, found = self.readings[side], []
        period = hashlib.sha256(f"{reading.inside()} {reading.refunded()} {reading.summable()}".encode()).hexdigest()[
            :12
        ]
        for path, digest in self.digests[side].items():
            kept = self.place / f"{side}-{digest}-{period}.json"
            if not kept.exists():
                check_values(self.con, reading, [Path(path)])
                made = [
                    [list(t.group), t.amount, t.count, t.kept_amount, t.kept_count]
                    for t in totals(self.con, reading, [Path(path)])
                ]
                _write(kept, json.dumps(made))
            found += [Total(tuple(t[0]), *t[1:]) for t in json.loads(kept.read_text())]
        return added_up(found)

    def _hashed(self, side: int, path: str, digest: str) -> None:
        """The file's rows as hashes, unless they are there."""
        kept = self._of(side, digest)
        if kept.exists():
            return
        reading, fresh = self.readings[side], kept.with_suffix(".new")
        self.con.execute(
            f"COPY (SELECT {self.buckets.hashed(reading)} AS k, {self.buckets.fingerprint(reading)} AS h,"
            f" {self.buckets.counted(reading, '')} AS n, file_row_number AS row FROM {reading.book.scan([Path(path)], place=True)}"
            f" WHERE {reading.where()}) TO {sql.text(str(fresh))} (FORMAT parquet, COMPRESSION lz4_raw)"
        )
        fresh.replace(kept)

    def _side(self, side: int) -> None:
        """Table `side_N`: bucket, sum of hashes, count."""
        now = set(self.digests[side].values())
        for path, digest in self.digests[side].items():
            self._hashed(side, path, digest)
        state, sums = self.place / f"side-{side}.json", self.place / f"side-{side}.parquet"
        before = set(json.loads(state.read_text())) if state.exists() and sums.exists() else set()
        gone = {digest for digest in before - now if self._of(side, digest).exists()}
        if gone != before - now or len(gone) + len(now - before) > len(now) // 2:
            before = gone = set()
        parts = [self._summed(side, now - before, 1), self._summed(side, gone, -1)]
        parts += [f"SELECT b, h::HUGEINT AS h, n::HUGEINT AS n FROM {sql.text(str(sums))}"] if before else []
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE side_{side} AS SELECT b, (sum(h) % {MODULUS})::BIGINT AS h, sum(n)::BIGINT AS n"
            f" FROM ({' UNION ALL '.join(p for p in parts if p)}) GROUP BY b"
        )
        if now != before or gone:
            fresh = sums.with_suffix(".new")
            self.con.execute(f"COPY side_{side} TO {sql.text(str(fresh))} (FORMAT parquet)")
            state.unlink(missing_ok=True)  # sums without their state are made anew: a kill in between harms nothing
            fresh.replace(sums)
            _write(state, json.dumps(sorted(now)))

    def _summed(self, side: int, digests: Iterable[str], sign: int) -> str:
        paths = [str(self._of(side, digest)) for digest in sorted(digests)]
        if not paths:
            return ""
        mark = "" if sign > 0 else "-"
        return (
            f"SELECT (k & {self.buckets.mask})::UINTEGER AS b, {mark}sum(h) AS h, {mark}sum(n) AS n"
            f" FROM read_parquet([{sql.texts(paths)}]) GROUP BY 1"
        )

    def _rows(self) -> None:
        """Table `wanted`: side, digest, row of every row whose number does not agree on both sides."""
        sides = []
        for side in (0, 1):
            paths = [str(self._of(side, digest)) for digest in self.digests[side].values()]
            sides.append(
                f"SELECT {side} AS s, filename AS kept, k, h, n, row FROM read_parquet([{sql.texts(paths)}], filename = true)"
                f" WHERE (k & {self.buckets.mask})::UINTEGER IN (SELECT b FROM bad)"
            )
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE near_rows AS {' UNION ALL '.join(sides)}")
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT s, kept, row FROM near_rows WHERE k IN (SELECT k FROM near_rows"
            " GROUP BY k HAVING sum(CASE s WHEN 0 THEN h ELSE -h END) <> 0 OR count(*) FILTER (s = 0) <> count(*) FILTER (s = 1)"
            f" OR max(n) >= {NO_KEY})"
        )

    def _gather(self) -> int:
        """Kept rows, and those that are new, together as `cand`; the new ones are kept."""
        parts = []
        for side, reading in enumerate(self.readings):
            by_file = {str(self._of(side, digest)): path for path, digest in self.digests[side].items()}
            kept = self.place / f"rows-{side}.parquet"
            self._known(side, kept, reading)
            hit = self.con.execute(
                f"SELECT kept, list(row) FROM wanted w WHERE s = {side} AND NOT EXISTS (SELECT 1 FROM known_{side} x"
                " WHERE x.kept = w.kept AND x.row = w.row) GROUP BY kept"
            ).fetchall()
            for file, rows in hit:
                self._read(side, reading, file, by_file[file], rows)
            if hit:
                fresh = kept.with_suffix(".new")
                alive = sql.texts(list(by_file))
                self.con.execute(
                    f"COPY (FROM known_{side} WHERE kept IN ({alive})) TO {sql.text(str(fresh))} (FORMAT parquet)"
                )
                fresh.replace(kept)
            files = ", ".join(f"({sql.text(file)}, {sql.text(path)})" for file, path in by_file.items())
            parts.append(
                f"SELECT {side} AS s, k.* EXCLUDE (kept, row) REPLACE (f.path AS filename) FROM known_{side} k JOIN wanted w"
                f" ON w.s = {side} AND w.kept = k.kept AND w.row = k.row JOIN (VALUES {files}) f(kept, path) ON f.kept = k.kept"
            )
        self.con.execute(finished(self.readings, parts))
        return self._one("SELECT count(*) FROM cand")

    def _known(self, side: int, kept: Path, reading: Reading) -> None:
        """Table `known_N`: rows that an earlier run fetched."""
        source = (
            f"(FROM {sql.text(str(kept))})"
            if kept.exists()
            else f"({self._chosen(reading, '', reading.book.paths[:1])} LIMIT 0)"
        )
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE known_{side} AS FROM {source}")

    def _chosen(self, reading: Reading, file: str, paths: Sequence[Path]) -> str:
        return f"SELECT {sql.text(file)} AS kept, file_row_number AS row, {chosen(reading)} FROM {reading.book.scan(paths, place=True)}"

    def _read(self, side: int, reading: Reading, file: str, path: str, rows: list[int]) -> None:
        self.con.execute(
            f"INSERT INTO known_{side} {self._chosen(reading, file, [Path(path)])} WHERE file_row_number IN (SELECT unnest($rows))",
            {"rows": rows},
        )


def _told_apart(digests: Mapping[str, str]) -> dict[str, str]:
    """The same content twice is twice the rows: the second one has a name of its own."""
    seen: dict[str, int] = {}
    out = {}
    for path, digest in digests.items():
        seen[digest] = seen.get(digest, 0) + 1
        out[path] = digest[:40] + (f"-{seen[digest]}" if seen[digest] > 1 else "")
    return out


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
