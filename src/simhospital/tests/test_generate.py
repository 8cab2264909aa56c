"""A hospital with a past: what must agree between its systems agrees, before its usual defects are seeded."""

from datetime import date

import psycopg
import pytest

from simhospital.generate import build, check, defects
from simhospital.generate.plan import Plan, stays

from .conftest import own_database

PLAN = Plan(date(2026, 10, 12), 6, 150, seed=3)


@pytest.fixture(scope="module")
def hospital():
    """Six days without defects."""
    with own_database() as url:
        build.build(url, PLAN, flaws=False)
        with psycopg.connect(url) as connection:
            yield connection


@pytest.mark.parametrize("rule", check.rules())
def test_the_systems_agree(hospital, rule):
    found = check.broken(hospital, rule)
    assert found.rows == 0, f"{found.rows} rows, such as {found.examples}"


def test_every_part_of_the_hospital_is_filled(hospital):
    empty = set()
    for database in build.schema.databases():
        for table in database.tables:
            name = f"{database.name}.{table.name}"
            if hospital.execute(f"SELECT NOT EXISTS (SELECT FROM {name})").fetchone()[0]:
                empty.add(name)
    unused = {"emr.bl_jy"}  # nobody has borrowed a record after so few days
    assert empty <= unused


def test_volumes_are_those_of_a_hospital(hospital):
    def count(table):
        return hospital.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    visits, samples, results = count("his.ms_ghmx"), count("lis.bb_main"), count("lis.jy_jg")
    settlements = count("finance.cw_js WHERE jslx = '1' AND zje > 0")
    refunds = count("finance.cw_js WHERE jslx = '1' AND zje < 0")
    assert visits == sum(PLAN.visits_on(date(2026, 10, 12 + n)) for n in range(6))
    assert 0.6 < settlements / visits < 1.2
    assert 0.4 < samples / visits < 1.6
    assert 5 < results / samples < 14
    assert 0.01 < refunds / settlements < 0.07


def test_the_same_seed_is_the_same_hospital_and_another_seed_another():
    small = Plan(date(2026, 3, 2), 2, 40, seed=8)
    with own_database() as url:
        found = []
        for plan, workers in ((small, 2), (small, 1), (Plan(small.first, small.days, small.visits, seed=9), 1)):
            build.build(url, plan, workers=workers)
            with psycopg.connect(url) as connection:
                found.append(build.digest(connection))
                assert build.about(connection)["seed"] == str(plan.seed)
    assert found[0] == found[1] != found[2]


def test_defects_are_made_at_their_rates_and_listed(database_url):
    plan = Plan(date(2026, 6, 1), 3, 300, seed=1)
    build.build(database_url, plan)
    with psycopg.connect(database_url) as connection:
        listed = dict(connection.execute("SELECT name, count(*) FROM sim.defect GROUP BY 1").fetchall())
        people, empty = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE sfzh IS NULL) FROM his.gy_brda WHERE brid < 1100000000"
        ).fetchone()
    assert set(listed) <= {d.name for d in defects.all_defects()} | {"patient-double"}
    assert empty == listed["idcard-empty"]
    assert 0.04 < empty / people < 0.08
    assert 0.03 < listed["patient-double"] / people < 0.07
    assert listed["diagnosis-free"] > 0


def test_nobody_is_admitted_into_a_taken_bed():
    taken = {}
    for stay in stays(Plan(date(2026, 1, 1), 60, 400, seed=5)):
        place = (stay.ward, stay.bed)
        assert taken.get(place, stay.admitted) <= stay.admitted
        taken[place] = stay.discharged


def test_a_rule_finds_what_breaks_it(database_url):
    build.build(database_url, Plan(date(2026, 5, 4), 2, 60, seed=2), flaws=False)
    with psycopg.connect(database_url) as connection:
        name = "1c payments and funds make the settlement"
        assert check.broken(connection, name).rows == 0
        connection.execute("UPDATE finance.cw_jszf SET je = je + 1 WHERE id = (SELECT min(id) FROM finance.cw_jszf)")
        assert check.broken(connection, name).rows == 1
