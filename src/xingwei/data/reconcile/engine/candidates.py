"""All rows → the few that could differ.

Every row of both sides goes into one of many buckets by the hash of its key; in each, the hashes of what must agree
are added up, left with plus, right with minus. A bucket whose sums and counts are zero holds the same rows on both
sides (but for one chance in 2^62 per bucket, and then the bridge would have a residual); only rows of the others are
read exactly. Rows without the first key are always read.
"""

from __future__ import annotations

import duckdb

from . import sql
from .tables import Reading

ALWAYS = 1 << 60
NO_KEY, PADDED = 1 << 20, 1 << 41  # added to a bucket's count for each row without a key, with blanks around its key


def bits_for(rows: int) -> int:
    """So many buckets that few equal rows share one with a row that differs."""
    return min(22, max(12, rows.bit_length() - 4))


def compared(reading: Reading) -> list[str]:
    """Fields that must agree, the amount first."""
    pair = reading.pair
    return list(dict.fromkeys([pair.amount, *(c.field for c in pair.compare), *pair.groups]))


class Buckets:
    """How a key becomes a bucket. trimmed: blanks around keys are no part of them; asked for once some were seen."""

    def __init__(self, bits: int, trimmed: bool = False) -> None:
        self.mask, self.trimmed = (1 << bits) - 1, trimmed

    def _keys(self, reading: Reading) -> list[str]:
        read = reading.exact if self.trimmed else reading.digest
        return [read(name) for name in reading.pair.keys[0].fields]

    def hashed(self, reading: Reading) -> str:
        return f"hash({', '.join(self._keys(reading))})"

    def bucket(self, reading: Reading) -> str:
        return f"({self.hashed(reading)} & {self.mask})::UINTEGER"

    def fingerprint(self, reading: Reading) -> str:
        """What must agree of a row, as one hash of 62 bits."""
        own = set(reading.pair.keys[0].fields)
        values = [reading.digest(name) for name in compared(reading) if name not in own or self.trimmed]
        if reading.pair.day:
            values.append(reading.day())
        return f"(hash({', '.join([self.hashed(reading), *values])}) >> 2)::BIGINT"

    def signed(self, reading: Reading, sign: str) -> str:
        """The fingerprint with the sign of its side; a row without a key, or with blanks around it, has the same sign
        on both sides, so that its bucket is always looked at."""
        tests = [f"{key} IS NULL" for key in self._keys(reading)] + ([] if self.trimmed else padded(reading))
        return f"CASE WHEN {' OR '.join(tests)} THEN {ALWAYS} ELSE {sign}{self.fingerprint(reading)} END"

    def counted(self, reading: Reading, sign: str) -> str:
        """A row without a key, or with blanks around it, never balances a bucket."""
        cases = [f"WHEN {' OR '.join(f'{key} IS NULL' for key in self._keys(reading))} THEN {NO_KEY}"]
        if not self.trimmed and (tests := padded(reading)):
            cases.append(f"WHEN {' OR '.join(tests)} THEN {PADDED}")
        return f"CASE {' '.join(cases)} ELSE {sign}1 END"


def padded(reading: Reading) -> list[str]:
    """Tests for blanks around the columns of the first key."""
    return [f"({key} < '!' OR ends_with({key}, ' '))" for key in reading.texts(reading.pair.keys[0].fields)]


def differing(con: duckdb.DuckDBPyConnection, left: Reading, right: Reading, buckets: Buckets) -> None:
    """Table `bad`: the buckets that are not the same on both sides. One sum tells content and count alike."""
    sides = [
        f"SELECT {buckets.bucket(r)} AS b, {buckets.signed(r, sign)} AS h FROM {r.book.scan()} WHERE {r.where()}"
        for r, sign in ((left, ""), (right, "-"))
    ]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE bad AS SELECT b FROM ({' UNION ALL '.join(sides)}) GROUP BY b HAVING sum(h) <> 0"
    )


def few(con: duckdb.DuckDBPyConnection, left: Reading, right: Reading, bits: int) -> int:
    """Table `cand`: every row that could differ. → how many."""
    buckets = Buckets(bits)
    differing(con, left, right, buckets)
    count = fetch(con, left, right, buckets)
    padded = con.execute("SELECT count(*) FROM cand WHERE padded").fetchone()
    if padded == (0,):
        return count
    buckets = Buckets(bits, trimmed=True)
    differing(con, left, right, buckets)
    return fetch(con, left, right, buckets)


def fetch(con: duckdb.DuckDBPyConnection, left: Reading, right: Reading, buckets: Buckets | None) -> int:
    """Table `cand`: the rows of the differing buckets, every field exact. Without buckets: all rows. → how many."""
    sides = []
    for side, reading in enumerate((left, right)):
        test = f"{buckets.bucket(reading)} IN (SELECT b FROM bad)" if buckets else "true"
        sides.append(
            f"SELECT {side} AS s, {chosen(reading)} FROM {reading.book.scan(place=True)} WHERE {reading.where()} AND {test}"
        )
    con.execute(finished((left, right), sides))
    found = con.execute("SELECT count(*) FROM cand").fetchone()
    assert found is not None
    return int(found[0])


def chosen(reading: Reading) -> str:
    """What is taken of a row: every field, its day, and where it stands."""
    fields = [f"{reading.exact(name)} AS f_{name}" for name in reading.pair.used()]
    blanks = f"coalesce({' OR '.join(padded(reading)) or 'false'}, false) AS padded"
    return ", ".join([*fields, blanks, f"{reading.day()} AS day", "filename", f"{reading.book.line} AS line"])


def finished(readings: tuple[Reading, Reading], parts: list[str]) -> str:
    """The statement that makes `cand` of chosen rows: keys, amount, group, and all of the row as one text."""
    reading, pair = readings[0], readings[0].pair
    amount = f"coalesce(f_{pair.amount}, 0)"
    keys = []
    for i, key in enumerate(pair.keys):
        fields = [f"f_{name}" for name in key.fields] + ([f"sign({amount})::INTEGER"] if key.sign else [])
        keys.append(f"{sql.joined(fields)} AS k{i}")
    groups = sql.known([f"f_{name}" for name in pair.groups]) if pair.groups else "''"
    everything = sql.known([f"f_{name}" for name in pair.used()])
    return (
        f"CREATE OR REPLACE TEMP TABLE cand AS SELECT row_number() OVER () AS rid, *, {reading.inside('day')} AS inside,"
        f" {amount} AS a, {', '.join(keys)}, {groups} AS g, {everything} AS u FROM ({' UNION ALL '.join(parts)})"
    )
