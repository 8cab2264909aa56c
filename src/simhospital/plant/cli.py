"""`simhospital plant`: differences into the databases and books, or into files of both sides."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from simhospital.home import home

from .causes import PlantError, kinds
from .truth import Truth, append

FORMATS = ("csv", "parquet")


def write_sides(sides: Mapping[str, Sequence[Mapping[str, Any]]], directory: Path, form: str) -> None:
    """A file a side; form: csv (UTF-8) or parquet."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, rows in sides.items():
        if form == "csv":
            with (directory / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]) if rows else [])
                writer.writeheader()
                writer.writerows(rows)
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist([dict(r) for r in rows]), directory / f"{name}.parquet")


def summary(made: Sequence[Truth]) -> str:
    """How many of each cause."""
    counts = Counter((t.reconciliation, t.cause) for t in made)
    return "，".join(f"{where}:{cause} {n}" for (where, cause), n in sorted(counts.items()))


def plant(
    url: Annotated[str, typer.Option("--database", envvar="SIMHOSPITAL_DATABASE_URL", help="PostgreSQL 地址。")] = "",
    days: Annotated[int, typer.Option(min=2, max=3660, help="最近多少天")] = 30,
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="多少处差异")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=99999, help="同一种子得到同样的差异")] = 1,
    cause: Annotated[
        list[str] | None, typer.Option("--cause", help="只放这些：原因、对账或 对账:原因，可写多次。")
    ] = None,
    memory: Annotated[bool, typer.Option("--memory/--databases", help="不碰数据库，把两边的行写成文件")] = False,
    out: Annotated[Path | None, typer.Option(help="--memory 时写到哪个目录")] = None,
    form: Annotated[str, typer.Option("--format", help="csv 或 parquet")] = "csv",
    visits: Annotated[int, typer.Option(min=0, help="--memory 时每天门诊人次，0 为按差异数定")] = 0,
    show: Annotated[bool, typer.Option("--list", help="列出全部差异种类")] = False,
) -> None:
    """在业务库、医保中心账和渠道账单里放进对账差异；真相另记在 truth.jsonl。"""
    if show:
        for kind in kinds():
            typer.echo(f"{kind.reconciliation:<10}{kind.cause:<24}{kind.happens:<28}{kind.title}")
        return
    if form not in FORMATS or (memory and out is None):
        typer.echo("--memory 要用 --out 指明目录，--format 为 csv 或 parquet。", err=True)
        raise typer.Exit(2)
    began = time.monotonic()
    try:
        if memory:
            from .memory import planted

            assert out is not None
            found = planted(days, count, seed, visits=visits, causes=cause or ())
            write_sides(found.sides, out, form)
            (out / "truth.jsonl").unlink(missing_ok=True)
            append(out / "truth.jsonl", found.truth)
            made, where = found.truth, out / "truth.jsonl"
        else:
            from .databases import plant_into

            if not url:
                raise PlantError("没有 SIMHOSPITAL_DATABASE_URL，也没有 --database：不知道业务库在哪里。")
            made = plant_into(url, home(), days=days, count=count, seed=seed, causes=cause or ())
            where = home() / "truth.jsonl"
    except PlantError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    typer.echo(summary(made))
    typer.echo(f"放进 {len(made)} 处差异，用了 {time.monotonic() - began:.1f} 秒，真相在 {where}")
