"""Planting into a built hospital: tables, the insurer's book and the channels' bills show what the truth says."""

import asyncio
import io
import zipfile
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import psycopg
import pytest
from typer.testing import CliRunner

from simhospital.centre.adopt import adopt
from simhospital.centre.book import Book
from simhospital.centre.line import Caller, Declined
from simhospital.centre.profile import profiles
from simhospital.centre.server import start as start_centre
from simhospital.centre.stays import StayClient
from simhospital.centre.store import Store
from simhospital.cli import app
from simhospital.generate import build, check
from simhospital.generate.plan import Plan
from simhospital.plant import PlantError, truth
from simhospital.plant.databases import plant_into
from simhospital.tests.conftest import own_database

PLAN = Plan(date(2026, 10, 12), 6, 150, seed=4)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A built hospital with differences, and its directory."""
    place = tmp_path_factory.mktemp("hospital")
    with own_database() as url:
        build.build(url, PLAN, flaws=False)
        adopt(url, place)
        before = totals(url, place)
        assert set(before.values()) == {Decimal(0)}
        made = plant_into(url, place, days=6, count=150, seed=7)
        yield url, place, made


def totals(url, place):
    """Left minus right of each reconciliation, from tables and the insurer's book."""
    with psycopg.connect(url) as c:

        def one(query):
            return c.execute(query).fetchone()[0] or Decimal(0)

        inside = "BETWEEN '2026-10-12' AND '2026-10-18'"
        here = one(f"SELECT sum(medfee_sumamt) FROM finance.ins_setl WHERE setl_time {inside}")
        paid = one(f"SELECT sum(je) FROM finance.cw_jszf WHERE zffs IN ('01','02','03','07') AND zfsj {inside}")
        kept = one(f"SELECT sum(je) FROM finance.cw_yjj WHERE zffs IN ('01','02','03') AND sksj {inside}")
        bill = one("SELECT sum(je) FROM finance.dz_qd WHERE ddh NOT LIKE 'YJ%' AND zdrq >= '2026-10-12'")
        deposit = one("SELECT sum(je) FROM finance.dz_qd WHERE ddh LIKE 'YJ%' AND zdrq >= '2026-10-12'")
        charged = one(f"SELECT sum(je) FROM finance.cw_fymx JOIN finance.cw_js USING (jsid) WHERE jssj {inside}")
        charged += one(f"SELECT sum(je) FROM finance.cw_zyfy WHERE jfsj {inside}")
        posted = one(
            "SELECT sum(df) FROM finance.cw_pzmx JOIN finance.cw_pz USING (pzh) WHERE km LIKE '4101%' AND rq >= '2026-10-12'"
        )
    store = Store(place / "centre" / "centre.sqlite")
    rows = store.all("select medfee from settlement where setl_time >= '2026-10-12'")
    store.close()
    there = sum((Decimal(r["medfee"]) for r in rows), Decimal(0))
    return {"insurance": here - there, "payments": paid - bill, "deposits": kept - deposit, "ledger": charged - posted}


def test_the_truth_explains_the_gap_of_every_book(planted):
    url, place, made = planted
    told = defaultdict(Decimal)
    for t in made:
        told[t.reconciliation] += t.gap
    found = totals(url, place)
    assert {name: told[name] for name in found} == found
    assert len(made) == 150
    assert [r["id"] for r in truth.read(place / "truth.jsonl")] == [t.id for t in made]


@pytest.mark.parametrize(
    "rule",
    [
        "1a lines make the settlement",
        "4a day-end totals",
        "4b every settlement before the last closing has a day-end",
        "4c a settlement lies in its day-end's window",
        "4d day-end details",
        "7 debit is credit",
    ],
)
def test_what_is_not_planted_still_agrees(planted, rule):
    with psycopg.connect(planted[0]) as connection:
        assert check.broken(connection, rule).rows == 0, check.broken(connection, rule)


def test_the_channels_bills_say_what_the_table_says(planted):
    url, place, _ = planted
    day = date(2026, 10, 14)
    with psycopg.connect(url) as c:
        rows = dict(
            c.execute(
                "SELECT qd, array_agg(lsh ORDER BY sj, lsh) FROM finance.dz_qd WHERE zdrq = %s GROUP BY qd", [day]
            ).fetchall()
        )
    wechat = (place / "drop" / "wechat" / f"1600300001All{day}.csv").read_bytes()
    lines = wechat.decode("utf-8-sig").split("\r\n")
    serials = [line.split(",`")[5] for line in lines[1:] if line.startswith("`2026")]
    assert sorted(serials) == sorted(rows["wx"])
    assert lines[-3].startswith("总交易单数")
    assert lines[-2].startswith(f"`{len(serials)},")
    with zipfile.ZipFile(
        place / "drop" / "alipay" / f"2088441205330156_{day:%Y%m%d}.zip", metadata_encoding="gbk"
    ) as archive:
        names = archive.namelist()
        detail = archive.read(names[0]).decode("gbk")
    assert names[0].endswith("_业务明细.csv")
    assert [line.split("\t,")[0] for line in detail.split("\r\n")[5:] if line.endswith(",") and "\t," in line] == rows[
        "zfb"
    ]
    bank = (place / "drop" / "pos" / f"POS_898440580620001_{day:%Y%m%d}.txt").read_bytes().decode("gbk")
    assert bank.splitlines()[0].split("|")[3] == str(len(rows["unionpay"]))
    book = (place / "drop" / "cash" / f"交款登记_{day:%Y%m%d}.csv").read_bytes().decode("gb18030")
    assert book.startswith("收款员交款登记")


def test_planting_twice_is_refused_and_so_is_more_than_there_is(planted, monkeypatch, tmp_path):
    url, place, made = planted
    with pytest.raises(PlantError, match="已经放过差异"):
        plant_into(url, place, days=3, count=5, seed=8)
    monkeypatch.setenv("SIMHOSPITAL_HOME", str(tmp_path))
    refused = CliRunner().invoke(app, ["plant", "--database", url, "--days", "60", "--count", "5"])
    assert refused.exit_code == 2
    assert "只生成了 6 天" in refused.output
    assert len(Counter(t.happens for t in made)) > 25


def test_files_of_both_sides_without_a_database(tmp_path):
    done = CliRunner().invoke(
        app, ["plant", "--memory", "--days", "4", "--count", "60", "--seed", "3", "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    assert len((tmp_path / "truth.jsonl").read_text().splitlines()) == 60
    assert (tmp_path / "insurance_statement.csv").read_text().startswith("setl_id,")


def test_the_log_of_calls_knows_what_was_sent_unless_it_was_lost(planted):
    _, place, made = planted
    store = Store(place / "centre" / "centre.sqlite")
    message = {r["setl_id"]: r["msgid"] for r in store.all("select setl_id, msgid from settlement")}
    store.close()
    book = Book(place / "his" / "insurance-book.sqlite")
    logged = {e.msgid for e in book.in_state("unknown")}
    book.close()
    sent = {
        message[t.keys["insurance_statement"][0]]
        for t in made
        if t.happens in ("settled_there_paid_here", "settled_there_forgotten_here")
    }
    lost = {message[t.keys["insurance_statement"][0]] for t in made if t.happens == "settled_there_log_lost"}
    assert logged == sent
    assert lost
    assert not lost & logged


def here(url, day, clr_type):
    """The hospital's rows of a day and class, as the 3202 file has them."""
    query = """SELECT setl_id, mdtrt_id, psn_no, medfee_sumamt, fund_pay_sumamt, acct_pay, psn_cash_pay, insutype, state
               FROM finance.ins_setl WHERE setl_time::date = %s AND clr_type = %s ORDER BY setl_time, id"""
    with psycopg.connect(url) as c:
        rows = c.execute(query, [day, clr_type]).fetchall()
    names = ("setl_id", "mdtrt_id", "psn_no", "total", "fund", "account", "cash", "insutype", "state")
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in rows]


async def details(client, day, clr_type, rows):
    """9101, 3202, 9102."""
    text = "\n".join(
        "\t".join(
            [r.setl_id, r.mdtrt_id, r.psn_no, f"{r.total}", f"{r.fund}", f"{r.account}", "0" if r.state == "0" else "1"]
        )
        for r in rows
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("3202.txt", text.encode())
    upload = {"in": list(buffer.getvalue()), "filename": "3202.zip", "fixmedins_code": "H44050000001"}
    sent = await client.ask("9101", {"fsUploadIn": upload})
    told = await client.ask(
        "3202", {"data": client._sums(day, clr_type, rows) | {"file_qury_no": sent["file_qury_no"]}}
    )
    fetch = {
        "file_qury_no": told["fileinfo"]["file_qury_no"],
        "filename": told["fileinfo"]["filename"],
        "fixmedins_code": "plc",
    }
    with zipfile.ZipFile(io.BytesIO(await client.ask("9102", {"fsDownloadIn": fetch}))) as archive:
        return [line.split("\t") for line in archive.read(archive.infolist()[0]).decode().splitlines()]


@pytest.mark.parametrize("province", profiles())
def test_the_insurer_answers_by_its_own_book_in_every_province(planted, province):
    url, place, made = planted
    lost = [t for t in made if t.reconciliation == "insurance" and t.cause == "timeout_one_sided"]
    store = Store(place / "centre" / "centre.sqlite")
    theirs = {r["setl_id"]: dict(r) for r in store.all("select * from settlement")}
    store.close()
    row = next(r for t in lost if (r := theirs[t.keys["insurance_statement"][0]])["clr_type"] == "11")
    day = row["setl_time"][:10]

    async def work():
        centre = await start_centre(profile_name=province, directory=place, latency=0)
        client = StayClient(centre.url, caller=Caller("H44050000001", "医院"), profile_name=province, directory=place)
        try:
            equal = client.profile.statement["equal"]
            ours = [
                r
                for r in theirs.values()
                if r["clr_type"] == "11" and r["insutype"] == "310" and r["setl_time"][:10] == day
            ]
            same = [
                SimpleNamespace(
                    total=Decimal(r["medfee"]),
                    fund=Decimal(r["fund"]),
                    account=Decimal(r["account"]),
                    cash=Decimal(r["cash"]),
                )
                for r in ours
            ]
            data = client._sums(day, "11", same) | {"insutype": "310"}
            assert (await client.ask("3201", {"data": data}))["stmtinfo"]["stmt_rslt"] == equal
            data = client._sums(day, "11", same[1:]) | {"insutype": "310"}
            assert (await client.ask("3201", {"data": data}))["stmtinfo"]["stmt_rslt"] != equal
            found = await details(client, day, "11", here(url, day, "11"))
            off = [r for r in found if r[4] != equal]
            assert row["msgid"] in {r[3] for r in off if r[1] == r[2] == "null"}
            same_everywhere = [r for r in found if r[4] == equal]
            assert len(same_everywhere) > len(off)
            asked = {"psn_no": row["psn_no"], "setl_id": row["setl_id"], "mdtrt_id": row["mdtrt_id"]}
            told = (await client.ask("5203", {"data": asked}))["setlinfo"]
            assert (told["medins_setl_id"], told["refd_setl_flag"]) == (row["msgid"], "0")
        finally:
            await client.close()
            await centre.stop()

    asyncio.run(work())


def test_a_settlement_of_the_past_can_be_reversed(planted):
    """Runs last: it takes a planted one-sided settlement away again."""
    _, place, made = planted
    key = next(t.keys["insurance_statement"][0] for t in made if t.happens == "settled_there_paid_here")

    async def work():
        centre = await start_centre(directory=place, latency=0)
        client = StayClient(centre.url, caller=Caller("H44050000001", "医院"), directory=place)
        try:
            (row,) = centre.centre.store.all("select * from settlement where setl_id = ?", key)
            ids = {"psn_no": row["psn_no"], "setl_id": key, "mdtrt_id": row["mdtrt_id"]}
            assert (await client.ask("5203", {"data": ids}))["setlinfo"]["refd_setl_flag"] == "0"
            await client.ask("2601", {"data": {"psn_no": row["psn_no"], "omsgid": row["msgid"], "oinfno": "2207"}})
            with pytest.raises(Declined, match="未查询到"):
                await client.ask("5203", {"data": ids})
        finally:
            await client.close()
            await centre.stop()

    asyncio.run(work())
