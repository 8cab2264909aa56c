"""Thousands of planted differences over thirty days, drawn anew each time: all found, rightly named, none invented."""

import datetime as dt
import secrets
from collections import Counter

import duckdb
import pytest

from xingwei.data.reconcile.engine import Period, Source, Spec, run

from .street import SINCE, UNTIL, Street
from .streetspec import DOCUMENT

NOW = dt.datetime.combine(UNTIL + dt.timedelta(days=1), dt.time(0), dt.timezone(dt.timedelta(hours=8)))


def found(outcome):
    rows = duckdb.sql(
        "SELECT pair, cause, coalesce(fields->'left'->>'uid', fields->'right'->>'uid'), id, gap,"
        f" coalesce(fields->'right'->>'uid', fields->'left'->>'uid') FROM '{outcome.differences}'"
    ).fetchall()
    return rows, Counter((r[0], r[1], r[2]) for r in rows)


def held(street, directory, parts=1, **options):
    directory.mkdir(parents=True, exist_ok=True)
    files = street.write(directory, parts)
    sides = {n: Source(tuple(files[n])) for n in ("his", "centre", "channel")}
    return run(
        Spec.read(DOCUMENT), sides, directory / "work", evidence={"calls": Source(tuple(files["calls"]))},
        period=Period(SINCE, UNTIL), now=NOW, **options,
    )  # fmt: skip


@pytest.mark.clause("1.8b")
def test_every_planted_row_is_found_and_rightly_named_and_none_is_invented(tmp_path):
    seed = secrets.randbits(32)
    street = Street(seed)
    outcome = held(street, tmp_path)
    rows, got = found(outcome)
    assert sum(street.truth.values()) >= 2000
    missed, invented = street.truth - got, got - street.truth
    assert not (missed + invented), (seed, list(missed.items())[:10], list(invented.items())[:10])
    assert len({r[3] for r in rows}) == len(rows)
    assert outcome.verdict == "differences"
    assert [r.bridge.residual for r in outcome.results] == [0, 0]
    assert all(g.residual == 0 for g in outcome.groups)


def test_a_repeated_run_over_changed_parts_says_what_a_fresh_one_says(tmp_path):
    street = Street(secrets.randbits(32), visits=700, planted=250)
    cache = tmp_path / "cache"
    first = held(street, tmp_path / "one", parts=3, cache=cache)
    assert found(first)[1] == street.truth
    again = held(street, tmp_path / "two", parts=3, cache=cache)
    assert sorted(found(again)[0]) == sorted(found(first)[0])
    changed = street.centre[0::3]
    street.centre = [
        dict(r, total=r["total"] + 7) if r in changed[:9] else r for r in street.centre if r not in changed[9:12]
    ]
    cached = held(street, tmp_path / "three", parts=3, cache=cache)
    fresh = held(street, tmp_path / "four", parts=3)
    assert sorted(found(cached)[0]) == sorted(found(fresh)[0]) != sorted(found(first)[0])
    assert cached.as_document() == fresh.as_document()


def test_the_same_file_twice_is_twice_the_rows(tmp_path):
    street = Street(3, visits=60, planted=30)
    files = street.write(tmp_path)
    files["centre"].append(files["centre"][0].with_name("again.parquet"))
    files["centre"][1].write_bytes(files["centre"][0].read_bytes())
    sides = {n: Source(tuple(files[n])) for n in ("his", "centre", "channel")}
    runs = [run(Spec.read(DOCUMENT), sides, tmp_path / "work", cache=cache) for cache in (None, tmp_path / "cache")]
    assert runs[0].results[0].bridge.right_count == 2 * len(street.centre)
    assert runs[0].as_document() == runs[1].as_document()
