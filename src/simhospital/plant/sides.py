"""Both sides' rows as a reconciliation reads them: plain columns, money in Decimal, the hospital's wall clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .world import CHANNELS, ZERO, Row, World

# reconciliation → its left and right side
PAIRS = {
    "insurance": ("settlement", "insurance_statement"),
    "payments": ("payment", "channel_bill"),
    "deposits": ("deposit", "channel_bill"),
    "ledger": ("charge", "ledger_entry"),
    "cash": ("payment", "cash_book"),
}
# what `Truth.keys` names
KEYS = {
    "settlement": "setl_id", "insurance_statement": "setl_id", "payment": "channel_no", "channel_bill": "channel_no",
    "deposit": "receipt_no", "charge": "day|kind|fee_class", "ledger_entry": "voucher_no|account", "cash_book": "day|cashier",
}  # fmt: skip


def _channel(method: str) -> str:
    """wx, zfb, unionpay, yb, cash; other ways to pay (deposit, on account) by their code."""
    return "cash" if method == "00" else CHANNELS.get(method, method)


def sides(w: World) -> dict[str, list[Row]]:
    """Every side by the name of its dataset, in order of time."""
    found: dict[str, list[Row]] = {
        "settlement": sorted(_settlements(w), key=lambda r: (r["setl_time"], r["setl_id"])),
        "insurance_statement": sorted(_statement(w), key=lambda r: (r["setl_time"], r["setl_id"])),
        "payment": sorted(_payments(w), key=lambda r: (r["paid_at"], r["payment_no"])),
        "channel_bill": sorted(_bill(w), key=lambda r: (r["bill_day"], r["traded_at"], r["channel_no"])),
        "deposit": sorted(_deposits(w), key=lambda r: (r["paid_at"], r["receipt_no"])),
        "charge": list(_charges(w)),
        "ledger_entry": sorted(_ledger(w), key=lambda r: (r["day"], r["voucher_no"], r["account"])),
        "cash_book": sorted(w.cash, key=lambda r: r["id"]),
        "call_log": sorted(_calls(w), key=lambda r: (r["at"], r["msgid"])),
    }
    found["cash_book"] = [
        {"day": r["day"], "cashier": r["cashier"], "counted": r["counted"]} for r in found["cash_book"]
    ]
    return found


def _settlements(w: World) -> Iterator[Row]:
    for r in w.ins:
        js = w.js.rows.get(r["jsid"], {})
        yield {
            "setl_id": r["setl_id"], "mdtrt_id": r["mdtrt_id"], "psn_no": r["psn_no"], "msgid": r["msgid"], "insutype": r["insutype"],
            "med_type": r["med_type"], "clr_type": r["clr_type"], "setl_time": r["setl_time"],
            "refd_setl_flag": "0" if r["state"] == "0" else "1", "medfee_sumamt": r["medfee_sumamt"],
            "fund_pay_sumamt": r["fund_pay_sumamt"], "acct_pay": r["acct_pay"], "psn_cash_pay": r["psn_cash_pay"],
            "settlement_no": str(r["jsid"]), "visit_no": js.get("jzh") or (f"Z{js['zyh']}" if js.get("zyh") else None),
        }  # fmt: skip


def _statement(w: World) -> Iterator[Row]:
    for c in w.centre:
        yield {
            "setl_id": c["setl_id"], "mdtrt_id": c["mdtrt_id"], "psn_no": c["psn_no"], "msgid": c["msgid"], "insutype": c["insutype"],
            "med_type": c["med_type"], "clr_type": c["clr_type"], "setl_time": c["setl_time"], "refd_setl_flag": c["refunded"],
            "of_setl_id": c["of"], "medfee_sumamt": c["medfee"], "fund_pay_sumamt": c["fund"], "acct_pay": c["account"],
            "psn_cash_pay": c["cash"],
        }  # fmt: skip


def _calls(w: World) -> Iterator[Row]:
    """The hospital's log of what it asked of the insurer: every settlement once, and those without an answer."""
    seen = {r["msgid"]: r for r in w.ins}
    for r in seen.values():
        yield {
            "msgid": r["msgid"], "infno": "2208" if r["state"] == "2" else "2207", "state": "settled", "psn_no": r["psn_no"],
            "mdtrt_id": r["mdtrt_id"], "total": r["medfee_sumamt"], "at": r["setl_time"],
        }  # fmt: skip
    for r in w.log:
        if r["msgid"] not in seen:
            yield {name: r[name] for name in ("msgid", "infno", "state", "psn_no", "mdtrt_id", "total", "at")}


def _payments(w: World) -> Iterator[Row]:
    for p in w.zf:
        js = w.js.rows.get(p["jsid"], {})
        yield {
            "payment_no": str(p["id"]), "settlement_no": str(p["jsid"]), "visit_no": js.get("jzh"), "channel": _channel(p["zffs"]),
            "kind": "refund" if p["je"] < 0 else "pay", "amount": p["je"], "order_no": p["ddh"], "channel_no": p["lsh"],
            "of_channel_no": p["tkylsh"], "paid_at": p["zfsj"], "cashier": js.get("czgh"),
        }  # fmt: skip


def _bill(w: World) -> Iterator[Row]:
    for b in w.bill:
        yield {
            "channel": b["qd"], "bill_day": b["zdrq"], "order_no": b["ddh"], "channel_no": b["lsh"],
            "kind": "refund" if b["lx"] == "2" else "pay",
            "amount": b["je"], "traded_at": b["sj"], "goods": "住院预交金" if (b["ddh"] or "").startswith("YJ") else "门诊缴费",
        }  # fmt: skip


def _deposits(w: World) -> Iterator[Row]:
    for r in w.yjj:
        yield {
            "receipt_no": str(r["sjh"]), "stay_no": str(r["zyh"]), "channel": _channel(r["zffs"]), "amount": r["je"],
            "kind": "refund" if r["je"] < 0 else "pay", "paid_at": r["sksj"], "cashier": r["czgh"],
            "order_no": f"YJ{r['sjh']}" if r["zffs"] in CHANNELS else None,
        }  # fmt: skip


def _charges(w: World) -> Iterator[Row]:
    sums: dict[tuple[Any, str, str], Decimal] = defaultdict(lambda: ZERO)
    for line in w.fy:
        js = w.js.rows.get(line["jsid"])
        if js:
            sums[(js["jssj"].date(), "outpatient", line["sfxm"])] += line["je"]
    for fee in w.zyfy:
        sums[(fee["jfsj"].date(), "inpatient", fee["sfxm"])] += fee["je"]
    for (day, kind, fee_class), amount in sorted(sums.items()):
        yield {"day": day, "kind": kind, "fee_class": fee_class, "amount": amount}


def _ledger(w: World) -> Iterator[Row]:
    for r in w.pz:
        yield {
            "voucher_no": r["pzh"],
            "day": r["rq"],
            "account": r["km"],
            "account_name": r["kmmc"],
            "debit": r["jf"],
            "credit": r["df"],
        }
