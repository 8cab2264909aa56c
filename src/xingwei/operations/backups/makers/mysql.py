"""MySQL and MariaDB: a logical dump in one transaction, gzipped; restored into a server of its own on a socket."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import shutil
import subprocess
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pymysql

from .base import Address, BackupProblem, Maker, Restored, Say, Taken, digest_of, last_words, same

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_OWN = ("information_schema", "performance_schema", "mysql", "sys")
_END = b"-- Dump completed"
_BROKEN = (OSError, EOFError, zlib.error)


class Dump(Maker):
    suffix = ".sql.gz"

    def take(self, address: Address, target: Path, say: Say) -> Taken:
        began = time.monotonic()
        part = target.with_name(f".{target.name}.part")
        program = _program("mariadb-dump", "mysqldump")
        before = self._counts(address)
        say(10, "导出")
        where = [f"--socket={address.host}"] if address.host.startswith("/") else [
            f"--host={address.host}", f"--port={address.port}"
        ]  # fmt: skip
        command = [
            program, "--no-defaults", *where, f"--user={address.user}", "--single-transaction", "--quick", "--routines",
            "--triggers", "--hex-blob", "--default-character-set=utf8mb4", "--databases", *_names(address.database),
        ]  # fmt: skip
        dump = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"MYSQL_PWD": address.password}
        )
        assert dump.stdout is not None and dump.stderr is not None  # noqa: PT018
        try:
            with gzip.open(part, "wb", compresslevel=5) as packed:
                shutil.copyfileobj(dump.stdout, packed, 1 << 20)
            said = dump.stderr.read()
            if dump.wait() != 0:
                raise BackupProblem(f"导出没有成功：{last_words(said)}")
        except BaseException:
            dump.kill()
            dump.wait()
            part.unlink(missing_ok=True)
            raise
        say(70, "再清点一遍各表行数")
        after = self._counts(address)
        tables = {t: (min(before.get(t, 0), n), max(before.get(t, 0), n)) for t, n in after.items()}
        say(90, "计算摘要")
        digest = digest_of(part)
        part.rename(target)
        return Taken(target.stat().st_size, digest, tables, time.monotonic() - began)

    @staticmethod
    def _counts(address: Address) -> dict[str, int]:
        where: dict[str, Any] = {"host": address.host, "port": address.port}
        if address.host.startswith("/"):
            where = {"unix_socket": address.host}
        try:
            db = pymysql.connect(**where, user=address.user, password=address.password, connect_timeout=15)
            with db:
                return _counts(db, _names(address.database))
        except pymysql.MySQLError as error:
            raise BackupProblem(f"连不上或读不了数据库：{str(error.args[-1])[:200]}") from None

    def verify(self, path: Path, digest: str, say: Say) -> str:
        found = digest_of(path, say, 50)
        same(found, digest, path)
        say(55, "读到最后一行")
        tail = b""
        try:
            with _plain(path) as file:
                while block := file.read(1 << 20):
                    tail = (tail + block)[-4096:]
        except _BROKEN:
            raise BackupProblem(f"备份 {path.name} 解不开：文件不完整或已损坏。") from None
        if _END not in tail:
            raise BackupProblem(f"备份 {path.name} 没有写完：末尾没有“Dump completed”。")
        return found

    def restore(self, path: Path, scratch: Path, newest: Mapping[str, str], say: Say) -> Restored:
        began = time.monotonic()
        say(5, "建立临时数据库")
        with _server(scratch) as socket:
            say(20, "恢复")
            command = [_program("mariadb", "mysql"), "--no-defaults", f"--socket={socket}", "--user=root"]
            command += ["--default-character-set=utf8mb4"]
            load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            assert load.stdin is not None and load.stderr is not None  # noqa: PT018
            try:
                with suppress(BrokenPipeError), _plain(path) as file:
                    shutil.copyfileobj(file, load.stdin, 1 << 20)
            except _BROKEN:
                load.kill()
                raise BackupProblem(f"备份 {path.name} 解不开：文件不完整或已损坏。") from None
            finally:
                with suppress(BrokenPipeError):
                    load.stdin.close()
                said = load.stderr.read()
                code = load.wait()
            if code != 0:
                raise BackupProblem(f"恢复没有成功：{last_words(said)}")
            say(80, "逐表清点")
            with pymysql.connect(unix_socket=str(socket), user="root", charset="utf8mb4") as db:
                with db.cursor() as cursor:
                    cursor.execute("SHOW DATABASES")
                    names = [name for (name,) in cursor.fetchall() if name not in _OWN]
                return Restored(_counts(db, names), _newest(db, newest), time.monotonic() - began)


def _names(databases: str) -> list[str]:
    """ "his, cis" → ["his", "cis"]."""
    return [name.strip() for name in databases.split(",") if name.strip()]


def _program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin"):
            return found
    raise BackupProblem(f"这台机器上没有程序 {names[0]}：请安装 MariaDB 或 MySQL 的程序后再做。")


@contextmanager
def _plain(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        yield file


@contextmanager
def _server(scratch: Path) -> Iterator[Path]:
    """A MariaDB of its own under `scratch`, without a network."""
    scratch.mkdir(parents=True, exist_ok=True)
    server, install = _program("mariadbd", "mysqld"), _program("mariadb-install-db")
    data, socket = scratch / "data", scratch / "s"
    user = ["--user=root"] if os.geteuid() == 0 else []
    with (scratch / "server.log").open("wb") as log:
        made = [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", *user]
        if subprocess.run(made, stdout=log, stderr=log, check=False).returncode != 0:
            raise BackupProblem("临时的 MariaDB 建立不了：请看磁盘空间与程序是否完整。")
        command = [server, "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--skip-networking", *user]
        command += ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(process, socket)
        yield socket
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], socket: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            pymysql.connect(unix_socket=str(socket), user="root").close()
            return
        except pymysql.MySQLError:
            if process.poll() is not None or time.monotonic() > end:
                raise BackupProblem("临时的 MariaDB 启动不了。") from None
            time.sleep(0.1)


def _counts(db: Any, databases: list[str]) -> dict[str, int]:
    """Rows of every table, `database.table`."""
    counted: dict[str, int] = {}
    with db.cursor() as cursor:
        for database in databases:
            cursor.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'"
                " ORDER BY 1",
                [database],
            )
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT count(*) FROM {_quoted(database)}.{_quoted(table)}")  # noqa: S608 -- quoted names
                counted[f"{database}.{table}"] = cursor.fetchone()[0]
    return counted


def _newest(db: Any, wanted: Mapping[str, str]) -> dict[str, dt.datetime | None]:
    found: dict[str, dt.datetime | None] = {}
    with db.cursor() as cursor:
        for table, column in wanted.items():
            name = ".".join(_quoted(part) for part in table.split("."))
            try:
                cursor.execute(f"SELECT max({_quoted(column)}) FROM {name}")  # noqa: S608 -- quoted names
                value = cursor.fetchone()[0]
            except pymysql.MySQLError:
                value = None
            if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
                value = dt.datetime.combine(value, dt.time.max)
            found[table] = value.replace(tzinfo=_SHANGHAI) if isinstance(value, dt.datetime) else None
    return found


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
