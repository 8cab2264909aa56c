"""`xingwei up`: everything on one machine, from nothing to a page that answers."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from typing import Any

from xingwei.base.runtime import checks, config, database, state
from xingwei.base.runtime.display import console
from xingwei.base.runtime.moment import stamp
from xingwei.base.runtime.supervisor import Supervisor
from xingwei.base.runtime.trouble import Trouble

from .children import children

# What belongs to the data. Backups, logs and collected files stay where they are.
_DATA = ("pg", "files", "secret", "journal-heads")


def up(*, fresh: bool, empty: bool) -> None:
    """Start everything and stay until told to stop; raises Trouble with one sentence when it cannot."""
    began = time.monotonic()
    settings = config.from_environment()
    with state.only_one(settings):
        checks.free_port(settings.bind, settings.port)
        if fresh:
            set_aside(settings)
        checks.room(settings.home)
        signal.signal(signal.SIGTERM, _stop)
        try:
            with database.available(settings):
                accounts = prepare(empty=empty or None)
                from .welcome import welcome

                supervisor = Supervisor(settings, children(settings), settings.public_url)
                asyncio.run(
                    supervisor.run(lambda: console.print(welcome(settings, time.monotonic() - began, accounts)))
                )
                console.print("正在停止……")
        except KeyboardInterrupt:
            console.print("已中止。")
            raise SystemExit(130) from None
    console.print("已停止，数据都已保存。")


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def prepare(*, empty: bool | None) -> list[Any]:
    """Tables, files, set-up steps, the first administrator; returns the demonstration's accounts to be shown.

    The database must be available.
    """
    import django

    django.setup()
    from xingwei.base.runtime.prepare import prepare as bring_up_to_date
    from xingwei.base.ui.views import ServiceRefused

    from . import setup, welcome

    setup.load()
    try:
        bring_up_to_date(empty=empty)
        if setup.needs_administrator():
            setup.first_administrator()
    except ServiceRefused as refused:
        raise Trouble(str(refused)) from refused
    return welcome.demo_accounts()


def set_aside(settings: config.Config) -> None:
    """Move the data of this installation to HOME/old/TIME, and say so."""
    if settings.database_url:
        raise Trouble("数据库由 DATABASE_URL 指定，--fresh 不会清空它。请自己另建一个空库，再改 DATABASE_URL。")
    found = [settings.home / name for name in _DATA if (settings.home / name).exists()]
    if not found:
        return
    target = settings.home / "old" / stamp()
    target.mkdir(parents=True)
    size = sum(f.stat().st_size for d in found for f in d.rglob("*") if f.is_file())
    for directory in found:
        shutil.move(directory, target / directory.name)
    console.print(f"原有数据（{size // 2**20:,} MB）已移到 {target} ，不再需要时可以删去。")
