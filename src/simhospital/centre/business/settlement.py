"""Settling: 2206/2207 of outpatients, 2303/2304 of stays. The pre-settlement computes the same and keeps nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ..benefit import FUNDS, Parts, Split, money, split
from ..refused import Refused
from ..tables import codes, shape
from .call import Call, transaction
from .people import basics, insured, must_enjoy, person, year_of
from .visits import visit

KIND = {"14": "chronic", "9901": "chronic", "18": "chronic"}
COMPARED = (
    ("fulamt_ownpay_amt", "own", "全自费金额"),
    ("overlmt_selfpay", "over", "超限价金额"),
    ("preselfpay_amt", "prepaid", "先行自付金额"),
    ("inscp_scp_amt", "scope", "符合政策范围金额"),
)


def _lines(call: Call, mdtrt_id: str, batch: str | None) -> list[sqlite3.Row]:
    if batch is None:
        return call.store.all("select * from fee where mdtrt_id = ? and setl_id is null", mdtrt_id)
    return call.store.all("select * from fee where mdtrt_id = ? and batch = ? and setl_id is null", mdtrt_id, batch)


def _parts(lines: Sequence[sqlite3.Row]) -> Parts:
    bill = Parts()
    for line in lines:
        bill += Parts(*(Decimal(line[name]) for name in ("total", "own", "over", "prepaid", "scope")))
    return bill


def _compute(call: Call, inpatient: bool) -> tuple[sqlite3.Row, sqlite3.Row, list[sqlite3.Row], Split]:
    given = call.input["data"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "in" if inpatient else "out", "" if inpatient else "open")
    who = person(call, given["psn_no"])
    if who["certno"] != given["certno"]:
        raise Refused("FSI-人员信息校验失败：证件号码与参保信息不一致")
    must_enjoy(call, who, given["insutype"])
    lines = _lines(call, row["mdtrt_id"], None if inpatient else given["chrg_bchno"])
    if not lines:
        raise Refused("FSI-未查询到需要结算的费用明细")
    bill = _parts(lines)
    if bill.total != money(given["medfee_sumamt"]):
        raise Refused(f"FSI-医疗费总额[{money(given['medfee_sumamt'])}]与已上传费用明细合计[{bill.total}]不一致")
    kind = "inpatient" if inpatient else KIND.get(given.get("med_type") or row["med_type"], "outpatient")
    year = year_of(call.store, who["psn_no"], call.stamp[:4])
    paid = split(
        bill, kind, insured(who), year, call.profile.raw, str(given.get("acct_used_flag") or "0") in ("1", "2")
    )
    return row, who, lines, paid


def _information(call: Call, row: sqlite3.Row, who: sqlite3.Row, paid: Split, setl_id: str | None) -> dict[str, Any]:
    given = call.input["data"]
    inpatient = row["kind"] == "in"
    med_type = (given.get("med_type") or row["med_type"]) if not inpatient else row["med_type"]
    return basics(who, call.now.date()) | {
        "mdtrt_id": row["mdtrt_id"],
        "setl_id": setl_id,
        "setl_time": call.stamp,
        "mdtrt_cert_type": given["mdtrt_cert_type"],
        "med_type": med_type,
        "medfee_sumamt": paid.parts.total,
        "fulamt_ownpay_amt": paid.parts.own,
        "overlmt_selfpay": paid.parts.over,
        "preselfpay_amt": paid.parts.prepaid,
        "inscp_scp_amt": paid.parts.scope,
        "act_pay_dedc": paid.deductible,
        "pool_prop_selfpay": paid.ratio,
        **paid.funds,
        "fund_pay_sumamt": paid.fund,
        "psn_part_amt": paid.personal,
        "acct_pay": paid.account,
        "psn_cash_pay": paid.cash,
        "hosp_part_amt": Decimal("0.00"),
        "balc": Decimal(who["balance"]) - paid.account,
        "acct_mulaid_pay": Decimal("0.00"),
        "medins_setl_id": call.msgid,
        "clr_optins": call.profile.office,
        "clr_way": "1",
        "clr_type": call.profile.clr_type(med_type, row["insuplc"], inpatient),
        "invono": given.get("invono"),
    }


def _details(paid: Split) -> list[dict[str, Any]]:
    names = codes()["fund_pay_type"]["values"]
    return [
        {
            "fund_pay_type": fund,
            "inscp_scp_amt": scope,
            "crt_payb_lmt_amt": limit,
            "fund_payamt": amount,
            "fund_pay_type_name": names.get(fund),
        }
        for fund, scope, limit, amount in paid.details
    ]


def _shaped(infno: str, information: dict[str, Any], details: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "setlinfo": shape(infno, "setlinfo", information),
        "setldetail": [shape(infno, "setldetail", detail) for detail in details],
    }


@transaction("2206", "2303")
def preview(call: Call) -> dict[str, Any]:
    """2206, 2303: what the settlement would be."""
    row, who, _, paid = _compute(call, call.infno == "2303")
    return _shaped(call.infno, _information(call, row, who, paid, None), _details(paid))


def _still_as_seen(call: Call, paid: Split) -> None:
    """The parts that the hospital sends back must be those of now: a price limit changed since shows here."""
    given = call.input["data"]
    for name, part, label in COMPARED:
        value = given.get(name)
        if value not in (None, "") and money(value) != getattr(paid.parts, part):
            raise Refused(f"FSI-{label}[{money(value)}]与中心计算[{getattr(paid.parts, part)}]不一致，请重新预结算")


@transaction("2207", "2304")
def settle(call: Call) -> dict[str, Any]:
    """2207, 2304: the settlement itself."""
    row, who, lines, paid = _compute(call, call.infno == "2304")
    _still_as_seen(call, paid)
    setl_id = _keep(call, row, who, paid)
    call.store.db.executemany(
        "update fee set setl_id = ? where mdtrt_id = ? and sn = ?",
        [(setl_id, line["mdtrt_id"], line["sn"]) for line in lines],
    )
    _use_up(call, row, who, paid)
    if twice := call.fault("yb-settled-twice"):
        other = _keep(call, row, who, paid)
        call.board.did(twice, infno=call.infno, msgid=call.msgid, setl_id=setl_id, second=other)
    return _shaped(call.infno, _information(call, row, who, paid, setl_id), _details(paid))


def _keep(call: Call, row: sqlite3.Row, who: sqlite3.Row, paid: Split) -> str:
    setl_id = call.number("settlement")
    information = _information(call, row, who, paid, setl_id)
    call.store.insert(
        "settlement", setl_id=setl_id, mdtrt_id=row["mdtrt_id"], psn_no=who["psn_no"], fixmedins=call.fixmedins,
        msgid=call.msgid, infno=call.infno, setl_time=call.stamp, insutype=who["insutype"],
        med_type=information["med_type"], clr_type=information["clr_type"], office=call.profile.office, refunded="0",
        medfee=paid.parts.total, fund=paid.fund, account=paid.account, cash=paid.cash,
        info={key: str(v) if isinstance(v, Decimal) else v for key, v in information.items()},
        detail=[{k: str(v) for k, v in detail.items()} for detail in _details(paid)],
    )  # fmt: skip
    return setl_id


def _use_up(call: Call, row: sqlite3.Row, who: sqlite3.Row, paid: Split, sign: int = 1) -> None:
    """Add this settlement to what the person has used up this year (or take it off, sign -1)."""
    year = year_of(call.store, who["psn_no"], call.stamp[:4])
    inpatient = row["kind"] == "in"
    call.store.db.execute(
        "insert or replace into year values (?, ?, ?, ?, ?, ?)",
        (
            who["psn_no"],
            call.stamp[:4],
            str(year.deductible + sign * (Decimal(0) if inpatient else paid.deductible)),
            str(year.pooled + sign * paid.funds["hifp_pay"]),
            str(year.burden + sign * (paid.parts.scope - paid.funds["hifp_pay"] - paid.funds["hifob_pay"])),
            year.admissions + sign * int(inpatient),
        ),
    )
    call.store.db.execute(
        "update person set balance = ? where psn_no = ?",
        (str(Decimal(who["balance"]) - sign * paid.account), who["psn_no"]),
    )


def give_back(call: Call, settled: sqlite3.Row) -> None:
    """Undo a settlement's effect on fee lines, account and year."""
    info = json.loads(settled["info"])
    row = visit(call, settled["mdtrt_id"], settled["psn_no"], "", "")
    who = person(call, settled["psn_no"])
    paid = Split(
        Parts(scope=Decimal(info["inscp_scp_amt"])),
        Decimal(info["act_pay_dedc"]),
        Decimal(info["pool_prop_selfpay"]),
        {name: Decimal(info[name]) for name in FUNDS},
        account=Decimal(settled["account"]),
    )
    _use_up(call, row, who, paid, -1)
    call.store.db.execute("update fee set setl_id = null where setl_id = ?", (settled["setl_id"],))
