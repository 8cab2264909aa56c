"""xingwei journal …: verify the chain, bring its heads out, seal, purge. See engine/chain.py for what is proved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xingwei.base.runtime.display import stage

from .who import Who

app = typer.Typer(help="审计日志：校验有没有被改动、导出签名的链头、封存、清理。", no_args_is_help=True)


@app.command()
def verify(
    heads: Annotated[
        Path | None, typer.Option(help="另存在别处的链头：一个文件，或一个含 heads-*.jsonl 的目录。", exists=True)
    ] = None,
    first: Annotated[int | None, typer.Option("--from", min=1, help="从哪个序号起；不写就是从头。")] = None,
    last: Annotated[int | None, typer.Option("--to", min=1, help="到哪个序号止；不写就是到最新。")] = None,
) -> None:
    """校验审计日志：改动、删除、插入、换序都查得出，并指出第一处。

    完好时退出码是 0，被改动过是 1，没能校验是 2。数据库管理员连校验值一起改写时，要靠 --heads 给出
    存在别处的链头来证明。校验结果记入审计日志。
    """
    from . import checks
    from .exporting import ExportError

    if first and last and last < first:
        raise typer.BadParameter("--to 不能小于 --from")
    with stage("校验审计日志") as report:
        try:
            asked = checks.start(_who(), first=first, last=last)
            done = checks.run(asked.pk, _who(), heads=heads, progress=report)
        except ExportError as error:
            typer.echo(f"没能校验：{error}", err=True)
            raise typer.Exit(2) from None
    typer.echo(done.sentence)
    for remark in done.remarks:
        typer.echo(f"提示：{remark}")
    if not done.intact:
        raise typer.Exit(1)


@app.command("export-heads")
def export_heads(
    path: Annotated[Path | None, typer.Argument(help="写成一个新文件；不写就送到设置里的每一处。")] = None,
) -> None:
    """把签名的链头带出数据库：写进一个新文件，或送到设置的目录和地址。

    链头存在数据库管理员够不着的地方，校验才作得了证。
    """
    from . import exporting
    from .models import SignedHead

    if path is not None:
        rows = [row.engine() for row in SignedHead.objects.order_by("id")]
        try:
            exporting.write_file(path, rows)
        except FileExistsError:
            typer.echo(f"{path} 已经存在，没有覆盖。请换一个文件名。", err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            typer.echo(f"{path} 不能写：{error.strerror}", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"已写出 {len(rows)} 个链头：{path}")
        return
    failed = False
    for state in exporting.export_heads():
        failed |= bool(state.error)
        typer.echo(f"{'✗' if state.error else '✓'} {state.destination}：{state.error or f'已送到序号 {state.seq}'}")
    if failed:
        raise typer.Exit(1)


@app.command()
def seal() -> None:
    """立即封存等待中的记录；平时由后台任务每十秒做一次。"""
    from . import sealing

    with stage("封存") as report:
        sealed = sealing.seal(progress=lambda done: report(done, done))
    typer.echo(f"封存了 {sealed:,} 条。" if sealed else "没有等待封存的记录。")


@app.command()
def purge() -> None:
    """清理超过留存期的记录；平时由后台任务每天做一次。不足 184 天的无论如何不会清理。"""
    from . import options, purging

    removed = purging.purge(_who())
    days = options.current().retention_days
    typer.echo(f"清理了超过 {days} 天的 {removed:,} 条。" if removed else f"没有超过 {days} 天、可以清理的记录。")


def _who() -> Who:
    return Who(id=None, name="系统", via="command")
