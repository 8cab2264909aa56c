"""`simhospital fault …`: the switchboard by hand."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from . import switchboard
from .board import BoardError, Running, board
from .catalogue import combinations, definitions, find, search
from .keeper import sweep

CHINA = ZoneInfo("Asia/Shanghai")
app = typer.Typer(help="故障总控：按需出故障，到时自己撤回，真相留底。", no_args_is_help=True)


def _refuse(error: BoardError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(2)


def _left(fault: Running) -> str:
    seconds = max(0, int(fault.until - time.time()))
    return f"还有 {seconds // 60} 分 {seconds % 60:02d} 秒"


@app.command("list")
def list_faults(
    text: Annotated[str, typer.Argument(help="只列出含这些词的故障。")] = "",
    running: Annotated[bool, typer.Option("--running", help="只列出正在进行的。")] = False,
) -> None:
    """列出故障，正在进行的标出剩余时间。"""
    sweep()
    on = {fault.name: fault for fault in board().running()}
    group = ""
    for one in search(text):
        if running and one.code not in on:
            continue
        if one.group != group:
            group = one.group
            typer.echo(f"\n{group}")
        mark = f"  ● {_left(on[one.code])}" if one.code in on else ""
        typer.echo(f"  {one.code:<8} {one.name}（{one.layer}·{one.party}·{one.severity} 级）{mark}")
    if not running:
        typer.echo(f"\n共 {len(definitions())} 个故障，{len(combinations())} 个组合。")


@app.command()
def show(code: Annotated[str, typer.Argument(help="故障代码，如 IF03。")]) -> None:
    """说明一个故障：做什么、怎样撤回、会动哪些信号、有哪些参数。"""
    try:
        one = find(code)
    except BoardError as error:
        raise _refuse(error) from None
    for label, value in (
        ("故障", f"{one.code} {one.name}"),
        ("目录编号", "、".join(one.catalogue)),
        ("层、责任方、级别", f"{one.layer}、{one.party}、{one.severity} 级"),
        ("用户会说", one.words),
        ("做什么", one.does),
        ("怎样撤回", one.undone),
        ("会动的信号", "、".join(one.signals)),
        ("建议时长", f"{one.minutes} 分钟"),
    ):
        typer.echo(f"{label}：{value}")
    for parameter in one.parameters:
        typer.echo(f"参数 {parameter.name}：{parameter.label}，默认 {parameter.default}")


@app.command()
def start(
    code: Annotated[str, typer.Argument(help="故障代码，如 IF03。")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="参数，如 seconds=20；可写多次。")] = None,
    minutes: Annotated[float | None, typer.Option(help="时长（分钟），默认用建议时长。")] = None,
    delay: Annotated[float, typer.Option(help="推迟多少秒开始。")] = 0,
    by: Annotated[str, typer.Option(help="谁开的，记入真相日志。")] = "命令行",
) -> None:
    """开始一个故障；到时自己撤回。"""
    try:
        given = dict(pair.split("=", 1) for pair in set_ or ())
    except ValueError:
        raise _refuse(BoardError("参数要写成 名字=值。")) from None
    try:
        fault = switchboard.start(
            code, parameters=given, duration_s=None if minutes is None else minutes * 60, delay_s=delay, by=by
        )
    except BoardError as error:
        raise _refuse(error) from None
    typer.echo(f"已开始 {fault.name} {fault.facts['title']}（{fault.id}），{_left(fault)}。")


@app.command()
def stop(which: Annotated[str, typer.Argument(help="编号、故障代码、组合代码，或 all。")]) -> None:
    """停止故障并撤回它做的一切。"""
    sweep()
    gone = switchboard.stop(which)
    for fault in gone:
        typer.echo(f"已停止 {fault.name} {fault.facts.get('title', '')}。")
    if not gone:
        typer.echo(f"“{which}”没有在进行。")


@app.command()
def combine(
    code: Annotated[str, typer.Argument(help="组合代码，如 X01；不写则列出全部。")] = "",
    minutes: Annotated[float | None, typer.Option(help="总时长（分钟）。")] = None,
) -> None:
    """开始一个组合：几个故障按先后一起来。"""
    if not code:
        for one in combinations().values():
            typer.echo(f"{one.code}  {one.name}\n     陷阱：{one.trap}\n     答案：{one.answer}")
        return
    try:
        found, started = switchboard.combine(code, duration_s=None if minutes is None else minutes * 60, by="命令行")
    except BoardError as error:
        raise _refuse(error) from None
    typer.echo(f"已开始组合 {found.code} {found.name}：" + "、".join(fault.name for fault in started))


@app.command()
def log(
    as_json: Annotated[bool, typer.Option("--json", help="每行一个 JSON 对象，供打分用。")] = False,
    last: Annotated[int, typer.Option(help="最近几次。")] = 20,
) -> None:
    """真相日志：什么时候真的出了什么故障，真的做了什么。"""
    sweep()
    for episode in board().episodes()[-last:]:
        if as_json:
            typer.echo(json.dumps(episode, ensure_ascii=False))
            continue
        since = datetime.fromisoformat(episode["since"]).astimezone(CHINA)
        until = datetime.fromisoformat(episode["to"]).astimezone(CHINA) if episode["to"] else None
        span = f"{since:%m-%d %H:%M:%S} 到 {f'{until:%H:%M:%S}' if until else '现在'}"
        typer.echo(f"{span}  {episode['name']} {episode.get('title', '')}  做了 {len(episode['did'])} 件")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="端口。")] = 27080,
    host: Annotated[str, typer.Option(help="监听地址，只许本机。")] = "127.0.0.1",
) -> None:
    """打开故障总控网页。"""
    from .page import run

    try:
        run(host, port)
    except BoardError as error:
        raise _refuse(error) from None
