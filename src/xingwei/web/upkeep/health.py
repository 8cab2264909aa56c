"""Is this installation well? What `xingwei doctor` prints and the processes page shows, each finding by itself."""

from __future__ import annotations

import datetime as dt
import platform
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from xingwei.base.journal import queries as journal
from xingwei.base.runtime import backup, database, prepare, version
from xingwei.base.runtime.checks import FREE_MIN
from xingwei.base.runtime.config import LOOPBACK, Config
from xingwei.base.runtime.models import Installation
from xingwei.base.ui import finders, words

from . import queue

OK, WARN, BAD = "ok", "warn", "late"
_FREE_WARN = 5 * 2**30
_WAIT_WARN, _WAIT_BAD = dt.timedelta(minutes=5), dt.timedelta(minutes=60)
_BACKUP_AGE = dt.timedelta(hours=26)
_SEAL_AGE = dt.timedelta(minutes=2)
_CLOCK_S = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """state: ok, warn or late (bad). act: what to do about it."""

    state: str
    label: str
    text: str
    act: str = ""


def findings(work: queue.Queue | None = None) -> Iterator[Finding]:
    """All findings, the environment first. What the database tells is left out when it cannot be reached.

    work: the queue's state, where the caller has asked for it already.
    """
    config: Config = settings.CONFIG
    yield from environment()
    try:
        yield _database(config)
    except DatabaseError as error:
        yield Finding(BAD, "数据库", f"连不上：{str(error).splitlines()[0]}", "请检查 DATABASE_URL 和 PostgreSQL")
        return
    if waiting := prepare.pending_migrations():
        yield Finding(
            BAD, "数据库结构", f"还有 {len(waiting)} 项没有更新", "请重新启动（xingwei up），或 xingwei manage migrate"
        )
        return
    work = work or queue.state()
    yield _worker(work)
    yield _queue(work)
    for look in (_journal, _backup, _exposure):
        yield look(config)


def environment() -> Iterator[Finding]:
    """What can be said without the database."""
    config: Config = settings.CONFIG
    yield Finding(OK, "程序", f"杏维 {version.current()}，Python {platform.python_version()}，{platform.platform()}")
    yield _home(config)
    yield _disk(config)
    yield _pages(config)


def _home(config: Config) -> Finding:
    label = "数据目录"
    try:
        scratch = config.home / ".doctor"
        scratch.touch()
        scratch.unlink()
    except OSError as error:
        return Finding(BAD, label, f"{config.home} 不能写（{error.strerror}）", "请改目录的所有者或权限")
    loose = [p.name for p in config.secrets.glob("*") if p.suffix != ".pub" and stat.S_IMODE(p.stat().st_mode) & 0o077]
    if loose:
        return Finding(WARN, label, f"密钥文件 {'、'.join(loose)} 别的用户也能读", f"chmod 600 {config.secrets}/*")
    return Finding(OK, label, str(config.home))


def _disk(config: Config) -> Finding:
    usage = shutil.disk_usage(config.home)
    text = f"剩 {usage.free / 2**30:,.1f} GB，共 {usage.total / 2**30:,.0f} GB"
    if usage.free < FREE_MIN:
        return Finding(BAD, "磁盘", text, "请马上腾出空间，写满后数据库会停止")
    if usage.free < _FREE_WARN:
        return Finding(WARN, "磁盘", text, "请腾出空间，或减少保留的备份份数")
    return Finding(OK, "磁盘", text)


def _pages(config: Config) -> Finding:
    if finders.missing() and not (config.static / "staticfiles.json").exists():
        return Finding(BAD, "页面文件", "前端依赖没有安装", "请用 ./run 启动，它会安装")
    return Finding(OK, "页面文件", "齐全")


def _database(config: Config) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int,"
            " extract(epoch FROM clock_timestamp())"
        )
        server, size, used, most, clock = cursor.fetchone()
    where = database.where(config.database_url) if config.database_url else "内置"
    text = f"PostgreSQL {server}，{where}，{size / 2**20:,.0f} MB，连接 {used}/{most}"
    if abs(float(clock) - timezone.now().timestamp()) > _CLOCK_S:
        return Finding(WARN, "数据库", f"{text}；时钟与本机相差 2 秒以上", "请给两台机器配同一个时间服务器（NTP）")
    if used > most * 0.8:
        return Finding(WARN, "数据库", text, "连接数快用完了，请调大 max_connections")
    return Finding(OK, "数据库", text)


def _worker(now: queue.Queue) -> Finding:
    if now.workers:
        return Finding(OK, "后台任务", f"{now.workers} 个进程在工作，正在做 {now.doing} 件")
    since = f"，最后一次是 {words.moment(now.last_sign, timezone.now())}" if now.last_sign else ""
    return Finding(BAD, "后台任务", f"没有进程在工作{since}", "请启动 xingwei worker；通知、时限提醒、日志封存都停着")


def _queue(now: queue.Queue) -> Finding:
    text = f"等待 {now.waiting} 件"
    if now.waits is not None:
        text += f"，最早的等了{_spaced(words.duration(now.waits))}"
    if now.failed:
        text += f"；失败 {now.failed} 件"
    if now.waits is not None and now.waits > _WAIT_BAD:
        return Finding(BAD, "任务队列", text, "后台任务跟不上或停了，请看它的日志")
    if now.failed or (now.waits is not None and now.waits > _WAIT_WARN):
        return Finding(WARN, "任务队列", text, "在“运行与备份”页面查看和重试")
    return Finding(OK, "任务队列", text)


def _journal(config: Config) -> Finding:
    chain = journal.chain_state()
    broken = [e.destination for e in chain.exports if e.error]
    if broken:
        return Finding(WARN, "审计日志", f"链头没有送到 {'、'.join(broken)}", "请看“审计日志”页面")
    if chain.oldest_pending_at and timezone.now() - chain.oldest_pending_at > _SEAL_AGE:
        return Finding(WARN, "审计日志", f"{chain.pending} 条等待封存", "后台任务没有在工作？")
    return Finding(OK, "审计日志", f"已封存到序号 {chain.last.seq if chain.last else 0}")


def _backup(config: Config) -> Finding:
    newest = next((b for b in backup.kept(config.backups) if b.about), None)
    if newest is None:
        return Finding(WARN, "备份", "还没有备份", "xingwei backup，或在“运行与备份”页面立即备份")
    age = timezone.now() - newest.made_at
    text = f"最近一份是{_spaced(words.duration(age))}前的 {newest.path.name}"
    return Finding(WARN, "备份", text, "每天的备份没有做成") if age > _BACKUP_AGE else Finding(OK, "备份", text)


def _spaced(text: str) -> str:
    """A space between Chinese and digits, none between Chinese and Chinese."""
    return f" {text}" if text[:1].isdigit() else text


def _exposure(config: Config) -> Finding:
    label = "对外"
    open_to_others = config.bind not in LOOPBACK
    if open_to_others and Installation.objects.filter(mode=Installation.Mode.DEMO).exists():
        return Finding(WARN, label, "装的是演示数据，密码人人知道，而别的机器也能访问", "正式使用请 --fresh --empty")
    if open_to_others and not config.tls:
        return Finding(
            WARN, label, "别的机器能访问，但没有 TLS，密码在网上明文传送", "请照 docs/deploy.zh.md 配反向代理"
        )
    return Finding(OK, label, f"{config.public_url}{'，TLS 由反向代理提供' if config.tls else ''}")
