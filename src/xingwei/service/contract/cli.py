"""xingwei contract …: check a contract's files, import them, print their schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from xingwei.base.ui.datafiles import FileProblems

from .files import SCHEMA, directories, load_directory

NO_DATABASE = frozenset({"check", "schema", "coverage"})  # commands that need none; see web/cli.py

app = typer.Typer(help="合同：检查合同文件、导入、查看格式。", no_args_is_help=True)

Directory = Annotated[Path | None, typer.Argument(help="合同目录；不写则用随产品提供的合同")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]


@app.command()
def check(directory: Directory = None, as_json: AsJson = False) -> None:
    """检查合同文件，找出文本自相矛盾和没有写明的地方，附原文出处和算例。

    不需要数据库。文件有问题（缺项、写法不对、与原文不一致）时退出码为 2；文本的矛盾不算错误，退出码为 0。
    """
    from . import report
    from .engine.findings import check as find
    from .engine.readings import readings

    try:
        contract = load_directory(_directory(directory)).contract
    except FileProblems as error:
        _fail(error, as_json)
    findings = find(contract, readings(contract.questions))
    if as_json:
        found = report.as_json(contract, findings)
        typer.echo(json.dumps({"contract": contract.code, "findings": found}, ensure_ascii=False, indent=2))
        return
    passages = sum(1 for _ in contract.walk())
    typer.echo(f"{contract.hospital}　{contract.title}（{contract.code}）")
    typer.echo(
        f"条文 {passages} 段，条款 {len(contract.clauses)} 条，履约义务 {len(contract.obligations)} 项；"
        f"录入完整。需要双方确认的问题 {len(findings)} 个："
    )
    for line in report.lines(contract, findings):
        typer.echo(line)


@app.command("import")
def import_(directory: Directory = None) -> None:
    """把合同目录导入为一个新版本（内容相同则不重复导入）。启用在“合同 → 版本”页面上做。"""
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


@app.command()
def coverage(
    check: Annotated[
        bool, typer.Option("--check", help="只检查 docs/coverage.md 是不是最新，不是则退出码为 1")
    ] = False,
) -> None:
    """生成 docs/coverage.md：每条条款在产品中的位置，和证明它的测试。不需要数据库。"""
    from .coverage import PAGE, page

    now = page()
    current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if check:
        typer.echo(
            "docs/coverage.md 是最新的"
            if current == now
            else "docs/coverage.md 已过时，请运行 xingwei contract coverage"
        )
        raise typer.Exit(int(current != now))
    PAGE.write_text(now, encoding="utf-8")
    typer.echo(f"已写 {PAGE.name}")


def _directory(given: Path | None) -> Path:
    if given is not None:
        return given
    known = directories()
    if len(known) != 1:
        names = "、".join(p.name for p in known)
        raise typer.BadParameter(f"请写明合同目录，现有：{names}" if known else "没有随产品提供的合同，请写明目录")
    return known[0]


def _fail(error: FileProblems, as_json: bool = False) -> NoReturn:
    """Every problem of the files on stderr, then exit status 2."""
    if as_json:
        rows = [{"file": p.file, "line": p.line, "message": p.message} for p in error.problems]
        typer.echo(json.dumps({"problems": rows}, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"合同文件有 {len(error.problems)} 处问题：", err=True)
        for problem in error.problems:
            typer.echo(f"  {problem}", err=True)
    raise typer.Exit(2)
