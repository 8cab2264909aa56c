"""Every write about backups: plans, copies, and the trials that prove them (clauses 6.1a, 6.1b)."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.connections import queries as connections
from xingwei.base.connections.models import Connection
from xingwei.base.estate.models import System
from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.policy.querysets import require
from xingwei.base.runtime import config
from xingwei.base.ui.views import ServiceRefused

from . import files, queries
from .engine import rows
from .engine.retention import Held, Rule, to_drop
from .makers import Address, BackupProblem, maker_of
from .makers.base import size_of
from .models import Copy, Plan, Trial

FIELDS = (
    "name", "system_id", "connection_id", "maker", "form", "directory", "pattern", "at", "weekdays", "late_hours",
    "keep_days", "keep_weeks", "keep_months", "verify_days", "restore_days", "sentinels", "enabled", "note",
)  # fmt: skip
_ABANDONED = dt.timedelta(minutes=10)
_SAY_S = 1.0


class BackupRefused(ServiceRefused):
    """What the services refuse; the text is for the user."""


# Plans


def save_plan(actor: Actor, code: str, values: Mapping[str, Any]) -> Plan:
    """Make or change a plan. values: some of FIELDS; `system` and `connection` by code. Raises BackupRefused."""
    require(actor, "backups.plan:change")
    given = _resolved(dict(values))
    with transaction.atomic():
        row = Plan.objects.select_for_update().filter(code=code).first()
        new = row is None
        row = row or Plan(code=code, version=0)
        before = {} if new else snapshot(row, FIELDS)
        for name, value in given.items():
            setattr(row, name, value)
        _check(row)
        after = snapshot(row, FIELDS)
        if not new and before == after:
            return row
        row.version += 1
        row.save()
        was, now = ({}, after) if new else changes(before, after)
        record(
            actor, "backups.plan.save", row, f"{'新建' if new else '修改'}备份计划“{row.name}”", before=was, after=now
        )
    return row


def _resolved(values: dict[str, Any]) -> dict[str, Any]:
    if "system" in values:
        code = values.pop("system")
        values["system_id"] = System.objects.filter(code=code).values_list("pk", flat=True).first() if code else None
        if code and values["system_id"] is None:
            raise BackupRefused(f"没有系统“{code}”。")
    if "connection" in values:
        code = values.pop("connection")
        found = Connection.objects.filter(code=code).values_list("pk", flat=True).first() if code else None
        if code and found is None:
            raise BackupRefused(f"没有连接“{code}”：请先在“业务库连接”里建立。")
        values["connection_id"] = found
    if unknown := set(values) - set(FIELDS):
        raise BackupRefused(f"不认识的项目：{'、'.join(sorted(unknown))}")
    return values


def _check(plan: Plan) -> None:
    plan.name, plan.directory = plan.name.strip(), plan.directory.strip()
    if not plan.name:
        raise BackupRefused("请填写名称。")
    if not plan.weekdays or not set(plan.weekdays) <= set(range(1, 8)):
        raise BackupRefused("请选择星期几备份。")
    if not plan.keep_days:
        raise BackupRefused("至少保留 1 天的备份。")
    if plan.maker == Plan.Maker.XINGWEI:
        if plan.form not in (Plan.Form.PG_DUMP, Plan.Form.MYSQL):
            raise BackupRefused("这种形式的备份由医院自己的程序执行，杏维只核对。")
        wanted = "postgresql" if plan.form == Plan.Form.PG_DUMP else "mysql"
        if plan.connection is None or plan.connection.kind != wanted:
            raise BackupRefused("由杏维执行的备份要选一个同种数据库的连接。")
    else:
        if not Path(plan.directory).is_absolute() or not plan.pattern:
            raise BackupRefused("医院自己的备份要写明所在目录（绝对路径）和文件名样式，例如 his-*.dump。")
        if "/" in plan.pattern or ".." in plan.pattern:
            raise BackupRefused("文件名样式里不能有目录。")
        if not plan.sentinels and plan.form != Plan.Form.ARCHIVE:
            raise BackupRefused("医院自己的备份没有行数可对，请写明恢复后要核对的表。")
    for line in plan.sentinels:
        if not str(line.get("table", "")).strip():
            raise BackupRefused("要核对的表缺少表名。")


def home_of(plan: Plan) -> Path:
    """Where Xingwei's own copies of the plan lie, readable by nobody else."""
    place = Path(plan.directory) if plan.directory else config.from_environment().home / "copies" / plan.code
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BackupProblem(f"备份目录 {place} 建不了：{error.strerror}。") from None
    return place


# Trials


def begin(actor: Actor, plan: Plan, level: str) -> Trial:
    """Ask for a copy, a verification or a restore drill; the background does it. Raises BackupRefused."""
    require(actor, "backups.plan:prove", plan)
    if level == Trial.Level.TAKEN and plan.maker != Plan.Maker.XINGWEI:
        raise BackupRefused("这份备份由医院自己的程序执行，杏维只能校验和演练。")
    now = timezone.now()
    with transaction.atomic():
        Trial.objects.filter(plan=plan, ended_at=None, seen_at__lt=now - _ABANDONED).update(
            ended_at=now, ok=False, problem="中断：程序停止时还没有做完"
        )
        copy = None if level == Trial.Level.TAKEN else queries.newest_copy(plan)
        if level != Trial.Level.TAKEN and copy is None:
            raise BackupRefused("还没有备份可以核对。")
        try:
            with transaction.atomic():
                trial: Trial = Trial.objects.create(
                    plan=plan, copy=copy, level=level, began_at=now, seen_at=now, doing="等待后台开始", by_id=actor.id
                )
        except IntegrityError:
            raise BackupRefused("这份备份正在处理，请等它结束。") from None
        record(actor, "backups.trial.begin", plan, f"{trial.get_level_display()}：{plan.name}", after={"level": level})
        from .tasks import work

        work.defer(trial=trial.pk)
    return trial


def carry_out(trial: Trial) -> Trial:
    """Do what was asked for; whatever comes of it is written down. A second call does nothing."""
    if trial.ended_at is not None:
        return trial
    act = {"taken": _take, "verified": _verify, "restored": _restore}[trial.level]
    began = time.monotonic()
    try:
        act(trial, _teller(trial))
        trial.ok = not any(not line["ok"] for line in trial.lines)
        if not trial.ok:
            trial.problem = _worst(trial.lines)
    except (BackupProblem, connections.ConnectionProblem) as problem:
        trial.ok, trial.problem = False, str(problem)[:500]
    except OSError as error:
        trial.ok, trial.problem = False, f"磁盘或目录出错：{error.strerror or type(error).__name__}"
    except Exception:
        trial.ok, trial.problem = False, "程序出错，没有做完；请看后台日志"
        raise
    finally:
        trial.facts = {**trial.facts, "seconds": round(time.monotonic() - began, 1)}
        _end(trial)
    return trial


def _end(trial: Trial) -> None:
    with transaction.atomic():
        trial.ended_at = trial.seen_at = timezone.now()
        trial.progress, trial.doing = 100, ""
        trial.save()
        said = f"{trial.get_level_display()}{'通过' if trial.ok else '没有通过'}：{trial.plan.name}"
        record(
            system_actor("task"), "backups.trial.end", trial.plan, said,
            after={"level": trial.level, "ok": trial.ok, "problem": trial.problem},
        )  # fmt: skip


def _worst(lines: list[dict[str, Any]]) -> str:
    bad = [line for line in lines if not line["ok"]]
    more = f"等 {len(bad)} 张表" if len(bad) > 1 else ""
    return f"{bad[0]['table']} {bad[0]['remark']}{more}".strip()[:500]


def _teller(trial: Trial) -> Callable[[int, str], None]:
    last = 0.0

    def say(progress: int, doing: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _SAY_S or doing != trial.doing:
            last = time.monotonic()
            trial.progress, trial.doing, trial.seen_at = progress, doing, timezone.now()
            trial.save(update_fields=["progress", "doing", "seen_at"])

    return say


def _take(trial: Trial, say: Callable[[int, str], None]) -> None:
    plan, maker = trial.plan, maker_of(trial.plan.form)
    assert plan.connection is not None
    taken_at = timezone.now()
    target = home_of(plan) / f"{plan.code}-{timezone.localtime(taken_at):%Y%m%d-%H%M%S}{maker.suffix}"
    taken = maker.take(_address(plan.connection), target, say)
    trial.copy = Copy.objects.create(
        plan=plan, taken_at=taken_at, path=str(target), size=taken.size, digest=taken.digest,
        tables=None if taken.tables is None else dict(taken.tables), seconds=taken.seconds,
    )  # fmt: skip
    trial.facts = {"size": taken.size, "tables": len(taken.tables or ())}


def _address(connection: Connection) -> Address:
    found = connections.address_of(connection)
    port = found.number("port", 5432 if connection.kind == "postgresql" else 3306)
    host = found.text("socket") or found.text("host")
    return Address(host, port, found.text("database"), found.text("user"), found.password, schema=found.text("schema"))


def _verify(trial: Trial, say: Callable[[int, str], None]) -> None:
    copy = _copy_of(trial)
    digest = maker_of(trial.plan.form).verify(Path(copy.path), copy.digest, say)
    if not copy.digest:
        copy.digest = digest
        copy.save(update_fields=["digest"])
    trial.facts = {"size": copy.size}


def _restore(trial: Trial, say: Callable[[int, str], None]) -> None:
    copy, plan = _copy_of(trial), trial.plan
    sentinels = queries.sentinels(plan)
    scratch = Path(tempfile.mkdtemp(prefix="xingwei-drill-"))
    try:
        newest = {s.table: s.newest for s in sentinels if s.newest}
        restored = maker_of(plan.form).restore(Path(copy.path), scratch, newest, say)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(95, "逐表核对")
    lines = rows.compare(copy.tables, restored.tables, sentinels, restored.newest, copy.taken_at)
    trial.lines = [line.plain() for line in lines]
    trial.facts = {
        "size": copy.size, "tables": len(restored.tables), "rows": sum(restored.tables.values()),
        "restore_seconds": round(restored.seconds, 1),
    }  # fmt: skip


def _copy_of(trial: Trial) -> Copy:
    if trial.copy is None or not Path(trial.copy.path).exists():
        raise BackupProblem("要核对的备份不在了：可能已被移走或删除。")
    return trial.copy


# By the clock


def find_copies(plan: Plan) -> int:
    """Write down the hospital's own copies that are new, and those that are gone; how many are new.

    A file that was changed within the last two minutes may still be written, and waits.
    """
    if plan.maker != Plan.Maker.HOSPITAL:
        return 0
    known = {c.path: c for c in plan.copies.filter(gone_at=None)}
    now, count = timezone.now(), 0
    place = Path(plan.directory)
    present = {str(p): p for p in place.glob(plan.pattern)} if place.is_dir() else {}
    with transaction.atomic():
        for path, copy in known.items():
            if path not in present:
                copy.gone_at = now
                copy.save(update_fields=["gone_at"])
        for path, file in sorted(present.items()):
            at = dt.datetime.fromtimestamp(_changed(file), dt.UTC)
            if path in known or now - at < dt.timedelta(minutes=2):
                continue
            copy, new = Copy.objects.get_or_create(
                plan=plan, path=path[:400], defaults={"taken_at": at, "size": size_of(file)}
            )
            if new:
                count += 1
                Trial.objects.create(
                    plan=plan, copy=copy, level=Trial.Level.TAKEN, began_at=at, seen_at=now, ended_at=at, ok=True,
                    progress=100, facts={"size": copy.size},
                )  # fmt: skip
    return count


def _changed(path: Path) -> float:
    """When it was last written; of a directory: its newest file."""
    if path.is_file():
        return path.stat().st_mtime
    return max((p.stat().st_mtime for p in path.rglob("*") if p.is_file()), default=path.stat().st_mtime)


def look(now: dt.datetime | None = None) -> list[Trial]:
    """What the clock asks for: copies that are due, proofs that grow old, copies that may go; one trial a plan."""
    now = now or timezone.now()
    actor = system_actor("task")
    begun: list[Trial] = []
    for plan in Plan.objects.filter(enabled=True).select_related("connection"):
        find_copies(plan)
        level = queries.wanted(plan, now)
        if level is not None:
            try:
                begun.append(begin(actor, plan, level))
            except BackupRefused:
                continue  # one is under way, or there is no copy yet
        drop_old(plan, now)
    return begun


def drop_old(plan: Plan, now: dt.datetime) -> int:
    """Remove Xingwei's own copies that no rule keeps; the hospital's are its own affair. How many."""
    if plan.maker != Plan.Maker.XINGWEI:
        return 0
    held = plan.copies.filter(gone_at=None)
    proven = set(
        Trial.objects.filter(plan=plan, level=Trial.Level.RESTORED, ok=True, copy__isnull=False).values_list(
            "copy_id", flat=True
        )
    )
    ids = to_drop(
        [Held(c.pk, c.taken_at, c.pk in proven) for c in held], Rule(plan.keep_days, plan.keep_weeks, plan.keep_months)
    )
    if not ids:
        return 0
    with transaction.atomic():
        for copy in held.filter(pk__in=ids):
            Path(copy.path).unlink(missing_ok=True)
            copy.gone_at = now
            copy.save(update_fields=["gone_at"])
        record(system_actor("task"), "backups.copy.drop", plan, f"清理到期的备份 {len(ids)} 份：{plan.name}")
    return len(ids)


def import_plans(actor: Actor, path: Path, *, keep: bool = False) -> int:
    """The plans of a file, by their codes; how many are new or changed. keep: those that exist stay as they are.

    Raises FileProblems, BackupRefused; nothing is changed then.
    """
    source = files.load(path)
    count = 0
    with transaction.atomic():
        for line in source.document["plans"]:
            values = {"weekdays": list(range(1, 8)), **line}
            code = values.pop("code")
            values["at"] = dt.time.fromisoformat(values["at"])
            known = Plan.objects.filter(code=code).first()
            if known is not None and keep:
                continue
            saved = save_plan(actor, code, values)
            count += known is None or saved.version != known.version
    return count
