"""The set-up of an installation, assembled: a room's steps stand in its setup.py, the demonstration's in demo/."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from xingwei.base.accounts.models import User
from xingwei.base.accounts.services import create_first_administrator
from xingwei.base.runtime.models import Installation
from xingwei.base.runtime.trouble import Trouble

from . import demo
from .prepared import Account
from .rooms import ROOMS

_ADMIN = ("XINGWEI_ADMIN_USER", "XINGWEI_ADMIN_NAME", "XINGWEI_ADMIN_PASSWORD")


def load() -> None:
    """Import every room's steps, so that they register."""
    for room in ROOMS:
        if room.module != __package__:  # this very module
            room.part("setup")
    import_module(f"{__package__}.demo.setup")


def demo_accounts() -> list[Account]:
    """The accounts that a visitor should try, as they stand in the database; none without demonstration data."""
    if not Installation.objects.filter(mode=Installation.Mode.DEMO).exists():
        return []
    found = User.objects.filter(username__in=demo.SHOWN).in_bulk(field_name="username")
    shown = [found[name] for name in demo.SHOWN if name in found]
    return [Account(user.username, user.name, user.title) for user in shown]


def needs_administrator() -> bool:
    """In real use, nobody could sign in."""
    return Installation.objects.filter(mode=Installation.Mode.EMPTY).exists() and not User.objects.exists()


def first_administrator() -> None:
    """Make the first account, from the environment or by asking at the terminal.

    Raises Trouble where neither is there, AccountRefused for a weak password.
    """
    values = [os.environ.get(name, "") for name in _ADMIN]
    if not all(values):
        if not sys.stdin.isatty():
            raise Trouble(f"还没有任何账号。请设置环境变量 {'、'.join(_ADMIN)} 后再启动，以建立第一个管理员。")
        values = _ask()
    create_first_administrator(*values)


def _ask() -> list[str]:
    import typer

    typer.echo("这是一个空库，先建立第一个管理员（安全管理员，之后由他建立别的账号）。")
    return [
        typer.prompt("工号"),
        typer.prompt("姓名"),
        typer.prompt("密码（至少 12 位）", hide_input=True, confirmation_prompt="再输一次"),
    ]
