"""Visits: 2201–2203 registration and diagnoses of outpatients, 2401–2405 admission and discharge."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from ..refused import Refused
from ..tables import shape
from .call import Call, transaction
from .people import must_enjoy, person


def visit(call: Call, mdtrt_id: str, psn_no: str, kind: str = "", state: str = "open") -> sqlite3.Row:
    """The visit of this hospital and person, in this state ("" for any), or Refused."""
    row = call.store.one(
        "select * from visit where mdtrt_id = ? and psn_no = ? and fixmedins = ?", mdtrt_id, psn_no, call.fixmedins
    )
    if row is None or (kind and row["kind"] != kind):
        raise Refused("FSI-未查询到就诊信息")
    if row["status"] == "cancelled":
        raise Refused("FSI-就诊登记已撤销")
    if state and row["status"] != state:
        raise Refused("FSI-就诊状态不允许办理此业务" + ("：已出院" if row["status"] == "discharged" else "：未出院"))
    return row


def settled(call: Call, mdtrt_id: str) -> bool:
    """Whether a settlement of this visit stands."""
    row = call.store.one(
        "select 1 from settlement where mdtrt_id = ? and refunded = '0' and reversed_at is null", mdtrt_id
    )
    return row is not None


def _open(call: Call, kind: str, given: dict[str, Any], number: str, info: dict[str, Any]) -> str:
    row = person(call, given["psn_no"])
    must_enjoy(call, row, given["insutype"])
    if call.store.one(
        "select 1 from visit where fixmedins = ? and kind = ? and number = ? and status != 'cancelled'",
        call.fixmedins,
        kind,
        number,
    ):
        raise Refused(f"FSI-就诊登记重复：院内流水号[{number}]已存在")
    if kind == "in" and call.store.one(
        "select 1 from visit where psn_no = ? and kind = 'in' and status = 'open'", given["psn_no"]
    ):
        raise Refused("FSI-该参保人存在在院信息，不能重复办理入院")
    mdtrt_id = call.number("visit")
    call.store.insert(
        "visit",
        mdtrt_id=mdtrt_id,
        kind=kind,
        psn_no=given["psn_no"],
        fixmedins=call.fixmedins,
        number=number,
        insutype=given["insutype"],
        med_type=given.get("med_type") or "11",
        begntime=given["begntime"],
        status="open",
        insuplc=row["insuplc"],
        msgid=call.msgid,
        info=info,
    )
    return mdtrt_id


def _diagnoses(call: Call, mdtrt_id: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        call.store.db.execute(
            "insert into diagnosis values (?, ?, ?, ?) on conflict do update set info = excluded.info",
            (mdtrt_id, str(row["diag_type"]), int(row["diag_srt_no"]), json.dumps(row, ensure_ascii=False)),
        )


@transaction("2201")
def register(call: Call) -> dict[str, Any]:
    """2201: an outpatient visit begins."""
    given = call.input["data"]
    mdtrt_id = _open(call, "out", given, given["ipt_otp_no"], given)
    return {
        "data": shape(
            "2201", "data", {"mdtrt_id": mdtrt_id, "psn_no": given["psn_no"], "ipt_otp_no": given["ipt_otp_no"]}
        )
    }


@transaction("2202", "2404")
def cancel_visit(call: Call) -> dict[str, Any]:
    """2202, 2404: take a registration or admission back; not once something is settled."""
    given = call.input["data"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "out" if call.infno == "2202" else "in")
    if settled(call, row["mdtrt_id"]):
        raise Refused("FSI-存在已结算信息，不能撤销登记")
    if call.store.one("select 1 from fee where mdtrt_id = ?", row["mdtrt_id"]):
        raise Refused("FSI-存在未撤销的费用明细，请先撤销费用明细")
    call.store.db.execute("update visit set status = 'cancelled' where mdtrt_id = ?", (row["mdtrt_id"],))
    return {}


@transaction("2203")
def visit_information(call: Call) -> dict[str, Any]:
    """2203: kind of visit and diagnoses."""
    given = call.input["mdtrtinfo"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "out")
    if row["med_type"] not in ("11", given["med_type"]):
        raise Refused("FSI-每次就诊只能选择一个医疗类别")
    info = json.loads(row["info"]) | {k: v for k, v in given.items() if v not in ("", None)}
    call.store.db.execute(
        "update visit set med_type = ?, info = ? where mdtrt_id = ?",
        (given["med_type"], json.dumps(info, ensure_ascii=False), row["mdtrt_id"]),
    )
    _diagnoses(call, row["mdtrt_id"], call.input["diseinfo"])
    return {}


@transaction("2401")
def admit(call: Call) -> dict[str, Any]:
    """2401: a stay begins."""
    given = call.input["mdtrtinfo"]
    mdtrt_id = _open(call, "in", given, given["ipt_no"], given)
    _diagnoses(call, mdtrt_id, call.input["diseinfo"])
    return {"result": shape("2401", "result", {"mdtrt_id": mdtrt_id})}


@transaction("2402")
def discharge(call: Call) -> dict[str, Any]:
    """2402: the stay ends."""
    given = call.input["dscginfo"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "in")
    if given["endtime"] < row["begntime"]:
        raise Refused("FSI-出院时间早于入院时间")
    info = json.loads(row["info"]) | {k: v for k, v in given.items() if v not in ("", None)}
    call.store.db.execute(
        "update visit set status = 'discharged', endtime = ?, info = ? where mdtrt_id = ?",
        (given["endtime"], json.dumps(info, ensure_ascii=False), row["mdtrt_id"]),
    )
    _diagnoses(call, row["mdtrt_id"], call.input["diseinfo"])
    return {}


@transaction("2403")
def change_stay(call: Call) -> dict[str, Any]:
    """2403: change a stay's data and diagnoses."""
    given = call.input["adminfo"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "in")
    info = json.loads(row["info"]) | {k: v for k, v in given.items() if v not in ("", None)}
    call.store.db.execute(
        "update visit set med_type = ?, begntime = ?, info = ? where mdtrt_id = ?",
        (given["med_type"], given["begntime"], json.dumps(info, ensure_ascii=False), row["mdtrt_id"]),
    )
    _diagnoses(call, row["mdtrt_id"], call.input["diseinfo"])
    return {}


@transaction("2405")
def undo_discharge(call: Call) -> dict[str, Any]:
    """2405: take a discharge back; not once the stay is settled."""
    given = call.input["data"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "in", "discharged")
    if settled(call, row["mdtrt_id"]):
        raise Refused("FSI-该次就诊已结算，不能撤销出院")
    call.store.db.execute("update visit set status = 'open', endtime = null where mdtrt_id = ?", (row["mdtrt_id"],))
    return {}
