"""`xingwei reconcile …`: run, replay, import, list; `files` needs nothing of the product around it."""

from __future__ import annotations

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
