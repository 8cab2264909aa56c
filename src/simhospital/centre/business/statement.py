"""The hospital's totals and details against the centre's: 3201, 3202, and the monthly application 3203/3204."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ..benefit import money
from ..refused import Refused
from ..tables import shape
from .call import Call, transaction
from .files import fetch, keep, unpack

COLUMNS = 7
ABOLISHED = "FSI-该交易已废除，请在两定平台办理清算申请"


def settlements(
    call: Call, begin: str, end: str, clr_type: str, insutype: str | None, counted: str
) -> list[sqlite3.Row]:
    """The centre's rows of these days: `counted` all (refunds as two rows) or normal (refunded ones left out)."""
    rows = call.store.all(
        "select * from settlement where fixmedins = ? and setl_time >= ? and setl_time <= ? and clr_type = ?"
        " and reversed_at is null order by setl_time, setl_id",
        call.fixmedins,
        f"{begin[:10]} 00:00:00",
        f"{end[:10]} 23:59:59",
        clr_type,
    )
    hidden = call.board.active("yb-statement-short")
    if hidden and rows:
        rows = rows[:-1]
    return [
        row
        for row in rows
        if (insutype is None or row["insutype"] == insutype) and (counted == "all" or row["refunded"] == "0")
    ]


def _counted(call: Call, given: dict[str, Any]) -> str:
    flag = call.profile.refund_flag
    return "all" if flag == "none" else str(call.profile.counted.get(str(given.get(flag) or "0"), "all"))


def _sums(rows: Sequence[sqlite3.Row]) -> dict[str, Decimal]:
    return {
        name: sum((Decimal(row[column]) for row in rows), Decimal("0.00"))
        for name, column in (
            ("medfee_sumamt", "medfee"),
            ("fund_pay_sumamt", "fund"),
            ("acct_pay", "account"),
            ("cash_payamt", "cash"),
        )
    }


@transaction("3201")
def totals(call: Call) -> dict[str, Any]:
    """3201: do the hospital's totals of an insurance and class agree with ours? Says which differ, and by how much."""
    given = call.input["data"]
    rows = settlements(
        call, given["stmt_begndate"], given["stmt_enddate"], given["clr_type"], given["insutype"], _counted(call, given)
    )
    ours = _sums(rows)
    differing = [
        f"{label}：机构{money(given[name])}，中心{ours[name]}"
        for name, label in (
            ("medfee_sumamt", "医疗费总额"),
            ("fund_pay_sumamt", "基金支付总额"),
            (call.profile.personal_field, "个人账户支付" if call.profile.personal_field == "acct_pay" else "现金支付"),
        )
        if money(given[name]) != ours[name]
    ]
    if int(Decimal(str(given["fixmedins_setl_cnt"]))) != len(rows):
        differing.append(f"笔数：机构{given['fixmedins_setl_cnt']}，中心{len(rows)}")
    codes = call.profile.statement
    answer = {
        "setl_optins": call.profile.office,
        "stmt_rslt": codes["different"] if differing else codes["equal"],
        "stmt_rslt_dscr": ("；".join(differing) or "平")[:200],
    }
    return {"stmtinfo": shape("3201", "stmtinfo", answer)}


def _hospital_rows(call: Call, number: str) -> list[list[str]]:
    rows = [line.split("\t") for line in unpack(fetch(call, number)).splitlines() if line.strip()]
    for place, row in enumerate(rows, 1):
        if len(row) != COLUMNS:
            raise Refused(f"FSI-明细文件第{place}行应有{COLUMNS}列，实为{len(row)}列")
    return rows


def _result(call: Call, row: sqlite3.Row | None, verdict: str, memo: str, theirs: list[str] | None = None) -> str:
    if row is None:
        assert theirs is not None
        psn_no, mdtrt_id, setl_id, msgid, refunded = theirs[2], theirs[1], theirs[0], "null", theirs[6]
        amounts = theirs[3:6]
    else:
        lone = theirs is None  # the centre has it alone: table 151 gives no ids, only person and message
        psn_no, msgid, refunded = row["psn_no"], row["msgid"], row["refunded"]
        mdtrt_id, setl_id = ("null", "null") if lone else (row["mdtrt_id"], row["setl_id"])
        amounts = [row["medfee"], row["fund"], row["account"]]
    return "\t".join([psn_no, mdtrt_id, setl_id, msgid, verdict, refunded, memo or "null", *amounts])


def compare(call: Call, ours: Sequence[sqlite3.Row], theirs: Sequence[list[str]]) -> list[str]:
    """The rows of the result file (table 151): every row of either side with its verdict."""
    codes = call.profile.statement
    waiting = {row["setl_id"]: row for row in ours}
    lines = []
    for their in theirs:
        row = waiting.pop(their[0], None)
        if row is None:
            lines.append(_result(call, None, codes["hospital_more"], "中心无此结算", their))
            continue
        pairs = zip(
            ("医疗费总额", "基金支付总额", "个人账户支出"), their[3:6], ("medfee", "fund", "account"), strict=True
        )
        wrong = [
            f"{label}机构{value}中心{row[column]}"
            for label, value, column in pairs
            if money(0 if value == "null" else value) != Decimal(row[column])
        ]
        lines.append(_result(call, row, codes["different"] if wrong else codes["equal"], "；".join(wrong), their))
    lines += [_result(call, row, codes["centre_more"], "机构无此结算") for row in waiting.values()]
    return lines


@transaction("3202")
def details(call: Call) -> dict[str, Any]:
    """3202: compare the uploaded file row by row; the result is a file for 9102."""
    given = call.input["data"]
    ours = settlements(
        call, given["stmt_begndate"], given["stmt_enddate"], given["clr_type"], None, _counted(call, given)
    )
    lines = compare(call, ours, _hospital_rows(call, given["file_qury_no"]))
    number, name, until = keep(call, f"3202_{call.now:%Y%m%d%H%M%S}.txt", "\n".join(lines))
    return {"fileinfo": shape("3202", "fileinfo", {"file_qury_no": number, "filename": name, "dld_endtime": until})}


@transaction("3203")
def apply_for_clearing(call: Call) -> dict[str, Any]:
    """3203: apply for a month's clearing, where this is still an interface."""
    if call.profile.clearing_application != "open":
        raise Refused(ABOLISHED)
    given = call.input["data"]
    rows = settlements(call, given["begndate"], given["enddate"], given["clr_type"], None, "all")
    ours = _sums(rows)
    if any(money(given[name]) != ours[name] for name in ("medfee_sumamt", "cash_payamt", "acct_pay")):
        raise Refused("FSI-清算申请金额与中心结算合计不一致，请先完成对账")
    number = call.number("application")
    call.store.insert("application", id=number, fixmedins=call.fixmedins, at=call.stamp, info=given)
    return {"result": {"clr_appy_evt_id": number}}


@transaction("3204")
def withdraw_application(call: Call) -> dict[str, Any]:
    """3204: take an application back."""
    if call.profile.clearing_application != "open":
        raise Refused(ABOLISHED)
    done = call.store.db.execute(
        "update application set withdrawn_at = ? where id = ? and fixmedins = ? and withdrawn_at is null",
        (call.stamp, call.input["data"]["clr_appy_evt_id"], call.fixmedins),
    )
    if not done.rowcount:
        raise Refused("FSI-未查询到清算申请")
    return {}
