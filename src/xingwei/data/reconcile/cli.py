"""`xingwei reconcile …`: run, replay, import, list; `files` needs nothing of the product around it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="对账：逐笔核对，找出原因。", no_args_is_help=True)
NO_DATABASE = frozenset({"files"})


@app.command("files")
def files(
    left: Annotated[
        Path, typer.Argument(help="左侧的文件：CSV、Excel、Parquet、3202 的 TXT 或 ZIP、微信/支付宝/POS 账单。")
    ],
    right: Annotated[Path, typer.Argument(help="右侧的文件。")],
    out: Annotated[Path, typer.Option("--out", help="结果放在这个目录。")],
    key: Annotated[
        list[str] | None, typer.Option("--key", help="用哪一列对，列名或 左列=右列；可写几个，先写的先用。")
    ] = None,
    amount: Annotated[str, typer.Option("--amount", help="金额列，列名或 左列=右列。")] = "",
    day: Annotated[str, typer.Option("--day", help="日期或时间列。")] = "",
    group: Annotated[list[str] | None, typer.Option("--group", help="总账按哪几列分组。")] = None,
    tolerance: Annotated[str, typer.Option("--tolerance", help="每笔容差，元，例如 0.01。")] = "",
    cap: Annotated[str, typer.Option("--cap", help="容差每天合计不超过，元。")] = "",
    spec: Annotated[Path | None, typer.Option("--spec", help="现成的对账方案（YAML 或 JSON），不用上面几项。")] = None,
) -> None:
    """两个文件对账：不写 --key、--amount 时自己找。写出 bridge.json、differences.json、.xlsx、.parquet。

    退出码：0 平，1 不平，2 不完整或文件读不了。
    """
    from . import hold
    from .engine import BadInput, SpecProblem

    asked = hold.Asked(tuple(key or ()), amount, day, tuple(group or ()), tolerance, cap, spec)
    try:
        lines, code = hold.files(left, right, out, asked)
    except (BadInput, SpecProblem) as bad:
        typer.echo(str(bad), err=True)
        raise typer.Exit(2) from None
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}”不是日期，应写成 2026-03-17。") from None


@app.command("run")
def run(
    code: Annotated[str, typer.Argument(help="对账的代码，如 yb。")],
    day: Annotated[str, typer.Option(help="账日，如 2026-03-17；不写为昨天。")] = "",
    since: Annotated[str, typer.Option(help="起始日；不写与账日相同。")] = "",
) -> None:
    """现在就核对，核完说出结论；不平时退出码为 1，没有核成为 2。"""
    from django.utils import timezone

    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.views import ServiceRefused

    from .models import Reconciliation
    from .services import runs
    from .words import signed_yuan

    until = _day(day) if day else timezone.localdate() - dt.timedelta(days=1)
    row = Reconciliation.objects.filter(code=code).first()
    if row is None:
        typer.echo(
            f"没有代码为“{code}”的对账，可用：{'、'.join(Reconciliation.objects.values_list('code', flat=True))}。",
            err=True,
        )
        raise typer.Exit(2)
    try:
        asked = runs.ask(system_actor("command"), row, _day(since) if since else until, until)
    except ServiceRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(2) from None
    done = runs.perform_now(asked)
    if done.state != done.State.DONE:
        typer.echo(f"没有核成：{done.problem}", err=True)
        raise typer.Exit(2)
    typer.echo(
        f"{row.name} {done.until}：{done.get_verdict_display()}，{done.rows} 笔，差 {signed_yuan(done.gap)} 元，残差 {done.residual}"
    )
    for bridge in done.bridge:
        for line in bridge.get("lines", ()):
            typer.echo(f"  {line['title']} {line['count']} 笔 {line['amount']}")
    if done.verdict != done.Verdict.BALANCED:
        raise typer.Exit(1)


@app.command("replay")
def replay(run: Annotated[int, typer.Argument(help="第几次核对。")]) -> None:
    """按原输入、原口径再算一次，说出结果是否逐行一致。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.views import ServiceRefused

    from .models import Run
    from .services import runs

    found = Run.objects.filter(pk=run).first()
    if found is None:
        typer.echo(f"没有第 {run} 次核对。", err=True)
        raise typer.Exit(2)
    try:
        done = runs.perform_now(runs.replay(system_actor("command"), found))
    except ServiceRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(2) from None
    if done.state != done.State.DONE:
        typer.echo(f"没有重放成：{done.problem}", err=True)
        raise typer.Exit(2)
    same = bool(done.facts.get("same"))
    typer.echo(f"第 {run} 次重放：{'结果逐行一致' if same else '结果不一致'}，摘要 {done.outcome_digest}")
    if not same:
        raise typer.Exit(1)


@app.command("import")
def import_files(path: Annotated[Path, typer.Argument(help="对账文件的目录，或一个文件。")]) -> None:
    """从 YAML 文件导入对账；内容有变成为新版本。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.datafiles import FileProblems
    from xingwei.base.ui.views import ServiceRefused

    from .services.definitions import import_directory

    try:
        import_directory(system_actor("command"), path, progress=lambda done, total, text: typer.echo(text))
    except (FileProblems, ServiceRefused) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from None


@app.command("list")
def list_all() -> None:
    """所有对账与最近一次的结论。"""
    from .models import Reconciliation, Run

    for row in Reconciliation.objects.all():
        last = row.runs.filter(state=Run.State.DONE).order_by("-id").first()
        said = f"{last.until} {last.get_verdict_display()} {last.rows} 笔" if last else "还没有核对"
        typer.echo(f"{row.code}  {row.name}  {said}")
