"""How to find out whether a transaction of the medical-insurance interface arrived whose answer never came. Pure.

A settlement (2207, 2304) is looked for by 5203, its cancellation (2208, 2305) by the refund flag of the settlement, a
registration or admission (2201, 2401) by 5201, uploaded fees (2204, 2301) by 5204; `medins_setl_id` of 5203 holds the
message id of the settlement's own request, which tells ours from another one of the same visit. Section 8 of
insurance-interface.md. What cannot be told for certain stays uncertain: a person decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from .insurance import EnvelopeProblem, Profile, Verdict, data_of, text_of

_NOT_FOUND = re.compile(r"未查询到|不存在|无此|没有查询到|未找到|查无")


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What to ask. infno and data: of the query; node: where data stands in `input`."""

    infno: str
    data: Mapping[str, Any]
    node: str = "data"


@dataclass(frozen=True, slots=True)
class Finding:
    """arrived: answer holds what the platform would have answered, as far as it tells."""

    kind: Literal["arrived", "absent", "unclear"]
    text: str
    answer: bytes = b""


def enquiry(request: Mapping[str, Any], profile: Profile) -> Enquiry | None:
    """The query for a request; None where there is none that could tell. Raises EnvelopeProblem."""
    infno, data = str(request["infno"])[:4], data_of(request)
    if infno in ("2207", "2304"):
        if not profile.enquiry_without_setl_id:
            return None
        return Enquiry("5203", {**_of(data, "psn_no", "mdtrt_id"), "setl_id": ""})
    if infno in ("2208", "2305"):
        return Enquiry("5203", _of(data, "psn_no", "mdtrt_id", "setl_id"))
    if infno in ("2201", "2401"):
        at = str(data.get("begntime") or request.get("inf_time") or "")[:10]
        begin, end = _day_before(at), f"{at} 23:59:59"
        return Enquiry("5201", {**_of(data, "psn_no"), "begntime": begin, "endtime": end,
                                "med_type": data.get("med_type") or "11"})  # fmt: skip
    if infno in ("2204", "2301"):
        return Enquiry("5204", {**_of(data, "psn_no", "mdtrt_id"), "setl_id": ""})
    return None


def _of(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    if (missing := [name for name in names if not data.get(name)]) != []:
        raise EnvelopeProblem(f"原交易里没有 {'、'.join(missing)}，无法向医保平台查询。")
    return {name: data[name] for name in names}


def _day_before(day: str) -> str:
    try:
        return f"{datetime.fromisoformat(day) - timedelta(days=1):%Y-%m-%d} 00:00:00"
    except ValueError:
        raise EnvelopeProblem("原交易里没有时间，无法向医保平台查询。") from None


def finding(request: Mapping[str, Any], verdict: Verdict) -> Finding:
    """What the query's answer says about the request."""
    infno = str(request["infno"])[:4]
    if verdict.kind == "business" and _NOT_FOUND.search(verdict.text):
        if infno in ("2208", "2305"):
            return Finding("unclear", f"医保平台查不到要撤销的结算：{verdict.text}")
        return Finding("absent", f"医保平台答复：{verdict.text}")
    if verdict.kind != "ok":
        return Finding("unclear", f"查询没有成功：{verdict.text}")
    output = verdict.document.get("output")
    if isinstance(output, str):
        try:
            output = json.loads(output)
        except ValueError:
            output = None
    if not isinstance(output, Mapping):
        return Finding("unclear", "查询的应答里没有 output。")
    return _JUDGES[infno](request, output, verdict.document)


def _settled(request: Mapping[str, Any], output: Mapping[str, Any], answer: Mapping[str, Any]) -> Finding:
    info = _first(output.get("setlinfo"))
    if not info:
        return Finding("absent", "医保平台没有这次就诊的结算。")
    if str(info.get("medins_setl_id") or "") != str(request["msgid"]):
        return Finding("unclear", "医保平台有这次就诊的结算，但不是这一笔：请人工核对。")
    if str(info.get("refd_setl_flag") or "0") != "0":
        return Finding("unclear", "这笔结算在医保平台已被撤销：请人工核对。")
    told = {**info, "psn_cash_pay": info.get("cash_payamt"), "psn_part_amt": info.get("psn_pay")}
    body = {**answer, "output": {"setlinfo": told, "setldetail": output.get("setldetail") or []}}
    return Finding("arrived", f"医保平台已结算，结算 ID {info.get('setl_id')}。", _bytes(body))


def _cancelled(request: Mapping[str, Any], output: Mapping[str, Any], answer: Mapping[str, Any]) -> Finding:
    info = _first(output.get("setlinfo"))
    flag = str(info.get("refd_setl_flag", "")) if info else ""
    if flag == "1":
        return Finding("arrived", "这笔结算在医保平台已撤销。", _bytes(answer))
    if flag == "0":
        return Finding("absent", "这笔结算在医保平台尚未撤销。")
    return Finding("unclear", "查询的应答里没有退费标志。")


def _visit(request: Mapping[str, Any], output: Mapping[str, Any], answer: Mapping[str, Any]) -> Finding:
    number = str(data_of(request).get("ipt_otp_no") or "")
    rows = output.get("mdtrtinfo")
    rows = rows if isinstance(rows, list) else [rows] if isinstance(rows, Mapping) else []
    found = next((row for row in rows if isinstance(row, Mapping) and number and row.get("ipt_otp_no") == number), None)
    if found is not None:
        body = {**answer, "output": {"data": found, "result": found}}
        return Finding("arrived", f"医保平台已登记，就诊 ID {found.get('mdtrt_id')}。", _bytes(body))
    if number:
        return Finding("absent", "医保平台没有这次登记。")
    return Finding("unclear", "原交易里没有住院/门诊号，不能断定。")


def _fees(request: Mapping[str, Any], output: Mapping[str, Any], answer: Mapping[str, Any]) -> Finding:
    sent = _serials(request.get("input"))
    there = _serials(output)
    if sent and sent <= there:
        return Finding("arrived", "费用明细在医保平台都已上传。", _bytes(answer))
    if sent and not sent & there:
        return Finding("absent", "医保平台没有这批费用明细。")
    return Finding("unclear", f"这批费用明细只上传了 {len(sent & there)}/{len(sent)} 条：请人工核对。")


def _serials(value: Any) -> set[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return set()
    if isinstance(value, Mapping):
        own = {str(value["feedetl_sn"])} if value.get("feedetl_sn") else set()
        return own.union(*(_serials(child) for child in value.values() if isinstance(child, (Mapping, list))))
    if isinstance(value, list):
        return set().union(*(_serials(child) for child in value))
    return set()


def _first(value: Any) -> Mapping[str, Any]:
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, Mapping) else {}


def _bytes(document: Mapping[str, Any]) -> bytes:
    return text_of(document).encode()


_Judge = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Finding]
_JUDGES: dict[str, _Judge] = {
    "2207": _settled,
    "2304": _settled,
    "2208": _cancelled,
    "2305": _cancelled,
    "2201": _visit,
    "2401": _visit,
    "2204": _fees,
    "2301": _fees,
}
