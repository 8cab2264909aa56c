"""xingwei calendar …"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typer

app = typer.Typer(help="工作日历（调休在内）：导入、查看。", no_args_is_help=True)


@app.command("import")
def import_(
    paths: list[Path] = typer.Argument(None, help="YAML 文件或目录；不写就用随产品提供的 calendars/"),  # noqa: B008
    note: str = typer.Option("", help="说明，记入版本"),
) -> None:
    """导入日历文件，成为新版本；内容没有变化就什么也不做。"""
    from xingwei.base.policy.engine import system_actor

    from . import files, services

    try:
        done = services.import_files(system_actor("command"), paths or [files.SHIPPED], note)
    except services.CalendarRefused as refused:
        typer.echo(f"没有导入，日历没有改动：\n{refused}", err=True)
        raise typer.Exit(1) from None
    if done.changed:
        typer.echo(f"已发布工作日历 {done.version.number}：{'、'.join(sorted(done.version.years))} 年")
    else:
        typer.echo(f"没有变化，仍是 {done.version.number}")


@app.command()
def show(year: int = typer.Argument(None, help="年份；不写就是今年", min=2000, max=2100)) -> None:
    """一年的日历：休 是节假日，班 是调休工作日，括号是周末。"""
    from . import pictures, queries

    calendar = queries.current()
    today = dt.date.today()  # noqa: DTZ011 - the day on the wall of this machine
    number = year or today.year
    arranged = calendar.years.get(number)
    state = "没有安排" if arranged is None else "已公布" if arranged.published else "暂定"
    totals = pictures.totals(calendar, number)
    typer.echo(f"{number} 年  版本 {calendar.version}  {state}  {arranged.source if arranged else ''}")
    typer.echo(f"工作日 {totals['working']} 天（其中调休 {totals['makeup']} 天），节假日 {totals['holiday']} 天")
    for month in pictures.year_picture(calendar, number, today=today):
        typer.echo(f"\n{month.number:>2} 月  工作日 {month.workdays} 天\n  一    二    三    四    五    六    日")
        for week in month.weeks:
            typer.echo("".join(_cell(c) for c in week).rstrip())


def _cell(cell: object) -> str:
    """Six columns wide; a Chinese character takes two."""
    from .pictures import Cell

    if not isinstance(cell, Cell):
        return " " * 6
    number = cell.day.date.day
    if cell.mark:
        return f" {number:>2}{cell.mark} "
    return f" {number:>2}   " if cell.day.kind.works else f"({number:>2})  "
