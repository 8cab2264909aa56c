"""xingwei estate …"""

from __future__ import annotations

from pathlib import Path

import typer
from rich.progress import Progress

app = typer.Typer(help="系统、部件、接口与参数字典：导入、核对、导出。", no_args_is_help=True)


@app.command("import")
def import_(
    path: Path = typer.Argument(..., help="YAML 文件或目录，例如 estates/guangyuan"),  # noqa: B008
    check: bool = typer.Option(False, "--check", help="只核对文件，不写入"),
    skip_missing: bool = typer.Option(False, "--skip-missing", help="人员、单位、科室不在时略过，不拒绝"),
) -> None:
    """导入一个目录：补上没有的，改正不同的，不删除任何内容；重复导入没有影响。"""
    from xingwei.base.policy.engine import system_actor

    from . import services

    if check:
        problems = services.check_estate(path)
        typer.echo("\n".join(problems) or "没有发现问题", err=bool(problems))
        raise typer.Exit(1 if problems else 0)
    try:
        with Progress(transient=True) as progress:
            task = progress.add_task("导入")
            done = services.import_estate(
                system_actor("command"),
                path,
                skip_missing=skip_missing,
                progress=lambda n, of: progress.update(task, completed=n, total=of),
            )
    except services.EstateRefused as refused:
        typer.echo(f"没有导入，内容没有改动：\n{refused}", err=True)
        raise typer.Exit(1) from None
    for said in done.skipped:
        typer.echo(f"略过：{said}")
    typer.echo(str(done))


@app.command("export")
def export(path: Path = typer.Argument(..., help="写到哪个目录")) -> None:  # noqa: B008
    """把现有内容写成 YAML 文件，可以留存，也可以再导入。"""
    from .exporting import export_estate

    for name, count in export_estate(path).items():
        typer.echo(f"{path / name}：{count} 项")
