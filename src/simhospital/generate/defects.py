"""Seeds the defects that the data of real hospitals have, and keeps a list of what was made wrong (sim.defect).

Rates follow the usual ones of such hospitals; every choice is a hash of the row's own id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import psycopg
import yaml

from .plan import Plan


@dataclass(frozen=True, slots=True)
class Defect:
    """per: so many of 100,000 rows. change: SET clause. where: which rows may be hit. id: a number of the row."""

    name: str
    title: str
    table: str
    id: str
    per: int
    change: str
    where: str = "true"


@cache
def all_defects() -> tuple[Defect, ...]:
    """The list of data/defects.yaml, in the order in which they are made."""
    text = (resources.files("simhospital") / "data" / "defects.yaml").read_text("utf-8")
    return tuple(Defect(**row) for row in yaml.safe_load(text))


def seed(connection: psycopg.Connection, plan: Plan) -> None:
    """Make all defects. Does not commit."""
    for number, d in enumerate(all_defects(), 300):
        drawn = f"sim.n({d.id}, {number}, 100000) < {d.per} AND {d.where}"
        what = f"UPDATE {d.table} SET {d.change}" if d.change else f"DELETE FROM {d.table}"  # noqa: S608 - our own file
        _mark(connection, d.name, d.table, f"{what} WHERE {drawn} RETURNING ({d.id})::text AS key")
    later = "jdsj + interval '90 days'"
    columns = "brxm, brxb, csny, zjlx, mzdm, gjdm, hyzk, zydm, lxdh"
    double = f"""
        INSERT INTO his.gy_brda (brid, mzhm, {columns}, brxz, jdsj, jdr, zfpb)
        SELECT brid + 100000000, 'M' || brid + 100000000, {columns}, '01', {later}, jdr, '0' FROM his.gy_brda
        WHERE sim.n(brid, 399, 100) < 5 AND {later} < '{plan.last}' RETURNING brid::text AS key"""  # noqa: S608
    _mark(connection, "patient-double", "his.gy_brda", double)


def _mark(connection: psycopg.Connection, name: str, table: str, change: str) -> None:
    statement = f"WITH hit AS ({change}) INSERT INTO sim.defect SELECT '{name}', '{table}', key FROM hit"  # noqa: S608
    connection.execute(statement.encode())
