"""The one command-line program, `xingwei`: every room adds its own commands."""

from __future__ import annotations

import os

import typer

app = typer.Typer(
    name="xingwei",
    help="杏维：医院信息系统运维服务平台。",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback()
def root() -> None:
    """杏维：医院信息系统运维服务平台。"""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def manage(ctx: typer.Context) -> None:
    """Django 的管理命令，例如：xingwei manage migrate"""
    from django.core.management import execute_from_command_line

    _database()
    execute_from_command_line(["xingwei manage", *ctx.args])


def _database() -> None:
    """The embedded server runs whenever a command needs it and no other one is configured."""
    from xingwei.base.runtime import config, embedded

    settings = config.from_environment()
    if settings.database_url is None:
        embedded.start(settings.pgdata)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xingwei.web.settings")
    app()
