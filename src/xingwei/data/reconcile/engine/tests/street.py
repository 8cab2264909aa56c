"""A month of an invented hospital whose books differ in ways that are known: rows for three sides, the message log, and
the truth, one (pair, cause, uid) for each planted difference. Mix, amounts and neighbours are drawn anew from the seed;
the rules see no uid."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa

SINCE, UNTIL = dt.date(2026, 3, 1), dt.date(2026, 3, 30)
BOOK = (
    "uid", "setl_id", "msgid", "visit", "psn", "batch", "insutype", "clr_type", "refd", "total", "fund", "acct", "cash",
    "order_no", "paid", "method", "at",
)  # fmt: skip
CHANNEL = ("uid", "order_no", "paid", "psn", "at")
CALLS = ("msgid", "state", "at")
INSURANCE = (
    "timeout", "log_missing", "refund_his_only", "refund_centre_only", "his_only", "duplicate_settlement", "duplicate", "day_cutoff",
    "wrong_group", "rounding", "recalculated", "amount_differs", "partial_refund", "in_flight", "cancel_after_clearing",
    "reversed_pair", "number_differs",
)  # fmt: skip
CHANNELS = (
    "channel_late",
    "channel_only",
    "channel_missing",
    "channel_duplicate",
    "channel_amount",
    "channel_cutoff",
    "channel_no_number",
)


class Street:
    def __init__(self, seed: int, visits: int = 6000, planted: int = 2200) -> None:
        self.r = random.Random(seed)
        self.his: list[dict] = []
        self.centre: list[dict] = []
        self.channel: list[dict] = []
        self.calls: list[dict] = []
        self.truth: Counter = Counter()
        self.n = 0
        weights = {cause: self.r.random() ** 2 + 0.05 for cause in INSURANCE + CHANNELS}
        todo = self.r.choices(list(weights), list(weights.values()), k=planted - len(weights)) + list(weights)
        self.r.shuffle(todo)
        for i in range(max(visits, planted)):
            getattr(self, f"_{todo[i]}")() if i < len(todo) else self._good()
        for row in (*self.his, *self.centre):
            row["method"] = "wx" if row["paid"] else "none"
        for rows in (self.his, self.centre, self.channel, self.calls):
            self.r.shuffle(rows)

    def _at(self, hours=(7, 21), first=0, last=29):
        day = SINCE + dt.timedelta(days=self.r.randint(first, last))
        return dt.datetime.combine(day, dt.time(self.r.randint(*hours), self.r.randint(0, 59), self.r.randint(0, 59)))

    def row(self, at=None, psn=None, total=None):
        """A settlement; amounts collide on purpose, persons come again."""
        self.n += 1
        n, r = self.n, self.r
        total = total or r.choice([r.randint(100, 90000), r.choice([1000, 2500, 12000]), r.randint(100, 300)])
        fund = total * r.randint(0, 70) // 100
        acct = (total - fund) * r.randint(0, 60) // 100
        at = at or self._at()
        return {
            "uid": f"u{n}", "setl_id": f"S{r.getrandbits(60):018d}{n:08d}", "msgid": f"H43010000001{at:%Y%m%d%H%M%S}{n % 10000:04d}{n}",
            "visit": f"M{n:010d}", "psn": psn or f"P{r.randint(1, 900):05d}", "batch": f"B{n}", "insutype": r.choice(["310", "390", "340"]),
            "clr_type": r.choice(["11", "14", "21"]), "refd": "0", "total": total, "fund": fund, "acct": acct, "cash": total - fund - acct,
            "order_no": f"HIS{at:%Y%m%d}{n:09d}", "paid": total - fund - acct, "at": at,
        }  # fmt: skip

    def settled(self, row, his=True, centre=True, paid=True, state="answered"):
        if his:
            self.his.append(dict(row))
        if centre:
            self.centre.append({**row, "at": row["at"] + dt.timedelta(seconds=self.r.randint(0, 4))})
        if paid and row["paid"]:
            self.channel.append(
                {k: row[k] for k in CHANNEL} | {"at": row["at"] + dt.timedelta(seconds=self.r.randint(5, 60))}
            )
        if state:
            self.calls.append({"msgid": row["msgid"], "state": state, "at": row["at"]})
        return row

    def reversal(self, row, minutes=None, **other):
        """Minus the row, with a number and a message of its own."""
        self.n += 1
        at = row["at"] + dt.timedelta(minutes=minutes or self.r.randint(10, 90))
        minus = {k: -row[k] for k in ("total", "fund", "acct", "cash", "paid")}
        return {**row, **minus, "setl_id": f"S{self.r.getrandbits(60):018d}{self.n:08d}", "msgid": f"H4301R{self.n}", "refd": "1",
                "order_no": f"REF{self.n:09d}", "at": at, **other}  # fmt: skip

    def tell(self, pair, cause, row):
        self.truth[pair, cause, row["uid"]] += 1

    def _good(self):
        kind = self.r.random()
        row = self.settled(self.row())
        if kind < 0.08:  # refunded as a whole, everywhere
            self.settled(self.reversal(row))
        elif kind < 0.14:  # the same person, the same amount, a minute later: a second visit, no duplicate
            self.settled(self.row(row["at"] + dt.timedelta(minutes=1), row["psn"], row["total"]))
        elif kind < 0.18:  # two bills of one visit, equal in amount, hours apart
            again = self.row(row["at"] + dt.timedelta(hours=1), row["psn"], row["total"])
            self.settled({**again, "visit": row["visit"]})

    def _timeout(self):
        row = self.settled(self.row(), his=False, paid=False, state="uncertain")
        self.tell("his-centre", "timeout", row)

    def _log_missing(self):
        row = self.settled(self.row(), his=False, paid=False, state="")
        self.tell("his-centre", "log_missing", row)

    def _refund_his_only(self):
        row = self.settled(self.row())
        minus = self.settled(self.reversal(row), centre=False, state=self.r.choice(["", "rejected"]))
        self.tell("his-centre", "refund_his_only", minus)

    def _refund_centre_only(self):
        row = self.settled(self.row())
        minus = self.settled(self.reversal(row), his=False, paid=False, state=self.r.choice(["uncertain", ""]))
        self.tell("his-centre", "refund_centre_only", minus)

    def _his_only(self):
        row = self.settled(self.row(self._at(last=28)), centre=False, state="rejected")
        self.tell("his-centre", "his_only", row)

    def _duplicate_settlement(self):
        row = self.settled(self.row())
        again = self.row(row["at"] + dt.timedelta(seconds=self.r.randint(2, 100)), row["psn"], row["total"])
        again = {**row, **{k: again[k] for k in ("setl_id", "msgid", "at", "uid")}}
        self.settled(again, his=False, paid=False, state=self.r.choice(["answered", "uncertain"]))
        self.tell("his-centre", "duplicate_settlement", again)

    def _duplicate(self):
        row = self.settled(self.row(), paid=False)
        side = self.r.choice([self.his, self.centre])
        times = self.r.choice([1, 1, 2])
        for _ in range(times):
            side.append(dict(next(x for x in reversed(side) if x["uid"] == row["uid"])))
        if row["paid"]:
            self.channel.append({k: row[k] for k in CHANNEL})
            if side is self.his:
                for _ in range(times):
                    self.tell("his-channel", "his_duplicate", row)
        for _ in range(times):
            self.tell("his-centre", "duplicate", row)

    def _day_cutoff(self):
        at = self._at((23, 23), 0, 28).replace(minute=59, second=self.r.randint(50, 59))
        row = self.settled(self.row(at), centre=False, paid=False)
        self.centre.append({**row, "at": at + dt.timedelta(seconds=self.r.randint(15, 40))})
        if row["paid"]:
            self.channel.append({k: row[k] for k in CHANNEL})
        self.tell("his-centre", "day_cutoff", row)

    def _wrong_group(self):
        row = self.settled(self.row(), centre=False)
        other = self.r.choice([i for i in ("310", "390", "340") if i != row["insutype"]])
        self.centre.append({**row, "insutype": other})
        self.tell("his-centre", "wrong_group", row)

    def _rounding(self):
        row = self.settled(self.row(), centre=False)
        self.centre.append({**row, "total": row["total"] + self.r.choice([-1, 1])})
        self.tell("his-centre", "rounding", row)

    def _recalculated(self):
        row = self.settled(self.row(total=self.r.randint(500, 9000)), centre=False)
        by = self.r.randint(1, 50)
        self.centre.append({**row, "fund": row["fund"] + by, "acct": row["acct"] - by})
        self.tell("his-centre", "recalculated", row)

    def _amount_differs(self):
        row = self.settled(self.row(), centre=False)
        by = self.r.choice([-1, 1]) * self.r.randint(2, 5000)
        self.centre.append({**row, "total": row["total"] + by, "fund": row["fund"] + by})
        self.tell("his-centre", "amount_differs", row)

    def _partial_refund(self):
        row = self.settled(self.row(total=self.r.randint(2000, 90000)))
        back = self.r.randint(1, row["total"] - 1)
        minus = self.reversal(row)
        part = {**minus, "total": -back, "fund": 0, "acct": 0, "cash": -back, "paid": -back}
        self.settled(part, centre=False, state="")
        self.settled(minus, his=False, paid=False)
        rest = {
            **self.row(minus["at"] + dt.timedelta(seconds=30)),
            **{k: row[k] for k in ("uid", "visit", "psn", "batch", "insutype", "clr_type")},
        }
        self.settled({**rest, "total": row["total"] - back, "fund": 0, "acct": 0, "paid": 0}, his=False, paid=False)
        self.tell("his-centre", "partial_refund", row)

    def _in_flight(self):
        at = dt.datetime.combine(UNTIL, dt.time(22, self.r.randint(0, 59), self.r.randint(0, 59)))
        row = self.settled(self.row(at), centre=False, state=self.r.choice(["sending", "answered"]))
        self.tell("his-centre", "in_flight", row)

    def _cancel_after_clearing(self):
        """HIS put the minus on a day of the month before, the insurer on the day on which it was done."""
        minus = self.reversal(self.row(self._at(last=29)))
        self.centre.append(dict(minus))
        self.his.append({**minus, "at": minus["at"] - dt.timedelta(days=self.r.randint(31, 60))})
        self.tell("his-centre", "cancel_after_clearing", minus)

    def _reversed_pair(self):
        row = self.settled(self.row(), his=False, paid=False, state="uncertain")
        self.settled(self.reversal(row, 2), his=False, paid=False)
        self.tell("his-centre", "reversed_pair", row)

    def _number_differs(self):
        row = self.settled(self.row(), centre=False)
        self.centre.append({**row, "setl_id": "T" + row["setl_id"][1:]})
        self.tell("his-centre", "number_differs", row)

    def _payable(self, at=None):
        row = self.row(at)
        return {**row, "paid": row["paid"] or 777, "cash": row["cash"] or 777}

    def _channel_late(self):
        at = dt.datetime.combine(UNTIL, dt.time(self.r.randint(21, 22), self.r.randint(0, 59), self.r.randint(0, 59)))
        row = self.settled(self._payable(at), paid=False)
        self.tell("his-channel", "channel_late", row)

    def _channel_only(self):
        row = self._payable()
        self.channel.append({k: row[k] for k in CHANNEL})
        self.tell("his-channel", "channel_only", row)

    def _channel_missing(self):
        row = self.settled(self._payable(self._at((7, 20), last=28)), paid=False)
        self.tell("his-channel", "channel_missing", row)

    def _channel_duplicate(self):
        row = self.settled(self._payable())
        self.channel.append({k: row[k] for k in CHANNEL})
        self.tell("his-channel", "channel_duplicate", row)

    def _channel_amount(self):
        row = self.settled(self._payable(), paid=False)
        self.channel.append({k: row[k] for k in CHANNEL} | {"paid": row["paid"] + self.r.randint(1, 900)})
        self.tell("his-channel", "channel_amount", row)

    def _channel_cutoff(self):
        at = self._at((23, 23), 0, 28).replace(minute=59, second=self.r.randint(40, 55))
        row = self.settled(self._payable(at), paid=False, centre=False)
        self.centre.append(dict(row))
        self.channel.append({k: row[k] for k in CHANNEL} | {"at": at + dt.timedelta(seconds=90)})
        self.tell("his-channel", "channel_cutoff", row)

    def _channel_no_number(self):
        """The channel lost the order number: only amount, person and time are left."""
        row = self._payable()
        row["paid"] = row["cash"] = 1_000_000 + self.n  # nobody else paid this amount
        self.settled(row, paid=False)
        self.channel.append(
            {k: row[k] for k in CHANNEL} | {"order_no": None, "at": row["at"] + dt.timedelta(seconds=20)}
        )
        self.tell("his-channel", "linked", row)

    def write(self, directory: Path, parts: int = 1) -> dict[str, list[Path]]:
        """Parquet files, each side in so many parts."""
        out: dict[str, list[Path]] = {}
        money = {"total", "fund", "acct", "cash", "paid"}
        with duckdb.connect() as con:
            sides = (("his", self.his, BOOK), ("centre", self.centre, BOOK), ("channel", self.channel, CHANNEL))
            for name, rows, columns in (*sides, ("calls", self.calls, CALLS)):
                types = {"at": "TIMESTAMP"} | dict.fromkeys(money, "DECIMAL(18,2)")
                out[name] = []
                for part in range(parts if name != "calls" else 1):
                    mine = rows[part :: parts if name != "calls" else 1]
                    given = pa.table({c: [r[c] for r in mine] for c in columns})  # noqa: F841
                    picked = ", ".join(
                        f"({c} / 100.0)::DECIMAL(18,2) AS {c}"
                        if c in money
                        else f'"{c}"::{types.get(c, "VARCHAR")} AS "{c}"'
                        for c in columns
                    )
                    path = directory / f"{name}-{part}.parquet"
                    con.execute(f"COPY (SELECT {picked} FROM given) TO '{path}' (FORMAT parquet)")
                    out[name].append(path)
        return out
