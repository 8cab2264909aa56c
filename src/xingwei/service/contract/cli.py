"""xingwei contract …: check a contract's files, import them, print their schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from xingwei.base.ui.datafiles import FileProblems

from .files import SCHEMA, directories

app = typer.Typer(help="合同：检查合同文件、导入、查看格式。", no_args_is_help=True)

Directory = Annotated[Path | None, typer.Argument(help="合同目录；不写则用随产品提供的合同")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]


@app.command("import")
def import_(directory: Directory = None) -> None:
    """把合同目录导入为一个新版本（内容相同则不重复导入）。启用在“合同 → 版本”页面上做。"""
    import django

    from xingwei.base.runtime import config, embedded

    settings = config.from_environment()
    if settings.database_url is None:
        embedded.start(settings.pgdata)
    django.setup()
    from xingwei.base.policy.engine import system_actor

    from .services import import_contract

    try:
        version = import_contract(system_actor("command"), _directory(directory))
    except FileProblems as error:
        _fail(error)
    state = f"生效日 {version.in_force_from}" if version.in_force_from else "尚未启用"
    typer.echo(f"{version.title}：{version}，{state}")


@app.command()
def schema() -> None:
    """输出合同文件的 JSON Schema。"""
    typer.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)


def _directory(given: Path | None) -> Path:
    if given is not None:
        return given
    known = directories()
    if len(known) != 1:
        names = "、".join(p.name for p in known)
        raise typer.BadParameter(f"请写明合同目录，现有：{names}" if known else "没有随产品提供的合同，请写明目录")
    return known[0]


def _fail(error: FileProblems, as_json: bool = False) -> None:
    """Every problem of the files on stderr, then exit status 2."""
    if as_json:
        rows = [{"file": p.file, "line": p.line, "message": p.message} for p in error.problems]
        typer.echo(json.dumps({"problems": rows}, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"合同文件有 {len(error.problems)} 处问题：", err=True)
        for problem in error.problems:
            typer.echo(f"  {problem}", err=True)
    raise typer.Exit(2)
