"""xingwei rota …"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typer

app = typer.Typer(help="值班：导入排班与升级链、查看谁值班、考勤。", no_args_is_help=True)


@app.command("import")
def import_(
    path: Path = typer.Argument(None, help="YAML 文件；不写就用随产品提供的 rotas/guangyuan.yaml"),  # noqa: B008
    chains_only: bool = typer.Option(False, "--chains-only", help="只导入升级链"),
) -> None:
    """导入排班规则与升级链；按代号、等级和系统对应，重复导入只改不同之处。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.datafiles import FileProblems

    from . import files, services

    try:
        done = services.import_rota(system_actor("command"), path or files.SHIPPED, rules=not chains_only)
    except (FileProblems, services.Refused) as error:
        typer.echo(f"没有导入，什么都没有改：\n{error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"已导入：{done}")


@app.command()
def show(
    days: int = typer.Option(7, help="从今天起几天", min=1, max=31),
) -> None:
    """现在谁值班，以及今后几天的班次与缺岗。"""
    from django.utils import timezone

    from xingwei.base.ui import words as ui_words

    from . import queries, words

    now, today = timezone.localtime(), timezone.localdate()
    duty = queries.on_duty(now)
    names = "、".join(f"{d.person}（{d.label}）" for d in [*duty.on_site, *duty.on_call])
    typer.echo(f"现在：{names or '无人值班'}")
    last = today + dt.timedelta(days=days - 1)
    open_ = queries.gaps(today, last)
    found = queries.duties(today, last)
    for n in range(days):
        day = today + dt.timedelta(days=n)
        typer.echo(f"\n{ui_words.day(day)}")
        for d in found:
            if d.since.date() == day and d.kind.answers:
                typer.echo(
                    f"  {d.label}  {d.person}  {words.times(d.since, d.until)}{'  请假，待替班' if d.absent else ''}"
                )
        for gap in open_:
            if timezone.localdate(gap.start) == day:
                typer.echo(f"  缺岗  {words.gap(gap)}  {words.times(gap.start, gap.end)}")


@app.command()
def publish(week: str = typer.Argument(help="这一周里的任何一天，如 2026-03-16")) -> None:
    """发布一周的排班，并通知到人。"""
    from xingwei.base.policy.engine import system_actor

    from . import services

    try:
        day = dt.date.fromisoformat(week)
    except ValueError:
        typer.echo(f"“{week}”不是日期，应写成 2026-03-16", err=True)
        raise typer.Exit(2) from None
    try:
        typer.echo(f"已发布 {services.publish_week(system_actor('command'), day)}")
    except services.Refused as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(1) from None


@app.command()
def attendance(month: str = typer.Argument(None, help="如 2026-03；不写就是本月")) -> None:
    """一个月的驻场考勤，对照合同（条款 9.5）。"""
    from django.utils import timezone

    from xingwei.base.ui import words as ui_words

    from . import queries

    try:
        first = dt.date.fromisoformat(f"{month}-01") if month else timezone.localdate().replace(day=1)
    except ValueError:
        typer.echo(f"“{month}”不是月份，应写成 2026-03", err=True)
        raise typer.Exit(2) from None
    last = (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    found = queries.attendance(first, last)
    names = {p.pk: str(p) for p in found.people}
    for day in found.days:
        if not day.over:
            continue
        people = "  ".join(f"{names[p]} {d.mark.label}" for p, d in day.people.items())
        verdict = f"差 {day.short_of} 人" if day.short_of else "达标"
        typer.echo(f"{ui_words.day(day.date)}  {day.present} 人 {verdict}  {people}")
    share = f"{found.share:.1%}" if found.share is not None else "还没有已过的工作日"
    typer.echo(f"\n已过工作日 {found.over} 天，人数不足 {len(found.short_days)} 天，达标率 {share}")
