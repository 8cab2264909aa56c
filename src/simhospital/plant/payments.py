"""What makes the hospital's payments and deposits differ from the channels' bills."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from .moving import LATE, later, move, order_number, serial_number
from .truth import Truth
from .world import CENT, CHANNELS, ZERO, Row, World, at_clock

Billed = tuple[Row, Row, Row]  # settlement, payment, the channel's line


def _paid(w: World, sign: int, late: bool) -> Iterator[Billed]:
    for pay in w.zf:
        js, bill = w.js.rows.get(pay["jsid"]), w.billed(pay)
        if js is None or bill is None or pay["zffs"] not in CHANNELS:
            continue
        if bill["je"] != pay["je"] or pay["je"] * sign <= 0:
            continue
        if bill["zdrq"] != pay["zfsj"].date() or len(w.pays[pay["jsid"]]) != 1 or (sign > 0 and js["jszt"] != "1"):
            continue
        if w.within(pay["zfsj"], timedelta(0) if late else LATE):
            yield js, pay, bill


def _plain(w: World, *methods: str) -> Iterator[Billed]:
    """Payments that the channel has as the hospital has them."""
    for js, pay, bill in w.candidates("payments" + "".join(methods), lambda: _paid(w, 1, late=False)):
        if pay["id"] not in w.zf.rows or bill["id"] not in w.bill.rows or w.billed(pay) is not bill:
            continue
        if (not methods or pay["zffs"] in methods) and pay["je"] == bill["je"] and w.claim(w.family(js)):
            yield js, pay, bill


def _truth(
    pay: Row, gap: Decimal, amount: Decimal | None = None, *, left: tuple[str, ...] = (), right: tuple[str, ...] = ()
) -> Truth:
    keys = {side: list(numbers) for side, numbers in (("payment", left), ("channel_bill", right)) if numbers}
    return Truth(
        "", "", "", "", "", pay["zfsj"].date().isoformat(), abs(pay["je"]) if amount is None else amount, gap, keys
    )


def paid_there_cash_here(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        w.zf.edit(pay, zffs="00", ddh=None, lsh=None, sxf=ZERO)
        return _truth(pay, -bill["je"], right=(bill["lsh"],))
    return None


def _may_come(w: World, bill: Row) -> bool:
    """Whether nobody could tell yet that the channel will never have it: its day's bill is the last one."""
    return bool(bill["zdrq"] >= w.last - timedelta(days=1))


def paid_here_only(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        if _may_come(w, bill):
            continue
        w.bill.drop(bill)
        return _truth(pay, pay["je"], left=(pay["lsh"],))
    return None


def not_given_back(w: World) -> Truth | None:
    for js, pay, bill in w.candidates("given back", lambda: _paid(w, -1, late=False)):
        if bill["id"] in w.bill.rows and w.claim(w.family(js)):
            w.bill.drop(bill)
            return _truth(pay, pay["je"], left=(pay["lsh"],))
    return None


def given_back_there_only(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        at = later(w, bill["sj"], 1, 60)
        if at is None:
            continue
        made = w.bill.put(
            bill
            | {
                "id": w.bill.free(bill["id"]),
                "lx": "2",
                "je": -bill["je"],
                "lsh": serial_number(w),
                "sj": at,
                "zdrq": at.date(),
            }
        )
        return _truth(pay, pay["je"], right=(made["lsh"],))
    return None


def paid_at_midnight(w: World) -> Truth | None:
    for js, pay, bill in _plain(w):
        if pay["zfsj"].date() + timedelta(days=1) >= w.last:
            continue
        here = at_clock(pay["zfsj"], 23, 59, 45 + w.chance.randrange(15))
        there = at_clock(here, 0, 0, w.chance.randrange(20)) + timedelta(days=1)
        move(w, js, here)
        w.bill.edit(bill, sj=there, zdrq=there.date())
        return _truth(pay, ZERO, left=(pay["lsh"],), right=(bill["lsh"],))
    return None


def _late(w: World, at: date) -> date | None:
    day = at + timedelta(days=1 + w.chance.randrange(3))
    return day if day < w.last else None


def billed_late(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        day = _late(w, bill["zdrq"])
        if day is None or not 1 <= pay["zfsj"].hour < 23:
            continue
        w.bill.edit(bill, zdrq=day)
        return _truth(pay, ZERO, left=(pay["lsh"],), right=(bill["lsh"],))
    return None


def another_channel(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        others = [c for m, c in CHANNELS.items() if m not in (pay["zffs"], "07")]
        if pay["zffs"] == "07":
            continue
        w.bill.edit(bill, qd=w.chance.choice(others))
        return _truth(pay, ZERO, left=(pay["lsh"],), right=(bill["lsh"],))
    return None


def keyed_wrong(w: World) -> Truth | None:
    for _, pay, bill in _plain(w, "03"):
        wrong = w.chance.choice((bill["je"] * 10, bill["je"] + 100, bill["je"] + Decimal(w.chance.randrange(1, 60))))
        w.bill.edit(bill, je=wrong)
        return _truth(pay, pay["je"] - wrong, abs(pay["je"] - wrong), left=(pay["lsh"],), right=(bill["lsh"],))
    return None


def cent_off(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        cent = CENT * w.chance.choice((1, -1))
        if bill["je"] + cent <= 0:
            continue
        w.bill.edit(bill, je=bill["je"] + cent)
        return _truth(pay, -cent, CENT, left=(pay["lsh"],), right=(bill["lsh"],))
    return None


def paid_twice_there(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        at = bill["sj"] + timedelta(seconds=4 + w.chance.randrange(120))
        order = bill["ddh"] if w.chance.random() < 0.4 else order_number(w, at)
        made = w.bill.put(
            bill | {"id": w.bill.free(bill["id"]), "lsh": serial_number(w), "ddh": order, "sj": at, "zdrq": at.date()}
        )
        return _truth(pay, -pay["je"], left=(pay["lsh"],), right=(bill["lsh"], made["lsh"]))
    return None


def paid_twice_here(w: World) -> Truth | None:
    for _, pay, bill in _plain(w):
        w.pays[pay["jsid"]].append(w.zf.put(pay | {"id": w.zf.free(pay["id"])}))
        return _truth(pay, pay["je"], left=(pay["lsh"],), right=(bill["lsh"],))
    return None


def part_given_back(w: World) -> Truth | None:
    def find() -> Iterator[tuple[Row, Row, Row, Row]]:
        for js in w.js:
            back = w.js.rows.get(js["cxjsid"]) if js["cxjsid"] and js["zje"] > 0 else None
            if back is None:
                continue
            again = w.js.rows.get(back["jsid"] + 1)
            if again is None or again["jzh"] != js["jzh"] or again["jszt"] != "1":
                continue
            pays = [w.pays[r["jsid"]] for r in (js, back, again)]
            if all(len(p) == 1 and w.billed(p[0]) for p in pays) and w.within(back["jssj"], LATE):
                yield js, pays[0][0], pays[1][0], pays[2][0]

    for js, paid, back, again in w.candidates("part given back", find):
        difference = paid["je"] - again["je"]
        bills = [w.billed(p) for p in (paid, back, again)]
        if (
            difference < 1
            or again["je"] < 1
            or not w.claim(w.family(js))
            or any(b is None or b["id"] not in w.bill.rows for b in bills)
        ):
            continue
        first, second, third = (b for b in bills if b is not None)
        w.bill.drop(third)
        w.bill.edit(second, je=-difference, ddh=first["ddh"])
        found = _truth(
            paid, ZERO, difference, left=(paid["lsh"], back["lsh"], again["lsh"]), right=(first["lsh"], second["lsh"])
        )
        found.day = back["zfsj"].date().isoformat()
        return found
    return None


def not_billed_yet(w: World) -> Truth | None:
    def find() -> Iterator[Billed]:
        return (x for x in _paid(w, 1, late=True) if x[1]["zfsj"].date() == w.last - timedelta(days=1))

    for js, pay, bill in w.candidates("last day's payments", find):
        if bill["id"] not in w.bill.rows or not w.claim(w.family(js)):
            continue
        move(w, js, at_clock(pay["zfsj"], 23, w.chance.randrange(60), w.chance.randrange(60)))
        w.bill.drop(bill)
        return _truth(pay, pay["je"], left=(pay["lsh"],))
    return None


# ----- deposits of inpatients
def _deposits(w: World, sign: int) -> Iterator[tuple[Row, Row]]:
    for row in w.yjj:
        bill = w.by_order.get(f"YJ{row['sjh']}")
        if (
            bill
            and row["zffs"] in CHANNELS
            and row["je"] * sign > 0
            and bill["je"] == row["je"]
            and w.within(row["sksj"], LATE)
        ):
            yield row, bill


def _deposit(w: World, sign: int = 1) -> Iterator[tuple[Row, Row]]:
    for row, bill in w.candidates(f"deposits {sign}", lambda: _deposits(w, sign)):
        if bill["id"] in w.bill.rows and w.claim(f"YJ{row['sjh']}"):
            yield row, bill


def _deposit_truth(row: Row, gap: Decimal, *, left: bool, right: tuple[Row, ...]) -> Truth:
    keys = {}
    if left:
        keys["deposit"] = [str(row["sjh"])]
    if right:
        keys["channel_bill"] = [b["lsh"] for b in right]
    return Truth("", "", "", "", "", row["sksj"].date().isoformat(), abs(row["je"]), gap, keys)


def deposit_there_cash_here(w: World) -> Truth | None:
    for row, bill in _deposit(w):
        w.yjj.edit(row, zffs="00")
        return _deposit_truth(row, -row["je"], left=False, right=(bill,))
    return None


def deposit_here_only(w: World) -> Truth | None:
    for row, bill in _deposit(w):
        if _may_come(w, bill):
            continue
        w.bill.drop(bill)
        return _deposit_truth(row, row["je"], left=True, right=())
    return None


def deposit_not_given_back(w: World) -> Truth | None:
    for row, bill in _deposit(w, -1):
        w.bill.drop(bill)
        return _deposit_truth(row, row["je"], left=True, right=())
    return None


def deposit_twice_there(w: World) -> Truth | None:
    for row, bill in _deposit(w):
        at = bill["sj"] + timedelta(seconds=4 + w.chance.randrange(120))
        made = w.bill.put(bill | {"id": w.bill.free(bill["id"]), "lsh": serial_number(w), "sj": at, "zdrq": at.date()})
        return _deposit_truth(row, -row["je"], left=True, right=(bill, made))
    return None


def deposit_billed_late(w: World) -> Truth | None:
    for row, bill in _deposit(w):
        day = _late(w, bill["zdrq"])
        if day is None or not 1 <= row["sksj"].hour < 23:
            continue
        w.bill.edit(bill, zdrq=day)
        return _deposit_truth(row, ZERO, left=True, right=(bill,))
    return None
