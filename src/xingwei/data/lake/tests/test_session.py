"""The session over committed files."""

import datetime as dt
from decimal import Decimal

import duckdb
import pytest

from xingwei.data.lake import queries, session
from xingwei.data.lake.engine.compile import Misunderstood

from .hand import put_part

pytestmark = pytest.mark.django_db


def test_a_question_over_a_dataset_is_answered_exactly():
    put_part("payment", dt.date(2026, 3, 17), [{"payment_id": "1", "amount": Decimal("0.10")}])
    put_part("payment", dt.date(2026, 3, 18), [{"payment_id": "2", "amount": Decimal("0.20")}] * 3)
    with session.opened(memory_mb=256, threads=1) as lake:
        assert lake.sql("SELECT sum(amount) AS s, count(*) AS n FROM payment").fetchall() == [(Decimal("0.70"), 4)]
        narrow = lake.relation("payment", dt.date(2026, 3, 18), dt.date(2026, 3, 18))
        assert narrow.aggregate("count(*)").fetchall() == [(3,)]
        asked = lake.sql("SELECT count(*) FILTER (WHERE payment_id = $id) FROM payment", {"id": "2"})
        assert asked.fetchall() == [(3,)]


def test_parts_name_their_files_days_and_digests():
    put_part("payment", dt.date(2026, 3, 18), [{"payment_id": "1"}])
    put_part("dictionary", None, [{"code": "0101"}])
    (part,) = queries.parts("payment", dt.date(2026, 3, 1), dt.date(2026, 3, 31))
    assert (part.day, part.rows, part.path.is_file(), len(part.digest)) == (dt.date(2026, 3, 18), 1, True, 64)
    assert queries.parts("payment", dt.date(2026, 4, 1), dt.date(2026, 4, 30)) == []
    (snapshot,) = queries.parts("dictionary", dt.date(2020, 1, 1), dt.date(2020, 1, 1))
    assert snapshot.day is None
    with pytest.raises(KeyError):
        queries.parts("nothing", dt.date(2026, 3, 1), dt.date(2026, 3, 31))


def test_a_dataset_without_files_has_its_columns_all_the_same():
    with session.opened(memory_mb=256, threads=1) as lake:
        empty = lake.sql("SELECT setl_id, medfee_sumamt FROM insurance_statement")
        assert empty.fetchall() == []
        assert empty.types == [duckdb.sqltype("VARCHAR"), duckdb.sqltype("DECIMAL(18,2)")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "不能"),
        ("SELECT * FROM '/etc/passwd'", "不能读文件"),
        ("SELECT getenv('HOME') FROM payment", "不能用函数"),
        ("DELETE FROM payment", "只能写一条 SELECT"),
        ("SELECT 1; SELECT 2", "只能写一条 SELECT"),
        ("SELECT * FROM patients", "没有数据集“patients”"),
        ("SELECT nothing FROM payment", "查询不能执行"),
        ("SELEC 1", "读不懂"),
        ("SELECT (", "读不懂"),
    ],
)
def test_what_a_session_does_not_do_it_says(text, said):
    with session.opened(memory_mb=256, threads=1) as lake, pytest.raises(Misunderstood, match=said):
        lake.sql(text).fetchall()
