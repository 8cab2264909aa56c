"""Commands that keep an installation well: backup, restore, doctor."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from xingwei.base.runtime import backup as backups
from xingwei.base.runtime import config, database, state
from xingwei.base.runtime.display import console, stage
from xingwei.base.runtime.moment import shown, stamp
from xingwei.base.runtime.trouble import Trouble

if TYPE_CHECKING:
    from .health import Finding

Passphrase = Annotated[
    bool,
    typer.Option(
        "--passphrase", help="在提示下输入口令，给密钥加密或解密；也可以放在环境变量 XINGWEI_BACKUP_PASSPHRASE 里。"
    ),
]


def backup(
    file: Annotated[Path | None, typer.Argument(help="写到哪个文件；不写则放在 数据目录/backups。")] = None,
    passphrase: Passphrase = False,
    verify: Annotated[Path | None, typer.Option("--verify", metavar="文件", help="只核对一个已有的备份。")] = None,
    show: Annotated[bool, typer.Option("--list", help="只列出 数据目录/backups 里的备份。")] = False,
) -> None:
    """备份：数据库、上传的文件、审计日志链头、密钥，写成一个文件，写完后逐字节核对。

    运行中也可以备份，得到的是开始那一刻的完整状态。没有口令时密钥以明文写入备份，请像密码一样保管备份文件。
    """
    settings = config.from_environment()
    if show:
        console.print(_listed(backups.kept(settings.backups)))
        return
    if verify is not None:
        with stage("核对备份", always=True) as report:
            found = backups.verify(verify, report)
        console.print(_said(found.path, found.about))
        return
    path = (file or backups.automatic(settings.backups, "hand")).resolve()
    secret = _passphrase(passphrase, confirm=True)
    with database.available(settings) as url, stage("备份", always=True) as report:
        about = backups.make(settings, url, path, passphrase=secret, report=report)
    console.print(_said(path, about))
    if about.keys == "plain":
        console.print("[yellow]备份里的密钥没有加密，请像密码一样保管这个文件（加密请用 --passphrase）。[/]")


def restore(
    file: Annotated[Path, typer.Argument(help="备份文件。")],
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="URL", help="演练：恢复到另一个空数据库，文件和密钥放到新目录，现有的都不动。"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="数据库不是空的也替换；现有内容会先备份到 数据目录/backups。")
    ] = False,
    passphrase: Passphrase = False,
) -> None:
    """从备份恢复。先核对整个备份和版本，有任何不对就什么都不改动；恢复后校验审计日志。

    恢复前请停止杏维。原有的文件会移到 数据目录/old，不删除。
    """
    settings = config.from_environment()
    secret = _passphrase(passphrase, confirm=False)
    if into is not None:
        practice = settings.home / "practice" / stamp()
        os.environ |= {"DATABASE_URL": into, "XINGWEI_HOME": str(practice)}
        settings = config.from_environment()
    with state.only_one(settings), database.available(settings) as url:
        done = _restore(settings, url, file, force=force, secret=secret)
    console.print(
        f"已恢复到 {shown(done.about.moment)} 的状态：{len(done.about.rows)} 张表 {sum(done.about.rows.values()):,} 行，"
        f"文件和密钥 {done.files:,} 个。"
    )
    if done.before:
        console.print(f"恢复前的内容备份在 {done.before}")
    if done.old and into is None:
        console.print(f"原有的文件移到了 {done.old}")
    if into is not None:
        console.print(f"打开它看：XINGWEI_HOME={settings.home} DATABASE_URL=… xingwei up --port 8001")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON，供监控系统读取。")] = False,
) -> None:
    """体检：目录、磁盘、数据库、结构、后台任务、队列、审计日志、备份、对外安全。有问题时退出码为 1。"""
    found = _examine(config.from_environment())
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in found], ensure_ascii=False, indent=1))
    else:
        marks = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "late": "[red]✗[/]"}
        for f in found:
            console.print(f"{marks[f.state]} {f.label}：{escape(f.text)}")
            if f.act:
                console.print(f"    → {escape(f.act)}")
    if any(f.state == "late" for f in found):
        raise typer.Exit(1)


def _examine(settings: config.Config) -> list[Finding]:
    import django

    django.setup()
    from . import health

    try:
        with database.available(settings):
            return list(health.findings())
    except Trouble as trouble:
        return [*health.environment(), health.Finding(health.BAD, "数据库", str(trouble))]


def _restore(settings: config.Config, url: str, file: Path, *, force: bool, secret: str) -> backups.Restored:
    import django

    django.setup()
    from xingwei.base.runtime import prepare

    with stage("恢复", always=True) as report:
        done = backups.restore(
            settings,
            url,
            file,
            known=prepare.known_migration,
            force=force,
            passphrase=secret,
            report=report,
        )
    prepare.migrate()
    _verify_journal()
    return done


def _verify_journal() -> None:
    from xingwei.base.journal.verifying import verify

    with stage("校验审计日志", always=True) as report:
        found = verify(progress=report)
    if not found.intact:
        raise Trouble(f"数据已恢复，但审计日志没有通过校验：{found.sentence}")
    console.print(found.sentence)


def _passphrase(asked: bool, *, confirm: bool) -> str:
    if not asked:
        return backups.passphrase()
    return str(
        typer.prompt("口令（至少 12 位）", hide_input=True, confirmation_prompt="再输一次" if confirm else False)
    )


def _said(path: Path, about: backups.About) -> str:
    return (
        f"{path}  {path.stat().st_size / 2**20:,.1f} MB\n"
        f"版本 {about.version}，{shown(about.moment)} 的状态，{len(about.rows)} 张表 {sum(about.rows.values()):,} 行，完整。"
    )


def _listed(kept: list[backups.Kept]) -> Table | str:
    if not kept:
        return "还没有备份。"
    table = Table(box=None, padding=(0, 2))
    for name in ("文件", "时间", "大小", "版本", "行数"):
        table.add_column(name, overflow="fold")
    for one in kept:
        rows = f"{sum(one.about.rows.values()):,}" if one.about else one.trouble
        table.add_row(
            one.path.name,
            shown(one.made_at),
            f"{one.size / 2**20:,.1f} MB",
            one.about.version if one.about else "",
            rows,
        )
    return table
