"""Bring the database and the static files to what this version needs: migrations, files, set-up steps."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from . import backup, setup, version
from .database import uri
from .display import console, stage
from .models import Installation, SetupStep
from .trouble import Trouble

BEFORE_UPGRADE, KEPT_BEFORE_UPGRADES = "before-upgrade", 3
_LOCK = 0x78696E67  # "xing": one preparation at a time, over all machines


def prepare(*, empty: bool | None = None) -> Installation:
    """Everything, each part only where there is something to do. empty: None keeps what was decided before.

    Raises Trouble when the database was made for the other mode, or by a newer version.
    """
    with _alone():
        migrate()
        collect_static()
        installation = _installation(empty)
        run_steps(demo=installation.mode == Installation.Mode.DEMO)
    return installation


def pending_migrations() -> list[str]:
    """Names of migrations that the database lacks."""
    executor = MigrationExecutor(connection)
    return [f"{m.app_label}.{m.name}" for m, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def known_migration(name: str) -> bool:
    """Does this program know the migration "app.name"? Of other packages, and of those used no more, it need not."""
    ours = {c.label for c in apps.get_app_configs() if c.name.startswith("xingwei.")}
    return name.partition(".")[0] not in ours or name in _migrations_of_this_program()


@cache
def _migrations_of_this_program() -> frozenset[str]:
    return frozenset(f"{a}.{n}" for a, n in MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def refuse_newer() -> None:
    """Raise Trouble when a newer version has used the database."""
    applied = [f"{a}.{n}" for a, n in MigrationRecorder(connection).applied_migrations()]
    unknown = [name for name in applied if not known_migration(name)]
    made_by = _made_by()
    if unknown or version.newer(made_by, version.current()):
        detail = f"有 {unknown[0]} 等 {len(unknown)} 个本版本不认识的迁移" if unknown else f"版本 {made_by}"
        raise Trouble(f"数据库是更新的版本用过的（{detail}）。请升级程序，或恢复升级前的备份。")


def _made_by() -> str:
    if Installation._meta.db_table not in connection.introspection.table_names():
        return ""
    found = Installation.objects.values_list("version", flat=True).first()
    return found or ""


def migrate() -> None:
    refuse_newer()
    if waiting := pending_migrations():
        if _made_by():
            _back_up()
        with stage(f"更新数据库结构（{len(waiting)} 项）"):
            call_command("migrate", interactive=False, verbosity=0)


def _back_up() -> None:
    """What an upgrade may spoil is kept first."""
    config = settings.CONFIG
    path = backup.automatic(config.backups, BEFORE_UPGRADE)
    try:
        with stage("升级前备份") as report:
            backup.make(config, uri(config), path, passphrase=backup.passphrase(), report=report)
    except backup.ServerTooNew as trouble:
        console.print(f"[yellow]没有做升级前备份：{trouble}[/]")
    backup.thin_out(config.backups, KEPT_BEFORE_UPGRADES, BEFORE_UPGRADE)


def collect_static() -> None:
    """Collect and compress the static files when one of them changed, or some are missing."""
    target = Path(settings.STATIC_ROOT)
    mark = target.with_name(f"{target.name}.fingerprint")
    now = _static_fingerprint()
    if (target / "staticfiles.json").exists() and mark.exists() and mark.read_text() == now:
        return
    with stage("准备页面文件"):
        mark.unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        call_command("collectstatic", interactive=False, verbosity=0)
        mark.write_text(now)


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _installation(empty: bool | None) -> Installation:
    found = Installation.objects.first()
    if found is None:
        mode = Installation.Mode.EMPTY if empty else Installation.Mode.DEMO
        return Installation.objects.create(pk=1, mode=mode, version=version.current())
    if empty and found.mode != Installation.Mode.EMPTY:
        raise Trouble("这里已经装有演示数据。要从空库开始，请用 --fresh --empty（原有数据会移到一边，不会删除）。")
    if found.version != version.current():
        found.version = version.current()
        found.save()
    return found


def run_steps(*, demo: bool) -> None:
    """Run what has not run, and what has other files than it read."""
    done = dict(SetupStep.objects.values_list("name", "fingerprint"))
    for step in setup.steps(demo=demo):
        fingerprint = step.fingerprint()
        if done.get(step.name) == fingerprint:
            continue
        with stage(step.label) as report:
            step.run(report)
        SetupStep.objects.update_or_create(name=step.name, defaults={"fingerprint": fingerprint})


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise Trouble("另一个程序正在更新这个数据库。请等它完成后再试。")
    try:
        yield
    finally:
        connection.close()  # gives the lock back
