"""The centre's book of the past: what a built hospital has settled, the insurer knows too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from .benefit import FUNDS
from .profile import Profile, profile
from .store import Store

FIXMEDINS = "H44050000001"
_AT_ONCE = 5000
_BEFORE = timedelta(days=90)  # who was admitted before the first day is settled within it
_SETTLED = """
SELECT i.*, j.jslx, j.jzh, j.zyh, j.brid, j.jssj, o.setl_id AS of,
  EXISTS (SELECT FROM sim.defect d WHERE d.name = 'insurance-cent' AND d.key = i.id::text) AS cent
FROM finance.ins_setl i JOIN finance.cw_js j USING (jsid)
LEFT JOIN finance.ins_setl o ON i.state = '2' AND o.jsid = j.cxjsid
WHERE i.setl_time >= %s AND i.setl_time < %s ORDER BY i.setl_time, i.id"""
_PEOPLE = """
SELECT DISTINCT ON (b.brid) b.brid, b.brxm, b.brxb, b.csny, b.sfzh, i.psn_no, i.insutype
FROM his.gy_brda b JOIN finance.cw_js j USING (brid) JOIN finance.ins_setl i USING (jsid)
WHERE i.setl_time >= %s AND i.setl_time < %s ORDER BY b.brid, i.setl_time DESC"""


def adopt(url: str, place: Path, *, since: date | None = None, profile_name: str = "guangyuan") -> int:
    """Write what the built hospital has settled since that day into the centre's book; how many settlements.

    Done once for a hospital: what happened to the centre's book afterwards stays. Raises psycopg.Error.
    """
    region, store = profile(profile_name), Store(place / "centre" / "centre.sqlite")
    try:
        with psycopg.connect(url) as connection:
            facts: dict[str, str] = dict(connection.execute("SELECT name, value FROM sim.about").fetchall())
            mark = "adopted " + " ".join(facts[name] for name in ("first", "days", "visits", "seed"))
            if store.one("select 1 from counter where name = ?", mark):
                return 0
            first = since or date.fromisoformat(facts["first"]) - _BEFORE
            last = date.fromisoformat(facts["first"]) + timedelta(days=int(facts["days"]))
            _forget(store, last)
            count = _take(connection, store, region, (first, last))
            with store.transaction():
                store.next(mark)
            return count
    finally:
        store.close()


def _forget(store: Store, last: date) -> None:
    """Drop the past of a hospital that was built anew."""
    with store.transaction():
        store.db.execute("delete from counter where name like 'adopted %'")
        store.db.execute("delete from settlement where setl_time < ?", (f"{last} 00:00:00",))


def _take(connection: psycopg.Connection, store: Store, region: Profile, days: tuple[date, date]) -> int:
    count = 0
    with connection.cursor("people", row_factory=dict_row) as cursor:
        cursor.execute(_PEOPLE, days)
        for rows in _portions(cursor):
            with store.transaction():
                insert(store, "person", (_person(r, region) for r in rows))
    with connection.cursor("settled", row_factory=dict_row) as cursor:
        cursor.execute(_SETTLED, days)
        for rows in _portions(cursor):
            with store.transaction():
                insert(store, "visit", (_visit(r, region) for r in rows))
                insert(store, "settlement", (settlement(_seen(r), region) for r in rows))
            count += len(rows)
    return count


def _portions(cursor: Any) -> Iterator[list[dict[str, Any]]]:
    while rows := cursor.fetchmany(_AT_ONCE):
        yield rows


def insert(store: Store, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert many rows, those that are there are left alone; within the caller's transaction."""
    found = list(rows)
    if found:
        names = list(found[0])
        sql = f"insert or ignore into {table} ({', '.join(names)}) values ({', '.join('?' * len(names))})"  # noqa: S608
        store.db.executemany(sql, [tuple(row[n] for n in names) for row in found])


def _person(r: Mapping[str, Any], region: Profile) -> dict[str, Any]:
    civil, insutype = int(r["insutype"] == "320"), "310" if r["insutype"] == "320" else r["insutype"]
    retired = r["csny"] is not None and r["csny"].year < 1966
    kinds = {"310": ("11", "12"), "340": ("13", "13")}.get(insutype, ("15", "16"))
    return {
        "psn_no": r["psn_no"], "cert_type": "01", "certno": r["sfzh"] or f"无{r['brid']}", "name": r["brxm"] or "无名氏",
        "gend": r["brxb"] or "9", "brdy": str(r["csny"]) if r["csny"] else None, "insutype": insutype, "psn_type": kinds[retired],
        "status": "1", "civil": civil, "aid": 0, "insuplc": region.admdvs, "emp_name": None,
        "balance": str(r["brid"] % 3000) if insutype == "310" else "0",
    }  # fmt: skip


def _visit(r: Mapping[str, Any], region: Profile) -> dict[str, Any]:
    inpatient = r["zyh"] is not None
    return {
        "mdtrt_id": r["mdtrt_id"], "kind": "in" if inpatient else "out", "psn_no": r["psn_no"], "fixmedins": FIXMEDINS,
        "number": r["jzh"] or f"Z{r['zyh']}", "insutype": r["insutype"], "med_type": r["med_type"],
        "begntime": f"{r['setl_time']:%Y-%m-%d %H:%M:%S}", "endtime": f"{r['setl_time']:%Y-%m-%d %H:%M:%S}" if inpatient else None,
        "status": "discharged" if inpatient else "open", "insuplc": region.admdvs, "msgid": r["msgid"], "info": "{}",
    }  # fmt: skip


def _seen(r: Mapping[str, Any]) -> dict[str, Any]:
    """The hospital's row as the insurer has it: without the hospital's own mistakes."""
    cent = Decimal("0.01") if r["cent"] else Decimal(0)
    parts = {
        name: r[name]
        for name in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc")
    }
    return {
        **{name: r[name] for name in ("setl_id", "mdtrt_id", "psn_no", "msgid", "setl_time", "insutype", "med_type", "clr_type", "of")},
        "refunded": "0" if r["state"] == "0" else "1", "medfee": r["medfee_sumamt"] - cent, "fund": r["fund_pay_sumamt"],
        "account": r["acct_pay"], "cash": r["psn_cash_pay"], "parts": parts | {n: r.get(n) or 0 for n in FUNDS}, "reversed_at": None,
        "infno": ("2305" if r["zyh"] else "2208") if r["state"] == "2" else ("2304" if r["zyh"] else "2207"),
    }  # fmt: skip


def settlement(c: Mapping[str, Any], region: Profile) -> dict[str, Any]:
    """A row of the centre's book from what is known of a settlement (amounts Decimal, setl_time a datetime)."""
    at: datetime = c["setl_time"]
    stamp = f"{at:%Y-%m-%d %H:%M:%S}"
    parts = {name: str(value) for name, value in (c.get("parts") or {}).items()}
    info = {
        **parts, "psn_no": c["psn_no"], "mdtrt_id": c["mdtrt_id"], "setl_id": c["setl_id"], "setl_time": stamp, "med_type": c["med_type"],
        "mdtrt_cert_type": "02", "medfee_sumamt": str(c["medfee"]), "fund_pay_sumamt": str(c["fund"]), "acct_pay": str(c["account"]),
        "psn_cash_pay": str(c["cash"]), "psn_part_amt": str(c["account"] + c["cash"]), "hosp_part_amt": "0.00", "balc": "0.00",
        "acct_mulaid_pay": "0.00", "pool_prop_selfpay": "0", "medins_setl_id": c["msgid"], "clr_optins": region.office, "clr_way": "1",
        "clr_type": c["clr_type"], "invono": None,
    }  # fmt: skip
    return {
        "setl_id": c["setl_id"], "mdtrt_id": c["mdtrt_id"], "psn_no": c["psn_no"], "fixmedins": FIXMEDINS, "msgid": c["msgid"],
        "infno": c.get("infno") or "2207", "setl_time": stamp, "insutype": c["insutype"], "med_type": c["med_type"],
        "clr_type": c["clr_type"], "office": region.office, "refunded": c["refunded"], "of": c["of"], "reversed_at": c.get("reversed_at"),
        "medfee": str(c["medfee"]),
        "fund": str(c["fund"]), "account": str(c["account"]), "cash": str(c["cash"]), "info": json.dumps(info, ensure_ascii=False),
        "detail": "[]",
    }  # fmt: skip
