"""./bench NAME [--quick] [--json] [--rows N]"""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from .frame import Bench, Options, finish


class Name(StrEnum):
    desk = "desk"
    clocks = "clocks"
    journal = "journal"
    messages = "messages"
    gateway = "gateway"
    breaker = "breaker"
    triage = "triage"
    reconcile = "reconcile"
    watch = "watch"


_NAME = """desk：台账、检索、打开一件（一百万件，与 django-helpdesk 并排）；clocks：换日历后重算十万个在走的时钟；
journal：一百万条审计日志封存与校验；messages：一千万条接口消息里检索与打开；
gateway：每秒接收并送达多少条消息（与只应答的程序库并排）；breaker：第三方挂起时主流程慢多少；
triage：一百多种故障，层与责任方判得准不准；
reconcile：一百万、一千万行一侧的对账（与 datacompy、sqlmesh、Polars、pandas、手写 SQL 并排）；
watch：每分钟拨测多少次，占医院数据库多少时间，一万条序列画一年要多久"""


def main(
    name: Annotated[Name, typer.Argument(help=_NAME)],
    quick: Annotated[bool, typer.Option("--quick", help="小数据，一分钟以内")] = False,
    json: Annotated[bool, typer.Option("--json", help="只输出最后一行的 JSON")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="desk、reconcile：不与别的程序比较")] = False,
    rows: Annotated[int, typer.Option("--rows", min=0, help="换一个规模")] = 0,
) -> None:
    """性能测试。数据留在 var/bench，下次直接用；数据库设置与正式运行相同（fsync 打开）。"""
    bench = Bench(Options(quick=quick, json=json, rows=rows, alone=alone), cluster=name is not Name.reconcile)
    try:
        outcome = import_module(f"benchmarks.{name.value}").run(bench)
        finish(bench, outcome)
    finally:
        bench.close()


if __name__ == "__main__":
    typer.run(main)
