"""The hospital's own book of insurance business: written before a settlement is sent, so that no outcome is unknown
without a trace. States: sending, settled, refused, unknown (sent, no answer), selfpay (by degradation), refunded,
resettled (a self-pay that was settled later, by another entry).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
SCHEMA = """
create table if not exists entry (
    id integer primary key, reference text not null, infno text not null, state text not null, msgid text not null,
    psn_no text not null, mdtrt_id text not null, batch text not null, setl_id text, total text not null, fund text,
    account text, cash text, setl_time text, insutype text, clr_type text, text text not null default '',
    at text not null, changed text not null, elapsed_ms integer, of integer, request text not null, answer text, flow text);
create index if not exists entry_state on entry (state);
create index if not exists entry_day on entry (setl_time);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One settlement or refund as the hospital knows it; amounts are None until an answer is known."""

    id: int
    reference: str
    infno: str
    state: str
    msgid: str
    psn_no: str
    mdtrt_id: str
    batch: str
    setl_id: str | None
    total: Decimal
    fund: Decimal | None
    account: Decimal | None
    cash: Decimal | None
    setl_time: str | None
    insutype: str | None
    clr_type: str | None
    text: str
    of: int | None
    request: dict[str, Any]
    answer: dict[str, Any] | None
    flow: str


class Book:
    """An open book; several processes may have it open. Rows left in `sending` by a crash become `unknown`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = full")
        self.db.executescript(SCHEMA)
        if "flow" not in {row[1] for row in self.db.execute("pragma table_info (entry)")}:
            self.db.execute("alter table entry add column flow text")
        self.give_up(60)

    def give_up(self, older_s: float) -> None:
        """What was begun so long ago and has no outcome is not known: its program was interrupted."""
        limit = (datetime.now(CHINA) - timedelta(seconds=older_s)).isoformat(timespec="milliseconds")
        with self._lock:
            self.db.execute(
                "update entry set state = 'unknown', text = '收费程序中断，结果未知' where state = 'sending' and at <= ?",
                (limit,),
            )

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def open(
        self,
        reference: str,
        infno: str,
        msgid: str,
        request: Mapping[str, Any],
        *,
        state: str = "sending",
        text: str = "",
        of: int | None = None,
        flow: str = "",
    ) -> int:
        """Write an entry before it is sent (or as self-pay); `request` is the input's `data`."""
        now = datetime.now(CHINA).isoformat(timespec="milliseconds")
        with self._lock:
            row = self.db.execute(
                "insert into entry (reference, infno, state, msgid, psn_no, mdtrt_id, batch, total, text, at, changed, of,"
                " request, flow) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id",
                (
                    reference, infno, state, msgid, str(request.get("psn_no") or ""),
                    str(request.get("mdtrt_id") or ""), str(request.get("chrg_bchno") or ""),
                    str(request.get("medfee_sumamt") or "0"), text, now, now, of,
                    json.dumps(dict(request), ensure_ascii=False, default=str), flow,
                ),
            ).fetchone()  # fmt: skip
        return int(row[0])

    def close_entry(
        self,
        entry: int,
        state: str,
        *,
        text: str = "",
        answer: Mapping[str, Any] | None = None,
        elapsed_ms: int = 0,
        flow: str | None = None,
    ) -> None:
        """Write the outcome; `answer` is `setlinfo`; `flow` "" means that it is not to be done later."""
        told = answer or {}
        with self._lock:
            self.db.execute(
                "update entry set state = ?, text = ?, changed = ?, elapsed_ms = ?, setl_id = coalesce(?, setl_id),"
                " fund = coalesce(?, fund), account = coalesce(?, account), cash = coalesce(?, cash),"
                " setl_time = coalesce(?, setl_time), insutype = coalesce(?, insutype),"
                " clr_type = coalesce(?, clr_type), answer = coalesce(?, answer), flow = coalesce(?, flow) where id = ?",
                (
                    state, text, datetime.now(CHINA).isoformat(timespec="milliseconds"), elapsed_ms,
                    told.get("setl_id"), _money(told.get("fund_pay_sumamt")), _money(told.get("acct_pay")),
                    _money(told.get("psn_cash_pay", told.get("pdn_cash_pay", told.get("cash_payamt")))),
                    told.get("setl_time"), told.get("insutype"), told.get("clr_type"),
                    json.dumps(dict(told), ensure_ascii=False) if told else None, flow, entry,
                ),
            )  # fmt: skip

    def entry(self, number: int) -> Entry:
        """The entry of this number. Raises KeyError."""
        found = self._find("id = ?", number)
        if not found:
            raise KeyError(number)
        return found[0]

    def in_state(self, *states: str) -> list[Entry]:
        """The entries in these states, oldest first."""
        return self._find(f"state in ({', '.join('?' * len(states))})", *states)

    def settled_on(self, first: str, last: str) -> list[Entry]:
        """Settlements and refunds whose insurer's time lies on these days (yyyy-MM-dd)."""
        return self._find(
            "setl_time >= ? and setl_time <= ? and state in ('settled', 'refunded')",
            f"{first} 00:00:00",
            f"{last} 23:59:59",
        )

    def counts(self) -> dict[str, int]:
        """How many entries in each state."""
        with self._lock:
            return dict(self.db.execute("select state, count(*) from entry group by state").fetchall())

    def _find(self, where: str, *values: Any) -> list[Entry]:
        with self._lock:
            rows = self.db.execute(f"select * from entry where {where} order by id", values).fetchall()  # noqa: S608
        return [
            Entry(
                **{name: row[name] for name in ("id", "reference", "infno", "state", "msgid", "psn_no", "mdtrt_id",
                                                "batch", "setl_id", "setl_time", "insutype", "clr_type", "text", "of")},
                total=Decimal(row["total"]),
                fund=_decimal(row["fund"]),
                account=_decimal(row["account"]),
                cash=_decimal(row["cash"]),
                request=json.loads(row["request"]),
                answer=json.loads(row["answer"]) if row["answer"] else None,
                flow=row["flow"] or "",
            )
            for row in rows
        ]  # fmt: skip


def _money(value: Any) -> str | None:
    return None if value is None else f"{Decimal(str(value)):.2f}"


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
