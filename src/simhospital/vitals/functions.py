"""Synthetic business transactions: each goes the way of the real one through tables and lines, and leaves nothing behind.

Rows are written, read back as the user would see them, and rolled back; only `sim.heartbeat` is committed, so that a
commit that hangs shows as well. No statistic and no sum can ever contain them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from simhospital import schema
from simhospital.centre.client import FeeLine, InsuranceClient, Patient, Visit
from simhospital.centre.line import LineError
from simhospital.life.world import now

LIMIT_S = 15.0
NUMBER = 9_990_000_000_000_000  # above every number that the hospital gives
_WINDOW_ROLE = "simh_window"  # the account of the counters


class Failed(Exception):
    """The function does not work; the text is what its user would read."""


@dataclass(slots=True)
class Report:
    """Steps with their seconds."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def did(self, name: str) -> None:
        moment = time.monotonic()
        self.steps.append({"name": name, "seconds": round(moment - self._began, 4)})
        self._began = moment


@dataclass(slots=True)
class Place:
    """Where functions reach database, gateway and insurer. port: of a line of the gateway or of a system."""

    url: str
    host: str
    ports: Mapping[str, int]
    insurance: InsuranceClient | None = None


Function = Callable[[Place, Report], Awaitable[None]]


@cache
def _table(name: str) -> schema.Table:
    database, table = name.split(".")
    return next(t for d in schema.databases() if d.name == database for t in d.tables if t.name == table)


def row(name: str, **given: Any) -> dict[str, Any]:
    """A row of a table with everything that it must have."""
    at, filled = now(), {}
    kinds = {"n": NUMBER, "i": 1, "d": at, "day": at.date(), "t": "拨测"}
    for c in _table(name).columns:
        if c.name in given:
            filled[c.name] = given[c.name]
        elif c.required:
            filled[c.name] = kinds.get(c.kind, "9")
            if c.kind == "n" and (c.scale or c.size < 18):
                filled[c.name] = Decimal(1)
    return filled


async def _write(connection: AsyncConnection, name: str, **given: Any) -> None:
    """Insert, then read back by the key: a row that was swallowed is a failure."""
    values, keys = row(name, **given), _table(name).key
    table = sql.Identifier(*name.lower().split("."))
    names = sql.SQL(", ").join(sql.Identifier(n.lower()) for n in values)
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(values))
    await connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table, names, marks), list(values.values())
    )
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(k.lower())) for k in keys)
    found = await connection.execute(
        sql.SQL("SELECT 1 FROM {} WHERE {}").format(table, where), [values[k] for k in keys]
    )
    if await found.fetchone() is None:
        raise Failed(f"提示成功，但{_table(name).title}没有生成")


async def _connected(place: Place, report: Report, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
    if not place.url:
        raise Failed("没有业务库")
    options = f"-c statement_timeout={int(LIMIT_S * 1000)} -c application_name=SYNTHETIC"
    async with await AsyncConnection.connect(place.url, options=options, connect_timeout=5) as connection:
        await _log_in(place, connection)
        report.did("登录")
        try:
            async with connection.transaction(force_rollback=True):
                await work(connection)
        finally:
            report.did("业务")
        await connection.execute("CREATE SCHEMA IF NOT EXISTS sim")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS sim.heartbeat (name text PRIMARY KEY, at timestamp NOT NULL)"
        )
        await connection.execute(
            "INSERT INTO sim.heartbeat VALUES ('synthetic', now()) ON CONFLICT (name) DO UPDATE SET at = excluded.at"
        )
        await connection.commit()
        report.did("提交")


async def _log_in(place: Place, connection: AsyncConnection) -> None:
    """The counters have an account of their own where there is one; a full or locked account shows here."""
    asked = await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_WINDOW_ROLE])
    if await asked.fetchone() is not None and conninfo_to_dict(place.url).get("user") != _WINDOW_ROLE:
        window = make_conninfo(place.url, user=_WINDOW_ROLE, password=_WINDOW_ROLE)
        async with await AsyncConnection.connect(window, connect_timeout=5):
            pass


async def register(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        await c.execute("SELECT 1 FROM his.ms_hypb ORDER BY pbid LIMIT 1 FOR UPDATE")  # takes a number
        await c.execute("SELECT brid, brxm FROM his.gy_brda WHERE lxdh = '13900000000' LIMIT 1")
        await _write(c, "his.ms_ghmx", jzh="T0")

    await _connected(place, report, work)


async def charge(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        await c.execute(
            "SELECT fyid FROM finance.cw_fymx ORDER BY lrsj DESC LIMIT 1 FOR UPDATE"
        )  # the last number given
        await c.execute("SELECT fydj FROM his.gy_ylsf WHERE fyxh = 10003")
        for name in ("finance.cw_fymx", "finance.cw_js", "finance.cw_jszf", "finance.cw_fp"):
            await _write(c, name)

    await _connected(place, report, work)


async def dispense(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        await c.execute(
            "UPDATE his.yf_kcmx SET kcsl = kcsl WHERE kcid IN (SELECT kcid FROM his.yf_kcmx ORDER BY 1 LIMIT 2)"
        )
        for name in ("his.yf_mzfy", "his.yf_zyfy"):
            await _write(c, name)

    await _connected(place, report, work)


async def admit(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        for name in ("his.zy_brry", "finance.cw_yjj", "finance.cw_zyfy"):
            await _write(c, name)

    await _connected(place, report, work)


async def search_orders(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        found = await c.execute(
            "SELECT fyxh, fymc FROM his.gy_ylsf WHERE pydm ILIKE 'z%' AND tyrq IS NULL ORDER BY pydm LIMIT 20"
        )
        drugs = await c.execute("SELECT ypxh, ypmc, lsj FROM his.yk_ypml WHERE tyrq IS NULL ORDER BY ypmc LIMIT 20")
        await c.execute("SELECT brid FROM his.gy_brda WHERE brxm = '王伟' LIMIT 20")
        if await found.fetchone() is None or await drugs.fetchone() is None:
            raise Failed("检索不到项目或药品")

    await _connected(place, report, work)


async def save_order(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        await _write(c, "cis.mz_cf")
        await _write(c, "cis.mz_cfmx")
        await _write(c, "cis.zy_yz", yznr="拨测医嘱：0.9% 氯化钠注射液 100ml 静脉滴注 每日一次")

    await _connected(place, report, work)


async def send_order(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        await c.execute("UPDATE cis.zy_yz_zx SET sl = sl WHERE zxid = (SELECT max(zxid) FROM cis.zy_yz_zx)")
        await _write(c, "cis.zy_yz_zx")

    await _connected(place, report, work)
    await _reach(place, report, "cis-orders", "集成平台的医嘱通道")


async def write_note(place: Place, report: Report) -> None:
    async def work(c: AsyncConnection) -> None:
        await c.execute("SELECT 1 FROM emr.bl_index WHERE blid = (SELECT max(blid) FROM emr.bl_index) FOR UPDATE")
        await _write(c, "emr.bl_index")
        await _write(c, "emr.bl_doc")

    await _connected(place, report, work)


async def return_result(place: Place, report: Report) -> None:
    await _reach(place, report, "lis", "检验系统的接收端口")

    async def work(c: AsyncConnection) -> None:
        await _write(c, "lis.jy_jg", SampleNo="T9990001", ReceiveDate=datetime(2000, 1, 1).date())  # noqa: DTZ001

    await _connected(place, report, work)


async def _reach(place: Place, report: Report, name: str, title: str) -> None:
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(place.host, place.ports[name])
        writer.close()
    except (OSError, TimeoutError):
        raise Failed(f"{title}连不上") from None
    finally:
        report.did(title)


async def settle(place: Place, report: Report) -> None:
    """The insurer up to the pre-settlement, as at the window, and back: nothing is ever settled."""
    if place.insurance is None:
        raise Failed("没有接入医保")
    patient = Patient("拨测", "449900198001010012")
    visit = Visit(
        f"T{now():%y%m%d%H%M%S%f}"[:20], "0101", "内科", "D440500000001", "拨测", "I10.x00", "高血压病", med_type="11"
    )
    lines = [FeeLine(1, "001102000010000-110200001", "10003", Decimal(1), Decimal("15.00"))]
    try:
        await place.insurance.rehearse(patient, visit, lines)
    except LineError as error:
        raise Failed(error.text) from None
    finally:
        report.did("医保")


FUNCTIONS: dict[str, Function] = {
    "his-register": register,
    "his-charge": charge,
    "his-dispense": dispense,
    "his-admit": admit,
    "yb-outpatient": settle,
    "cis-order-search": search_orders,
    "cis-order-save": save_order,
    "cis-order-send": send_order,
    "emr-write": write_note,
    "lis-result": return_result,
}


async def run(code: str, place: Place) -> dict[str, Any]:
    """Do one function and say how it went: ok, seconds, steps, and what its user would have read. Raises KeyError."""
    function, report, began, text = FUNCTIONS[code], Report(), time.monotonic(), ""
    try:
        async with asyncio.timeout(LIMIT_S + 5):
            await function(place, report)
    except Failed as failed:
        text = str(failed)
    except TimeoutError:
        text = "超时，没有应答"
    except psycopg.Error as error:
        text = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return {
        "function": code,
        "ok": not text,
        "error": text,
        "seconds": round(time.monotonic() - began, 4),
        "steps": report.steps,
    }
