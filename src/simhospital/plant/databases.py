"""Planting into the business databases, the insurer's book and the channels' bills."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from simhospital.centre.adopt import adopt, insert, settlement
from simhospital.centre.book import Book
from simhospital.centre.profile import Profile, profile
from simhospital.centre.store import Store
from simhospital.channels import bills
from simhospital.generate import posting

from . import derive, ledger
from .causes import PlantError, chosen
from .planting import plant
from .truth import Truth, append, read
from .world import Row, World, time_of

_WINDOW = {
    "js": "SELECT * FROM finance.cw_js WHERE jssj >= %(first)s AND jssj < %(last)s",
    "zf": "SELECT p.* FROM finance.cw_jszf p JOIN finance.cw_js j USING (jsid) WHERE j.jssj >= %(first)s AND j.jssj < %(last)s",
    "ins": "SELECT i.* FROM finance.ins_setl i JOIN finance.cw_js j USING (jsid) WHERE j.jssj >= %(first)s AND j.jssj < %(last)s",
    "fy": "SELECT f.* FROM finance.cw_fymx f JOIN finance.cw_js j USING (jsid) WHERE j.jssj >= %(first)s AND j.jssj < %(last)s",
    "yjj": "SELECT * FROM finance.cw_yjj WHERE sksj >= %(first)s AND sksj < %(last)s",
    "bill": "SELECT * FROM finance.dz_qd WHERE zdrq >= %(first)s AND zdrq < %(last)s",
}
_VOUCHERS = """SELECT m.*, m.pzh || '|' || m.xh AS id, p.rq FROM finance.cw_pzmx m JOIN finance.cw_pz p USING (pzh)
WHERE p.rq >= %(first)s AND p.rq < %(last)s"""
_TABLES = {"js": "cw_js", "zf": "cw_jszf", "ins": "ins_setl", "fy": "cw_fymx", "yjj": "cw_yjj", "bill": "dz_qd"}
_DEFECTS = {
    "pay-cent": ("payments", "rounding", "both"),
    "bill-missing": ("payments", "timeout_one_sided", "left"),
    "bill-amount": ("payments", "amount_differs", "both"),
    "insurance-cent": ("insurance", "rounding", "both"),
}


def plant_into(
    url: str,
    place: Path,
    *,
    days: int = 30,
    count: int = 100,
    seed: int = 1,
    causes: Sequence[str] = (),
    until: date | None = None,
) -> list[Truth]:
    """Plant so many differences into the last `days` days of what was built there; the truth goes to `place`.

    until: the day after the last one, by default the end of what was built. Days in which something was planted before
    are refused, as are more differences than there are bills. Raises PlantError, with nothing done.
    """
    try:
        with psycopg.connect(url) as connection:
            first, last = _days(connection, days, until)
            _refuse_again(place, first, last)
            adopt(url, place)
            region, store = profile("guangyuan"), Store(place / "centre" / "centre.sqlite")
            try:
                w = _read(connection, store, first, last, seed)
                known = _known_defects(connection, w)
                made = _plant(connection, w, chosen(causes), count, seed)
                _write_tables(connection, w)
                _write(connection, store, w, region)
            finally:
                store.close()
            connection.commit()
    except psycopg.Error as error:
        raise PlantError(f"业务库拒绝了：{str(error).strip()}") from error
    _log_calls(place, w)
    bills.write_days(place / bills.DROP, w.bill, first, last)
    bills.write_drawers(place / bills.DROP, w.cash)
    append(place / "truth.jsonl", [*known, *made])
    return made


def _log_calls(place: Path, w: World) -> None:
    """The hospital's book of calls has those that were sent and not answered."""
    book = Book(place / "his" / "insurance-book.sqlite")
    try:
        for row in w.log:
            asked = {
                "psn_no": row["psn_no"], "mdtrt_id": row["mdtrt_id"], "medfee_sumamt": str(row["total"]), "chrg_bchno": row["visit_no"],
            }  # fmt: skip
            entry = book.open(row["visit_no"], row["infno"], row["msgid"], asked)
            book.close_entry(entry, "unknown", text="医保未在时限内应答，结果未知，请勿重复结算")
            at = f"{row['at']:%Y-%m-%dT%H:%M:%S}.000+08:00"
            book.db.execute("update entry set at = ?, changed = ? where id = ?", (at, at, entry))
    finally:
        book.close()


def _days(connection: psycopg.Connection, days: int, until: date | None) -> tuple[date, date]:
    if connection.execute("SELECT to_regclass('sim.about')").fetchone() == (None,):
        raise PlantError("业务库还没有生成，先运行 simhospital build。")
    facts: dict[str, str] = dict(connection.execute("SELECT name, value FROM sim.about").fetchall())
    begin = date.fromisoformat(facts["first"])
    end = min(until or date.max, begin + timedelta(days=int(facts["days"])))
    if end - timedelta(days=days) < begin:
        raise PlantError(f"只生成了 {facts['days']} 天的业务（{begin} 起），放不下 {days} 天的差异。")
    return end - timedelta(days=days), end


def _refuse_again(place: Path, first: date, last: date) -> None:
    before = [r["day"] for r in read(place / "truth.jsonl") if str(first) <= r["day"] < str(last)]
    if before:
        raise PlantError(f"{min(before)} 至 {max(before)} 已经放过差异；换一段日子，或重新生成业务库。")


def _read(connection: psycopg.Connection, store: Store, first: date, last: date, seed: int) -> World:
    w = World(first, last, random.Random(seed))  # noqa: S311 - a hospital, no secret
    window = {"first": first, "last": last}
    for name, query in _WINDOW.items():
        with connection.cursor(row_factory=dict_row) as cursor:
            getattr(w, name).fill(cursor.execute(query.encode(), window).fetchall())
    rows = store.all(
        "select * from settlement where setl_time >= ? and setl_time < ? and reversed_at is null", str(first), str(last)
    )
    w.centre.fill(_from_book(dict(row)) for row in rows)
    w.index()
    return w


def _from_book(row: Row) -> Row:
    amounts = {name: Decimal(row[name]) for name in ("medfee", "fund", "account", "cash")}
    return row | amounts | {"setl_time": time_of(row["setl_time"]), "parts": json.loads(row["info"])}


def _known_defects(connection: psycopg.Connection, w: World) -> list[Truth]:
    """The usual defects of the data that make two books differ are truth as well; their visits are left alone."""
    found = []
    for name, key in connection.execute(
        "SELECT name, key FROM sim.defect WHERE name = ANY (%s)", [list(_DEFECTS)]
    ).fetchall():
        where, cause, more = _DEFECTS[name]
        pay, ins = w.zf.rows.get(int(key)), w.ins.rows.get(int(key))
        row = ins if name == "insurance-cent" else pay
        if row is None or (name != "insurance-cent" and not row["lsh"]):
            continue
        w.used.add(w.family(w.js.rows[row["jsid"]]))
        at = row["setl_time"] if name == "insurance-cent" else row["zfsj"]
        amount = {"bill-missing": abs(row.get("je", Decimal(0))), "bill-amount": Decimal(1)}.get(name, Decimal("0.01"))
        gap = {"bill-missing": row.get("je", Decimal(0)), "bill-amount": Decimal(-1)}.get(name, Decimal("0.01"))
        number = row["setl_id"] if name == "insurance-cent" else row["lsh"]
        sides = ("settlement", "insurance_statement") if name == "insurance-cent" else ("payment", "channel_bill")
        keys = {side: [number] for side in sides[: 1 if more == "left" else 2]}
        found.append(Truth(f"defect-{name}-{key}", cause, where, name, more, str(at.date()), amount, gap, keys))
    return found


def _plant(connection: psycopg.Connection, w: World, found: Sequence[Any], count: int, seed: int) -> list[Truth]:
    numbers = itertools.count(1)

    def post(world: World) -> None:
        _write_tables(connection, world)
        posting.close(connection, world.first, world.last)
        posting.post(connection, world.first, world.last)
        with connection.cursor(row_factory=dict_row) as cursor:
            window = {"first": world.first, "last": world.last}
            world.pz.fill(cursor.execute(_VOUCHERS, window).fetchall())
        derive.drawers(world)
        ledger.index(world)

    return plant(w, found, count, post, lambda: f"{w.first:%y%m%d}-{seed:05d}-{next(numbers):06d}")


def _write_tables(connection: psycopg.Connection, w: World) -> None:
    """Those rows that were touched, by day-end rules: who settles at another time falls into another day-end."""
    gone = [key for key in w.js.touched if key not in w.js.rows]
    connection.execute("DELETE FROM finance.cw_fp WHERE jsid = ANY (%s)", [gone])
    for row in (w.js.rows[key] for key in w.js.touched if key in w.js.rows):
        row.update(rjid=None, rjsj=None)
    for name, table in _TABLES.items():
        _replace(connection, f"finance.{table}", getattr(w, name))


def _replace(connection: psycopg.Connection, table: str, rows: Any) -> None:
    if not rows.touched:
        return
    name = sql.Identifier(*table.split("."))
    delete = sql.SQL("DELETE FROM {} WHERE {} = ANY (%s)").format(name, sql.Identifier(rows.key))
    connection.execute(delete, [list(rows.touched)])
    _copy(connection, name, [rows.rows[key] for key in rows.touched if key in rows.rows])
    rows.touched.clear()


def _copy(connection: psycopg.Connection, name: sql.Identifier, rows: Sequence[Row]) -> None:
    if not rows:
        return
    columns = sql.SQL(", ").join(sql.Identifier(c) for c in rows[0])
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns)) as copy:
        for row in rows:
            copy.write_row(list(row.values()))


def _write(connection: psycopg.Connection, store: Store, w: World, region: Profile) -> None:
    touched = [w.pz.rows.get(key) for key in w.pz.touched]
    numbers = [(key.split("|")[0], int(key.split("|")[1])) for key in w.pz.touched]
    with connection.cursor() as cursor:
        cursor.executemany("DELETE FROM finance.cw_pzmx WHERE pzh = %s AND xh = %s", numbers)
    lines = [{k: v for k, v in row.items() if k not in ("id", "rq")} for row in touched if row is not None]
    _copy(connection, sql.Identifier("finance", "cw_pzmx"), lines)
    with store.transaction():
        store.db.executemany("delete from settlement where setl_id = ?", [(key,) for key in w.centre.touched])
        insert(
            store,
            "settlement",
            (settlement(w.centre.rows[key], region) for key in w.centre.touched if key in w.centre.rows),
        )
