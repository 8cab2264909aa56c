"""The one command-line program, `xingwei`: its own commands, and one group for each room that has a cli.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from xingwei.base.runtime import config, database, version
from xingwei.base.runtime.display import errors
from xingwei.base.runtime.trouble import Trouble

from .rooms import ROOMS
from .upkeep import commands

_ROOM_COMMANDS = {room.commands: (room, "cli") for room in ROOMS if room.module != __package__ and room.has("cli")}
_ROOM_COMMANDS |= {name: (room, part) for room in ROOMS for name, part in room.more}


class Commands(TyperGroup):
    """A room's commands are imported only when they are asked for: they need Django, and their work the database."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_ROOM_COMMANDS]

    def get_command(self, ctx: Any, name: str) -> Any:
        if (found := _ROOM_COMMANDS.get(name)) is None:
            return super().get_command(ctx, name)
        room, part = found
        if not room.plain & set(sys.argv[2:3]):
            _django()
        module: Any = room.part(part)
        group: Any = get_group(module.app)
        without: frozenset[str] = getattr(module, "NO_DATABASE", frozenset())
        group.name = name
        invoke = group.invoke

        def with_database(ctx: Any) -> Any:
            if {"-h", "--help"} & set(sys.argv) or without & set(sys.argv[2:3]):
                return invoke(ctx)
            with _database():
                return invoke(ctx)

        group.invoke = with_database
        return group


app = typer.Typer(
    name="xingwei",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root() -> None:
    """杏维：医院信息系统运维服务平台。

    数据目录由环境变量 XINGWEI_HOME 指定（默认是程序目录下的 var）。没有设置 DATABASE_URL 时用内置的
    PostgreSQL：命令需要时自动启动，用完自动停止。每个命令后面加 --help 看详细说明。
    """


@app.command()
def up(
    fresh: Annotated[bool, typer.Option("--fresh", help="从头开始：原有数据移到 数据目录/old，不删除。")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="不装演示数据，供正式使用；会要求建立第一个管理员。")] = False,
    port: Annotated[int | None, typer.Option(help="网页端口，默认 8000。")] = None,
    bind: Annotated[str | None, typer.Option(help="监听的地址，默认 127.0.0.1；0.0.0.0 让别的电脑也能访问。")] = None,
) -> None:
    """启动全部：数据库、更新结构、网页、后台任务；Ctrl+C 全部停止。

    第一次启动会装入合同和一年的演示数据，并打印演示账号。正式使用请加 --empty，第一个管理员在提示下输入，
    或由 XINGWEI_ADMIN_USER、XINGWEI_ADMIN_NAME、XINGWEI_ADMIN_PASSWORD 给出。
    """
    from .up import up as start

    if port is not None:
        os.environ["XINGWEI_PORT"] = str(port)
    if bind is not None:
        os.environ["XINGWEI_BIND"] = bind
    start(fresh=fresh, empty=empty)


@app.command()
def prepare(
    demo: Annotated[bool, typer.Option("--demo", help="新库装入演示数据；不写则是空库，供正式使用。")] = False,
) -> None:
    """更新表结构、页面文件和随产品的日历、合同，新库建立第一个管理员。安装和每次升级后运行一次。

    第一个管理员由 XINGWEI_ADMIN_USER、XINGWEI_ADMIN_NAME、XINGWEI_ADMIN_PASSWORD 给出，或在提示下输入。
    """
    from .up import prepare as bring_up_to_date

    with database.available(config.from_environment()) as url:
        bring_up_to_date(url, empty=None if demo else True)


@app.command()
def web() -> None:
    """只运行网页服务（多进程）。单独部署时由 systemd 或容器管理。"""
    from .serve import serve_web

    with _database():
        serve_web(config.from_environment())


@app.command(hidden=True)
def answers() -> None:
    """退出码 0：网页服务在回答，也连得上数据库。供容器的健康检查。"""
    from .children import web_answers

    raise typer.Exit(0 if web_answers(config.from_environment()) else 1)


@app.command()
def worker() -> None:
    """只运行后台任务：定时任务、通知、时限、日志封存。单独部署时由 systemd 或容器管理。"""
    with _database():
        _django()
        from .serve import serve_worker

        serve_worker()


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def manage(ctx: typer.Context) -> None:
    """Django 的管理命令，例如 xingwei manage migrate；不带参数列出全部。"""
    from django.core.management import execute_from_command_line

    with _database():
        execute_from_command_line(["xingwei manage", *ctx.args])


app.command()(commands.backup)
app.command()(commands.restore)
app.command()(commands.doctor)


@app.command(name="version")
def show_version() -> None:
    """程序的版本。"""
    typer.echo(f"杏维 {version.current()}")


def _django() -> None:
    import django

    django.setup()


@contextmanager
def _database() -> Iterator[None]:
    with database.available(config.from_environment()):
        yield


def _speak_chinese() -> None:
    """The words that the command-line library adds of its own."""
    rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
    rich_utils.OPTIONS_PANEL_TITLE = "选项"
    rich_utils.COMMANDS_PANEL_TITLE = "命令"
    rich_utils.ERRORS_PANEL_TITLE = "不对"
    rich_utils.ABORTED_TEXT = "已中止。"
    rich_utils.DEFAULT_STRING = "[默认 {}]"
    rich_utils.REQUIRED_LONG_STRING = "[必填]"
    rich_utils.ENVVAR_STRING = "[环境变量 {}]"
    for kind in (TyperCommand, TyperGroup):
        kind.get_help_option = _chinese_help(kind.get_help_option)  # type: ignore[method-assign, assignment]


def _chinese_help(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def get_help_option(self: Any, ctx: Any) -> Any:
        if (option := original(self, ctx)) is not None:
            option.help = "显示这份说明。"
        return option

    return get_help_option


def main() -> None:
    _speak_chinese()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xingwei.web.settings")
    try:
        app()
    except Trouble as trouble:
        errors.print(f"[red]✗[/] {trouble}", markup=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
