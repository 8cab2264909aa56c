"""What the payment channels themselves know: every order and refund of the living hospital, kept over restarts."""

from __future__ import annotations

import sqlite3
import uuid
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists trade (
    lsh text primary key, qd text not null, ddh text not null, lx text not null, je text not null, sxf text not null,
    sj text not null, of text);
create index if not exists trade_order on trade (ddh);
create index if not exists trade_day on trade (sj);
"""
_RATE = Decimal("0.002")


class ChannelBook:
    """One SQLite file; used from one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.executescript(_SCHEMA)

    def close(self) -> None:
        self.db.close()

    def find(self, order: str) -> dict[str, Any] | None:
        """The payment of an order."""
        row = self.db.execute("select * from trade where ddh = ? and lx = '1'", [order]).fetchone()
        return dict(row) if row else None

    def refunded(self, order: str) -> Decimal:
        """How much of an order was given back."""
        rows = self.db.execute("select je from trade where ddh = ? and lx = '2'", [order]).fetchall()
        return -sum((Decimal(r["je"]) for r in rows), Decimal(0))

    def pay(self, order: str, amount: Decimal, channel: str, at: datetime) -> dict[str, Any]:
        """Take an amount for an order; an order that was paid before is not paid again."""
        known = self.find(order)
        if known:
            return known
        fee = (amount * _RATE).quantize(Decimal("0.01"), ROUND_HALF_UP) if channel in {"wx", "zfb"} else Decimal("0.00")
        return self._keep(order, channel, "1", amount, fee, at, None)

    def refund(self, order: str, amount: Decimal, at: datetime) -> dict[str, Any] | None:
        """Give back a part or all of what is left of an order; None where that is not there."""
        paid = self.find(order)
        if paid is None or amount <= 0 or self.refunded(order) + amount > Decimal(paid["je"]):
            return None
        return self._keep(order, paid["qd"], "2", -amount, Decimal("0.00"), at, paid["lsh"])

    def _keep(
        self, order: str, channel: str, kind: str, amount: Decimal, fee: Decimal, at: datetime, of: str | None
    ) -> dict[str, Any]:
        row = {
            "lsh": uuid.uuid4().hex.upper(), "qd": channel, "ddh": order, "lx": kind, "je": f"{amount:.2f}", "sxf": f"{fee:.2f}",
            "sj": f"{at:%Y-%m-%d %H:%M:%S}", "of": of,
        }  # fmt: skip
        self.db.execute("insert into trade values (:lsh, :qd, :ddh, :lx, :je, :sxf, :sj, :of)", row)
        return row

    def lines(self, day: date) -> list[dict[str, Any]]:
        """The bill of a day, as rows of `finance.dz_qd` without number."""
        rows = self.db.execute(
            "select * from trade where sj >= ? and sj < ? order by sj, lsh", [str(day), str(day + timedelta(days=1))]
        ).fetchall()
        return [
            {
                "qd": r["qd"], "zdrq": day, "mchid": "16003", "ddh": r["ddh"], "lsh": r["lsh"], "lx": r["lx"], "je": Decimal(r["je"]),
                "sxf": Decimal(r["sxf"]), "sj": datetime.fromisoformat(r["sj"]),
            }
            for r in rows
        ]  # fmt: skip

    def days(self) -> list[date]:
        """The days on which something was paid, oldest first."""
        return [
            date.fromisoformat(r[0]) for r in self.db.execute("select distinct substr(sj, 1, 10) from trade order by 1")
        ]
