"""xingwei watch …: run a watching process, see what it does, take in the hospital's probes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="监测：运行监测进程，查看拨测，导入配置。", no_args_is_help=True)
NO_DATABASE = frozenset({"check"})


@app.command()
def run(
    name: Annotated[str, typer.Option("--name", help="进程的名字；同时运行几个时各不相同。")] = "watch-1",
) -> None:
    """运行一个监测进程：按时拨测，记录结果，直到停止。

    几个进程同时运行时按租约分担拨测，一个停了，几秒内由别的接管；全停了，恢复后自己说明从几时到几时没有监测。
    """
    import re

    from .runner.__main__ import main

    if re.fullmatch(r"[A-Za-z0-9._-]{1,40}", name) is None:
        raise typer.BadParameter("进程名只能用字母、数字、点、横线，至多 40 个字。")
    raise typer.Exit(main(name))


Directory = Annotated[Path, typer.Argument(help="YAML 文件或目录，例如 watches/guangyuan")]


@app.command("import")
def import_(path: Directory) -> None:
    """导入拨测、业务功能、心跳任务：补上没有的，改正不同的，不删除；重复导入没有影响。"""
    from xingwei.base.policy.engine import system_actor

    from .services.base import WatchRefused
    from .services.importer import import_watch

    try:
        done = import_watch(system_actor("command"), path)
    except WatchRefused as refused:
        typer.echo(f"没有导入，内容没有改动：\n{refused}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(done))


@app.command()
def check(path: Directory) -> None:
    """核对配置文件：写法、每种拨测的参数；不写入。"""
    from .services.importer import check as check_files

    problems = check_files(path)
    typer.echo("\n".join(problems) or "没有发现问题", err=bool(problems))
    raise typer.Exit(1 if problems else 0)
