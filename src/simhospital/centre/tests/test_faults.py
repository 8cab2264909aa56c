"""Every insurance fault of the switchboard: its effect as the cashier meets it, and that it is gone afterwards."""

import asyncio
import socket
import ssl

import pytest

from simhospital.centre.client import Patient
from simhospital.centre.line import Declined, Degraded, Lost
from simhospital.faults import switchboard
from simhospital.faults.catalogue import definitions

from .conftest import AMOXICILLIN, EMPLOYEE, RESIDENT, line, person_like, visit

OURS = [c for c, one in definitions().items() if one.group == "医保" and all("point" in e for e in one.effects)]
ELSEWHERE = {"insutype": "310", "status": "1", "insuplc": "430100"}
REFUSED = {
    "TP03": "系统升级维护中", "IF01": "签到", "IF02": "签名不一致", "IF02b": "非法用户", "IF02c": "缺少服务网关的请求头",
    "IF02d": "签名不一致", "OS04": "签名时间戳超时", "OS04b": "签名时间戳超时", "IF06": "与已上传费用明细合计",
}  # fmt: skip
UNKNOWN = ("IF03", "IF03b", "IF03c")
BEFORE = ("TP01", "TP01b", "TP11", "NW05", "NW08", "IF17b", "IF17c", "NW04")  # breaks before anything is settled


async def settle(town, who, number, **more):
    return await town.client.outpatient(who, visit(number), [line(1, **more)])


async def meets_refusal(town, code):
    if code == "IF01":
        await town.client.sign_in()
        await asyncio.sleep(1.1)  # a sign-in is known to the second
    switchboard.start(code, duration_s=60)
    outcome = await settle(town, person_like(EMPLOYEE), "A")
    assert outcome.state == "refused"
    assert REFUSED[code] in outcome.text


async def meets_unknown(town, code):
    switchboard.start(code, duration_s=60, parameters={"share": 1})
    outcome = await settle(town, person_like(EMPLOYEE), "A")
    assert outcome.state == "unknown"
    switchboard.stop(code)
    (cleared,) = await town.client.clear_up()
    assert cleared.state == ("refused" if code == "IF03b" else "settled")
    did = town.board.episodes()[-1]["did"]
    assert [row["committed"] for row in did] == [code != "IF03b"]


async def meets_self_pay(town, code):
    if code == "NW04":
        town.client.line.base_url = town.client.line.base_url.replace("127.0.0.1", "localhost")
    share = {"share": 1} if any(p.name == "share" for p in definitions()[code].parameters) else {}
    switchboard.start(code, duration_s=60, parameters=share)
    await asyncio.sleep(0.06)
    many = [line(number) for number in range(1, 9)]
    outcome = await town.client.outpatient(person_like(EMPLOYEE), visit("A"), many)
    assert outcome.state == "selfpay", outcome
    assert outcome.cash == outcome.total == 200


async def meets_its_own(town, code):
    await globals()[f"case_{code.lower()}"](town)


async def case_tp02(town):
    switchboard.start("TP02", parameters={"seconds": 0.4, "infno": "1101"}, duration_s=60)
    began = asyncio.get_running_loop().time()
    await town.client.person(person_like(EMPLOYEE))
    assert asyncio.get_running_loop().time() - began > 0.4


async def case_tp04(town):
    switchboard.start("TP04", duration_s=60)
    assert "子系统失败" in (await settle(town, person_like(RESIDENT), "A")).text
    assert (await settle(town, person_like(EMPLOYEE), "B")).state == "settled"


async def case_tp04b(town):
    switchboard.start("TP04b", duration_s=60)
    assert "异地业务转发失败" in (await settle(town, person_like(ELSEWHERE), "A")).text
    assert (await settle(town, person_like(EMPLOYEE), "B")).state == "settled"


async def case_if03d(town):
    outcome = await settle(town, person_like(EMPLOYEE), "A")
    switchboard.start("IF03d", duration_s=60)
    assert "不能办理冲正" in (await town.client.reverse(outcome.entry)).text
    switchboard.stop("IF03d")
    assert (await town.client.reverse(outcome.entry)).text == "已冲正"


async def case_if04(town):
    switchboard.start("IF04", parameters={"share": 1, "seconds": 0.1}, duration_s=60)
    await settle(town, person_like(EMPLOYEE), "A")
    assert town.client.book.counts() == {"settled": 2}
    assert len(town.rows("select * from settlement")) == 1


async def case_if05(town):
    switchboard.start("IF05", parameters={"codes": AMOXICILLIN}, duration_s=60)
    outcome = await settle(town, person_like(EMPLOYEE), "A")
    assert AMOXICILLIN in outcome.text
    assert "核对目录对照" in outcome.text
    assert (await settle(town, person_like(EMPLOYEE), "B", national="XC08CAA140A001010100003")).state == "settled"


async def case_if06c(town):
    patient = person_like(RESIDENT)
    assert (await settle(town, patient, "A")).setlinfo["overlmt_selfpay"] == 0
    switchboard.start("IF06c", duration_s=60)
    assert (await settle(town, patient, "B")).setlinfo["overlmt_selfpay"] == 9.0  # two at 12.50 over a limit of 8


async def case_if12(town):
    await settle(town, person_like(EMPLOYEE), "A")
    switchboard.start("IF12", parameters={"share": 1}, duration_s=60)
    outcome = await settle(town, person_like(EMPLOYEE), "B")
    assert outcome.state == "refused"
    assert "重复" in outcome.text


async def case_if17(town):
    switchboard.start("IF17", duration_s=60)
    person = await town.client.person(person_like(EMPLOYEE))  # a tolerant reader gets through
    assert person["insutype"] == "310"


async def case_if18(town):
    switchboard.start("IF18", parameters={"share": 1}, duration_s=60)
    outcome = await settle(town, person_like(EMPLOYEE), "A")
    assert outcome.state == "selfpay"
    assert len(town.rows("select * from fee")) == 1  # what is left behind


async def case_dt05(town):
    switchboard.start("DT05", parameters={"share": 1}, duration_s=60)
    outcome = await settle(town, person_like(EMPLOYEE), "A")
    rows = town.rows("select * from settlement")
    assert {row["msgid"] for row in rows} == {outcome.msgid}
    assert len(rows) == 2
    (statement,) = await town.client.statements(outcome.setlinfo["setl_time"][:10])
    assert not statement.agrees
    assert "笔数：机构1，中心2" in statement.text


async def case_dt05b(town):
    outcome = await settle(town, person_like(EMPLOYEE), "A")
    switchboard.start("DT05b", duration_s=60)
    (statement,) = await town.client.statements(outcome.setlinfo["setl_time"][:10])
    assert not statement.agrees


async def case_os05(town):
    async def shake(name="centre"):
        context = ssl.create_default_context(cafile=str(town.place / "tls" / f"{name}.pem"))
        _, writer = await asyncio.open_connection("localhost", town.centre.tls_port, ssl=context)
        end = writer.get_extra_info("ssl_object").getpeercert()["notAfter"]
        writer.close()
        return end

    assert await shake()
    switchboard.start("OS05", duration_s=60)
    await asyncio.sleep(0.06)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await shake("expired")
    switchboard.stop("OS05")
    await asyncio.sleep(0.06)
    assert await shake()


@pytest.mark.parametrize("code", OURS)
def test_fault(in_town, code, monkeypatch, tmp_path):
    monkeypatch.setenv("SIMHOSPITAL_HOME", str(tmp_path))

    async def scene(town):
        if code in REFUSED:
            await meets_refusal(town, code)
        elif code in UNKNOWN:
            await meets_unknown(town, code)
        elif code in BEFORE:
            await meets_self_pay(town, code)
        else:
            await meets_its_own(town, code)
        switchboard.stop("all")
        await asyncio.sleep(0.06)
        outcome = await settle(town, person_like(EMPLOYEE, 3000), "Z")
        assert outcome.state == "settled", outcome.text

    in_town(scene, timeout_s=0.5, tls_port=0)


def test_a_refused_port_is_really_closed(in_town, monkeypatch, tmp_path):
    monkeypatch.setenv("SIMHOSPITAL_HOME", str(tmp_path))

    async def scene(town):
        switchboard.start("TP01", duration_s=60)
        await asyncio.sleep(0.06)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", town.centre.port), timeout=1)
        with pytest.raises(Degraded):
            await town.client.person(person_like(EMPLOYEE))

    in_town(scene)


def test_the_platform_s_answers_are_told_apart(in_town):
    """What the integration platform answers while the insurer is cut off, or when it does not know."""
    judge = None

    async def scene(town):
        nonlocal judge
        judge = town.client.line._judge
        cases = [
            (200, {"degraded": True, "sentence": "医保中断，先按自费"}, Degraded, "医保中断，先按自费"),
            (503, {"outcome": "unavailable", "reason": "通道已熔断"}, Degraded, "通道已熔断"),
            (504, {"outcome": "uncertain", "reason": "结果未知，正在查询"}, Lost, "结果未知，正在查询"),
            (502, {"outcome": "uncertain", "reason": "结果未知"}, Lost, "结果未知"),
            (200, {"infcode": -1, "err_msg": "医保中断，先按自费", "output": {}}, Degraded, "医保中断，先按自费"),
            (200, {"infcode": -1, "err_msg": "FSI-未参保", "respond_time": "2026"}, Declined, "FSI-未参保"),
            (200, {"infcode": -1, "err_msg": "FSI-未知", "type": "error"}, Declined, "FSI-未知"),
        ]
        import json

        for status, document, kind, text in cases:
            with pytest.raises(kind) as caught:
                judge(status, json.dumps(document).encode())
            assert caught.value.text == text

    in_town(scene)
    assert Patient("某", "1").name == "某"
