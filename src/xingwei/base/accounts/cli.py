"""xingwei people …: import people, open a locked account from the machine itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xingwei.base.runtime.display import stage

app = typer.Typer(help="人员与账号：导入、名单、应急解锁。", no_args_is_help=True)


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="YAML 文件：organisations、departments、people。")],
    passwords: Annotated[
        Path | None, typer.Option(help="把新账号的初始密码写进这个新文件（只有本人能读）；不写就打印出来。")
    ] = None,
) -> None:
    """导入单位、科室和人员；重复导入只更改有差别的，不删任何人。

    格式见产品自带的 web/demo/people.yaml。新账号第一次登录必须修改密码。
    """
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.views import ServiceRefused

    from .services import import_people

    if passwords is not None and passwords.exists():
        raise typer.BadParameter(f"{passwords} 已经存在，不会覆盖")
    try:
        with stage("导入人员") as report:
            done = import_people(system_actor("command"), path, progress=report)
    except ServiceRefused as refused:
        typer.echo(f"没有导入，什么都没有改：{refused}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(done))
    lines = [f"{username}\t{first}" for username, first in sorted((done.passwords or {}).items())]
    if passwords is not None and lines:
        passwords.touch(mode=0o600, exist_ok=False)
        passwords.write_text("\n".join(lines) + "\n", encoding="utf-8")
        typer.echo(f"初始密码已写入 {passwords}，发放后请删除。")
    elif lines:
        typer.echo("新账号的初始密码（只显示这一次）：\n" + "\n".join(lines))


@app.command("list")
def list_(role: Annotated[str, typer.Option(help="只列某个角色，例如 security_admin。")] = "") -> None:
    """列出启用的账号：工号、姓名、单位、角色。"""
    from . import queries

    people = queries.people_with_role(role) if role else queries.in_force().select_related("organisation")
    for user in people.prefetch_related("assignments").order_by("username"):
        held = "、".join(a.label for a in user.assignments.all() if a.is_in_force())
        typer.echo(f"{user.username}\t{user.name}\t{user.organisation.short_name}\t{held or '没有角色'}")


@app.command()
def rescue(username: Annotated[str, typer.Argument(help="安全管理员的工号。")]) -> None:
    """应急：给进不来的安全管理员一个新的初始密码，解除锁定和动态码绑定。

    只有能登录这台服务器的人能用，记入审计日志。其他人的账号请由安全管理员在网页上办理。
    """
    from .services.base import AccountRefused
    from .services.rescue import rescue as run

    try:
        first = run(username)
    except AccountRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{username} 的初始密码：{first}\n下次登录必须修改；要求动态码的，登录后重新绑定。")
