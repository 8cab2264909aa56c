"""Two small books: what a person sees at once, the engine must name."""

from decimal import Decimal

import duckdb
import pytest

from xingwei.data.reconcile.engine import Source, Spec, SpecProblem, run

DOCUMENT = {
    "code": "small",
    "title": "两本小账",
    "sides": [{"name": "his", "title": "HIS"}, {"name": "centre", "title": "中心"}],
    "fields": {
        "setl_id": {"title": "结算ID", "type": "text"},
        "msgid": {"title": "报文ID", "type": "text"},
        "visit": {"title": "就诊ID", "type": "text"},
        "insutype": {"title": "险种", "type": "text"},
        "total": {"title": "总额", "type": "money"},
        "fund": {"title": "基金", "type": "money"},
        "at": {"title": "时间", "type": "time"},
    },
    "keys": [{"fields": ["setl_id"], "sign": True}, {"fields": ["msgid"]}],
    "amount": "total",
    "compare": [{"field": "total", "tolerance": "0.01", "cap": "0.02"}, "fund"],
    "day": "at",
    "groups": ["insutype"],
    "combine": [{"fields": ["visit"]}],
    "net": [["visit"]],
}
COLUMNS = ("setl_id", "msgid", "visit", "insutype", "total", "fund", "at")


def row(n, total="100.00", fund="60.00", at="2026-03-17 10:00:00", ins="310", **other):
    made = {
        "setl_id": f"S{n}",
        "msgid": f"M{n}",
        "visit": f"V{n}",
        "insutype": ins,
        "total": total,
        "fund": fund,
        "at": at,
    }
    return tuple({**made, **other}[c] for c in COLUMNS)


@pytest.fixture
def held(tmp_path):
    def compare(left, right, document=DOCUMENT, **options):
        made = {}
        for name, rows in (("his", left), ("centre", right)):
            path = tmp_path / f"{name}.parquet"
            with duckdb.connect() as con:
                con.execute(
                    "CREATE TABLE t (setl_id VARCHAR, msgid VARCHAR, visit VARCHAR, insutype VARCHAR, total DECIMAL(18,2),"
                    ' fund DECIMAL(18,2), "at" TIMESTAMP)'
                )
                if rows:
                    con.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
            made[name] = Source((path,))
        outcome = run(Spec.read(document), made, tmp_path / "work", **options)
        found = duckdb.sql(f"SELECT kind, cause, gap, id FROM '{outcome.differences}' ORDER BY kind, gap").fetchall()
        return outcome, [f[:3] for f in found]

    return compare


@pytest.mark.clause("1.8b")
def test_equal_books_balance_whatever_their_order(held):
    rows = [row(n) for n in range(50)]
    outcome, found = held(rows, rows[::-1])
    assert (outcome.verdict, found) == ("balanced", [])
    assert outcome.bridge.left_total == Decimal("5000.00")


def test_each_kind_is_named_and_the_bridge_closes(held):
    left = [row(1), row(2), row(3), row(4), row(5), row(7), row(8, "-30.00", "-20.00", visit="V8"), row(9)]
    right = [
        row(1),
        row(2, "100.01"),
        row(3, fund="59.00"),
        row(4),
        row(4),
        row(6, "55.00"),
        row(7, ins="390"),
        row(81, "-100.00", "-60.00", visit="V8"),
        row(82, "70.00", "40.00", visit="V8"),
        row(9, at="2026-03-18 00:00:03"),
        row(10, visit="V10"),
        row(11, "-100.00", "-60.00", visit="V10"),
    ]
    outcome, found = held(left, right)
    assert found == [
        ("combined", "partial_refund", Decimal("0.00")),
        ("day", "day_cutoff", Decimal("0.00")),
        ("differs", "field_differs", Decimal("0.00")),
        ("duplicate_right", "duplicate", Decimal("100.00")),
        ("group", "wrong_group", Decimal("0.00")),
        ("netted", "reversed_pair", Decimal("0.00")),
        ("only_left", "left_only", Decimal("-100.00")),
        ("only_right", "right_only", Decimal("55.00")),
        ("rounding", "rounding", Decimal("0.01")),
    ]
    assert outcome.verdict == "differences"
    assert outcome.bridge.residual == 0
    assert all(group.residual == 0 for group in outcome.groups)


def test_a_wrong_spec_says_what_is_wrong():
    with pytest.raises(SpecProblem, match="没有叫 nothing 的字段"):
        Spec.read({**DOCUMENT, "groups": ["nothing"]})
    with pytest.raises(SpecProblem, match="sides"):
        Spec.read({k: v for k, v in DOCUMENT.items() if k != "sides"})
