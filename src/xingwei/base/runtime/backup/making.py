"""Making a backup."""

from __future__ import annotations

import datetime as dt
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from .. import version
from ..config import Config
from ..setup import Report
from . import keys, postgres
from .archive import ABOUT, FORMAT, About, BackupError, Writer, about_bytes, verify

DUMP = "database.dump"
HEADS = "journal-heads"
TREES = (("files", "media"), (HEADS, "journal_heads"))  # name in the backup, attribute of the configuration
_SPARE = 200 * 2**20


def make(config: Config, url: str, path: Path, *, passphrase: str = "", report: Report | None = None) -> About:
    """Write the whole state to path, read it back and compare. Raises BackupError; half a file never remains.

    passphrase: encrypts the key files; without one they stand in the backup as they are.
    """
    report = report or Report()
    if passphrase:
        keys.check(passphrase)
    if path.exists():
        raise BackupError(f"已经有这个文件：{path} 。请换一个文件名。")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"备份目录 {path.parent} 不能写（{error.strerror}）。") from error
    with _alone(config), tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as scratch:
        dump, heads = Path(scratch) / DUMP, Path(scratch) / HEADS
        try:
            # Before the snapshot: a head that the restored database lacked would look like a journal cut short.
            if config.journal_heads.exists():
                shutil.copytree(config.journal_heads, heads)
            about = _dump(config, url, dump, bool(passphrase), report)
            with Writer(path) as writer:
                writer.add_bytes(ABOUT, about_bytes(about))
                writer.add_file(DUMP, dump)
                dump.unlink()
                _add_tree(writer, HEADS, heads, report)
                _add_tree(writer, "files", config.media, report)
                _add_keys(writer, config, passphrase)
                writer.finish()
        except OSError as error:
            raise BackupError(f"备份没有成功：{path.parent} 写不进去（{error.strerror or error}）。") from error
    report(0, 1, "核对写下的文件")
    try:
        verify(path, report)
    except BackupError:
        path.unlink(missing_ok=True)
        raise
    return about


def _dump(config: Config, url: str, target: Path, encrypted: bool, report: Report) -> About:
    with postgres.snapshot(url) as (db, name):
        server = db.info.server_version // 10_000
        postgres.check_tools(server)
        _room(config, db, target.parent)
        names = postgres.tables(db)
        rows = {}
        for number, table in enumerate(names):
            report(number, 2 * len(names), f"点数 {table}")
            rows[table] = postgres.count(db, table)
        about = About(
            format=FORMAT,
            version=version.current(),
            made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            server=str(server),
            rows=rows,
            migrations=_migrations(db, names),
            keys="encrypted" if encrypted else "plain",
            mode=_mode(db, names),
        )
        done = iter(range(len(names), 10**9))
        postgres.dump(url, target, name, lambda table: report(next(done), 2 * len(names), f"导出 {table}"))
    postgres.dump_reads(target)
    return about


def _migrations(db: psycopg.Connection, names: list[str]) -> list[str]:
    if "django_migrations" not in names:
        raise BackupError("这个数据库里没有杏维的数据，没有什么可备份。")
    return [f"{app}.{name}" for app, name in db.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2")]


def _mode(db: psycopg.Connection, names: list[str]) -> str:
    if "runtime_installation" not in names:
        return ""
    row = db.execute("SELECT mode FROM runtime_installation").fetchone()
    return row[0] if row else ""


def _room(config: Config, db: psycopg.Connection, directory: Path) -> None:
    """Raise BackupError where the disk may not hold the dump and its copy in the archive.

    Compressed, a dump is far less than half of the database on its server's disk.
    """
    attached = sum(p.stat().st_size for _, tree in TREES for p in keys.files(getattr(config, tree)))
    needed = postgres.size(db) + attached + _SPARE
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise BackupError(
            f"磁盘空间不够：{directory} 只剩 {free // 2**20:,} MB，备份可能需要 {needed // 2**20:,} MB。"
            "请腾出空间，或把备份写到别的磁盘。"
        )


def _add_tree(writer: Writer, name: str, root: Path, report: Report) -> None:
    found = keys.files(root)
    for number, path in enumerate(found):
        report(number, len(found), f"文件 {number}/{len(found)}")
        try:
            writer.add_file(f"{name}/{path.relative_to(root).as_posix()}", path)
        except FileNotFoundError:
            continue  # deleted since it was listed: the row that named it is gone, too


def _add_keys(writer: Writer, config: Config, passphrase: str) -> None:
    if passphrase:
        writer.add_bytes(keys.NAME, keys.sealed(config.secrets, passphrase))
        return
    for path in keys.files(config.secrets):
        writer.add_file(f"{keys.PLAIN}{path.relative_to(config.secrets).as_posix()}", path)


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    config.run.mkdir(parents=True, exist_ok=True)
    with (config.run / "backup.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("另一个备份正在进行，请等它完成。") from None
        yield
