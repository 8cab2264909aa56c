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

KEYS = "k0"


def bits_for(rows: int) -> int:
    """So many buckets that few equal rows share one with a row that differs."""
    return min(22, max(12, rows.bit_length() - 4))


def compared(reading: Reading) -> list[str]:
    """Fields that must agree, the amount first."""
    pair = reading.pair
    return list(dict.fromkeys([pair.amount, *(c.field for c in pair.compare), *pair.groups]))


def bucket(reading: Reading, bits: int) -> str:
    key = reading.pair.keys[0]
    fields = ", ".join(reading.digest(name) for name in key.fields)
    return f"(hash({fields}) & {(1 << bits) - 1})::UINTEGER"


def fingerprint(reading: Reading) -> str:
    """What must agree of a row, as one hash of 62 bits."""
    values = [reading.digest(name) for name in dict.fromkeys([*reading.pair.keys[0].fields, *compared(reading)])]
    if reading.pair.day:
        values.append(reading.day())
    return f"(hash({', '.join(values)}) >> 2)::BIGINT"


def keyed(reading: Reading) -> str:
    return " AND ".join(f"{reading.digest(name)} IS NOT NULL" for name in reading.pair.keys[0].fields)


def differing(con: duckdb.DuckDBPyConnection, left: Reading, right: Reading, bits: int) -> int:
    """Table `bad`: the buckets that are not the same on both sides. → how many."""
    sides = [
        f"SELECT {bucket(r, bits)} AS b, {sign}{fingerprint(r)} AS h, {sign}1 AS n FROM {r.book.scan()}"
        f" WHERE {r.where()} AND {keyed(r)}"
        for r, sign in ((left, ""), (right, "-"))
    ]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE bad AS SELECT b FROM ({' UNION ALL '.join(sides)}) GROUP BY b"
        " HAVING sum(h) <> 0 OR sum(n) <> 0"
    )
    found = con.execute("SELECT count(*) FROM bad").fetchone()
    assert found is not None
    return int(found[0])


def fetch(con: duckdb.DuckDBPyConnection, left: Reading, right: Reading, bits: int | None) -> None:
    """Table `cand`: the rows of the differing buckets, every field exact. bits None: all rows."""
    sides = [_fetched(reading, side, bits) for side, reading in enumerate((left, right))]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE cand AS SELECT row_number() OVER () AS rid, * FROM ({' UNION ALL '.join(sides)})"
    )


def _fetched(reading: Reading, side: int, bits: int | None) -> str:
    pair = reading.pair
    fields = [f"{reading.exact(name)} AS f_{name}" for name in pair.used()]
    picked = ", ".join(
        [
            *fields,
            f"{reading.day()} AS day",
            f"{reading.inside()} AS inside",
            "filename",
            f"{reading.book.line} AS line",
        ]
    )
    test = f"({bucket(reading, bits)} IN (FROM bad) OR NOT ({keyed(reading)}))" if bits is not None else "true"
    inner = f"SELECT {picked} FROM {reading.book.scan(place=True)} WHERE {reading.where()} AND {test}"
    amount = f"coalesce(f_{pair.amount}, 0)"
    keys = []
    for i, key in enumerate(pair.keys):
        parts = [f"f_{name}" for name in key.fields] + ([f"sign({amount})::INTEGER"] if key.sign else [])
        keys.append(f"{sql.joined(parts)} AS k{i}")
    groups = sql.known([f"f_{name}" for name in pair.groups]) if pair.groups else "''"
    everything = sql.known([f"f_{name}" for name in pair.used()])
    return f"SELECT {side} AS s, *, {amount} AS a, {', '.join(keys)}, {groups} AS g, {everything} AS u FROM ({inner})"
