"""The books of a hospital that was never built: some days of business, in memory, on which everything agrees."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from simhospital.generate.plan import EPOCH, HOURS

from .world import CENT, CHANNELS, ZERO, Row, World, money

_CLASSES = ("02", "03", "04", "05", "07", "08", "09", "10", "13")
_METHODS = ("01",) * 52 + ("02",) * 20 + ("03",) * 12 + ("07",) * 8 + ("00",) * 8
_HOURS = list(accumulate(a + b * 0.4 for a, b in zip(HOURS["clinic"], HOURS["er"], strict=True)))
_ADMDVS, _CODE = "440500", "H44050000001"


class Imagined:
    """Invents visit after visit."""

    def __init__(self, world: World) -> None:
        self.w = world
        self.chance = random.Random(world.chance.getrandbits(64))  # noqa: S311 - a hospital, no secret
        self.cashiers = [str(11000 + n) for n in range(12)]

    def day(self, day: date, visits: int) -> None:
        """A day's outpatients, deposits and ward fees."""
        for n in range(visits):
            self.visit(day, n)
        for n in range(max(1, visits // 16)):
            self.deposit(day, n)
        for kind in _CLASSES[:-1]:
            self.w.zyfy.fill([self._ward(day, kind)])

    def moment(self, day: date) -> datetime:
        hour = self.chance.choices(range(24), cum_weights=_HOURS)[0]
        return datetime.combine(day, time(hour, self.chance.randrange(60), self.chance.randrange(60)))

    def visit(self, day: date, n: int) -> None:
        chance = self.chance
        number = (day - EPOCH).days * 100_000 + n + 1
        at = self.moment(day)
        insured, roll = chance.random() < 0.74, chance.random()
        visit = {
            "number": number,
            "jzh": f"O{day:%y%m%d}{n + 1:05d}",
            "brid": 1_000_000_001 + chance.randrange(40_000),
            "insured": insured,
        }
        visit |= {
            "mdtrt": f"{_ADMDVS}{at:%y%m%d%H%M%S}{chance.randrange(10**7):07d}",
            "cashier": chance.choice(self.cashiers),
        }
        visit |= {
            "insutype": chance.choice(("310", "310", "310", "390", "390")),
            "clr": "13" if chance.random() < 0.08 else "11",
        }
        visit |= {"share": Decimal(chance.randrange(45, 66)) / 100, "method": chance.choice(_METHODS)}
        if not insured and visit["method"] == "07":
            visit["method"] = "01"
        whole = self.settle(visit, number * 10 + 2, at, self.fees(chance.randrange(1, 7)))
        back = at + timedelta(hours=chance.uniform(1, 60))
        if roll < 0.09 and back < self.w.end - timedelta(hours=3):
            back = back.replace(microsecond=0)
            self.take_back(visit, whole, back, again=roll < 0.06)

    def fees(self, count: int) -> list[tuple[str, Decimal, bool]]:
        """Class, amount, whether it is a drug."""
        chance = self.chance
        made = []
        for _ in range(count):
            kind = chance.choice(_CLASSES[:-1])
            made.append((kind, Decimal(str(round(chance.lognormvariate(3.3, 1.1), 2))) + CENT, kind in ("09", "10")))
        return made

    def settle(
        self, v: dict[str, Any], jsid: int, at: datetime, fees: list[tuple[str, Decimal, bool]], state: str = "1"
    ) -> Row:
        """A settlement with its lines, payment, insurance on both sides and the channel's line."""
        w, total = self.w, sum((f[1] for f in fees), ZERO)
        own = money(total * Decimal("0.08"))
        before = money(total * Decimal("0.05"))
        scope = total - own - before
        fund = money(scope * v["share"]) if v["insured"] else ZERO
        account = min(total - fund, Decimal(jsid % 220)) if v["insured"] and jsid % 10 < 6 else ZERO
        if account == total - fund and jsid % 3:
            account = ZERO
        js = self._js(v, jsid, at, total, fund, account, state)
        w.js.fill([js])
        w.fy.fill(
            {"fyid": jsid * 100 + k, "jsid": jsid, "jzh": v["jzh"], "sfxm": kind, "je": je, "cfmxid": jsid * 100 + k if drug else None,
             "zt": "1", "lrsj": at}
            for k, (kind, je, drug) in enumerate(fees, 1)
        )  # fmt: skip
        self._pay(v, js)
        if v["insured"]:
            self._insure(v, js, (own, before, scope))
        return js

    def _js(
        self, v: dict[str, Any], jsid: int, at: datetime, total: Decimal, fund: Decimal, account: Decimal, state: str
    ) -> Row:
        return {
            "jsid": jsid, "jslx": "1", "jzh": v["jzh"], "zyh": None, "brid": v["brid"], "zje": total, "ybje": fund, "zhje": account,
            "xjje": total - fund - account, "jszt": state, "cxjsid": None, "jssj": at, "czgh": v["cashier"],
        }  # fmt: skip

    def _pay(self, v: dict[str, Any], js: Row, of: Row | None = None) -> None:
        if not js["xjje"]:
            return
        at, method, billed = js["jssj"], v["method"], v["method"] in CHANNELS
        pay = {
            "id": js["jsid"] * 10 + 1, "jsid": js["jsid"], "zffs": method, "je": js["xjje"], "zfsj": at, "sxf": ZERO, "ysdm": "T01",
            "ddh": f"HIS{at:%Y%m%d%H%M%S}{self.chance.randrange(10**6):06d}" if billed else None,
            "lsh": f"{self.chance.getrandbits(128):032X}" if billed else None, "tkylsh": of["lsh"] if of else None,
        }  # fmt: skip
        self.w.zf.fill([pay])
        v["pay"] = pay
        if billed:
            self._line(pay["id"], CHANNELS[method], pay, "2" if pay["je"] < 0 else "1")

    def _line(self, number: int, channel: str, pay: Row, kind: str) -> None:
        self.w.bill.fill([{
            "id": number, "qd": channel, "zdrq": pay["zfsj"].date(), "mchid": "16003", "ddh": pay["ddh"], "lsh": pay["lsh"], "lx": kind,
            "je": pay["je"], "sxf": ZERO, "sj": pay["zfsj"],
        }])  # fmt: skip

    def _insure(
        self,
        v: dict[str, Any],
        js: Row,
        parts: tuple[Decimal, Decimal, Decimal],
        of: str | None = None,
        state: str = "0",
    ) -> None:
        at, refunded = js["jssj"], "1" if state in "12" else "0"
        number = f"{_ADMDVS}{at:%y%m%d%H%M%S}{self.chance.randrange(10**7):07d}"
        message = f"{_CODE}{at:%Y%m%d%H%M%S}{self.chance.randrange(10**4):04d}"
        same = {
            "psn_no": f"{_ADMDVS}{v['brid']:014d}", "mdtrt_id": v["mdtrt"], "setl_id": number, "msgid": message, "insutype": v["insutype"],
            "med_type": v["clr"], "clr_type": v["clr"], "setl_time": at,
        }  # fmt: skip
        self.w.ins.fill([same | {
            "id": js["jsid"], "jsid": js["jsid"], "medfee_sumamt": js["zje"], "fulamt_ownpay_amt": parts[0], "overlmt_selfpay": ZERO,
            "preselfpay_amt": parts[1], "inscp_scp_amt": parts[2], "act_pay_dedc": ZERO, "hifp_pay": js["ybje"], "cvlserv_pay": ZERO,
            "hifmi_pay": ZERO, "maf_pay": ZERO, "oth_pay": ZERO, "fund_pay_sumamt": js["ybje"], "acct_pay": js["zhje"],
            "psn_cash_pay": js["xjje"], "state": state,
        }])  # fmt: skip
        self.w.centre.fill([same | {
            "refunded": refunded, "of": of, "medfee": js["zje"], "fund": js["ybje"], "account": js["zhje"], "cash": js["xjje"],
            "infno": "2207",
        }])  # fmt: skip

    def take_back(self, v: dict[str, Any], js: Row, at: datetime, *, again: bool) -> None:
        """The whole is cancelled; what is kept is settled again."""
        w, number, first = self.w, js["jsid"] + 1, v.get("pay") if js["xjje"] else None
        numbers = range(js["jsid"] * 100 + 1, js["jsid"] * 100 + 20)
        lines = [w.fy.rows[n] for n in numbers if n in w.fy.rows]
        back = (
            js
            | {"jsid": number, "jssj": at, "jszt": "2", "cxjsid": js["jsid"]}
            | {n: -js[n] for n in ("zje", "ybje", "zhje", "xjje")}
        )
        js.update(jszt="2", cxjsid=number)
        w.js.fill([back])
        w.fy.fill(r | {"fyid": r["fyid"] + 100, "jsid": number, "je": -r["je"], "zt": "2", "lrsj": at} for r in lines)
        self._pay(v, back, first)
        if v["insured"]:
            ins = w.ins.rows[js["jsid"]]
            ins["state"] = "1"
            w.centre.rows[ins["setl_id"]]["refunded"] = "1"
            parts = (-ins["fulamt_ownpay_amt"], -ins["preselfpay_amt"], -ins["inscp_scp_amt"])
            self._insure(v, back, parts, ins["setl_id"], "2")
        if again and len(lines) > 1:
            kept = [(r["sfxm"], r["je"], bool(r["cfmxid"])) for r in lines[:-1]]
            self.settle(v, number + 1, at + timedelta(seconds=5), kept)

    def deposit(self, day: date, n: int) -> None:
        at, number = self.moment(day), ((day - EPOCH).days * 10_000 + n) * 10
        stays = [(1, Decimal(self.chance.choice((1000, 2000, 3000, 5000))))]
        if self.chance.random() < 0.4:
            stays.append((9, -Decimal(self.chance.randrange(20000, 190000)) / 100))
        for k, amount in stays:
            method = self.chance.choice(("01", "02", "03", "00"))
            row: Row = {
                "sjh": number + k,
                "zyh": number // 10,
                "je": amount,
                "zffs": method,
                "sksj": at,
                "czgh": self.chance.choice(self.cashiers),
                "zt": "0",
            }
            self.w.yjj.fill([row])
            if method in CHANNELS:
                pay = {
                    "zfsj": at,
                    "ddh": f"YJ{row['sjh']}",
                    "lsh": f"{self.chance.getrandbits(128):032X}",
                    "je": amount,
                }
                self._line(row["sjh"], CHANNELS[method], pay, "2" if amount < 0 else "1")

    def _ward(self, day: date, kind: str) -> Row:
        number = (day - EPOCH).days * 100 + int(kind)
        amount = Decimal(self.chance.randrange(200_000, 9_000_000)) / 100
        return {"jlxh": number, "sfxm": kind, "je": amount, "jfsj": datetime.combine(day, time(12))}


def world(first: date, days: int, visits: int, seed: int) -> World:
    """Some days on which both sides of everything agree."""
    made = World(first, first + timedelta(days=days), random.Random(seed))  # noqa: S311 - as above
    inventor = Imagined(made)
    for n in range(days):
        inventor.day(first + timedelta(days=n), visits)
    made.index()
    return made
