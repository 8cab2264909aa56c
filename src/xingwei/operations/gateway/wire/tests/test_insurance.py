"""The insurance envelope: what the hospital signs, and what the platform's answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.tests.captures import shared
from xingwei.operations.gateway.wire import insurance as yb
from xingwei.operations.gateway.wire.insurance_enquiry import enquiry, finding

HEAD = {
    "infno": "2207",
    "msgid": "H44051200001202611250830001234"[:30],
    "mdtrtarea_admvs": "440500",
    "insuplc_admdvs": "440500",
    "recer_sys_code": "FSI",
    "dev_no": "",
    "cainfo": "",
    "signtype": "",
    "infver": "1.0.0",
    "opter_type": "1",
    "opter": "01",
    "opter_name": "张三",
    "inf_time": "2026-11-25 08:30:00",
    "fixmedins_code": "H44051200001",
    "fixmedins_name": "光远医院",
    "sign_no": "1",
}
BODY = {**HEAD, "input": {"data": {"psn_no": "P1", "mdtrt_id": "M1", "medfee_sumamt": Decimal("10.50")}}}


def test_an_example_of_the_specification_is_an_envelope() -> None:
    document = yb.parse(shared("insurance", "annex-b-1101-request.json").read_bytes())
    yb.check(document)
    assert yb.data_of(document)["psn_cert_type"] == "2"
    answer = shared("insurance", "annex-b-1101-response.json").read_bytes()
    assert yb.judge(200, answer).kind == "ok"


def test_the_errors_that_were_seen_in_the_field() -> None:
    found = json.loads(shared("insurance", "observed-error-responses.json").read_text())
    kinds = []
    for one in found:
        for body in one["response"] if isinstance(one["response"], list) else [one["response"]]:
            kinds.append(yb.judge(200, json.dumps(body).encode()).kind)
    assert kinds == ["business", "business", "business", *["technical"] * 4]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"infno": "22"}, "infno"),
        ({"msgid": ""}, "msgid"),
        ({"msgid": "x" * 31}, "msgid 超过 30"),
        ({"input": None}, "input"),
    ],
)
def test_a_request_that_is_no_envelope(change: dict[str, Any], why: str) -> None:
    with pytest.raises(yb.EnvelopeProblem, match=why):
        yb.check({**BODY, **change})


def test_amounts_keep_their_digits_through_signing() -> None:
    raw = yb.dump(BODY, yb.Profile())
    assert b'"medfee_sumamt":10.50' in raw
    assert yb.parse(raw) == BODY
    as_string = yb.dump(BODY, yb.Profile(input_as="string"))
    assert isinstance(json.loads(as_string)["input"], str)
    assert yb.data_of(json.loads(as_string))["psn_no"] == "P1"


def test_headers_signed_with_hmac_sha1() -> None:
    keys = yb.Keys("ak", "sk")
    headers = yb.sign_headers(yb.Profile(headers="hmac_sha1"), keys, "2207", b"", 1700000000000, "n")
    text = "_api_access_key=ak&_api_name=2207&_api_timestamp=1700000000000&_api_version=1.0.0"
    assert headers["_api_signature"] == base64.b64encode(hmac.new(b"sk", text.encode(), hashlib.sha1).digest()).decode()


def test_headers_and_bodies_signed_with_sm3() -> None:
    """Digests against another implementation (gmssl)."""
    from gmssl import func, sm3

    digest = sm3.sm3_hash(func.bytes_to_list(b"body"))
    assert yb.sm3(b"body").hex() == digest
    headers = yb.sign_headers(yb.Profile(headers="sm3"), yb.Keys("ak", "sk"), "2207", b"body", 1, "n")
    assert set(headers) == {"x-ca-key", "x-ca-nonce", "x-ca-timestamp", "x-ca-signature"}
    signed = yb.sign_body(yb.Profile(body="sm3"), yb.Keys("", "sk"), BODY)
    text = "&".join(f"{k}={v}" for k, v in sorted({**HEAD, "signtype": "SM3"}.items()) if k != "cainfo")
    assert signed["cainfo"] == sm3.sm3_hash(func.bytes_to_list(f"{text}&key=sk".encode()))
    assert signed["input"] == BODY["input"]


def test_bodies_signed_with_sm2() -> None:
    seen = []

    def sign(data: bytes) -> bytes:
        seen.append(data)
        return b"der"

    signed = yb.sign_body(yb.Profile(body="sm2"), yb.Keys(sm2=sign), BODY)
    assert signed["signtype"] == "SM2"
    assert base64.b64decode(signed["cainfo"]) == b"der"
    assert seen[0].startswith(b"dev_no=&fixmedins_code=H44051200001&")
    assert b"cainfo" not in seen[0]
    assert b"input" not in seen[0]
    with pytest.raises(yb.EnvelopeProblem, match="SM2"):
        yb.sign_body(yb.Profile(body="sm2"), yb.Keys(), BODY)


def test_both_styles_of_address() -> None:
    assert yb.Profile().path_of("2207") == "/fsi/api/rsfComIfsService/callService"
    paths = yb.Profile(style="paths", paths={"2207": "/a"})
    assert paths.path_of("2207A") == "/a"
    with pytest.raises(yb.EnvelopeProblem, match="没有配置服务地址"):
        paths.path_of("9999")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"infcode": 0, "output": {}}, "ok"),
        (200, {"infcode": "0"}, "ok"),
        (200, {"infcode": -1, "err_msg": "未查询到结算信息"}, "business"),
        (200, {"infcode": -1, "err_msg": "Read timed out"}, "technical"),
        (200, {"infcode": -1, "err_msg": "系统繁忙"}, "technical"),
        (200, {"infcode": -1, "err_msg": "MBS-系统升级维护中，暂停办理医保结算业务"}, "technical"),
        (200, {"infcode": -1, "err_msg": "项目未维护对照"}, "business"),
        (502, {}, "technical"),
        (401, {"code": 401, "message": "签名不一致!"}, "technical"),
        (200, {"x": 1}, "garbled"),
        (200, None, "garbled"),
        (200, [1], "garbled"),
    ],
)
def test_what_an_answer_means(status: int, body: Any, kind: str) -> None:
    raw = b"<html>" if body is None else json.dumps(body, ensure_ascii=False).encode()
    assert yb.judge(status, raw).kind == kind


def test_a_refusal_is_in_the_interface_s_own_form() -> None:
    said = json.loads(
        yb.refusal(BODY, "医保中心暂时不可用", datetime(2026, 11, 25, 8, 30, tzinfo=ZoneInfo("Asia/Shanghai")))
    )
    assert said["infcode"] == -1
    assert said["err_msg"] == "医保中心暂时不可用"
    assert said["respond_time"] == "20261125083000000"


@pytest.mark.parametrize(
    ("infno", "yes"),
    [
        ("1101", True),
        ("2206", True),
        ("2207", False),
        ("2208", False),
        ("5203", True),
        ("2601", False),
        ("2204", False),
    ],
)
def test_what_may_be_asked_again_without_harm(infno: str, yes: bool) -> None:
    assert yb.harmless(infno) is yes


def answer(output: Any = None, *, error: str = "") -> yb.Verdict:
    return yb.judge(200, json.dumps({"infcode": -1 if error else 0, "err_msg": error, "output": output}).encode())


def settled(**info: Any) -> Any:
    return {
        "setlinfo": {
            "setl_id": "S1",
            "medins_setl_id": BODY["msgid"],
            "refd_setl_flag": "0",
            "cash_payamt": 1.5,
            **info,
        },
        "setldetail": [],
    }


def test_a_settlement_whose_answer_never_came() -> None:
    asked = enquiry(BODY, yb.Profile())
    assert asked is not None
    assert (asked.infno, asked.data) == ("5203", {"psn_no": "P1", "mdtrt_id": "M1", "setl_id": ""})
    found = finding(BODY, answer(settled()))
    assert found.kind == "arrived"
    assert json.loads(found.answer)["output"]["setlinfo"]["psn_cash_pay"] == 1.5, "amounts stay numbers"
    assert finding(BODY, answer(error="FSI-未查询到结算信息")).kind == "absent"
    assert finding(BODY, answer(settled(medins_setl_id="other"))).kind == "unclear", "another settlement of the visit"
    assert finding(BODY, answer(settled(refd_setl_flag="1"))).kind == "unclear"
    assert finding(BODY, answer(error="系统繁忙")).kind == "unclear"
    assert enquiry(BODY, yb.Profile(enquiry_without_setl_id=False)) is None


def test_a_cancellation_whose_answer_never_came() -> None:
    request = {**BODY, "infno": "2208", "input": {"data": {"psn_no": "P1", "mdtrt_id": "M1", "setl_id": "S1"}}}
    asked = enquiry(request, yb.Profile())
    assert asked is not None
    assert asked.data["setl_id"] == "S1"
    assert finding(request, answer(settled(refd_setl_flag="1"))).kind == "arrived"
    assert finding(request, answer(settled())).kind == "absent"
    assert finding(request, answer(error="未查询到")).kind == "unclear"
    with pytest.raises(yb.EnvelopeProblem, match="setl_id"):
        enquiry({**BODY, "infno": "2305"}, yb.Profile())


def test_registrations_and_fees_whose_answer_never_came() -> None:
    register = {
        **BODY,
        "infno": "2201",
        "input": {"data": {"psn_no": "P1", "ipt_otp_no": "OP9", "begntime": "2026-11-25 08:00:00"}},
    }
    assert enquiry(register, yb.Profile()).data["begntime"] == "2026-11-24 00:00:00"
    assert finding(register, answer({"mdtrtinfo": [{"ipt_otp_no": "OP9", "mdtrt_id": "M7"}]})).kind == "arrived"
    assert finding(register, answer({"mdtrtinfo": []})).kind == "absent"
    fees = {
        **BODY,
        "infno": "2204",
        "input": {"feedetail": [{"psn_no": "P1", "mdtrt_id": "M1", "feedetl_sn": "1"}, {"feedetl_sn": "2"}]},
    }
    assert enquiry(fees, yb.Profile()).infno == "5204"
    assert finding(fees, answer([{"feedetl_sn": "1"}, {"feedetl_sn": "2"}, {"feedetl_sn": "0"}])).kind == "unclear"
    assert finding(fees, answer({"output": [{"feedetl_sn": "1"}, {"feedetl_sn": "2"}]})).kind == "arrived"
    assert finding(fees, answer({"output": []})).kind == "absent"
    assert finding(fees, answer({"output": [{"feedetl_sn": "1"}]})).kind == "unclear"
    assert enquiry({**BODY, "infno": "2601"}, yb.Profile()) is None


@given(st.binary(max_size=300), st.integers(100, 599))
def test_any_answer_is_judged(body: bytes, status: int) -> None:
    assert yb.judge(status, body).kind in ("ok", "business", "technical", "garbled")
    try:
        yb.check(yb.parse(body))
    except yb.EnvelopeProblem:
        return
