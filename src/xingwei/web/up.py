"""`xingwei up`: everything on one machine, from nothing to a page that answers."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time

from xingwei.base.runtime import checks, config, database, state
from xingwei.base.runtime.display import console
from xingwei.base.runtime.moment import stamp
from xingwei.base.runtime.supervisor import Supervisor
from xingwei.base.runtime.trouble import Trouble

from . import prepared
from .children import children
from .welcome import welcome

# What belongs to the data. Backups, logs and collected files stay where they are.
_DATA = ("pg", "files", "secret", "journal-heads", "simhospital")


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
            with database.available(settings) as url:
                accounts = _accounts(settings, url, empty=empty)
                hospital_url = url if accounts and settings.hospital else ""
                supervisor = Supervisor(settings, children(settings, hospital_url=hospital_url), settings.public_url)
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


def prepare(url: str, *, empty: bool | None) -> list[prepared.Account]:
    """Tables, files, set-up steps, the first administrator; returns the demonstration's accounts to be shown.

    The database at url must be available.
    """
    import django

    django.setup()
    from xingwei.base.runtime.prepare import prepare as bring_up_to_date
    from xingwei.base.runtime.setup import steps
    from xingwei.base.ui.views import ServiceRefused

    from . import setup

    setup.load()
    try:
        installation = bring_up_to_date(empty=empty)
        if setup.needs_administrator():
            setup.first_administrator()
    except ServiceRefused as refused:
        raise Trouble(str(refused)) from refused
    accounts = setup.demo_accounts()
    files = {path for step in steps(demo=True) for path in step.files}
    prepared.remember(config.from_environment(), url, files=files, mode=installation.mode, accounts=accounts)
    return accounts


def _accounts(settings: config.Config, url: str, *, empty: bool) -> list[prepared.Account]:
    """Prepare where anything is to be done."""
    was = prepared.unchanged(settings, url)
    if was is None or (empty and was.mode != "empty"):
        return prepare(url, empty=empty or None)
    return was.accounts


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
