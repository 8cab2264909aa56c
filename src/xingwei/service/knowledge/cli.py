"""xingwei knowledge …"""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(help="知识：导入操作指南、查找。", no_args_is_help=True)


@app.command("import")
def import_(
    path: Path = typer.Argument(None, help="目录或一个 .md 文件；不写就用随产品提供的 guides/"),  # noqa: B008
    overwrite: bool = typer.Option(False, "--overwrite", help="连人改过的指南也覆盖（旧内容仍在历次版本里）"),
) -> None:
    """导入指南并发布；有人在页面上改过的指南保留原样，除非加 --overwrite。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.datafiles import FileProblems

    from . import files, services

    try:
        done = services.import_guides(system_actor("command"), path or files.SHIPPED, overwrite=overwrite)
    except FileProblems as problems:
        typer.echo(f"没有导入，什么都没有改：\n{problems}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(done))


@app.command()
def suggest(text: str = typer.Argument(help="像登记问题那样说一句，如 医保刷不了")) -> None:
    """看看登记问题时会推荐哪些指南。"""
    from . import queries

    found = queries.suggest(text, limit=5)
    for guide in found:
        typer.echo(f"{guide.slug}  {guide.title}")
    if not found:
        typer.echo("没有合适的指南")
