"""What follows from settlements, payments and deposits: the day's vouchers and what lies in the cashiers' drawers."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from .world import ZERO, World

_CASH = {"00": "1001", "03": "1002"}
_NAMES = {
    "1001": "库存现金", "1002": "银行存款", "1021": "其他货币资金", "12120201": "应收医保款", "121201": "应收在院病人医疗款",
    "1901": "待处理财产损溢", "23050201": "住院预收款", "41010101": "门急诊收入", "41010102": "住院收入",
}  # fmt: skip


def vouchers(w: World) -> None:
    """Post every day; what does not add up stands in 1901 until it is cleared."""
    sums: dict[tuple[str, date, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])

    def post(kind: str, day: date, subject: str, debit: Decimal, credit: Decimal = ZERO) -> None:
        entry = sums[(kind, day, subject)]
        entry[0] += debit
        entry[1] += credit

    for pay in w.zf:
        js = w.js.rows.get(pay["jsid"])
        if js and js["jslx"] in "01":
            post("MZ", js["jssj"].date(), _CASH.get(pay["zffs"], "1021"), pay["je"])
    for js in w.js:
        if js["jslx"] in "01":
            post("MZ", js["jssj"].date(), "12120201", js["ybje"] + js["zhje"])
    for line in w.fy:
        js = w.js.rows.get(line["jsid"])
        if js:
            post("MZ", js["jssj"].date(), f"41010101.{line['sfxm']}", ZERO, line["je"])
    for fee in w.zyfy:
        post("ZY", fee["jfsj"].date(), "121201", fee["je"])
        post("ZY", fee["jfsj"].date(), f"41010102.{fee['sfxm']}", ZERO, fee["je"])
    for row in w.yjj:
        post("YJ", row["sksj"].date(), _CASH.get(row["zffs"], "1021"), row["je"])
        post("YJ", row["sksj"].date(), "23050201", ZERO, row["je"])
    _balance(sums)
    for (kind, day, subject), (debit, credit) in sorted(sums.items()):
        if debit or credit:
            number = f"{kind}{day:%Y%m%d}"
            w.pz.fill([{"id": f"{number}|{subject}", "pzh": number, "rq": day, "km": subject, "kmmc": _NAMES[subject.split(".")[0]],
                        "jf": debit, "df": credit, "bm": None}])  # fmt: skip


def _balance(sums: dict[tuple[str, date, str], list[Decimal]]) -> None:
    off: dict[tuple[str, date], Decimal] = defaultdict(lambda: ZERO)
    for (kind, day, _), (debit, credit) in sums.items():
        off[(kind, day)] += debit - credit
    for (kind, day), amount in off.items():
        if amount:
            sums[(kind, day, "1901")] = [max(ZERO, -amount), max(ZERO, amount)]


def drawers(w: World) -> None:
    """What each cashier took in cash on each day, counted to the cent."""
    due: dict[tuple[date, str], Decimal] = defaultdict(lambda: ZERO)
    for pay in w.zf:
        js = w.js.rows.get(pay["jsid"])
        if js and pay["zffs"] == "00":
            due[(pay["zfsj"].date(), js["czgh"])] += pay["je"]
    for row in w.yjj:
        if row["zffs"] == "00":
            due[(row["sksj"].date(), row["czgh"])] += row["je"]
    for (day, cashier), amount in sorted(due.items()):
        if w.first <= day < w.last:
            w.cash.fill([{"id": f"{day}|{cashier}", "day": day, "cashier": cashier, "due": amount, "counted": amount}])
