"""xingwei backups …"""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(help="备份证明：导入备份计划，立即备份、校验、恢复演练，看哪些备份真能恢复。", no_args_is_help=True)


@app.command("import")
def import_(path: Path = typer.Argument(None, help="YAML 文件；不写就用随产品提供的")) -> None:  # noqa: B008
    """导入备份计划；按代码对应，重复导入只改不同之处。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.datafiles import FileProblems

    from . import files, services

    try:
        count = services.import_plans(system_actor("command"), path or files.SHIPPED)
    except (FileProblems, services.BackupRefused) as error:
        typer.echo(f"没有导入，什么都没有改：\n{error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"已导入：{count} 份计划有变化")


@app.command("list")
def list_() -> None:
    """每份备份能否恢复、最近一次备份、校验与恢复演练。有不能证明的，返回 1。"""
    from django.utils import timezone

    from . import hazards, queries
    from .engine.standing import Level, State
    from .models import Plan

    bad = False
    for view in queries.views(Plan.objects.filter(enabled=True).select_related("system")):
        bad = bad or view.standing.state is not State.PROVEN
        last = view.standing.last
        times = [f"{timezone.localtime(last[level]):%m-%d %H:%M}" if level in last else "从未" for level in Level]
        typer.echo(f"{view.plan.code:20} {hazards.why(view)}（备份 {times[0]}，校验 {times[1]}，演练 {times[2]}）")
    raise typer.Exit(1 if bad else 0)


@app.command()
def look() -> None:
    """现在就做到期的备份、校验与恢复演练，做完为止。"""
    from . import hazards, services
    from .models import Trial

    for trial in services.look():
        done = services.carry_out(Trial.objects.select_related("plan__connection", "copy").get(pk=trial.pk))
        verdict = "通过" if done.ok else f"没有通过：{done.problem}"
        typer.echo(f"{done.plan.name}：{done.get_level_display()}{verdict}")
    hazards.follow()
