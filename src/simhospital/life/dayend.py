"""What happens by the clock: day-ends at 17:00, the day's vouchers after midnight, the channels' bills in the morning."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from simhospital.channels import bills
from simhospital.channels.book import ChannelBook
from simhospital.generate import posting
from simhospital.generate.build import about
from simhospital.generate.plan import EPOCH

from .world import now

log = logging.getLogger("simhospital")
CLOSING, POSTING, BILLS = (17, 5), (0, 20), (8, 30)  # hour, minute
_STATE = "dayend.json"


class DayEnd:
    """Knows what was done for which day, over restarts too. place: the hospital's directory."""

    def __init__(self, url: str, place: Path, book: ChannelBook) -> None:
        self.url, self.place, self.book = url, place, book

    def _done(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads((self.place / _STATE).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def _note(self, **values: str) -> None:
        path = self.place / _STATE
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self._done() | values), "utf-8")
        fresh.replace(path)

    def due(self, at: datetime) -> list[tuple[str, date]]:
        """What is to be done now: (closed, posted or billed, day). The past that was built is not touched."""
        done, found = self._done(), []
        for what, clock, back in (("closed", CLOSING, 0), ("posted", POSTING, 1), ("billed", BILLS, 1)):
            day = at.date() - timedelta(days=back)
            if (at.hour, at.minute) >= clock and done.get(what, "") < str(day):
                found.append((what, day))
        return found

    def do(self, what: str, day: date, *, again: bool = False) -> None:
        """One of them, for one day; may be done again. Raises psycopg.Error.

        again: by hand, so that the clock still does it at its own time.
        """
        with psycopg.connect(self.url, connect_timeout=10) as connection:
            facts = about(connection)
            built = date.fromisoformat(facts["first"]) + timedelta(days=int(facts["days"])) if facts else date.min
            if day < built:
                pass  # a day of the past: it was closed, posted and billed when it was built
            elif what == "closed":
                posting.close(connection, day, day + timedelta(days=1))
            elif what == "posted":
                posting.post(connection, day, day + timedelta(days=1))
            else:
                self._bill(connection, day)
        if not again:
            self._note(**{what: str(day)})

    def _bill(self, connection: psycopg.Connection, day: date) -> None:
        """The channels' files arrive, and the hospital imports them."""
        lines = self.book.lines(day)
        connection.execute("DELETE FROM finance.dz_qd WHERE zdrq = %s", [day])
        rows = [{"id": (day - EPOCH).days * 1_000_000 + n, **line} for n, line in enumerate(lines, 1)]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO finance.dz_qd (id, qd, zdrq, mchid, ddh, lsh, lx, je, sxf, sj)"
                " VALUES (%(id)s, %(qd)s, %(zdrq)s, %(mchid)s, %(ddh)s, %(lsh)s, %(lx)s, %(je)s, %(sxf)s, %(sj)s)",
                rows,
            )
        bills.write_days(self.place / bills.DROP, rows, day, day + timedelta(days=1))
        bills.write_drawers(self.place / bills.DROP, _drawers(connection, day))


def _drawers(connection: psycopg.Connection, day: date) -> list[dict[str, Any]]:
    """What each cashier took in cash; counted to the cent."""
    rows = connection.execute(
        """SELECT czgh, sum(je) FROM (
             SELECT j.czgh, p.je FROM finance.cw_jszf p JOIN finance.cw_js j USING (jsid) WHERE zffs = '00' AND zfsj::date = %(day)s
             UNION ALL SELECT czgh, je FROM finance.cw_yjj WHERE zffs = '00' AND sksj::date = %(day)s) x
           GROUP BY czgh ORDER BY czgh""",
        {"day": day},
    ).fetchall()
    return [{"day": day, "cashier": who, "due": amount, "counted": amount} for who, amount in rows]


def past_bills(url: str, place: Path, first: date, last: date) -> int:
    """Write the files of days whose bills stand in the table; how many files. Raises psycopg.Error."""
    with psycopg.connect(url) as connection:
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(
                "SELECT * FROM finance.dz_qd WHERE zdrq >= %s AND zdrq < %s", [first, last]
            ).fetchall()
        count = bills.write_days(place / bills.DROP, rows, first, last)
        day = first
        while day < last:
            bills.write_drawers(place / bills.DROP, _drawers(connection, day))
            day += timedelta(days=1)
    return count


async def by_the_clock(end: DayEnd) -> None:
    """Do what is due, every half minute, until cancelled; what fails is tried again."""
    while True:
        for what, day in end.due(now()):
            with contextlib.suppress(psycopg.Error, OSError):
                await asyncio.to_thread(end.do, what, day)
                log.info("%s: %s", what, day)
        await asyncio.sleep(30)
