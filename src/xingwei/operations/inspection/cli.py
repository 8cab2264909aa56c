"""xingwei inspection …"""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(help="巡检：导入计划与检查表，按日历安排，看哪些到期，出报告。", no_args_is_help=True)


@app.command("import")
def import_(path: Path = typer.Argument(None, help="YAML 文件；不写就用随产品提供的")) -> None:  # noqa: B008
    """导入巡检计划与检查表；按代码对应，重复导入只改不同之处。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.datafiles import FileProblems

    from . import files, services

    try:
        count = services.import_inspections(system_actor("command"), path or files.SHIPPED)
    except FileProblems as error:
        typer.echo(f"没有导入，什么都没有改：\n{error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"已导入：{count} 份有变化")


@app.command()
def schedule() -> None:
    """按日历安排今后 100 天的巡检，并提醒到期的。"""
    from . import queries, services

    made = services.schedule()
    typer.echo(f"新安排 {len(made)} 次")
    for row in queries.due(100):
        late = "（已超期）" if queries.is_late(row) else ""
        typer.echo(f"{row.due_on}  {row.label}  {row.get_state_display()}{late}")


@app.command()
def report(
    number: int = typer.Argument(help="巡检的编号，在网址里"),
    out: Path = typer.Option(Path("巡检报告.pdf"), "--out", help="写到哪里"),  # noqa: B008
) -> None:
    """把一次巡检的报告写成 PDF。"""
    from . import queries
    from . import report as papers
    from .models import Inspection

    found = Inspection.objects.select_related("plan", "inspector").filter(pk=number).first()
    if found is None:
        typer.echo(f"没有编号 {number} 的巡检。", err=True)
        raise typer.Exit(1)
    out.write_bytes(papers.pdf_bytes(queries.whole(found)))
    typer.echo(f"已写入 {out}")
