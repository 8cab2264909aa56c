"""Taking back: 2208/2305 (a row of its own with negative amounts), 2601 (as if it had never been), and 5203."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from typing import Any

from ..benefit import FUNDS
from ..refused import ALREADY_CANCELLED, Refused
from ..tables import shape
from .call import Call, transaction
from .people import basics, person
from .settlement import give_back

NEGATED = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc", *FUNDS,
    "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay", "hosp_part_amt", "acct_mulaid_pay",
)  # fmt: skip


def _standing(call: Call, setl_id: str, mdtrt_id: str, psn_no: str) -> sqlite3.Row:
    row = call.store.one(
        "select * from settlement where setl_id = ? and mdtrt_id = ? and psn_no = ? and fixmedins = ?"
        " and reversed_at is null",
        setl_id,
        mdtrt_id,
        psn_no,
        call.fixmedins,
    )
    if row is None:
        raise Refused("FSI-未查询到结算信息")
    return row


def _negative(info: dict[str, Any]) -> dict[str, Any]:
    return info | {name: str(-Decimal(str(info[name] or 0))) for name in NEGATED}


@transaction("2208", "2305")
def cancel(call: Call) -> dict[str, Any]:
    """2208, 2305: cancel a settlement, even one that was cleared: its negative falls into the next clearing."""
    given = call.input["data"]
    row = _standing(call, given["setl_id"], given["mdtrt_id"], given["psn_no"])
    if row["refunded"] != "0":
        raise Refused("FSI-该结算信息退费结算标志不为未退费，不能撤销结算")
    if row["infno"][:4] != {"2208": "2207", "2305": "2304"}[call.infno[:4]]:
        raise Refused("FSI-结算类别与撤销交易不符")
    give_back(call, row)
    setl_id = call.number("settlement")
    who = person(call, row["psn_no"])
    info = _negative(json.loads(row["info"])) | {
        "setl_id": setl_id,
        "setl_time": call.stamp,
        "medins_setl_id": call.msgid,
        "balc": who["balance"],
    }
    detail = [d | {"fund_payamt": str(-Decimal(d["fund_payamt"]))} for d in json.loads(row["detail"])]
    call.store.db.execute("update settlement set refunded = '1' where setl_id = ?", (row["setl_id"],))
    call.store.insert(
        "settlement", setl_id=setl_id, mdtrt_id=row["mdtrt_id"], psn_no=row["psn_no"], fixmedins=row["fixmedins"],
        msgid=call.msgid, infno=call.infno, setl_time=call.stamp, insutype=row["insutype"], med_type=row["med_type"],
        clr_type=row["clr_type"], office=row["office"], refunded="1", of=row["setl_id"],
        medfee=-Decimal(row["medfee"]), fund=-Decimal(row["fund"]), account=-Decimal(row["account"]),
        cash=-Decimal(row["cash"]), info=info, detail=detail,
    )  # fmt: skip
    told = info | {"pdn_cash_pay": info["psn_cash_pay"]}
    return {
        "setlinfo": shape(call.infno, "setlinfo", told),
        "setldetail": [shape(call.infno, "setldetail", d) for d in detail],
    }


@transaction("2601")
def reverse(call: Call) -> dict[str, Any]:
    """2601: undo a transaction by its message id. No output; only a query afterwards proves it."""
    given = call.input["data"]
    if given["oinfno"] not in call.profile.reversible:
        raise Refused(f"FSI-交易[{given['oinfno']}]不支持冲正")
    if given["oinfno"] == "2401":
        return _reverse_admission(call, given)
    row = call.store.one(
        "select * from settlement where msgid = ? and infno like ? and psn_no = ? and fixmedins = ?"
        " and reversed_at is null order by setl_id",
        given["omsgid"],
        given["oinfno"][:4] + "%",
        given["psn_no"],
        call.fixmedins,
    )
    if row is None:
        raise Refused("FSI-调用业务基础子系统冲正失败:未查询到需要冲正的交易信息")
    if row["refunded"] != "0" or call.board.active("yb-reversal-refused", given["oinfno"]):
        raise Refused(ALREADY_CANCELLED)
    give_back(call, row)
    call.store.db.execute("update settlement set reversed_at = ? where setl_id = ?", (call.stamp, row["setl_id"]))
    return {}


def _reverse_admission(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    row = call.store.one(
        "select * from visit where msgid = ? and psn_no = ? and kind = 'in' and status = 'open'",
        given["omsgid"],
        given["psn_no"],
    )
    if row is None:
        raise Refused("FSI-调用业务基础子系统冲正失败:未查询到需要冲正的交易信息")
    call.store.db.execute("delete from fee where mdtrt_id = ? and setl_id is null", (row["mdtrt_id"],))
    call.store.db.execute("update visit set status = 'cancelled' where mdtrt_id = ?", (row["mdtrt_id"],))
    return {}


@transaction("5203")
def settlement_information(call: Call) -> dict[str, Any]:
    """5203: a settlement by its id; where the region allows it, the last of a visit by the visit alone."""
    given = call.input["data"]
    if given.get("setl_id"):
        row = _standing(call, given["setl_id"], given["mdtrt_id"], given["psn_no"])
    else:
        found = call.store.one(
            "select * from settlement where mdtrt_id = ? and psn_no = ? and fixmedins = ? and reversed_at is null"
            " and of is null order by refunded, setl_id desc",
            given["mdtrt_id"],
            given["psn_no"],
            call.fixmedins,
        )
        if found is None:
            raise Refused("FSI-未查询到结算信息")
        row = found
    info = json.loads(row["info"])
    stay = call.store.one("select begntime, endtime from visit where mdtrt_id = ?", row["mdtrt_id"])
    assert stay is not None
    told = basics(person(call, row["psn_no"]), call.now.date()) | info
    told |= {
        "pay_loc": "2",
        "fixmedins_code": row["fixmedins"],
        "fixmedins_name": call.head.get("fixmedins_name"),
        "hosp_lv": "2",
        "fixmedins_poolarea": call.profile.admdvs,
        "begndate": stay["begntime"][:10],
        "enddate": (stay["endtime"] or row["setl_time"])[:10],
        "psn_pay": info["psn_part_amt"],
        "cash_payamt": info["psn_cash_pay"],
        "refd_setl_flag": row["refunded"],
        "year": row["setl_time"][:4],
        "opter_name": call.head.get("opter_name"),
        "opt_time": row["setl_time"],
    }
    return {
        "setlinfo": shape("5203", "setlinfo", told),
        "setldetail": [shape("5203", "setldetail", d) for d in json.loads(row["detail"])],
    }
