"""What a monitor can measure: figures follow load and faults, synthetic transactions work and leave nothing behind."""

import asyncio
import json
from dataclasses import replace
from datetime import date, datetime, timedelta

import aiohttp
import psycopg
import pytest

from simhospital import settings as hospital_settings
from simhospital.centre.line import Caller
from simhospital.centre.server import start as start_centre
from simhospital.centre.stays import StayClient
from simhospital.faults import board, switchboard
from simhospital.faults.catalogue import definitions
from simhospital.generate import build
from simhospital.generate.plan import Plan
from simhospital.tests.conftest import own_database
from simhospital.vitals import changes, files
from simhospital.vitals.functions import FUNCTIONS
from simhospital.vitals.measures import Active, document, load_of, measure
from simhospital.vitals.server import Vitals

NOON = datetime(2026, 11, 24, 10, 30)


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMHOSPITAL_HOME", str(tmp_path))
    monkeypatch.setattr("simhospital.faults.board.LOOK_S", 0)
    monkeypatch.delenv("SIMHOSPITAL_DATABASE_URL", raising=False)


@pytest.fixture(scope="module")
def built():
    with own_database() as url:
        build.build(url, Plan(date(2026, 11, 1), 2, 30, seed=1), flaws=False)
        yield url


def figures(at, *faults):
    return {(m.series, m.node): m.value for m in measure(at, faults)}


def test_figures_follow_the_load_and_stay_within_bounds():
    night = datetime(2026, 11, 22, 3, 0)
    assert load_of(NOON) > 4 * load_of(night)
    day, dark = figures(NOON), figures(night)
    assert day["host.cpu", "HOST-DB"] > dark["host.cpu", "HOST-DB"] + 10
    assert all(0 <= m.value <= 100 for m in measure(NOON) if m.unit == "%")
    assert figures(NOON) == day


def test_a_fault_shows_at_its_place_and_at_those_who_suffer():
    at = NOON + timedelta(minutes=5)
    usual, broken = figures(at), figures(at, Active("DB01", NOON))
    assert broken["db.blocked", "HIS-DB"] > usual["db.blocked", "HIS-DB"] + 30
    assert broken["db.longtx_s", "HIS-DB"] >= 300
    assert broken["app.rt", "HIS-APP"] > 5 * usual["app.rt", "HIS-APP"]
    assert broken["host.cpu", "HOST-DB"] < usual["host.cpu", "HOST-DB"]
    untouched = {k for k in usual if broken[k] == usual[k]}
    assert len(untouched) > len(usual) - 8
    assert figures(NOON, Active("DB01", NOON)) == figures(NOON)


def test_what_the_data_says_of_faults_is_about_faults_and_measures_that_exist():
    known = {(r["series"], node) for r in document()["measures"] for node in r["nodes"]}
    for code, rows in document()["effects"].items():
        assert code in definitions()
        assert {(series, node) for series, node, _ in rows} <= known, code
    assert set(document()["errors"]) <= set(document()["effects"])
    announced = document()["announced"]
    assert set(announced["changes"]) | set(announced["notices"]) <= set(definitions())
    assert {r["code"] for r in document()["functions"]} == set(FUNCTIONS)


def test_changes_are_mostly_innocent_and_some_faults_come_with_one():
    plain = changes.events(NOON, [])
    assert plain == changes.events(NOON, [])
    assert 1 <= len(plain) <= 25
    told = changes.events(NOON, [Active("AP01", NOON - timedelta(minutes=3))])
    (new,) = [r for r in told if r not in plain]
    assert new["node"] == "CIS-APP"
    assert new["kind"] == "upgrade"
    assert not [r for r in told if "AP01" in json.dumps(r, ensure_ascii=False)]
    assert changes.notices(NOON, [Active("TP03", NOON)])[0]["text"].endswith("升级维护")


def rows_of(url):
    with psycopg.connect(url) as c:
        names = (
            "finance.cw_js",
            "finance.cw_fymx",
            "his.ms_ghmx",
            "cis.zy_yz",
            "emr.bl_index",
            "his.zy_brry",
            "lis.jy_jg",
        )
        return {n: c.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in names}


async def ask(session, url, *, mark=True):
    async with session.post(url, headers={"X-Synthetic": "1"} if mark else {}) as answer:
        return answer.status, await answer.json()


def served(url, tmp_path, work):
    async def all_of_it():
        loaded = hospital_settings.load()
        settings = replace(loaded, own=dict.fromkeys(loaded.own, 0), database_url=url)
        centre = await start_centre(port=0, directory=tmp_path, latency=0)
        client = StayClient(centre.url, caller=Caller("H44050000001", "医院"), directory=tmp_path)
        vitals = Vitals(settings, tmp_path, client)
        listener = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        vitals.place = replace(vitals.place, ports={"cis-orders": port, "lis": port})
        try:
            assert await vitals.start() == []
            async with aiohttp.ClientSession() as session:
                await work(vitals, session, centre)
        finally:
            for name in list(vitals.ports):
                await vitals._close(name)
            listener.close()
            await client.close()
            await centre.stop()

    asyncio.run(all_of_it())


def test_every_function_works_and_leaves_nothing_behind(built, tmp_path):
    before = rows_of(built)

    async def work(vitals, session, centre):
        async with session.get(f"http://127.0.0.1:{vitals.ports['vitals']}/functions") as answer:
            found = (await answer.json())["rows"]
        assert len(found) == len(FUNCTIONS)
        for row in found:
            status, body = await ask(session, row["url"])
            assert (status, body["ok"], body["error"]) == (200, True, ""), row
        status, body = await ask(session, found[0]["url"], mark=False)
        assert status == 403
        status, body = await ask(session, found[0]["url"] + "x")
        assert status == 404
        assert centre.centre.store.all("select 1 from settlement") == []
        assert centre.centre.store.all("select 1 from fee") == []
        assert {r["status"] for r in centre.centre.store.all("select status from visit")} == {"cancelled"}

    served(built, tmp_path, work)
    assert rows_of(built) == before


def test_a_function_fails_with_what_its_user_would_read(built, tmp_path, monkeypatch):
    monkeypatch.setattr("simhospital.vitals.functions.LIMIT_S", 0.4)
    with psycopg.connect(built, autocommit=True) as c:
        c.execute(
            "CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''ORA-01653''; END'"
        )
        c.execute("CREATE TRIGGER full_up BEFORE INSERT ON cis.mz_cf FOR EACH ROW EXECUTE FUNCTION public.full()")
        c.execute("CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        c.execute("CREATE TRIGGER swallow BEFORE INSERT ON his.yf_zyfy FOR EACH ROW EXECUTE FUNCTION public.swallow()")
    blocker = psycopg.connect(built)
    blocker.execute("SELECT fyid FROM finance.cw_fymx ORDER BY lrsj DESC LIMIT 1 FOR UPDATE")

    async def work(vitals, session, centre):
        base = f"http://127.0.0.1:{vitals.ports['web-his']}/synthetic"
        cis = f"http://127.0.0.1:{vitals.ports['web-cis']}/synthetic"
        status, body = await ask(session, f"{base}/his-charge")
        assert status == 503
        assert "timeout" in body["error"]
        status, body = await ask(session, f"{cis}/cis-order-save")
        assert body["error"].startswith("ORA-01653")
        status, body = await ask(session, f"{base}/his-dispense")
        assert body["error"] == "提示成功，但住院发药没有生成"
        board.board().start("TP03", points=[{"name": "yb-maintenance", "target": "", "parameters": {}}])
        status, body = await ask(session, f"{base}/yb-outpatient")
        assert "维护" in body["error"]

    try:
        served(built, tmp_path, work)
    finally:
        blocker.close()
        with psycopg.connect(built, autocommit=True) as c:
            c.execute("DROP FUNCTION public.full() CASCADE; DROP FUNCTION public.swallow() CASCADE")


def test_lists_of_machines_processes_files_and_changes(built, tmp_path):
    made = files.backup(built, tmp_path, "his", NOON)
    assert files.facts(made)["rows"]["his.gy_ksdm"] > 10
    assert "his" not in files.due(tmp_path, NOON)
    files.chatter(
        tmp_path,
        NOON,
        measure(NOON, [Active("OS01", NOON - timedelta(minutes=2))]),
        {"HIS-APP": "No space left on device"},
    )
    assert "ERROR [his-app] No space left on device" in (tmp_path / "logs" / "his-app.log").read_text()

    async def work(vitals, session, centre):
        async def get(path, port="vitals"):
            async with session.get(f"http://127.0.0.1:{vitals.ports[port]}{path}") as answer:
                return answer.status, await answer.json()

        _, host = await get("/hosts/HOST-YB")
        assert {"cpu", "mem", "disk", "inode", "offset"} <= set(host["rows"][0])
        assert (await get("/hosts/NOWHERE"))[0] == 404
        assert (await get("/measures?series=net.rtt&node=LINK-YB"))[1]["rows"][0]["unit"] == "ms"
        assert (await get("/health", "web-his"))[1]["status"] == "ok"
        paths = [r["path"] for r in (await get("/files"))[1]["rows"]]
        assert any(p.endswith("his-20261124.copy.gz") for p in paths)
        assert any(p.endswith("yb-front.pem") for p in paths)
        assert {r["state"] for r in (await get("/processes"))[1]["rows"]} == {"absent"}
        assert (await get("/changes?hours=240"))[1]["rows"]
        switchboard.board().start("OS12", duration_s=60, delay_s=0)
        assert (await get("/notices"))[1]["rows"] == []

    served(built, tmp_path, work)
