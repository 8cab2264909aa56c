"""The interface as a stranger meets it on the wire: signatures, envelope, field tables, errors, files, crashes."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from gmssl import sm3 as other_sm3

from simhospital.centre import signing
from simhospital.centre.line import Declined
from simhospital.centre.profile import profile, profiles

from .conftest import CALLER, EMPLOYEE, PATIENT, line, person_like, visit

REFERENCE = Path(__file__).resolve().parents[5] / "shared" / "data" / "insurance"
SINGLE = "/fsi/api/rsfComIfsService/callService"
VISIT = {"data": {"psn_no": "1", "setl_id": "", "mdtrt_id": "2"}}


async def post(url, body, headers=None):
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.read()


def envelope(town, infno="1101", **more):
    head = town.client.line._envelope(infno, {}, town.client.line.msgid(), "")
    head |= more
    return head | signing.sign_body(town.client.profile.body, town.client.line.account, head)


async def send(town, head, path=SINGLE, headers=None):
    status, body = await post(town.centre.url + path, json.dumps(head).encode(), headers)
    return status, json.loads(body)


def observed(infno):
    if not REFERENCE.exists():
        if os.environ.get("CI") == "true":
            raise AssertionError("the reference data is absent")
        pytest.skip("the reference data is absent")
    rows = json.loads((REFERENCE / "observed-error-responses.json").read_text("utf-8"))
    return next(row["response"] for row in rows if row["infno"] == infno)


def test_gateway_refusals_are_the_four_of_the_specification(in_town):
    async def scene(town):
        who, account = town.client.line, town.client.line.account
        body = json.dumps(who._envelope("9001", {}, who.msgid(), "")).encode()
        now = int(time.time() * 1000)
        good = signing.sign_headers("hmac_sha1", account, "9001", body, now)
        cases = [
            {},
            signing.sign_headers("hmac_sha1", account, "9001", body, now - 1_801_000),
            good | {"_api_access_key": "somebody"},
            good | {"_api_signature": "AAAA"},
        ]
        told = [await post(town.centre.url + SINGLE, body, headers) for headers in cases]
        assert {status for status, _ in told} == {401}
        assert [json.loads(answer) for _, answer in told] == observed("(gateway)")
        status, answer = await post(town.centre.url + SINGLE, body, good)
        assert (status, json.loads(answer)["infcode"]) == (200, -1)  # passed the gateway; its input is empty

    in_town(scene, profile="hunan")


def test_hmac_sha1_is_that_of_annex_a():
    account = signing.Account("AK", "SK", "", "")
    headers = signing.sign_headers("hmac_sha1", account, "1101", b"", 1700000000000)
    text = "_api_access_key=AK&_api_name=1101&_api_timestamp=1700000000000&_api_version=1.0.0"
    assert headers["_api_signature"] == base64.b64encode(hmac.new(b"SK", text.encode(), hashlib.sha1).digest()).decode()


def test_sm3_agrees_with_another_implementation():
    for text in (b"", b"abc", b"x" * 200):
        assert signing.sm3(text).hex() == other_sm3.sm3_hash(list(text))


def test_body_signatures_notice_every_change_but_of_the_input(in_town):
    async def scene(town):
        head = envelope(town, "5203") | {"input": VISIT}
        _, told = await send(town, head)
        assert "签到" in told["err_msg"]
        for change in ({"opter": "other"}, {"cainfo": "AAAA"}, {"cainfo": ""}, {"signtype": "SM4"}):
            assert await send(town, head | change) == (401, {"code": 401, "message": "签名不一致!"})
        old = envelope(town, inf_time="2020-01-01 00:00:00")
        assert (await send(town, old))[1]["message"] == "签名时间戳超时!"

    in_town(scene)


def test_header_sm3_covers_the_body(in_town):
    async def scene(town):
        head = json.dumps(envelope(town, "5203") | {"input": VISIT}).encode()
        headers = signing.sign_headers("sm3", town.client.line.account, "5203", head, int(time.time() * 1000))
        path = "/fsi/api/fsiIntegratedQueryService/querySetlInfo"
        assert (await post(town.centre.url + path, head, headers))[0] == 200
        status, answer = await post(town.centre.url + path, head.replace(b"5203", b"5204"), headers)
        assert (status, json.loads(answer)["message"]) == (401, "签名不一致!")

    in_town(scene, profile="zhejiang")


def test_an_unknown_person_is_refused_as_observed(in_town):
    async def scene(town):
        told = set()
        for number in range(400):  # the register is open, but not everyone is insured
            try:
                await town.client.person(PATIENT.__class__("某", f"1101051980020{number:05d}"))
            except Declined as declined:
                told.add(declined.text)
        assert told == {observed("1101")["err_msg"]}

    in_town(scene)


def test_an_unknown_transaction_and_a_path_of_another(in_town):
    async def scene(town):
        pattern = re.sub(r"\d+$", r"\\d{10}", observed("3201")["err_msg"])
        for infno, path in (("9999", SINGLE), ("3201", "/fsi/api/reverseService/revsMethod")):
            status, told = await send(town, envelope(town, infno), path)
            assert status == 200
            assert set(told) == set(observed("3201"))
            assert re.fullmatch(pattern, told["err_msg"])

    in_town(scene)


def test_reversing_what_was_cancelled_is_refused_as_observed(in_town):
    async def scene(town):
        settled = await town.client.outpatient(person_like(EMPLOYEE), visit(), [line(1)])
        await town.client.refund(settled.entry)
        head = envelope(town, "2601", sign_no=town.client.line.sign_no)
        head["input"] = {"data": {"psn_no": settled.psn_no, "omsgid": settled.msgid, "oinfno": "2207"}}
        _, told = await send(town, head)
        seen = observed("2601")
        assert set(told) == set(seen)
        assert {k: told[k] for k in told if "time" not in k} == {k: seen[k] for k in seen if "time" not in k}
        assert all(re.fullmatch(r"\d{17}", told[k]) for k in ("refmsg_time", "respond_time"))

    in_town(scene)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"psn_name": ""}, "参数[psn_name]人员姓名不能为空"),
        ({"psn_name": None}, "不能为空"),
        ({"psn_name": "长" * 51}, "长度超过50"),
        ({"psn_cert_type": "77"}, "不在字典[psn_cert_type]中"),
        ({"mdtrt_cert_type": "03", "card_sn": ""}, "卡识别码不能为空"),
        ({"begntime": "2026/01/01"}, "日期格式不正确"),
        ({"certno": {"a": 1}}, "类型不正确"),
    ],
)
def test_field_tables_are_enforced(in_town, change, text):
    async def scene(town):
        await town.client.sign_in()
        given = {
            "mdtrt_cert_type": "02", "mdtrt_cert_no": PATIENT.certno, "card_sn": "", "begntime": "", "psn_cert_type": "01",
            "certno": PATIENT.certno, "psn_name": PATIENT.name,
        }  # fmt: skip
        with pytest.raises(Declined) as caught:
            await town.client.ask("1101", {"data": given | change})
        assert text in caught.value.text
        for wrong in ({}, {"data": []}, {"data": [given, given]}, {"data": "x"}):
            with pytest.raises(Declined, match="节点"):
                await town.client.ask("1101", wrong)

    in_town(scene)


def test_numbers_are_checked_by_scale_and_size(in_town):
    async def scene(town):
        for price, text in (
            ("1.1234567", "小数位数"),
            ("99999999999", "超过长度"),
            ("NaN", "不是数值"),
            ("abc", "不是数值"),
        ):
            outcome = await town.client.outpatient(person_like(EMPLOYEE), visit(price[:9]), [line(1, price="1.00")])
            assert outcome.state == "settled"
            person = await town.client.person(person_like(EMPLOYEE))
            row = town.client._fee(person, outcome.mdtrt_id, visit(), line(9))
            row |= {"chrg_bchno": "9", "rx_circ_flag": "0", "pric": price}
            with pytest.raises(Declined, match=text):
                await town.client.ask("2204", {"feedetail": [row]})

    in_town(scene)


def test_length_is_counted_in_bytes_where_the_region_does(in_town):
    async def scene(town):
        with pytest.raises(Declined, match="长度超过50"):
            await town.client.person(PATIENT.__class__("长" * 26, PATIENT.certno))

    in_town(scene, profile="wuhan")


def test_amounts_must_agree(in_town):
    async def scene(town):
        wrong = [line(1, total=Decimal("99.00"))]
        assert "金额不一致" in (await town.client.outpatient(person_like(EMPLOYEE), visit("M1"), wrong)).text
        town.board.start("his-rounding", parameters={"yuan": "0.01"}, duration_s=60)
        outcome = await town.client.outpatient(person_like(EMPLOYEE), visit("M2"), [line(1)])
        assert "与已上传费用明细合计[25.00]不一致" in outcome.text

    in_town(scene)


def test_a_message_id_is_good_once(in_town):
    async def scene(town):
        first = await town.client.outpatient(person_like(EMPLOYEE), visit("M1"), [line(1)])
        head = envelope(town, "2208", msgid=first.msgid, sign_no=town.client.line.sign_no)
        head["input"] = {"data": {"setl_id": first.setl_id, "mdtrt_id": first.mdtrt_id, "psn_no": first.psn_no}}
        assert f"[{first.msgid}]重复" in (await send(town, head))[1]["err_msg"]
        assert re.fullmatch(r"H44050000001\d{18}", first.msgid)

    in_town(scene)


def test_9101_as_multipart_and_9102_as_a_stream(in_town):
    async def scene(town):
        from simhospital.centre.business.files import pack

        await town.client.sign_in()
        head = envelope(town, "9101", sign_no=town.client.line.sign_no)
        head["input"] = {"fsUploadIn": {"filename": "a.zip", "fixmedins_code": CALLER.fixmedins_code}}
        form = aiohttp.FormData()
        form.add_field("jsonStr", json.dumps(head), content_type="application/json")
        form.add_field("file", pack("a.txt", "你好"), filename="a.zip", content_type="application/zip")
        _, answer = await post(town.centre.url + SINGLE, form)
        number = json.loads(answer)["output"]["file_qury_no"]
        fetched = await town.client.ask(
            "9102", {"fsDownloadIn": {"file_qury_no": number, "filename": "a.zip", "fixmedins_code": "plc"}}
        )
        assert fetched == pack("a.txt", "你好") or fetched[:2] == b"PK"

    in_town(scene)


async def apply_for_clearing(town):
    outcome = await town.client.outpatient(person_like(EMPLOYEE), visit(), [line(1)])
    day = outcome.setlinfo["setl_time"][:10]
    data = {
        "clr_type": outcome.setlinfo["clr_type"], "setlym": day[:7].replace("-", ""), "psntime": 1,
        "medfee_sumamt": str(outcome.total), "med_sumfee": str(outcome.total), "fund_appy_sum": str(outcome.fund),
        "cash_payamt": str(outcome.cash), "acct_pay": str(outcome.account), "begndate": day, "enddate": day,
    }  # fmt: skip
    return await town.client.ask("3203", {"data": data})


def test_3203_where_it_is_an_interface(in_town):
    async def scene(town):
        number = (await apply_for_clearing(town))["result"]["clr_appy_evt_id"]
        await town.client.ask("3204", {"data": {"clr_appy_evt_id": number}})
        with pytest.raises(Declined, match="未查询到"):
            await town.client.ask("3204", {"data": {"clr_appy_evt_id": number}})

    in_town(scene, profile="wuhan")


def test_3203_where_it_is_abolished(in_town):
    async def scene(town):
        with pytest.raises(Declined, match="已废除"):
            await apply_for_clearing(town)

    in_town(scene)


def test_garbage_is_answered(in_town):
    async def scene(town):
        for body in (b"", b"{", b"[]", b"\xff\xfe", b'"x"', b"{}"):
            status, answer = await post(town.centre.url + SINGLE, body)
            assert status in (200, 401)
            assert b"infcode" in answer or b"401" in answer

    in_town(scene)


def test_every_profile_loads():
    for name in profiles():
        found = profile(name)
        assert found.refund_flag
        assert found.clr_type("11", found.admdvs, False) == "11"
        assert found.clr_type("11", "650100", False) == "99963"
    with pytest.raises(KeyError):
        profile("nowhere")


def test_a_killed_centre_forgets_nothing(tmp_path):
    """Settle, kill -9 while settling goes on, start again: every settlement that was answered is there."""
    from simhospital.centre.stays import StayClient

    environment = {**os.environ, "SIMHOSPITAL_HOME": str(tmp_path)}

    def start():
        code = "from simhospital.centre.cli import app; app()"
        command = [sys.executable, "-c", code, "run", "--port", "0", "--latency", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        return process, process.stdout.readline().split("：")[-1].strip()

    async def work(url, first, kill):
        client = StayClient(url, caller=CALLER, directory=tmp_path, timeout_s=3)
        patient = person_like(EMPLOYEE)
        try:
            for number in range(first, first + 400):
                if number == first + 15 and kill:
                    kill.send_signal(signal.SIGKILL)
                    kill.wait()
                outcome = await client.outpatient(patient, visit(f"K{number}"), [line(1)])
                if outcome.state != "settled":
                    break
                if not kill and number > first + 3:
                    break
            if not kill:
                await client.clear_up()
            return {row.setl_id for row in client.book.in_state("settled")}
        finally:
            await client.close()

    process, url = start()
    settled = asyncio.run(work(url, 0, process))
    assert len(settled) == 15
    process, url = start()
    try:
        settled = asyncio.run(work(url, 1000, None))
    finally:
        process.terminate()
        process.wait()
    import sqlite3

    kept = {
        row[0]
        for row in sqlite3.connect(tmp_path / "centre" / "centre.sqlite").execute("select setl_id from settlement")
    }
    assert settled == kept
