"""`simhospital …`: the simulated hospital by hand. Other parts add their groups of commands to `app`."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from simhospital import settings as hospital_settings
from simhospital.centre.cli import app as centre
from simhospital.faults.cli import app as faults
from simhospital.plant.cli import plant

app = typer.Typer(help="模拟医院：业务数据库、仪器、医保中心，按需出故障。", no_args_is_help=True)
app.add_typer(centre, name="centre")
app.add_typer(faults, name="fault")

Set = Annotated[list[str] | None, typer.Option("--set", help="改一项设置，如 traffic.haste=600；可写多次。")]
Where = Annotated[Path | None, typer.Option("--settings", help="医院设置文件，默认随程序的 hospital.yaml。")]
Url = Annotated[str, typer.Option("--database", envvar="SIMHOSPITAL_DATABASE_URL", help="PostgreSQL 地址。")]


def today() -> date:
    """The hospital's day."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def settings_of(where: Path | None, changes: list[str] | None) -> hospital_settings.Settings:
    """The settings that the options ask for; ends the command with a sentence where they cannot be used."""
    try:
        return hospital_settings.load(where, dict(c.split("=", 1) for c in changes or ()))
    except (hospital_settings.SettingsError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@app.command()
def ddl(dialect: Annotated[str, typer.Option(help="postgres、mysql、oracle 或 sqlserver")] = "postgres") -> None:
    """写出五个业务库的建表语句。"""
    from simhospital import schema

    if dialect not in schema.DIALECTS:
        typer.echo(f"没有“{dialect}”这种数据库，可选：{'、'.join(schema.DIALECTS)}。", err=True)
        raise typer.Exit(2)
    for statement in schema.statements(dialect):
        typer.echo(f"{statement};")


@app.command()
def build(
    url: Url,
    days: Annotated[int, typer.Option(min=1, max=3660, help="多少天的历史")] = 30,
    visits: Annotated[int, typer.Option(min=1, max=20000, help="平均每天门急诊人次")] = 300,
    seed: Annotated[int, typer.Option(min=0, max=99999, help="同一种子得到同一家医院")] = 1,
    until: Annotated[str, typer.Option(help="最后一天的次日，如 2026-11-24；不写则到昨天为止")] = "",
    flaws: Annotated[bool, typer.Option("--flaws/--no-flaws", help="按真实医院的比例混入数据缺陷")] = True,
    workers: Annotated[int, typer.Option(min=1, max=16, help="同时生成的连接数")] = 2,
) -> None:
    """重建五个业务库（his、cis、lis、emr、finance 及 sim），清除原有内容。"""
    import psycopg

    from simhospital.generate.build import build as build_hospital
    from simhospital.generate.plan import Plan
    from simhospital.home import home

    began = time.monotonic()
    try:
        end = date.fromisoformat(until) if until else today()
        plan = Plan(end - timedelta(days=days), days, visits, seed)
        (home() / "truth.jsonl").unlink(missing_ok=True)
        build_hospital(
            url,
            plan,
            flaws=flaws,
            workers=workers,
            say=lambda text: typer.echo(f"{time.monotonic() - began:7.1f} 秒  {text}"),
        )
    except ValueError:
        typer.echo(f"日期“{until}”不对，应写成 2026-11-24 这样。", err=True)
        raise typer.Exit(2) from None
    except psycopg.Error as error:
        typer.echo(f"数据库拒绝了：{str(error).strip()}", err=True)
        raise typer.Exit(1) from None


app.command()(plant)


@app.command("dayend")
def day_end(
    url: Url,
    day: Annotated[str, typer.Option(help="哪一天，如 2026-11-24；不写为今天")] = "",
) -> None:
    """现在就做一天的日结、凭证和渠道账单（平时由运行中的医院按钟点做），可以重做。"""
    import psycopg

    from simhospital.channels.book import ChannelBook
    from simhospital.home import home
    from simhospital.life.dayend import DayEnd

    try:
        wanted = date.fromisoformat(day) if day else today()
        end = DayEnd(url, home(), ChannelBook(home() / "channels" / "channels.sqlite"))
        for what in ("closed", "posted", "billed"):
            end.do(what, wanted, again=True)
    except ValueError:
        typer.echo(f"日期“{day}”不对，应写成 2026-11-24 这样。", err=True)
        raise typer.Exit(2) from None
    except psycopg.Error as error:
        typer.echo(f"业务库拒绝了：{str(error).strip()}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{wanted} 已日结、记账，账单在 {home() / 'drop'}")


@app.command("copy")
def copy_to(
    url: Url,
    mariadb: Annotated[str, typer.Option(help="mysql://用户:密码@主机:端口，或 mysql://用户@/?socket=路径")],
    database: Annotated[
        list[str] | None, typer.Option("--database-name", help="只要哪个业务库，可写多次；不写为全部。")
    ] = None,
) -> None:
    """把业务库连同数据抄到 MariaDB/MySQL，供抽取测试；那里同名的库先清除。"""
    import psycopg

    from simhospital.schema import copy as copying

    try:
        target = copying.connect(mariadb)
        with target, psycopg.connect(url) as source:
            counts = copying.copy(source, target, database or (), typer.echo)
    except copying.CopyError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except psycopg.Error as error:
        typer.echo(f"业务库读不了：{str(error).strip()}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"抄了 {len(counts)} 张表，{sum(counts.values())} 行")


@app.command()
def points() -> None:
    """列出运行中的医院可以出故障的位置。"""
    from simhospital.life.points import POINTS

    for name, text in POINTS.items():
        typer.echo(f"{name:<18}{text}")


@app.command()
def up(
    url: Url = "",
    where: Where = None,
    change: Set = None,
    days: Annotated[int, typer.Option(min=0, help="业务库还空着时先生成多少天的历史，0 为不生成")] = 30,
    visits: Annotated[int, typer.Option(min=1, help="历史中平均每天门急诊人次")] = 300,
    everything: Annotated[bool, typer.Option("--all/--alone", help="同时运行医保中心和故障总控")] = True,
) -> None:
    """运行整家医院，直到按下 Ctrl+C：各系统、仪器、第三方和医保中心。"""
    import asyncio
    import logging
    from dataclasses import replace

    from simhospital.generate.plan import Plan
    from simhospital.life.up import live

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    chosen = replace(settings_of(where, change), database_url=url)
    plan = Plan(today() - timedelta(days=days), days, visits, chosen.traffic.seed) if days else None
    parts = {"centre": ("centre", "run"), "switchboard": ("fault", "serve")}
    children = [(*command, "--host", chosen.host, "--port", str(chosen.own[part])) for part, command in parts.items()]
    asyncio.run(live(chosen, plan, typer.echo, children=children if everything else ()))


@app.command()
def status() -> None:
    """说明正在运行的医院：各条线路、积压和各系统的收发。"""
    from simhospital.home import home
    from simhospital.life.up import read_status

    found = read_status(home())
    if found is None:
        typer.echo("这里没有运行过模拟医院（SIMHOSPITAL_HOME 指向它的目录）。", err=True)
        raise typer.Exit(1)
    age = time.time() - float(str(found["at"]))
    typer.echo(f"{'正在运行' if age < 10 else '已停止'}，{age:.0f} 秒前的情况：")
    for line, facts in dict(found["lines"]).items():  # type: ignore[call-overload]
        typer.echo(f"  {line:<14}{'已连接' if facts['connected'] else '未连接'}  待发 {facts['waiting']}")
    for name in ("taken", "happened", "database"):
        typer.echo(f"  {name}: {found[name]}")


@app.command()
def say(
    kind: Annotated[str, typer.Argument(help="his-adt、cis-orders、lis-report、pacs-report、dev-cbc、dev-chem1……")],
    count: Annotated[int, typer.Option(min=1, max=10000, help="说多少条")] = 1,
    wait: Annotated[float, typer.Option(min=0.1, help="最多等多少秒")] = 30,
    where: Where = None,
    change: Set = None,
) -> None:
    """用一条线路发几条消息，看对方怎么应答。"""
    import asyncio

    from simhospital.life.once import KINDS, speak

    if kind not in KINDS:
        typer.echo(f"没有“{kind}”这条线路，可选：{'、'.join(KINDS)}。", err=True)
        raise typer.Exit(2)
    found = asyncio.run(speak(settings_of(where, change), kind, count, wait))
    words = {"acknowledged": "已确认", "refused": "被拒收", "waiting": "没有应答", "lost": "丢失"}
    typer.echo("，".join(f"{words.get(k, k)} {n}" for k, n in found.items()))
    if set(found) - {"acknowledged"}:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
