"""The books that may differ, side by side, and who may be befallen by what.

Rows have the columns of the tables from which they come. The same events work on books that were invented in memory and
on books that were read from the databases; `Table` remembers which rows were touched, so that only those are written back.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from simhospital.channels import CHANNELS

Row = dict[str, Any]
T = TypeVar("T")
ZERO = Decimal("0.00")
CENT = Decimal("0.01")
__all__ = ["CENT", "CHANNELS", "ZERO", "Row", "Table", "World", "at_clock", "money", "time_of"]


class Table:
    """Rows by key. added, dropped, edited since it was filled."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.rows: dict[Any, Row] = {}
        self.touched: set[Any] = set()

    def fill(self, rows: Iterable[Row]) -> None:
        """Rows as they stand; not counted as touched."""
        self.rows.update((row[self.key], row) for row in rows)

    def put(self, row: Row) -> Row:
        """Add a row."""
        self.rows[row[self.key]] = row
        self.touched.add(row[self.key])
        return row

    def drop(self, row: Row) -> None:
        del self.rows[row[self.key]]
        self.touched.add(row[self.key])

    def edit(self, row: Row, **values: Any) -> None:
        row.update(values)
        self.touched.add(row[self.key])

    def free(self, near: int) -> int:
        """An unused number close to one that is used."""
        number = near + 2
        while number in self.rows or number in self.touched:
            number += 1
        return number

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)


@dataclass
class World:
    """The books of some days. first, last: the first day, and the day after the last one."""

    first: date
    last: date
    chance: random.Random
    js: Table = field(default_factory=lambda: Table("jsid"))
    zf: Table = field(default_factory=lambda: Table("id"))
    ins: Table = field(default_factory=lambda: Table("id"))
    fy: Table = field(default_factory=lambda: Table("fyid"))
    zyfy: Table = field(default_factory=lambda: Table("jlxh"))
    yjj: Table = field(default_factory=lambda: Table("sjh"))
    bill: Table = field(default_factory=lambda: Table("id"))
    centre: Table = field(default_factory=lambda: Table("setl_id"))
    pz: Table = field(default_factory=lambda: Table("id"))
    cash: Table = field(default_factory=lambda: Table("id"))
    log: Table = field(default_factory=lambda: Table("msgid"))
    used: set[str] = field(default_factory=set)
    claimed: list[str] = field(default_factory=list)
    _pools: dict[str, list[Any]] = field(default_factory=dict)

    def index(self) -> None:
        """Find who belongs together. To be called when the tables are filled."""
        self.pays: dict[int, list[Row]] = defaultdict(list)
        for row in self.zf:
            self.pays[row["jsid"]].append(row)
        self.by_serial = {row["lsh"]: row for row in self.bill if row["lsh"]}
        self.lines: dict[int, list[Row]] = defaultdict(list)
        for row in self.fy:
            self.lines[row["jsid"]].append(row)
        self.insured = {row["jsid"]: row for row in self.ins}
        self.reversed_by: dict[str, list[Row]] = defaultdict(list)
        for row in self.centre:
            if row["of"]:
                self.reversed_by[row["of"]].append(row)
        self.by_order = {row["ddh"]: row for row in self.bill if row["ddh"]}
        self.vouchers: dict[str, dict[str, Row]] = defaultdict(dict)

    # ----- asking
    def family(self, js: Mapping[str, Any]) -> str:
        """The visit or stay of a settlement."""
        return str(js["jzh"] or f"Z{js['zyh']}")

    def within(self, at: datetime, margin: timedelta = timedelta(0)) -> bool:
        """Whether a moment lies in these days, not too near to their end."""
        return datetime.combine(self.first, datetime.min.time()) <= at < self.end - margin

    @property
    def end(self) -> datetime:
        return datetime.combine(self.last, datetime.min.time())

    def billed(self, pay: Mapping[str, Any]) -> Row | None:
        """The channel's line of a payment."""
        return self.by_serial.get(pay["lsh"]) if pay["lsh"] else None

    # ----- drawing
    def candidates(self, name: str, find: Callable[[], Iterable[T]]) -> Iterator[T]:
        """Those of a pool in random order, each offered once; `find` fills the pool at first use."""
        if name not in self._pools:
            found = list(find())
            self.chance.shuffle(found)
            self._pools[name] = found
        pool = self._pools[name]
        while pool:
            yield pool.pop()

    def claim(self, *families: str) -> bool:
        """Take visits for an event; False where something has already befallen one of them."""
        if any(f in self.used for f in families):
            return False
        self.used.update(families)
        self.claimed.append(",".join(families))
        return True


def money(value: Any) -> Decimal:
    """Two places."""
    return Decimal(value).quantize(CENT)


def time_of(text: str) -> datetime:
    """A moment as the insurer wrote it."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the hospital's wall clock


def at_clock(at: datetime, hour: int, minute: int, second: int) -> datetime:
    """The same day at another time."""
    return at.replace(hour=hour, minute=minute, second=second, microsecond=0)
