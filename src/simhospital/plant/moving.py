"""What events share: moving what happened to another moment, new numbers like those beside them, copies with a minus."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from simhospital.centre.business.reversal import NEGATED

from .world import ZERO, Row, World

CENTRE_AMOUNTS = ("medfee", "fund", "account", "cash")
LATE = timedelta(hours=2, minutes=30)  # what is younger than this at the end of the days may still be on its way


def settlement_number(w: World, like: str, at: datetime) -> str:
    """A number of the insurer for that moment, in the form of another."""
    return f"{like[:6]}{at:%y%m%d%H%M%S}{w.chance.randrange(10_000_000):07d}"


def message_number(w: World, like: str, at: datetime) -> str:
    return f"{like[:12]}{at:%Y%m%d%H%M%S}{w.chance.randrange(10_000):04d}"


def order_number(w: World, at: datetime) -> str:
    """The hospital's number of an order at a channel."""
    return f"HIS{at:%Y%m%d%H%M%S}{w.chance.randrange(1_000_000):06d}"


def serial_number(w: World) -> str:
    """A channel's own number."""
    return f"{w.chance.getrandbits(128):032X}"


def negative(row: Row, names: tuple[str, ...]) -> dict[str, Decimal]:
    """The amounts with the other sign."""
    return {name: -row[name] if row[name] else ZERO for name in names}


def scaled(c: Row, share: Decimal) -> dict[str, dict[str, str]]:
    """The parts of a settlement as the insurer's answer has them, times a share (-1: taken back); none in memory."""
    parts = c.get("parts")
    if not parts:
        return {}
    return {"parts": parts | {n: f"{Decimal(str(parts[n] or 0)) * share:.2f}" for n in NEGATED if n in parts}}


def reversal(w: World, c: Row, at: datetime) -> Row:
    """The insurer's own row that takes a settlement back (2208/2305), put into its book."""
    w.centre.edit(c, refunded="1")
    made = c | negative(c, CENTRE_AMOUNTS) | scaled(c, Decimal(-1))
    made |= {
        "setl_id": settlement_number(w, c["setl_id"], at), "msgid": message_number(w, c["msgid"], at), "setl_time": at,
        "of": c["setl_id"], "infno": "2305" if str(c.get("infno", "")).startswith("2304") else "2208",
    }  # fmt: skip
    return w.centre.put(made)


def move_payment(w: World, pay: Row, at: datetime) -> None:
    """A payment and the channel's line of it happened at another moment."""
    bill = w.billed(pay)
    order = f"HIS{at:%Y%m%d%H%M%S}{pay['ddh'][-6:]}" if pay["ddh"] else None
    if bill is not None:
        w.bill.edit(bill, sj=at, zdrq=at.date(), ddh=order)
    w.zf.edit(pay, zfsj=at, ddh=order)


def move_insurance(w: World, ins: Row, c: Row | None, here: datetime, there: datetime) -> Row | None:
    """A settlement happened here and there at these moments; its numbers follow. The insurer's row as it now is."""
    message = f"{ins['msgid'][:12]}{here:%Y%m%d%H%M%S}{ins['msgid'][26:]}"
    number = f"{ins['setl_id'][:6]}{there:%y%m%d%H%M%S}{ins['setl_id'][18:]}"
    old = ins["setl_id"]
    w.ins.edit(ins, setl_time=here, msgid=message, setl_id=number)
    if c is None:
        return None
    w.centre.drop(c)
    made = w.centre.put(c | {"setl_id": number, "msgid": message, "setl_time": there})
    for other in w.reversed_by.pop(old, ()):
        w.centre.edit(other, of=number)
    return made


def move(w: World, js: Row, at: datetime, there: datetime | None = None) -> None:
    """A settlement of the hospital happened at another moment, with its payments, fee lines and insurance."""
    w.js.edit(js, jssj=at)
    for pay in w.pays[js["jsid"]]:
        move_payment(w, pay, at)
    ins = w.insured.get(js["jsid"])
    if ins is not None:
        move_insurance(w, ins, w.centre.rows.get(ins["setl_id"]), at, there or at)


def later(w: World, at: datetime, least_h: float, most_h: float) -> datetime | None:
    """A moment in office hours so many hours later, still within these days (not in their last hours)."""
    moment = at + timedelta(hours=w.chance.uniform(least_h, most_h))
    moment = moment.replace(hour=8 + w.chance.randrange(10), minute=w.chance.randrange(60), microsecond=0)
    if moment <= at:
        moment = at + timedelta(minutes=w.chance.uniform(5, 100))
    moment = moment.replace(microsecond=0)
    return moment if w.within(moment, LATE) else None
