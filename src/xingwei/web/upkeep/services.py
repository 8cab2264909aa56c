"""Acts on the installation itself: have a failed job tried again, have a backup made."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from xingwei.base.accounts.queries import people_with_role
from xingwei.base.journal.services import record
from xingwei.base.notify.services import tell
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.runtime import backup
from xingwei.base.runtime.database import uri
from xingwei.base.runtime.moment import stamp
from xingwei.base.site.queries import value
from xingwei.base.ui.views import ServiceRefused

from . import queue

PERMISSION = "web.upkeep:act"


def retry_job(actor: Actor, job_id: int) -> str:
    """Queue a failed job again; returns what it is. Raises ServiceRefused when it is not failed any more."""
    require(actor, PERMISSION)
    with transaction.atomic():
        job = ProcrastinateJob.objects.select_for_update().filter(pk=job_id, status="failed").first()
        if job is None:
            raise ServiceRefused("这个任务已经不在失败之列，可能别人已经重试过了。")
        app.job_manager.retry_job_by_id(job_id, timezone.now())
        what = f"{queue.label(job.task_name)} {job.task_name.rpartition('.')[2]}"
        record(actor, "web.job.retry", ("web.job", str(job_id), what), f"重试失败的任务 {what}")
    return what


def ask_for_backup(actor: Actor) -> None:
    """Have a backup made in the background. Raises ServiceRefused while one is asked for already."""
    require(actor, PERMISSION)
    from xingwei.web.tasks import back_up_now

    try:
        with transaction.atomic():
            back_up_now.defer()
            record(actor, "web.backup.ask", ("web.backup", stamp(), "备份"), "要求立即备份")
    except AlreadyEnqueued:
        raise ServiceRefused("已经有一个备份在排队，请稍候。") from None


def back_up(actor: Actor, kind: str = "auto") -> Path:
    """Make a backup, copy it where the settings say, drop the oldest. Told to the system administrators if not.

    Raises BackupError, after having told.
    """
    config = settings.CONFIG
    path = backup.automatic(config.backups, kind)
    try:
        about = backup.make(config, uri(config), path, passphrase=backup.passphrase())
        copied = _copy(path)
    except backup.BackupError as error:
        _tell(actor, str(error))
        raise
    for directory in filter(None, (config.backups, copied and copied.parent)):
        backup.thin_out(directory, value("backup.keep"), kind)
    with transaction.atomic():
        record(
            actor,
            "web.backup.make",
            ("web.backup", path.name, path.name),
            f"备份完成：{path.name}，{path.stat().st_size // 2**20:,} MB"
            + (f"，已抄到 {copied.parent}" if copied else ""),
            after={"rows": sum(about.rows.values()), "copied": bool(copied)},
        )
    return path


def _copy(path: Path) -> Path | None:
    """The backup once more, on another disk; read back there before it counts."""
    if not (directory := value("backup.copy_to")):
        return None
    target, part = Path(directory) / path.name, Path(directory) / f"{path.name}.part"
    try:
        shutil.copyfile(path, part)
        backup.verify(part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise backup.BackupError(f"备份在本机做好了，但没有抄到 {directory}（{error.strerror or error}）。") from error
    except backup.BackupError:
        part.unlink(missing_ok=True)
        raise backup.BackupError(f"备份在本机做好了，但抄到 {directory} 的那份不完整。") from None
    return target


def _tell(actor: Actor, why: str) -> None:
    with transaction.atomic():
        record(actor, "web.backup.fail", ("web.backup", stamp(), "备份"), f"备份没有成功：{why}"[:500])
        tell(
            actor,
            people_with_role("system_admin"),
            kind="backup",
            title="备份没有成功",
            text=why[:500],
            url="/processes/",
            urgent=True,
            key=f"backup-{timezone.localdate()}",
        )
