"""Putting a backup back."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from .. import version
from ..config import Config
from ..moment import stamp
from ..setup import Report
from . import keys, postgres
from .archive import About, Backup, BackupError, verify
from .keeping import automatic
from .making import DUMP, TREES, make

_ROWS_OTHERWISE = "恢复后 {table} 有 {got:,} 行，备份里是 {wanted:,} 行。数据库不可使用，请联系技术支持。"


@dataclass(frozen=True, slots=True)
class Restored:
    """before: the backup that was made of what stood there before; None where nothing did. old: where files went."""

    about: About
    files: int
    before: Path | None
    old: Path | None


def restore(
    config: Config,
    url: str,
    path: Path,
    *,
    known: Callable[[str], bool],
    force: bool = False,
    passphrase: str = "",
    report: Report | None = None,
) -> Restored:
    """Check the whole backup, then fill the database and the files from it.

    known: does this program know the migration "app.name"? A backup with others comes from a newer one.
    force: replace a database that is not empty, after a backup of it.
    Raises BackupError before anything is changed; from then on it says how to go back.
    """
    report = report or Report()
    backup = verify(path, report)
    unknown = [m for m in backup.about.migrations if not known(m)]
    if unknown or version.newer(backup.about.version, version.current()):
        detail = f"（有 {unknown[0]} 等 {len(unknown)} 项本版本不认识）" if unknown else ""
        raise BackupError(f"备份来自更新的版本 {backup.about.version}{detail}。请先升级程序。什么都没有改动。")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=_home(config)) as scratch:
        fresh = Path(scratch)
        _unpack(backup, fresh, passphrase)
        postgres.dump_reads(fresh / DUMP)
        before = _empty(config, url, force, passphrase, report)
        _load(url, backup, fresh / DUMP, before, report)
        old, number = _swap(config, fresh)
    return Restored(backup.about, number, before, old)


def _home(config: Config) -> Path:
    try:
        config.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"数据目录 {config.home} 不能写（{error.strerror}）。") from error
    return config.home


def _unpack(backup: Backup, fresh: Path, passphrase: str) -> None:
    """The verified members into a scratch directory on the same disk."""
    needed = sum(backup.members.values())
    if (free := shutil.disk_usage(fresh).free) < needed + 2**28:
        raise BackupError(
            f"磁盘空间不够：还剩 {free // 2**20:,} MB，恢复需要约 {needed // 2**20:,} MB。什么都没有改动。"
        )
    roots = tuple(f"{name}/" for name, _ in TREES)
    with tarfile.open(backup.path, mode="r:") as tar:
        for info in tar:
            if info.name == DUMP or info.name.startswith((*roots, keys.PLAIN)):
                tar.extract(info, fresh, filter="data")
            elif info.name == keys.NAME:
                content = tar.extractfile(info)
                assert content is not None
                _write_keys(fresh, keys.opened(content.read(), _needed(passphrase)))
    for path in keys.files(fresh / keys.PLAIN):
        path.chmod(0o600)


def _needed(passphrase: str) -> str:
    if not passphrase:
        raise BackupError("备份里的密钥是加密的：请用 --passphrase 输入做备份时的口令。什么都没有改动。")
    return passphrase


def _write_keys(fresh: Path, contents: dict[str, bytes]) -> None:
    root = fresh / keys.PLAIN
    for name, content in contents.items():
        target = root / name
        if not target.resolve().is_relative_to(root.resolve()):
            raise BackupError("备份里的密钥文件名不对。什么都没有改动。")
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.touch(mode=0o600)
        target.write_bytes(content)


def _empty(config: Config, url: str, force: bool, passphrase: str, report: Report) -> Path | None:
    """Make sure that the database is empty; returns the backup of what was there."""
    with psycopg.connect(url, application_name=postgres.OURS) as db:
        others = db.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchone()
        occupied = bool(postgres.tables(db))
    if others and others[0]:
        raise BackupError(f"还有 {others[0]} 个连接在使用这个数据库：请先停止杏维（网页和后台任务）。什么都没有改动。")
    if not occupied:
        return None
    if not force:
        raise BackupError(
            "数据库不是空的。确定要用备份替换它，请加 --force（会先把现有内容备份一份）。什么都没有改动。"
        )
    before = automatic(config.backups, "before-restore")
    make(config, url, before, passphrase=passphrase, report=report)
    with psycopg.connect(url, application_name=postgres.OURS) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")
    return before


def _load(url: str, backup: Backup, dump: Path, before: Path | None, report: Report) -> None:
    total = len(backup.about.rows)
    done = iter(range(10**9))
    try:
        with psycopg.connect(url, application_name=postgres.OURS) as db:
            server = db.info.server_version // 10_000
        postgres.load(url, dump, server, lambda table: report(next(done), total, f"恢复 {table}"))
        with psycopg.connect(url, application_name=postgres.OURS) as db:
            for table, wanted in backup.about.rows.items():
                if (got := postgres.count(db, table)) != wanted:
                    raise BackupError(_ROWS_OTHERWISE.format(table=table, got=got, wanted=wanted))
    except BackupError as error:
        if before is None:
            raise
        raise BackupError(f"{error}\n原来的内容在 {before} ，可以用 xingwei restore 恢复它。") from error


def _swap(config: Config, fresh: Path) -> tuple[Path | None, int]:
    """Put files and keys in place; what was there goes to HOME/old/TIME."""
    old = config.home / "old" / stamp()
    moved, number = False, 0
    for name, current in (*((n, getattr(config, tree)) for n, tree in TREES), ("keys", config.secrets)):
        source = fresh / name
        if name == "keys" and not source.exists():
            continue
        if current.exists():
            old.mkdir(parents=True, exist_ok=True)
            current.replace(old / current.name)
            moved = True
        if source.exists():
            number += len(keys.files(source))
            source.replace(current)
    if config.secrets.exists():
        config.secrets.chmod(0o700)
    return (old if moved else None), number
