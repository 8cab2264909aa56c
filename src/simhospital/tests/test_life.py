"""The living hospital against plain sockets: what it says, how it takes what it hears, what its books know."""

import asyncio
import random
import re
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import hl7
import psycopg
import pytest
from pydicom import dcmread
from pynetdicom import AE
from typer.testing import CliRunner

from simhospital import settings as hospital_settings
from simhospital.centre.line import Caller
from simhospital.centre.server import start as start_centre
from simhospital.centre.stays import StayClient
from simhospital.cli import app
from simhospital.faults import board
from simhospital.generate import build, dictionaries
from simhospital.generate.plan import Plan
from simhospital.life import codec, day, links, messages, pacs, points, receivers, visits
from simhospital.life.book import Book
from simhospital.life.hospital import Hospital
from simhospital.life.stays import inpatient
from simhospital.life.visits import outpatient, say
from simhospital.life.world import Sample, Visit, World, now

from .gateway import sink

QUIET = hospital_settings.Habits(split=0.5)


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMHOSPITAL_HOME", str(tmp_path))
    monkeypatch.delenv("SIMHOSPITAL_DATABASE_URL", raising=False)


def settings(gateway, **traffic):
    loaded = hospital_settings.load()
    return replace(
        loaded,
        gateway=loaded.gateway | gateway.ports,
        own=dict.fromkeys(loaded.own, 0),
        habits=QUIET,
        traffic=replace(loaded.traffic, patients=50, **{"haste": 60_000, **traffic}),
    )


def visit(world, *, urgent=False):
    at, doctor, diagnosis = now(), world.doctor(), world.diagnosis()
    return Visit(7, "O26112400007", world.arrival(), doctor, urgent, at, diagnosis["icd"], diagnosis["name"], "头晕")


def sample_of(world, section, barcode="126329500001"):
    panel = next(p for p in dictionaries.panels() if p.section == section)
    v = visit(world)
    made = Sample(barcode, "S71", panel, v.patient, v.doctor, v.number, "1", False, now())
    world.measure(made)
    return made


def run(work, seconds=30):
    async def limited():
        async with asyncio.timeout(seconds):
            await work()

    asyncio.run(limited())


def test_a_patients_way_is_told_by_every_system_and_the_books_agree(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            await h.start()
            try:
                for n in range(12):
                    h.keep(outpatient(h, urgent=n % 3 == 0))
                await gateway.until(lambda: len(gateway.frames.get("his-adt", [])) >= 12)
                await gateway.until(lambda: len(gateway.frames.get("cis-orders", [])) >= 8)
                await gateway.until(lambda: any(c in gateway.frames for c in ("dev-cbc", "dev-chem1", "dev-chem2")))
                await gateway.until(lambda: any(path == "/label/report" for path, _ in gateway.requests))
                await gateway.until(lambda: any(path == "/trace/upload" for path, _ in gateway.requests))
                assert h.stages.get("stumbled", 0) == 0
                assert h.status()["lines"]["his-adt"]["connected"]
            finally:
                await h.stop()
            for channel in ("his-adt", "cis-orders"):
                book = Book(tmp_path / "books" / f"{channel[:3]}.sqlite")
                sent = book.db.execute("SELECT body FROM sent WHERE channel = ? ORDER BY id", [channel]).fetchall()
                book.close()
                assert [b for (b,) in sent][: len(gateway.frames[channel])] == gateway.frames[channel]
            paths = {path for path, _ in gateway.requests}
            assert {"/rx/review", "/pay/pay"} <= paths
            assert stumbles(gateway)

    run(work)


def stumbles(gateway):
    """Every message is readable by a library that is not ours."""
    for channel, frames in gateway.frames.items():
        for body in frames:
            if not channel.startswith(("dev-immuno", "dev-coag")):
                message = hl7.parse(codec.decode(body))
                assert str(message.segment("MSH")[10])
    return True


def test_charsets_are_those_of_each_system(tmp_path):
    world = World(1, 10)
    v = visit(world)
    v.patient.name = "邓𬭎㛃"
    text = messages.adt(
        "A04",
        messages.msh("HIS", "ESB", "ADT^A04", "1", now(), "GB 18030-2000"),
        v.patient,
        "内科",
        v.doctor,
        v.number,
        now(),
    )
    parsed = codec.parse(text.encode("gb18030"))
    assert parsed.field("PID", 5) == "邓𬭎㛃"
    assert parsed.field("PV1", 19) == v.number
    assert codec.parse(text.replace("GB 18030-2000", "").encode("utf-8")).field("PID", 5) == "邓𬭎㛃"
    assert hl7.parse(text).segment("PID")[3][1][0][0] == v.patient.certno


def test_separators_in_names_are_escaped():
    assert codec.escape("a|b^c&d~e\\f") == "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f"


def test_astm_frames_survive_bad_checksums_and_pieces(tmp_path):
    async def work():
        async with sink() as gateway:
            tuned = replace(settings(gateway), habits=hospital_settings.Habits(split=1, bad_checksum=1))
            h = Hospital(tuned, tmp_path)
            coag = h.devices["dev-coag"]
            task = asyncio.create_task(coag.link.run())
            made = sample_of(h.world, 3)
            coag.measure(made)
            await gateway.until(lambda: gateway.frames.get("dev-coag"))
            task.cancel()
            text = gateway.frames["dev-coag"][0].decode()
            records = text.split("\r")
            assert [r[0] for r in records if r] == ["H", "P", "O", *"R" * len(made.panel.items), "L"]
            assert made.barcode in records[2]
            assert f"|{made.values['INR']}|" in next(r for r in records if "^^^INR" in r)
            await h.stop()

    run(work)


def test_the_analyser_of_blood_counts_sends_its_own_units_and_the_laboratory_understands(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            made = sample_of(h.world, 1)
            truth = dict(made.values)
            h.devices["dev-cbc"].measure(made)
            made.values = {}
            h.laboratory.expect(made)
            waiting = h.book("dev-cbc").waiting("dev-cbc")
            message = codec.parse(waiting.body)
            haemoglobin = next(r for r in message.all("OBX") if r[3].startswith("718-7"))
            assert haemoglobin[6] == "g/dL"
            assert float(haemoglobin[5]) == pytest.approx(float(truth["HGB"]) / 10, abs=0.05)
            assert await h.laboratory.handle(message, waiting.body) == "results"
            assert made.values["HGB"] == truth["HGB"]
            assert made.values["WBC"] == truth["WBC"]
            await h.stop()

    run(work)


def test_segments_may_follow_the_end_as_the_analyser_does_it(tmp_path):
    async def work():
        async with sink() as gateway:
            tuned = replace(settings(gateway), habits=hospital_settings.Habits(tail=1))
            h = Hospital(tuned, tmp_path)
            seen = []

            async def raw(reader, writer):
                seen.append(await reader.read(65536))
                writer.close()

            server = await asyncio.start_server(raw, "127.0.0.1", 0)
            h.links["dev-cbc"].port = server.sockets[0].getsockname()[1]
            h.devices["dev-cbc"].measure(sample_of(h.world, 1))
            whole = h.book("dev-cbc").waiting("dev-cbc").body
            task = asyncio.create_task(h.links["dev-cbc"].run())
            while not seen:
                await asyncio.sleep(0.02)
            task.cancel()
            head, _, tail = seen[0].partition(codec.FS + codec.CR)
            assert tail.startswith(b"OBX|")
            assert head[1:] + tail == whole
            server.close()
            await h.stop()

    run(work)


def test_every_point_of_faults_is_asked_about_somewhere():
    source = "".join(p.read_text("utf-8") for p in Path(points.__file__).parent.glob("*.py") if p.name != "points.py")
    asked = set(re.findall(r'"((?:mllp|http|send|dev|label|system)-[a-z-]+|rush)"', source))
    assert set(points.POINTS) <= asked


def test_what_was_not_answered_is_sent_again_after_a_restart_with_the_same_number(tmp_path):
    async def work():
        async with sink() as gateway:
            gateway.answer = lambda message: None
            h = Hospital(settings(gateway), tmp_path)
            h.links["his-adt"].answer_s = 0.2
            task = asyncio.create_task(h.links["his-adt"].run())
            v = visit(h.world)
            say(
                h,
                "his-adt",
                "HIS",
                "ADT^A04",
                v,
                lambda head: messages.adt("A04", head, v.patient, "内科", v.doctor, v.number, now()),
            )
            deadline = time.monotonic() + 5
            while h.book("his").waiting("his-adt").tries == 0 and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            number = h.book("his").waiting("his-adt").control_id
            task.cancel()
            await h.stop()
            gateway.answer = lambda message: codec.acknowledgement(message, "AA")
            again = Hospital(settings(gateway), tmp_path)
            task = asyncio.create_task(again.links["his-adt"].run())
            await gateway.until(lambda: gateway.frames.get("his-adt"))
            task.cancel()
            assert codec.parse(gateway.frames["his-adt"][0]).control_id == number
            await again.stop()

    run(work)


@pytest.mark.parametrize(("code", "state"), [("AR", "refused"), ("AE", "waiting"), ("CA", "acknowledged")])
def test_a_refusal_for_good_ends_it_and_one_for_now_does_not(tmp_path, code, state):
    async def work():
        async with sink() as gateway:
            gateway.answer = lambda message: codec.acknowledgement(message, code)
            book = Book(tmp_path / "b.sqlite")
            link = links.MllpLink("his-adt", "127.0.0.1", gateway.ports["his-adt"], book)
            link.put("1", "ADT^A04", "p", "MSH|^~\\&|HIS||||||ADT^A04|1|P|2.4\r")
            task = asyncio.create_task(link.run())
            await gateway.until(lambda: gateway.frames.get("his-adt"))
            await asyncio.sleep(0.1)
            task.cancel()
            assert book.counts() == {f"sent his-adt {state}": 1}
            book.close()

    run(work)


async def exchange(port, *bodies):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for body in bodies:
        writer.write(codec.frame(body))
        raw = await reader.readuntil(codec.FS)
        answers.append(raw[:-1].rsplit(codec.VT, 1)[1])
    writer.close()
    return answers


ORDER = (
    "MSH|^~\\&|CIS||LIS||20261124080000||OML^O21|C1|P|2.4||||||UNICODE UTF-8\rPID|1||5\rORC|NW|S1|126329500009\r"
    "OBR|1|S1|126329500009|101\r"
)


def test_the_laboratory_takes_once_repeats_its_answer_and_refuses_what_it_cannot_use(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            lis = h.receivers[0]
            await lis.start()
            good, bad = (
                ORDER.encode(),
                ORDER.replace("126329500009|101", "").replace("|126329500009", "|").replace("|C1|", "|C2|").encode(),
            )
            first, again, refused = await exchange(lis.port, good, good, bad)
            assert codec.parse(first).field("MSA", 1) == "AA"
            assert again == first
            assert lis.taken == 1
            assert codec.parse(refused).field("MSA", 1) == "AR"
            assert "条码" in codec.decode(refused)
            assert h.laboratory.asked == {"126329500009": "S1"}
            [strange] = await exchange(lis.port, b"\xff\xfe garbage")
            assert b"MSA|AR" in strange
            counts = h.book("lis").counts()
            assert counts == {"received lis taken": 1, "received lis refused": 2}
            await lis.stop()
            await h.stop()

    run(work)


def test_the_laboratory_takes_labels_and_astm_in_mllp_frames(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            made = sample_of(h.world, 4)
            truth, made.values = dict(made.values), {}
            h.laboratory.expect(made)
            lis = h.receivers[0]
            await lis.start()
            records = [
                "H|\\^&|K7||MAGLUMI",
                "P|1",
                f"O|1|{made.barcode}",
                *(f"R|1|^^^{k}|{v}|x" for k, v in truth.items()),
                "L|1|N",
            ]
            label = f'{{"msg_id": "L9", "barcode": "{made.barcode}"}}'
            a, b = await exchange(lis.port, label.encode(), "\r".join(records).encode("gb18030"))
            assert codec.parse(a).field("MSA", 2) == "L9"
            assert codec.parse(b).field("MSA", 2) == "K7"
            assert made.values == truth
            assert made.collected is not None
            assert h.laboratory.labels == 1
            await lis.stop()
            await h.stop()

    run(work)


POINTS_OF_RECEIVERS = {
    "mllp-lose": (0, None), "mllp-hang": (1, None), "mllp-refuse": (0, "AE"), "mllp-reject": (0, "AR"), "mllp-wrong-ack": (1, "AA"),
}  # fmt: skip


def test_who_tries_the_line_is_answered_and_leaves_no_trace(tmp_path):
    async def work():
        book = Book(tmp_path / "b.sqlite")
        receiver = receivers.Receiver("emr", "127.0.0.1", 0, book, receivers.nothing)
        await receiver.start()
        [answer] = await exchange(receiver.port, ORDER.replace("|C1|P|", "|C9|T|").encode())
        await receiver.stop()
        assert codec.parse(answer).field("MSA", 1) == "AA"
        assert codec.parse(answer).field("MSA", 2) == "C9"
        assert (book.counts(), receiver.taken) == ({}, 0)

    run(work)


@pytest.mark.parametrize("point", POINTS_OF_RECEIVERS)
def test_faults_strike_where_a_receiver_answers(tmp_path, point):
    stored, code = POINTS_OF_RECEIVERS[point]

    async def work():
        book = Book(tmp_path / "b.sqlite")
        receiver = receivers.Receiver("emr", "127.0.0.1", 0, book, receivers.nothing)
        await receiver.start()
        fault = board.start(point, "emr", duration_s=60)
        try:
            if code is None:
                with pytest.raises((TimeoutError, asyncio.IncompleteReadError, ConnectionError)):
                    async with asyncio.timeout(0.5):
                        await exchange(receiver.port, ORDER.encode())
            else:
                [answer] = await exchange(receiver.port, ORDER.encode())
                assert codec.parse(answer).field("MSA", 1) == code
                assert (codec.parse(answer).field("MSA", 2) == "C1") == (point != "mllp-wrong-ack")
            assert sum(book.counts().values()) == stored
            assert any(row["what"] == "did" for row in board.board().log())
        finally:
            board.stop(fault.id)
        [answer] = await exchange(receiver.port, ORDER.replace("|C1|", "|C5|").encode())
        assert codec.parse(answer).field("MSA", 1) == "AA"
        await receiver.stop()
        book.close()

    run(work)


def test_a_lost_message_is_believed_sent_and_the_book_says_so(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            fault = board.start("send-lost", "his-adt", duration_s=60)
            task = asyncio.create_task(h.links["his-adt"].run())
            v = visit(h.world)
            for event in ("A04", "A08"):
                say(
                    h,
                    "his-adt",
                    "HIS",
                    f"ADT^{event}",
                    v,
                    lambda head, e=event: messages.adt(e, head, v.patient, "内科", v.doctor, v.number, now()),
                )
                while h.links["his-adt"].book.backlog("his-adt"):
                    await asyncio.sleep(0.02)
                board.stop(fault.id)
            task.cancel()
            assert h.book("his").counts() == {"sent his-adt acknowledged": 1, "sent his-adt lost": 1}
            assert len(gateway.frames["his-adt"]) == 1
            await h.stop()

    run(work)


def test_a_decimal_that_slipped_is_in_the_message_and_in_the_truth(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            board.start("dev-decimal", "dev-coag", parameters={"factor": 10}, duration_s=60)
            made = sample_of(h.world, 3)
            h.devices["dev-coag"].measure(made)
            body = h.book("dev-coag").waiting("dev-coag").body.decode()
            shown = next(r for r in body.split("\r") if "^^^APTT" in r).split("|")[3]
            assert float(shown) == pytest.approx(float(made.values["APTT"]) * 10)
            assert [r["barcode"] for r in board.board().log() if r["what"] == "did"] == [made.barcode]
            await h.stop()

    run(work)


def test_third_parties_answer_over_http_once_for_one_number(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            ports = {}
            for service in h.services:
                await service.start()
                ports[service.code] = service.port
            async with aiohttp.ClientSession() as session:

                async def post(code, body, raw=None):
                    async with session.post(
                        f"http://127.0.0.1:{ports[code]}/x", data=raw, json=None if raw else body
                    ) as r:
                        return r.status, await r.json(content_type=None)

                both = {
                    "msg_id": "1",
                    "drugs": [{"name": "华法林钠片"}, {"name": "阿司匹林肠溶片"}],
                    "prescription": "C1",
                }
                assert (await post("hlyy", both))[1]["result"] == "blocked"
                assert (await post("hlyy", {"drugs": []}))[0] == 400
                paid = (await post("pay", {"order": "H1", "amount": "12.50"}))[1]
                assert (await post("pay", {"order": "H1", "amount": "12.50"}))[1]["serial"] == paid["serial"]
                assert (await post("pay", {"order": "H2", "action": "query"}))[1]["code"] == 404
                assert (await post("pay", {"order": "H1", "action": "query"}))[1]["state"] == "paid"
                assert (await post("trace", {"codes": ["8" * 20]}))[1]["accepted"] == 1
                assert (await post("trace", {"codes": ["12"]}))[0] == 400
                assert (await post("circulation", {"prescription": "C1"}))[1]["hiRxno"].startswith("44")
                assert (await post("trace", {}, raw=b"{"))[0] == 400
                fault = board.start("http-error", "trace", parameters={"status": 503}, duration_s=60)
                assert (await post("trace", {"codes": ["8" * 20]}))[0] == 503
                board.stop(fault.id)
            for service in h.services:
                await service.stop()
            await h.stop()

    run(work)


def test_a_system_that_is_down_is_away_and_comes_back(tmp_path):
    async def work():
        receiver = receivers.Receiver("odr", "127.0.0.1", 0, Book(tmp_path / "b.sqlite"), receivers.nothing)
        await receiver.start()
        task = asyncio.create_task(receiver.run())
        fault = board.start("system-down", "odr", duration_s=60)
        while receiver._server is not None:
            await asyncio.sleep(0.05)
        with pytest.raises(OSError, match=r".*"):
            await exchange(receiver.port, ORDER.encode())
        board.stop(fault.id)
        while receiver._server is None:
            await asyncio.sleep(0.05)
        [answer] = await exchange(receiver.port, ORDER.encode())
        assert codec.parse(answer).field("MSA", 1) == "AA"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(work)


def test_images_reach_the_archive_with_the_chinese_name(tmp_path):
    async def work():
        archive_book, book = Book(tmp_path / "a.sqlite"), Book(tmp_path / "m.sqlite")
        archive = pacs.Archive("127.0.0.1", 0, archive_book)
        await archive.start()
        modality = pacs.Modality("127.0.0.1", archive.port, book)
        world = World(1, 5)
        exam = next(r for r in dictionaries.rows("exams") if r["kind"] == "DR")
        picture = pacs.image(world.arrival(), exam, "S1", "1.2.3.4")
        picture.save_as(tmp_path / "x.dcm")
        assert str(dcmread(tmp_path / "x.dcm").PatientName) == str(picture.PatientName)
        modality.queue.put_nowait(picture)
        task = asyncio.create_task(modality.run())
        while not modality.sent:
            await asyncio.sleep(0.05)
        task.cancel()
        assert archive_book.counts() == {"received pacs taken": 1}
        assert book.counts() == {"sent dev-image acknowledged": 1}
        ae = AE()
        ae.add_requested_context("1.2.840.10008.1.1")
        association = await asyncio.to_thread(ae.associate, "127.0.0.1", archive.port)
        assert (await asyncio.to_thread(association.send_c_echo)).Status == 0
        await asyncio.to_thread(association.release)
        await archive.stop()

    run(work)


def test_the_living_hospital_writes_its_rows_into_the_business_databases(tmp_path, database_url):
    build.build(database_url, Plan(now().date().replace(day=1), 1, 30, seed=4), flaws=False)

    async def work():
        async with sink() as gateway:
            h = Hospital(replace(settings(gateway), database_url=database_url), tmp_path)
            with psycopg.connect(database_url) as connection:
                assert h.world.take_from(connection, 20) == 20
            await h.start()
            await outpatient(h, urgent=True)
            await inpatient(h)
            written = h.records.written
            await h.stop()
            assert h.records.failed == 0, h.records.problem
            assert written >= 5

    run(work)
    with psycopg.connect(database_url) as connection:
        tables = "his.ms_ghmx JOIN cis.mz_jzjl USING (jzh) JOIN finance.cw_js USING (jzh)"
        query = f"SELECT count(*) FROM {tables} WHERE sbxh % 100000 > 50000"
        assert connection.execute(query).fetchone()[0] >= 1
        joined = "his.zy_brry JOIN finance.cw_js USING (zyh) JOIN finance.cw_yjj USING (zyh)"
        stay = f"SELECT DISTINCT zy_brry.zt FROM {joined} WHERE zyh % 10000 > 5000"
        assert connection.execute(stay).fetchall() == [("O",)]


def test_a_hospital_without_its_database_goes_on(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(
                replace(settings(gateway), database_url="postgresql://127.0.0.1:1/none?connect_timeout=1"), tmp_path
            )
            h.records.wait_s = 0.3
            await h.records.start()
            assert await h.records.write(("his.gy_brda", {"brid": 1})) is False
            await h.stop()
            assert h.records.problem

    run(work)


def test_the_day_has_its_mornings_and_its_sundays():
    monday = now().replace(year=2026, month=11, day=23, hour=8)
    sunday = monday.replace(day=22)
    clinic, urgent = day.a_minute(2400, monday)
    assert clinic == pytest.approx(2400 * 0.17 / 60, rel=0.1)
    assert day.a_minute(2400, sunday)[0] < clinic / 3
    assert day.a_minute(2400, sunday)[1] == urgent
    assert day.a_minute(2400, monday.replace(hour=3))[0] == 0


def test_arrivals_follow_the_rate_and_a_rush_multiplies_it(tmp_path):
    async def work():
        async with sink() as gateway:
            h = Hospital(settings(gateway, visits_a_day=0, least_a_minute=600.0, haste=1), tmp_path)
            h.world.chance = random.Random(1)
            for link in h.links.values():
                h.keep(link.run())
            h.keep(day.arrivals(h))
            await gateway.until(lambda: len(gateway.frames.get("his-adt", [])) >= 5)
            await h.stop()

    run(work)


def test_saying_a_message_by_hand_tells_its_answer():
    async def receive():
        async with sink() as gateway:
            port = gateway.ports["his-adt"]
            invoke = asyncio.to_thread(
                CliRunner().invoke, app, ["say", "his-adt", "--count", "3", "--set", f"gateway.his-adt={port}"]
            )
            result = await invoke
            assert result.exit_code == 0, result.output
            assert "已确认 3" in result.output
            assert len(gateway.frames["his-adt"]) == 3

    run(receive)
    nobody = CliRunner().invoke(app, ["say", "dev-cbc", "--wait", "0.3", "--set", "gateway.dev-cbc=1"])
    assert nobody.exit_code == 1
    assert "没有应答 1" in nobody.output
    assert CliRunner().invoke(app, ["say", "fax"]).exit_code == 2
    assert CliRunner().invoke(app, ["say", "dev-cbc", "--set", "nonsense"]).exit_code == 2


def test_insured_patients_are_settled_with_the_insurance_centre_and_refunded(tmp_path, monkeypatch):
    async def work():
        centre = await start_centre("127.0.0.1", 0, latency=0)
        async with sink() as gateway:
            h = Hospital(settings(gateway), tmp_path)
            for patient in h.world.patients:
                patient.insured = True
            h.world.arrival = lambda: h.world.patients[3]
            h.insurance = StayClient(centre.url, caller=Caller(h.settings.organisation, h.settings.name))
            monkeypatch.setattr(visits, "REFUNDED", 1)
            for _ in range(9):
                await outpatient(h, urgent=False)
            while "refunded" not in h.stages:
                await asyncio.sleep(0.05)
            await inpatient(h)
            told = {k: n for k, n in h.stages.items() if k.startswith("insurance")}
            await h.stop()
        await centre.stop()
        assert told.get("insurance settled", 0) >= 2, told
        assert told.get("insurance admission settled") == 1, told
        assert told.get("insurance discharge settled") == 1, told
        assert told["insurance refund refunded"] >= 1, told
        assert not any("refused" in k for k in told), told

    run(work, 60)
