"""xingwei performance …"""

from __future__ import annotations

import typer

app = typer.Typer(help="性能：读取业务库的语句统计，列出最费时的语句。", no_args_is_help=True)


@app.command()
def read() -> None:
    """现在就读一次每个业务库的语句统计。"""
    from . import services

    failed = False
    for reading in services.read_all():
        failed = failed or bool(reading.problem)
        typer.echo(f"{reading.connection.name}：{reading.problem or f'{len(reading.counters)} 条语句'}")
    raise typer.Exit(1 if failed else 0)


@app.command()
def top(
    code: str = typer.Argument(help="连接的代码"),
    hours: int = typer.Option(24, min=1, max=9_600, help="最近几小时"),
) -> None:
    """一个业务库最费时的语句。"""
    from xingwei.base.connections.models import Connection

    from . import queries

    connection = Connection.objects.filter(code=code).first()
    if connection is None:
        typer.echo(f"没有连接“{code}”。", err=True)
        raise typer.Exit(1)
    for line in queries.lines(connection, hours=hours):
        typer.echo(
            f"{line.share:5.1f}%  {line.calls:>9} 次  {line.mean_ms:>10.2f} 毫秒  {line.trend_words[1]}  {line.statement}"
        )
