"""The same questions on DuckDB and on a local Spark: the same answers, to the cent."""

import datetime as dt
import logging
import os
import shutil
import warnings
from decimal import Decimal

import pytest

from xingwei.data.lake import queries, session, session_spark
from xingwei.data.lake.engine import compile

from .hand import put_part

pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.8a")]
CHINA = dt.timezone(dt.timedelta(hours=8))
QUESTIONS = [
    "SELECT kind, count(*) AS n, sum(medfee_sumamt) AS s FROM settlement GROUP BY kind ORDER BY kind",
    "SELECT sum(medfee_sumamt) FILTER (WHERE kind = 'outpatient') AS a, count(*) FILTER (WHERE insured) AS b FROM settlement",
    "SELECT CAST(settled_at AS DATE) AS day, sum(fund_pay_sumamt) AS f FROM settlement GROUP BY 1 ORDER BY 1",
    "SELECT date_trunc('month', settled_at) AS m, count(DISTINCT patient_id) AS p FROM settlement GROUP BY ALL ORDER BY m",
    "SELECT strftime(settled_at, '%Y-%m') AS m, max(medfee_sumamt) AS x FROM settlement GROUP BY 1 ORDER BY 1",
    "SELECT s.kind, sum(p.amount) AS paid FROM settlement s JOIN payment p ON p.settlement_id = s.settlement_id GROUP BY s.kind ORDER BY 1",
    "WITH d AS (SELECT kind, medfee_sumamt AS a, row_number() OVER (PARTITION BY kind ORDER BY medfee_sumamt DESC, settlement_id) AS n"
    " FROM settlement) SELECT kind, a FROM d WHERE n = 1 ORDER BY kind",
    "SELECT settlement_id FROM settlement WHERE setl_id IS NULL AND settled_at >= TIMESTAMP '2026-03-18 00:00:00' ORDER BY 1",
    "SELECT count(*) // 3 AS q, coalesce(sum(discount), 0) AS d FROM settlement",
    "SELECT _source, count(*) AS n FROM settlement GROUP BY _source",
    "SELECT count(*) AS n, sum(amount) AS s FROM deposit",
]


def _java() -> bool:
    return bool(shutil.which("java") or os.environ.get("JAVA_HOME"))


@pytest.fixture(scope="module")
def spark():
    if not _java():
        if os.environ.get("CI") == "true":
            pytest.fail("no Java in CI: .ci/run installs default-jre-headless")
        pytest.skip("no Java on this machine")
    from pyspark.sql import SparkSession

    logging.getLogger("py4j").setLevel(logging.ERROR)  # it says goodbye after pytest has closed its streams

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = (
            SparkSession.builder.master("local[1]")
            .appName("xingwei")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.memory", "512m")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.catalogImplementation", "in-memory")
            .getOrCreate()
        )
    yield started
    started.stop()


def settlement(number, kind, total, fund, at, **more):
    return {
        "settlement_id": str(number), "kind": kind, "patient_id": str(number % 3), "medfee_sumamt": Decimal(total),
        "fund_pay_sumamt": Decimal(fund), "settled_at": at, "insured": Decimal(fund) > 0, "_source": "settlement.hand",
        "_row": f'{{"jsid":"{number}"}}',
    } | more  # fmt: skip


def test_the_same_questions_have_the_same_answers(spark):
    for day in (17, 18):
        at = dt.datetime(2026, 3, day, 0, 0, tzinfo=CHINA)
        rows = [
            settlement(day * 10, "outpatient", "100.10", "60.00", at),
            settlement(day * 10 + 1, "outpatient", "0.10", "0", at + dt.timedelta(hours=23, minutes=59)),
            settlement(day * 10 + 2, "inpatient", "12880.33", "7000.01", at + dt.timedelta(hours=5), setl_id="S1"),
        ]
        put_part("settlement", dt.date(2026, 3, day), rows)
        paid = [{"payment_id": str(day), "settlement_id": str(day * 10), "amount": Decimal("40.10"), "paid_at": at}]
        put_part("payment", dt.date(2026, 3, day), paid)
    span = (dt.date(2026, 3, 1), dt.date(2026, 3, 31))
    paths = {d: [p.path for p in queries.parts(d, *span)] for d in ("settlement", "payment", "deposit")}
    region = session_spark.over(spark, paths)
    with session.opened(memory_mb=256, threads=1) as lake:
        for question in QUESTIONS:
            here = [_plain(r) for r in lake.sql(question).fetchall()]
            there = [_plain(tuple(r)) for r in region.sql(question).collect()]
            assert here == there, question
        asked = ("SELECT count(*) AS n FROM settlement WHERE medfee_sumamt > $least", {"least": 50})
        assert lake.sql(*asked).fetchall() == [tuple(r) for r in region.sql(*asked).collect()] == [(4,)]


def _plain(row):
    """One clock and one width of decimals: what counts is the value."""
    return tuple(
        v.replace(tzinfo=None) if isinstance(v, dt.datetime) else v.normalize() if isinstance(v, Decimal) else v
        for v in row
    )


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("engine", compile.ENGINES)
def test_every_question_compiles_for_every_engine(question, engine):
    assert "FILTER" not in compile.write(compile.read(question), engine)
