"""What may be run on a hospital's database: one SELECT and nothing that hides in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.connections.engine import statements, throttle

GOOD = "SELECT a.x, COUNT(*) AS n FROM his.t a LEFT JOIN u b ON b.id = a.id WHERE a.at >= :since AND a.at < :until GROUP BY a.x"
BAD = [
    ("", "空"),
    ("SELECT 1; SELECT 2", "一条"),
    ("DELETE FROM t", "SELECT"),
    ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "改动"),
    ("SELECT * INTO backup FROM t", "INTO"),
    ("SELECT * FROM t FOR UPDATE", "FOR UPDATE"),
    ("SELECT pg_sleep(100)", "pg_sleep"),
    ("SELECT pg_terminate_backend(1)", "pg_terminate"),
    ("SELECT nextval('s')", "nextval"),
    ("SELECT lo_import('/etc/passwd')", "lo_import"),
    ("SELECT * FROM dblink('host=x', 'select 1') AS t(a int)", "函数"),
    ("SELECT my_procedure(1) FROM t", "不在可用"),
    ("CREATE TABLE x AS SELECT 1", "SELECT"),
    ("CALL p()", "SELECT"),
    ("EXPLAIN ANALYZE DELETE FROM t", "SELECT"),
    ("COPY t TO '/tmp/x'", "SELECT"),
    ("SELECT (", "读不懂"),
    ("SET ROLE postgres", "SELECT"),
]


@pytest.mark.parametrize("kind", statements.DIALECTS)
def test_a_plain_select_passes_and_keeps_its_parameters(kind):
    checked = statements.check(GOOD + ";", kind)
    assert checked.text == GOOD
    assert checked.parameters == ("since", "until")
    assert len(checked.tables) == 2
    styled = statements.styled(checked.text, kind)
    assert {"postgresql": "%(since)s", "mysql": "%(since)s", "mssql": "%(since)s", "files": "$since"}.get(
        kind, ":since"
    ) in styled


@pytest.mark.parametrize(("text", "said"), BAD)
def test_everything_else_is_refused_with_a_reason(text, said):
    with pytest.raises(statements.StatementRefused, match=said):
        statements.check(text, "postgresql")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("mssql", "SELECT * INTO #x FROM t"),
        ("mssql", "EXEC xp_cmdshell 'dir'"),
        ("mssql", "SELECT * FROM OPENROWSET('SQLNCLI', 'x', 'SELECT 1')"),
        ("mysql", "SELECT * FROM t INTO OUTFILE '/tmp/x'"),
        ("mysql", "SELECT SLEEP(100)"),
        ("mysql", "SELECT LOAD_FILE('/etc/passwd')"),
        ("oracle", "BEGIN NULL; END;"),
        ("oracle", "SELECT UTL_HTTP.REQUEST('http://x') FROM dual"),
        ("oracle", "SELECT * FROM t FOR UPDATE NOWAIT"),
        ("files", "SELECT * FROM read_csv('/etc/passwd')"),
        ("files", "COPY (SELECT 1) TO '/tmp/x'"),
        ("sqlite", "ATTACH DATABASE 'x' AS y"),
        ("sqlite", "PRAGMA writable_schema = 1"),
    ],
)
def test_each_database_has_its_own_back_doors_all_shut(kind, text):
    with pytest.raises(statements.StatementRefused):
        statements.check(text, kind)


@given(st.text(max_size=60))
def test_nothing_that_is_typed_breaks_the_judge(text):
    try:
        checked = statements.check(text, "postgresql")
    except statements.StatementRefused:
        return
    assert checked.text


def test_percent_signs_survive_drivers_that_look_for_them():
    text = "SELECT a FROM t WHERE b LIKE '50%' AND c >= :since"
    assert "LIKE '50%%'" in statements.styled(text, "mysql")
    assert "LIKE '50%'" in statements.styled("SELECT a FROM t WHERE b LIKE '50%'", "mysql")


def test_hours_go_over_midnight():
    night = throttle.windows([["22:30", "05:30"]])
    import datetime as dt

    assert throttle.is_open(night, dt.time(23, 0))
    assert throttle.is_open(night, dt.time(5, 29))
    assert not throttle.is_open(night, dt.time(5, 30))
    assert throttle.is_open((), dt.time(12, 0))
    for wrong in (["25:00", "01:00"], ["01:00"], ["01:00", "01:00"], ["a", "b"]):
        with pytest.raises(throttle.WindowProblem):
            throttle.windows([wrong])


@given(st.lists(st.integers(1, 10_000), max_size=30), st.integers(100, 1_000_000))
def test_never_faster_than_agreed(batches, rate):
    brake, now = throttle.Throttle(rate), 1000.0
    for rows in batches:
        now += brake.pause_after(rows, now)
    assert now - 1000.0 >= sum(batches) / rate - 1e-6
