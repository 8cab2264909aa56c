"""xingwei lake …: the lake from the command line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="数据湖：导入映射、抽取、查询、追溯。", no_args_is_help=True)
NO_DATABASE = frozenset({"check"})
Directory = Annotated[Path, typer.Argument(help="YAML 文件或目录，例如 lakes/guangyuan")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="连接文件里大括号的值，如 hospital_host=10.0.0.5；可写多次。")
]


def _places(pairs: list[str] | None) -> dict[str, str]:
    wrong = [p for p in pairs or () if "=" not in p]
    if wrong:
        raise typer.BadParameter(f"“{wrong[0]}”应写成 名字=值。")
    return dict(p.split("=", 1) for p in pairs or ())


@app.command()
def check(path: Directory) -> None:
    """核对配置文件：写法、字段、代码、语句；不写入，不连库。"""
    from .services.importer import check_files

    problems = check_files(path)
    typer.echo("\n".join(problems) or "没有发现问题", err=bool(problems))
    raise typer.Exit(1 if problems else 0)


@app.command("import")
def import_(
    path: Directory,
    set_: Set = None,
    yes: Annotated[bool, typer.Option("--yes", help="已经看过语句，不再询问。")] = False,
) -> None:
    """导入连接、映射、质量规则；先列出会在业务库上执行的全部语句，确认后才登记。重复导入没有影响。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.datafiles import FileProblems

    from .services.base import LakeRefused
    from .services.importer import import_lake, statements_of

    places = _places(set_)
    try:
        if not yes:
            for connection, purpose, text in statements_of(path, places):
                typer.echo(f"-- [{connection}] {purpose}\n{text};\n")
            typer.confirm("以上语句今后会在业务库上执行（只读），登记吗？", abort=True)
        done = import_lake(system_actor("command"), path, places=places)
    except (LakeRefused, FileProblems) as refused:
        typer.echo(f"没有导入，内容没有改动：\n{refused}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(done))


@app.command()
def extract(
    mapping: Annotated[str, typer.Argument(help="映射的代码；不写就是到期的全部")] = "",
    since: Annotated[str, typer.Option("--since", help="只抽这些天：从哪天")] = "",
    until: Annotated[str, typer.Option("--until", help="到哪天（含）")] = "",
    any_time: Annotated[bool, typer.Option("--any-time", help="不管读取时段。")] = False,
) -> None:
    """抽取：新的、迟到的、还缺的；或指定的几天。没有完成就以 1 退出。"""
    from xingwei.base.connections.queries import NotNow

    from .models import Mapping
    from .services import extract as service
    from .services import quality, upkeep

    if not mapping:
        typer.echo(f"抽取了 {upkeep.extract_due()} 个映射。")
        return
    row = Mapping.objects.select_related("connection").filter(code=mapping).first()
    if row is None:
        typer.echo(f"没有映射“{mapping}”。", err=True)
        raise typer.Exit(1)
    if bool(since) != bool(until):
        raise typer.BadParameter("--since 与 --until 要一起写。")
    days = (_day(since), _day(until)) if since else (None, None)
    try:
        run = service.extract(row, since=days[0], until=days[1], any_time=any_time)
    except (service.Busy, NotNow) as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from None
    quality.look(row.dataset, {d for d in run.parts.values_list("day", flat=True) if d is not None})
    typer.echo(
        f"{run.get_state_display()}：读取 {run.rows:,} 行，写入 {run.written} 个分区，{run.unchanged} 个没有变化"
        + (f"。{run.problem}" if run.problem else "")
    )
    raise typer.Exit(0 if run.state == "done" else 1)


@app.command()
def status() -> None:
    """各数据集的行数、日期、新旧与质量问题。"""
    from django.utils import timezone

    from .queries import board

    for line in board.lines():
        checked = f"{timezone.localtime(line.checked_at):%m-%d %H:%M}" if line.checked_at else "—"
        span = f"{line.first} 至 {line.last}" if line.first else "—"
        typer.echo(
            f"{line.dataset.title}\t{line.state[1]}\t{line.rows:,} 行\t{span}\t核对 {checked}\t质量问题 {line.issues}"
        )
        if line.problem:
            typer.echo(f"  {line.problem}")


@app.command()
def sql(
    text: Annotated[str, typer.Argument(help="一条 SELECT，表名就是数据集，如 SELECT sum(amount) FROM charge")],
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 200,
) -> None:
    """在数据湖上查询，结果以制表符分列。"""
    from .engine.compile import Misunderstood
    from .session import opened

    with opened() as lake:
        try:
            answer = lake.sql(text)
            typer.echo("\t".join(answer.columns))
            for row in answer.limit(limit).fetchall():
                typer.echo("\t".join("" if v is None else str(v) for v in row))
        except Misunderstood as problem:
            typer.echo(str(problem), err=True)
            raise typer.Exit(1) from None


@app.command()
def trace(
    text: Annotated[str, typer.Argument(help="得出这个数的 SELECT")],
    group: Annotated[list[str] | None, typer.Option("--group", help="哪一行：分组列=值；可写多次。")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """从一个数追到它的行：来自哪个映射、业务库的哪个主键。"""
    from .engine.compile import Misunderstood
    from .queries import trace as query

    try:
        columns, rows = query.behind(text, _places(group), limit=limit)
    except Misunderstood as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    typer.echo("\t".join(columns))
    for row in rows:
        typer.echo("\t".join(str(row[c]) for c in columns))


@app.command()
def quality(dataset: Annotated[str, typer.Argument(help="数据集的代码；不写就是全部")] = "") -> None:
    """把全部日子重新检查一遍。"""
    from .engine.datasets import datasets
    from .services import quality as service

    if dataset and dataset not in datasets():
        typer.echo(f"没有数据集“{dataset}”，可选：{'、'.join(datasets())}", err=True)
        raise typer.Exit(1)
    for code in [dataset] if dataset else datasets():
        typer.echo(f"{datasets()[code].title}：{service.look(code):,} 项检查")


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}”不是日期，应写成 2026-03-18。") from None
