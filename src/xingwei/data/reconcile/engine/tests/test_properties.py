"""Whatever two books hold: the bridge closes, and neither order nor cutting into files nor the digests change a word."""

import json
import random
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from xingwei.data.reconcile.engine import Source, Spec, run

from .street import Street
from .test_run import COLUMNS, DOCUMENT
from .test_street import found, held

SPEC = Spec.read(
    {
        **DOCUMENT,
        "keys": [{"fields": ["setl_id"]}, {"fields": ["msgid"]}, {"fields": ["visit", "total"]}],
        "window": {"seconds": 60, "fields": {"insutype": 1}, "accept": 0.7},
    }
)
ROW = st.tuples(
    st.sampled_from(["S1", "S2", "S3", " S1 ", "", None]),
    st.sampled_from(["M1", "M2", "M3", None]),
    st.sampled_from(["V1", "V2", None]),
    st.sampled_from(["310", "390", None]),
    st.sampled_from([None, -10000, -1, 0, 1, 2, 100, 9999, 10000, 10001]),
    st.sampled_from([0, 1, 5000]),
    st.sampled_from([None, 0, 30, 86399, 86400, 200000]),
)
BOOK = st.lists(ROW, max_size=14)


def cents(value):
    return None if value is None else Decimal(value).scaleb(-2)


def files(directory, name, rows, parts):
    out = []
    for part in range(parts):
        mine = rows[part::parts]
        values = {
            **{c: pa.array([r[i] for r in mine], pa.string()) for i, c in enumerate(COLUMNS[:4])},
            **{c: pa.array([cents(r[i]) for r in mine], pa.decimal128(18, 2)) for i, c in ((4, "total"), (5, "fund"))},
            "at": pa.array([None if r[6] is None else r[6] * 1_000_000 for r in mine], pa.timestamp("us")),
        }
        table = pa.table(values)
        path = Path(directory) / f"{name}-{part}.parquet"
        parquet.write_table(table, path)
        out.append(path)
    return Source(tuple(out))


def said(left, right, parts=1, **options):
    """All that a run says, but for the files in which rows stand."""
    with tempfile.TemporaryDirectory() as directory:
        outcome = run(
            SPEC,
            {"his": files(directory, "l", left, parts), "centre": files(directory, "r", right, parts)},
            Path(directory) / "w",
            **options,
        )
        rows = duckdb.sql(f"SELECT * EXCLUDE (proof, suggestion) FROM '{outcome.differences}' ORDER BY id").fetchall()
    document = outcome.as_document()
    del document["inputs"]
    return outcome, json.dumps(document, sort_keys=True), rows


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(BOOK, BOOK, st.randoms(use_true_random=False))
def test_any_two_books(left, right, dice):
    outcome, document, rows = said(left, right)
    assert outcome.verdict != "incomplete", outcome.problems
    assert outcome.bridge.residual == 0
    assert all(group.residual == 0 for group in outcome.groups)
    assert len({row[0] for row in rows}) == len(rows)
    mixed = [dice.sample(side, len(side)) for side in (left, right)]
    again = said(*mixed, parts=dice.choice([1, 2, 3]), exact=dice.random() < 0.5)
    assert (document, rows) == again[1:]


@settings(max_examples=3, deadline=None)
@given(BOOK)
@example([("", None, "V1", "310", None, 0, None)] * 2)
def test_a_book_against_itself_balances(rows):
    outcome, _, differences = said(rows, rows[::-1])
    assert (outcome.verdict, differences) == ("balanced", [])


def test_the_street_cut_into_files_says_the_same(tmp_path):
    street = Street(7, visits=500, planted=200)
    whole = held(street, tmp_path / "whole")
    random.Random(1).shuffle(street.his)
    random.Random(2).shuffle(street.centre)
    parts = held(street, tmp_path / "parts", parts=3)
    assert found(whole)[0]
    assert sorted(found(whole)[0]) == sorted(found(parts)[0])
    document, again = (json.loads(json.dumps(o.as_document())) for o in (whole, parts))
    assert {k: v for k, v in document.items() if k != "inputs"} == {k: v for k, v in again.items() if k != "inputs"}
