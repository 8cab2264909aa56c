"""What makes the hospital's and the insurer's settlements differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from .moving import (
    CENTRE_AMOUNTS,
    LATE,
    later,
    message_number,
    move,
    reversal,
    scaled,
    serial_number,
    settlement_number,
)
from .truth import Truth
from .world import CENT, ZERO, Row, World, at_clock, money

RECONCILIATION = "insurance"


@dataclass(slots=True)
class Pair:
    """A settlement as the hospital and as the insurer have it."""

    js: Row
    ins: Row
    c: Row


def _pairs(w: World) -> Iterator[Pair]:
    for ins in w.ins:
        js, c = w.js.rows.get(ins["jsid"]), w.centre.rows.get(ins["setl_id"])
        if js is None or c is None or ins["state"] != "0" or ins["medfee_sumamt"] <= 0 or c["refunded"] != "0":
            continue
        if w.within(js["jssj"], LATE) and c["medfee"] == ins["medfee_sumamt"] and not js["cxjsid"]:
            yield Pair(js, ins, c)


def _plain(w: World, *, outpatient: bool = False) -> Iterator[Pair]:
    """Settlements to which nothing has happened. The pool is shared by all events."""
    for pair in w.candidates("pairs", lambda: _pairs(w)):
        if (outpatient and pair.js["jslx"] not in "01") or not w.claim(w.family(pair.js)):
            continue
        yield pair


def _taken_back(w: World) -> Iterator[tuple[Pair, Pair]]:
    """Settlements that were cancelled on both sides, each with its cancellation."""

    def find() -> Iterator[tuple[Pair, Pair]]:
        for ins in w.ins:
            js = w.js.rows.get(ins["jsid"])
            if js is None or ins["state"] != "1" or not js["cxjsid"]:
                continue
            js2, ins2 = w.js.rows.get(js["cxjsid"]), w.insured.get(js["cxjsid"])
            c = w.centre.rows.get(ins["setl_id"])
            c2 = w.centre.rows.get(ins2["setl_id"]) if ins2 else None
            if js2 and ins2 and c and c2 and w.within(js["jssj"]) and w.within(js2["jssj"], LATE):
                yield Pair(js, ins, c), Pair(js2, ins2, c2)

    for one, other in w.candidates("taken back", find):
        if w.claim(w.family(one.js)):
            yield one, other


def _truth(pair: Pair, gap: Decimal, amount: Decimal | None = None, *, left: str = "", right: str = "") -> Truth:
    keys = {side: [number] for side, number in (("settlement", left), ("insurance_statement", right)) if number}
    day = pair.ins["setl_time"].date().isoformat()
    return Truth("", "", "", "", "", day, abs(pair.ins["medfee_sumamt"]) if amount is None else amount, gap, keys)


def _called(w: World, pair: Pair) -> None:
    """The hospital's log of calls has the call, without an answer."""
    w.log.put({
        "msgid": pair.c["msgid"], "infno": "2207", "state": "unknown", "psn_no": pair.c["psn_no"], "mdtrt_id": pair.c["mdtrt_id"],
        "total": pair.c["medfee"], "at": pair.c["setl_time"], "visit_no": w.family(pair.js),
    })  # fmt: skip


def settled_there_paid_here(w: World) -> Truth | None:
    for pair in _plain(w, outpatient=True):
        if len(w.pays[pair.js["jsid"]]) == 1:
            _called(w, pair)
            return _paid_alone(w, pair)
    return None


def _paid_alone(w: World, pair: Pair) -> Truth:
    """The hospital rolled back and took the whole from the patient."""
    pay, total = w.pays[pair.js["jsid"]][0], pair.js["zje"]
    bill = w.billed(pay)
    w.ins.drop(pair.ins)
    w.js.edit(pair.js, ybje=ZERO, zhje=ZERO, xjje=total)
    w.zf.edit(pay, je=total)
    if bill is not None:
        w.bill.edit(bill, je=total)
    return _truth(pair, -total, right=pair.c["setl_id"])


def settled_there_forgotten_here(w: World) -> Truth | None:
    for pair in _plain(w, outpatient=True):
        if pair.js["jslx"] == "1":
            _called(w, pair)
            return _unpaid(w, pair)
    return None


def _unpaid(w: World, pair: Pair) -> Truth:
    """The hospital rolled back, and the bill still waits."""
    w.ins.drop(pair.ins)
    w.js.drop(pair.js)
    for pay in w.pays[pair.js["jsid"]]:
        if (bill := w.billed(pay)) is not None:
            w.bill.drop(bill)
        w.zf.drop(pay)
    for line in w.lines[pair.js["jsid"]]:
        w.fy.edit(line, zt="0", jsid=None)
    return _truth(pair, -pair.ins["medfee_sumamt"], right=pair.c["setl_id"])


def settled_there_log_lost(w: World) -> Truth | None:
    for pair in _plain(w, outpatient=True):
        if pair.js["jslx"] == "1" and len(w.pays[pair.js["jsid"]]) == 1:
            return _unpaid(w, pair) if w.chance.random() < 0.5 else _paid_alone(w, pair)
    return None


def refunded_here_only(w: World) -> Truth | None:
    for one, other in _taken_back(w):
        w.centre.drop(other.c)
        w.centre.edit(one.c, refunded="0")
        return _truth(other, other.ins["medfee_sumamt"], left=other.ins["setl_id"])
    return None


def refunded_there_only(w: World) -> Truth | None:
    for pair in _plain(w):
        at = later(w, pair.c["setl_time"], 1, 72)
        if at is None:
            continue
        made = reversal(w, pair.c, at)
        return _truth(pair, pair.ins["medfee_sumamt"], right=made["setl_id"])
    return None


def cancelled_after_clearing(w: World) -> Truth | None:
    for one, other in _taken_back(w):
        first = one.ins["setl_time"]
        at = max(
            other.c["setl_time"], first + timedelta(days=8 + w.chance.randrange(12), minutes=w.chance.randrange(300))
        )
        if not w.within(at, LATE):
            continue
        delta = at - other.js["jssj"]
        for js in _resettled(w, one.js, other.js):
            move(w, js, js["jssj"] + delta)
        kept = w.centre.rows[other.ins["setl_id"]]
        w.ins.edit(other.ins, setl_time=first + timedelta(minutes=5 + w.chance.randrange(40)))
        keys = {"settlement": [other.ins["setl_id"]], "insurance_statement": [kept["setl_id"]]}
        day = other.ins["setl_time"].date().isoformat()
        return Truth("", "", "", "", "", day, abs(other.ins["medfee_sumamt"]), ZERO, keys)
    return None


def _resettled(w: World, js: Row, back: Row) -> list[Row]:
    """The cancellation and what was settled again in the same minute."""
    again = [r for r in (w.js.rows.get(back["jsid"] + n) for n in range(1, 4)) if r and r["jzh"] == js["jzh"]]
    return [back, *(r for r in again if r["jszt"] == "1" and abs(r["jssj"] - back["jssj"]) < timedelta(minutes=1))]


def settled_at_midnight(w: World) -> Truth | None:
    for pair in _plain(w):
        day = pair.js["jssj"].date()
        if day + timedelta(days=1) >= w.last:
            continue
        here = at_clock(pair.js["jssj"], 23, 59, 48 + w.chance.randrange(12))
        there = at_clock(here, 0, 0, w.chance.randrange(15)) + timedelta(days=1)
        move(w, pair.js, here, there)
        return _truth(pair, ZERO, left=pair.ins["setl_id"], right=pair.ins["setl_id"])
    return None


def grouped_otherwise(w: World) -> Truth | None:
    for pair in _plain(w):
        if w.chance.random() < 0.6:
            change = {"insutype": "390" if pair.ins["insutype"] == "310" else "310"}
        else:
            change = {"clr_type": {"11": "14", "12": "11", "13": "11", "21": "27"}.get(pair.ins["clr_type"], "11")}
        w.ins.edit(pair.ins, **change)
        return _truth(pair, ZERO, left=pair.ins["setl_id"], right=pair.c["setl_id"])
    return None


def recalculated(w: World) -> Truth | None:
    for pair in _plain(w):
        fund = pair.c["fund"]
        moved = money(fund * Decimal(w.chance.randrange(2, 30)) / 100)
        if moved < Decimal("0.05"):
            continue
        sign = w.chance.choice((1, 1, -1)) if pair.c["cash"] > moved else 1
        w.centre.edit(pair.c, fund=fund - sign * moved, cash=pair.c["cash"] + sign * moved)
        return _truth(pair, ZERO, moved, left=pair.ins["setl_id"], right=pair.c["setl_id"])
    return None


def rounded_otherwise(w: World) -> Truth | None:
    for pair in _plain(w):
        cent = CENT * w.chance.choice((1, -1))
        if pair.c["cash"] + cent < 0:
            continue
        w.centre.edit(pair.c, medfee=pair.c["medfee"] + cent, cash=pair.c["cash"] + cent)
        return _truth(pair, -cent, CENT, left=pair.ins["setl_id"], right=pair.c["setl_id"])
    return None


def settled_twice_there(w: World) -> Truth | None:
    for pair in _plain(w):
        at = pair.c["setl_time"] + timedelta(seconds=1 + w.chance.randrange(90))
        message = pair.c["msgid"] if w.chance.random() < 0.6 else message_number(w, pair.c["msgid"], at)
        number = settlement_number(w, pair.c["setl_id"], at)
        w.centre.put(pair.c | {"setl_id": number, "msgid": message, "setl_time": at})
        found = _truth(pair, -pair.ins["medfee_sumamt"])
        found.keys = {"settlement": [pair.ins["setl_id"]], "insurance_statement": [pair.c["setl_id"], number]}
        return found
    return None


def written_twice_here(w: World) -> Truth | None:
    for pair in _plain(w):
        w.ins.put(pair.ins | {"id": w.ins.free(pair.ins["id"])})
        return _truth(pair, pair.ins["medfee_sumamt"], left=pair.ins["setl_id"], right=pair.c["setl_id"])
    return None


def part_taken_back(w: World) -> Truth | None:
    for pair in _plain(w, outpatient=True):
        lines = [r for r in w.lines[pair.js["jsid"]] if not r["cfmxid"]]
        whole = pair.js["zje"]
        if pair.js["jslx"] != "1" or len(w.lines[pair.js["jsid"]]) < 2 or not lines or len(w.pays[pair.js["jsid"]]) > 1:
            continue
        at = later(w, pair.c["setl_time"], 1, 140)
        dropped = w.chance.choice(lines)
        kept = whole - dropped["je"]
        if at is None or kept < 1 or dropped["je"] < 1:
            continue
        old = pair.c["setl_id"]
        back = reversal(w, pair.c, at)
        again = at + timedelta(seconds=5 + w.chance.randrange(40))
        part = _part(pair.ins, kept / whole, kept)
        number = settlement_number(w, old, again)
        w.centre.put(
            pair.c
            | scaled(pair.c, kept / whole)
            | {"setl_id": number, "msgid": message_number(w, pair.c["msgid"], again), "setl_time": again, "refunded": "0"}
            | {name: part[theirs] for name, theirs in zip(CENTRE_AMOUNTS, _THEIRS, strict=True)}
        )  # fmt: skip
        cash = pair.js["xjje"]
        w.ins.edit(pair.ins, **part)
        w.js.edit(pair.js, zje=kept, ybje=part["fund_pay_sumamt"], zhje=part["acct_pay"], xjje=part["psn_cash_pay"])
        w.fy.drop(dropped)
        _give_back(w, pair.js, cash - part["psn_cash_pay"], at)
        found = _truth(pair, ZERO, whole)
        found.keys = {"settlement": [old], "insurance_statement": [old, back["setl_id"], number]}
        return found
    return None


_THEIRS = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")


def _part(ins: Row, share: Decimal, kept: Decimal) -> dict[str, Decimal]:
    """The settlement of what is left of a bill."""
    own, before = money(ins["fulamt_ownpay_amt"] * share), money(ins["preselfpay_amt"] * share)
    fund, account = money(ins["fund_pay_sumamt"] * share), money(ins["acct_pay"] * share)
    return {
        "medfee_sumamt": kept, "fulamt_ownpay_amt": own, "preselfpay_amt": before, "overlmt_selfpay": ZERO,
        "inscp_scp_amt": kept - own - before, "hifp_pay": fund, "fund_pay_sumamt": fund, "acct_pay": account,
        "psn_cash_pay": kept - fund - account,
    }  # fmt: skip


def _give_back(w: World, js: Row, amount: Decimal, at: object) -> None:
    """The patient's part of a line goes back by the way it came, and both books say so."""
    pays = w.pays[js["jsid"]]
    if not pays or not amount:
        return
    pay = pays[0]
    made = w.zf.put(
        pay | {"id": w.zf.free(pay["id"]), "je": -amount, "sxf": ZERO, "zfsj": at, "lsh": serial_number(w) if pay["lsh"] else None,
               "tkylsh": pay["lsh"]}
    )  # fmt: skip
    bill = w.billed(pay)
    if bill is not None:
        line = bill | {
            "id": w.bill.free(bill["id"]),
            "je": -amount,
            "sxf": ZERO,
            "sj": at,
            "lx": "2",
            "lsh": made["lsh"],
        }
        w.by_serial[made["lsh"]] = w.bill.put(line | {"zdrq": made["zfsj"].date()})
    pays.append(made)


def not_there_yet(w: World) -> Truth | None:
    def find() -> Iterator[Pair]:
        for ins in w.ins:
            js, c = w.js.rows.get(ins["jsid"]), w.centre.rows.get(ins["setl_id"])
            if (
                js
                and c
                and ins["state"] == "0"
                and c["refunded"] == "0"
                and js["jssj"].date() == w.last - timedelta(days=1)
            ):
                yield Pair(js, ins, c)

    for pair in w.candidates("last day", find):
        if not w.claim(w.family(pair.js)):
            continue
        at = at_clock(pair.js["jssj"], 22, 35 + w.chance.randrange(25), w.chance.randrange(60))
        if w.chance.random() < 0.7:
            at = at_clock(at, 23, w.chance.randrange(60), w.chance.randrange(60))
        move(w, pair.js, at)
        w.centre.drop(w.centre.rows[pair.ins["setl_id"]])
        return _truth(pair, pair.ins["medfee_sumamt"], left=pair.ins["setl_id"])
    return None
