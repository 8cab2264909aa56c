"""xingwei connections …: the business databases from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="业务库连接：列出、验证只读、看语句。", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """列出连接，以及最近一次只读验证的结果。"""
    from .models import Connection

    rows = Connection.objects.select_related("system")
    for row in rows:
        said = row.problem or row.get_proof_display()
        typer.echo(f"{row.code}\t{row.get_kind_display()}\t{row.name}\t{'' if row.enabled else '停用 '}{said}")
    if not rows:
        typer.echo("还没有连接。")


@app.command()
def prove(code: Annotated[str, typer.Argument(help="连接的代码；不写就逐个验证")] = "") -> None:
    """真的试写一次，确认只能读。有一个没通过就以 1 退出。"""
    from xingwei.base.policy.engine import system_actor

    from . import services
    from .models import Connection

    rows = list(Connection.objects.filter(enabled=True, **({"code": code} if code else {})))
    if not rows:
        typer.echo(f"没有连接“{code}”。" if code else "还没有连接。", err=True)
        raise typer.Exit(1)
    failed = False
    for row in rows:
        try:
            tried = services.prove(system_actor("command"), row)
        except services.ConnectionRefused as refused:
            typer.echo(str(refused), err=True)
            failed = True
            continue
        failed |= tried.level == "failed"
        typer.echo(f"{row.name}：{Connection.Proof(tried.level).label}")
        for one in tried.evidence:
            typer.echo(f"  {'✓' if one.ok else '！'} {one.check}：{one.detail}")
    raise typer.Exit(1 if failed else 0)


@app.command()
def statements(code: Annotated[str, typer.Argument(help="连接的代码")]) -> None:
    """登记在这个连接上的全部语句。"""
    from .models import Statement

    rows = list(Statement.objects.filter(connection__code=code))
    for row in rows:
        typer.echo(f"-- {row.purpose}（执行 {row.runs} 次，{row.rows:,} 行）\n{row.text};\n")
    if not rows:
        typer.echo("没有登记的语句。", err=True)
        raise typer.Exit(1)
