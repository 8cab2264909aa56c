"""What makes vouchers and cash drawers differ from what was charged and taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from .truth import Truth
from .world import CENT, ZERO, Row, World

OUTPATIENT, INPATIENT = "41010101", "41010102"
RECEIVABLE = {"MZ": ("1021", "1002", "12120201", "1001"), "ZY": ("121201",)}
WORDS = {"MZ": "outpatient", "ZY": "inpatient"}


def index(w: World) -> None:
    """Vouchers by number and subject; to be called when the ledger is there."""
    w.vouchers.clear()
    for row in w.pz:
        w.vouchers[row["pzh"]][f"{row['km']}{'+' if row['df'] or row['km'].startswith('4') else ''}"] = row


def _vouchers(w: World) -> Iterator[str]:
    for number, lines in w.vouchers.items():
        day = next(iter(lines.values()))["rq"]
        if number[:2] in RECEIVABLE and w.first <= day < w.last:
            yield number


def _drawn(w: World) -> Iterator[str]:
    """Vouchers to which nothing has happened, in random order; who finds one fit claims it."""
    found = [v for v in _vouchers(w) if v not in w.used]
    w.chance.shuffle(found)
    yield from found


def _revenue(w: World, number: str) -> list[Row]:
    return [r for r in w.vouchers[number].values() if r["km"].startswith(("41010101.", "41010102.")) and r["df"] > 0]


def _debit(w: World, number: str, at_least: Decimal) -> Row | None:
    found = (w.vouchers[number].get(km) for km in RECEIVABLE[number[:2]])
    return next((r for r in found if r is not None and r["jf"] > at_least), None)


def _some(w: World, row: Row) -> Decimal:
    """An amount such as one bill has, within what was posted."""
    part: Decimal = (row["df"] * Decimal(w.chance.randrange(2, 60)) / 100).quantize(CENT)
    return max(CENT, min(part, Decimal(row["df"])))


def _keys(*rows: Row) -> dict[str, list[str]]:
    left = [f"{r['rq']}|{WORDS[r['pzh'][:2]]}|{r['km'].split('.')[1]}" for r in rows if "." in r["km"]]
    return {"charge": left, "ledger_entry": [f"{r['pzh']}|{r['km']}" for r in rows if "." in r["km"]]}


def _truth(gap: Decimal, amount: Decimal, *rows: Row) -> Truth:
    return Truth("", "", "", "", "", rows[0]["rq"].isoformat(), amount, gap, _keys(*rows))


def wrong_account(w: World) -> Truth | None:
    for number in _drawn(w):
        lines = _revenue(w, number)
        if len(lines) < 2:
            continue
        w.claim(number)
        one, other = w.chance.sample(lines, 2)
        moved = _some(w, one)
        w.pz.edit(one, df=one["df"] - moved)
        w.pz.edit(other, df=other["df"] + moved)
        return _truth(ZERO, moved, one, other)
    return None


def posted_next_day(w: World) -> Truth | None:
    for number in _drawn(w):
        lines = _revenue(w, number)
        if not lines:
            continue
        one = w.chance.choice(lines)
        following = f"{number[:2]}{one['rq'] + timedelta(days=1):%Y%m%d}"
        same = w.vouchers.get(following, {}).get(f"{one['km']}+")
        moved = _some(w, one)
        here, there = _debit(w, number, moved), _debit(w, following, ZERO) if same else None
        if (
            same is None
            or here is None
            or there is None
            or one["rq"] + timedelta(days=1) >= w.last
            or not w.claim(number, following)
        ):
            continue
        w.pz.edit(one, df=one["df"] - moved)
        w.pz.edit(here, jf=here["jf"] - moved)
        w.pz.edit(same, df=same["df"] + moved)
        w.pz.edit(there, jf=there["jf"] + moved)
        return _truth(ZERO, moved, one, same)
    return None


def _booked(w: World, times: int) -> Truth | None:
    for number in _drawn(w):
        lines = _revenue(w, number)
        if not lines:
            continue
        one = w.chance.choice(lines)
        amount = one["df"]
        debit = _debit(w, number, amount if times == 0 else ZERO)
        if debit is None or not w.claim(number):
            continue
        w.pz.edit(debit, jf=debit["jf"] + (times - 1) * amount)
        found = _truth((1 - times) * amount, amount, one)
        if times:
            w.pz.edit(one, df=amount * times)
        else:
            w.pz.drop(one)
            del found.keys["ledger_entry"]
        return found
    return None


def posted_twice(w: World) -> Truth | None:
    return _booked(w, 2)


def not_posted(w: World) -> Truth | None:
    return _booked(w, 0)


def posted_a_cent_off(w: World) -> Truth | None:
    for number in _drawn(w):
        lines = _revenue(w, number)
        debit = _debit(w, number, Decimal(1))
        if not lines or debit is None or not w.claim(number):
            continue
        one, cent = w.chance.choice(lines), CENT * w.chance.choice((1, -1))
        w.pz.edit(one, df=one["df"] + cent)
        w.pz.edit(debit, jf=debit["jf"] + cent)
        return _truth(-cent, CENT, one)
    return None


# ----- the cashiers' drawers
def _drawer(w: World, sign: int) -> Truth | None:
    for row in w.candidates("drawers", lambda: (r for r in w.cash if r["due"] > 20)):
        if not w.claim(row["id"]):
            continue
        off = Decimal(w.chance.choice(("0.10", "0.50", "1", "2", "5", "9", "10", "20", "100")))
        if sign < 0 and off >= row["counted"]:
            continue
        w.cash.edit(row, counted=row["counted"] + sign * off)
        keys = {"payment": [row["id"]], "cash_book": [row["id"]]}
        return Truth("", "", "", "", "", row["day"].isoformat(), off, -sign * off, keys)
    return None


def drawer_short(w: World) -> Truth | None:
    return _drawer(w, -1)


def drawer_long(w: World) -> Truth | None:
    return _drawer(w, 1)
