"""Fee details: 2204/2205 of outpatients, 2301/2302 of stays."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from ..benefit import Item, Parts, divide, money
from ..refused import Refused
from ..tables import shape
from .call import Call, transaction
from .catalogue import entries, item
from .visits import visit


def _check_amount(row: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    total, count, price = (Decimal(str(row[name])) for name in ("det_item_fee_sumamt", "cnt", "pric"))
    if abs(money(count * price) - money(total)) > Decimal("0.01"):
        raise Refused(
            f"FSI-费用明细[{row['feedetl_sn']}]金额不一致：数量×单价={money(count * price)}，明细总额={money(total)}"
        )
    return money(total), count, price


def _take_back(call: Call, row: dict[str, Any], total: Decimal) -> None:
    """A negative line of a stay names the line that it takes back, and never more than is left of it."""
    origin = call.store.one(
        "select total from fee where mdtrt_id = ? and sn = ?", row["mdtrt_id"], str(row.get("init_feedetl_sn") or "")
    )
    if origin is None:
        raise Refused(f"FSI-退单明细[{row['feedetl_sn']}]未找到原费用流水号")
    back = call.store.all(
        "select total from fee where mdtrt_id = ? and json_extract(info, '$.init_feedetl_sn') = ?",
        row["mdtrt_id"],
        row["init_feedetl_sn"],
    )
    if Decimal(origin["total"]) + sum((Decimal(b["total"]) for b in back), total) < 0:
        raise Refused(f"FSI-退单明细[{row['feedetl_sn']}]金额大于原费用明细")


def _keep(call: Call, row: dict[str, Any], batch: str) -> dict[str, Any]:
    serial = str(row["feedetl_sn"])
    if call.store.one("select 1 from fee where mdtrt_id = ? and sn = ?", row["mdtrt_id"], serial):
        raise Refused(f"FSI-费用明细上传失败：违反唯一约束，费用明细流水号[{serial}]已存在[feeDtlBO_2301]")
    total, count, price = _check_amount(row)
    if total < 0:
        if call.infno != "2301":
            raise Refused(f"FSI-费用明细[{serial}]金额不能为负数")
        _take_back(call, row, total)
    entry = item(call, str(row["med_list_codg"]))
    parts = divide(total, count, price, entry, str(row.get("hosp_appr_flag") or "0"))
    call.store.insert(
        "fee", mdtrt_id=row["mdtrt_id"], sn=serial, batch=batch, psn_no=row["psn_no"], total=parts.total,
        own=parts.own, over=parts.over, prepaid=parts.prepaid, scope=parts.scope, info=dict(row),
    )  # fmt: skip
    return shape(call.infno, "result", _answer(row, entry, parts))


def _answer(row: dict[str, Any], entry: Item, parts: Parts) -> dict[str, Any]:
    return {
        "feedetl_sn": row["feedetl_sn"],
        "det_item_fee_sumamt": parts.total,
        "cnt": row["cnt"],
        "pric": row["pric"],
        "pric_uplmt_amt": entry.limit if entry.limit is not None else Decimal("999999"),
        "selfpay_prop": entry.prepaid if entry.level != "03" else Decimal(1),
        "fulamt_ownpay_amt": parts.own,
        "overlmt_amt": parts.over,
        "preselfpay_amt": parts.prepaid,
        "inscp_scp_amt": parts.scope,
        "chrgitm_lv": entry.level,
        "med_chrgitm_type": entry.charge_class,
        "bas_medn_flag": "0",
        "hi_nego_drug_flag": "0",
        "chld_medc_flag": "0",
        "list_sp_item_flag": "0",
        "lmt_used_flag": "1" if entry.restricted else "0",
        "drt_reim_flag": "0",
        "memo": None,
    }


@transaction("2204", "2301")
def upload(call: Call) -> dict[str, Any]:
    """2204, 2301: lines of a visit, all or none; each is divided into what the funds may share."""
    kind = "out" if call.infno == "2204" else "in"
    seen: set[tuple[str, str]] = set()
    answers = []
    for row in call.input["feedetail"]:
        key = (row["mdtrt_id"], row["psn_no"])
        if key not in seen:
            visit(call, *key, kind, "" if kind == "in" else "open")
            seen.add(key)
        answers.append(_keep(call, row, str(row.get("chrg_bchno") or "")))
    return {"result": answers}


def _drop(call: Call, mdtrt_id: str, condition: str, *values: str) -> None:
    where = f"mdtrt_id = ? and {condition}"  # a fixed text of this module, never input
    if call.store.one(f"select 1 from fee where {where} and setl_id is not null", mdtrt_id, *values):  # noqa: S608
        raise Refused("FSI-费用明细已参与结算，不能撤销")
    gone = call.store.db.execute(f"delete from fee where {where}", (mdtrt_id, *values))  # noqa: S608
    if not gone.rowcount:
        raise Refused("FSI-未查询到可撤销的费用明细")


@transaction("2205")
def cancel_batch(call: Call) -> dict[str, Any]:
    """2205: take an uploaded batch back; "0000" takes back all that is not settled."""
    given = call.input["data"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "out")
    if given["chrg_bchno"] == "0000":
        _drop(call, row["mdtrt_id"], "setl_id is null")
    else:
        _drop(call, row["mdtrt_id"], "batch = ?", given["chrg_bchno"])
    return {}


@transaction("2302")
def cancel_lines(call: Call) -> dict[str, Any]:
    """2302: take lines of a stay back; "0000" takes back all that is not settled."""
    for given in call.input["data"]:
        row = visit(call, given["mdtrt_id"], given["psn_no"], "in", "")
        if given["feedetl_sn"] == "0000":
            _drop(call, row["mdtrt_id"], "setl_id is null")
        else:
            _drop(call, row["mdtrt_id"], "sn = ?", given["feedetl_sn"])
    return {}


@transaction("5204")
def query(call: Call) -> dict[str, Any]:
    """5204: the lines of a settlement; where the region allows no setl_id, all lines of the visit."""
    given = call.input["data"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "", "")
    wanted = str(given.get("setl_id") or "")
    rows = call.store.all(
        "select * from fee where mdtrt_id = ? and ? in (setl_id, '') order by sn", row["mdtrt_id"], wanted
    )
    found = []
    for fee in rows:
        info = json.loads(fee["info"])
        entry = item(call, str(info["med_list_codg"]))
        known = entries().get(entry.code, {})
        found.append(
            shape(
                "5204",
                "output",
                info
                | _answer(info, entry, Parts(*(Decimal(fee[n]) for n in ("total", "own", "over", "prepaid", "scope"))))
                | {
                    "setl_id": fee["setl_id"], "med_type": row["med_type"], "hilist_code": entry.code,
                    "hilist_name": known.get("name", entry.code), "list_type": known.get("list", "105"),
                    "medins_list_name": known.get("name", info["medins_list_codg"]), "dosform_name": "无",
                },
            )
        )  # fmt: skip
    if not found:
        raise Refused("FSI-未查询到费用明细")
    return {"output": found}
