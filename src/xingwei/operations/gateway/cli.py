"""xingwei gateway …: run a process of the gateway, see what its channels do. Nothing here needs Django to be imported:
a process that was killed must be back in a fraction of a second."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="接口网关：运行网关进程，查看通道，导入配置。", no_args_is_help=True)
NO_DATABASE = frozenset({"check"})


@app.command()
def run(
    name: Annotated[str, typer.Option("--name", help="进程的名字；同时运行几个时各不相同。")] = "gw-1",
) -> None:
    """运行一个网关进程：接收、存储、投递消息，直到停止。

    几个进程同时运行时按租约分担通道，一个停了，几秒内由别的接管。没有配置通道时空转等待，配置后不用重启。
    """
    import re

    from .runner.__main__ import main

    if re.fullmatch(r"[A-Za-z0-9._-]{1,40}", name) is None:
        raise typer.BadParameter("进程名只能用字母、数字、点、横线，至多 40 个字。")
    raise typer.Exit(main(name))


@app.command()
def status() -> None:
    """各通道现在的情况：由谁运行、速率、排队、熔断。"""
    from .runner.overview import overview

    lines = overview()
    if not lines:
        typer.echo("还没有配置通道。")
        return
    for line in lines:
        typer.echo(line)


Directory = Annotated[Path, typer.Argument(help="YAML 文件或目录，例如 gateways/guangyuan")]


@app.command("import")
def import_(path: Directory) -> None:
    """导入通道、编码对照与路由：补上没有的，改正不同的；人工发布过的规则只生成草稿，等人复核。重复导入没有影响。"""
    from xingwei.base.policy.engine import system_actor

    from .services.base import GatewayRefused
    from .services.importer import import_gateway

    try:
        done = import_gateway(system_actor("command"), path)
    except GatewayRefused as refused:
        typer.echo(f"没有导入，内容没有改动：\n{refused}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(done))


@app.command()
def check(path: Directory) -> None:
    """核对配置文件：写法、每种协议的参数、每条规则能不能编译；不写入。"""
    from .services.importer import check as check_files

    problems = check_files(path)
    typer.echo("\n".join(problems) or "没有发现问题", err=bool(problems))
    raise typer.Exit(1 if problems else 0)


@app.command()
def archive(day: Annotated[str, typer.Argument(help="日期，例如 2026-03-18；不写就按保留规则")] = "") -> None:
    """把过了保留期的报文（或指定的一天）归档成文件，核对无误后清出数据库。"""
    from xingwei.base.policy.engine import system_actor

    from .services import archive as service

    actor = system_actor("command")
    try:
        if day:
            service.archive_day(actor, _day(day))
            service.drop_day(actor, _day(day))
        said = [f"{day} 已归档并清出"] if day else service.run(actor)
    except service.ArchiveRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(said) or "没有要归档的。")


@app.command()
def restore(
    day: Annotated[str, typer.Argument(help="日期，例如 2026-03-18")],
    days: Annotated[int, typer.Option("--days", help="取回几天", min=1, max=90)] = 7,
) -> None:
    """把归档的一天取回数据库查阅，到期再清出。"""
    from xingwei.base.policy.engine import system_actor

    from .services import archive as service

    try:
        rows = service.restore_day(system_actor("command"), _day(day), days=days)
    except service.ArchiveRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"已取回 {sum(r.rows for r in rows):,} 行，{days} 天后清出。")


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}”不是日期，应写成 2026-03-18。") from None
