"""PostgreSQL: pg_dump's custom form taken with a snapshot whose rows are counted, and directories of pg_basebackup."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from xingwei.base.connections.engine.reasons import reason
from xingwei.base.runtime import embedded

from .base import Address, BackupProblem, Maker, Restored, Say, Taken, digest_of, last_words, run, same

_TABLES = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
  AND (%s = '' OR n.nspname = %s)
ORDER BY 1, 2"""


class Dump(Maker):
    suffix = ".dump"

    def take(self, address: Address, target: Path, say: Say) -> Taken:
        began = time.monotonic()
        part = target.with_name(f".{target.name}.part")
        try:
            with _connected(address) as db:
                db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                db.read_only = True
                row = db.execute("SELECT pg_export_snapshot()").fetchone()
                assert row is not None
                say(5, "导出")
                command: list[str | Path] = [
                    embedded.programs() / "pg_dump", "--format=custom", "--compress=6", "--no-password",
                    f"--snapshot={row[0]}", f"--file={part}", f"--host={address.host}", f"--port={address.port}",
                    f"--username={address.user}", *([f"--schema={address.schema}"] if address.schema else []),
                    address.database,
                ]  # fmt: skip
                run(command, env={"PGPASSWORD": address.password}, what="导出")
                say(60, "在同一时刻清点各表行数")
                tables = _counts(db, address.schema)
        except psycopg.Error as error:
            raise BackupProblem(f"连不上或读不了数据库：{reason(last_words(str(error).encode()))}") from None
        except BackupProblem:
            part.unlink(missing_ok=True)
            raise
        say(90, "计算摘要")
        digest = digest_of(part)
        part.rename(target)
        return Taken(target.stat().st_size, digest, tables, time.monotonic() - began)

    def verify(self, path: Path, digest: str, say: Say) -> str:
        found = digest_of(path, say, 60)
        same(found, digest, path)
        say(65, "逐块解开，核对内部结构")
        run([embedded.programs() / "pg_restore", "--file=/dev/null", path], what="读取备份")
        return found

    def restore(self, path: Path, scratch: Path, newest: Mapping[str, str], say: Say) -> Restored:
        began = time.monotonic()
        say(5, "建立临时数据库")
        pgdata = scratch / "pg"
        embedded.start(pgdata, volatile=True)
        try:
            say(15, "恢复")
            command: list[str | Path] = [
                embedded.programs() / "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--jobs=2",
                f"--dbname={embedded.uri(pgdata)}", path,
            ]  # fmt: skip
            run(command, what="恢复")
            say(80, "逐表清点")
            with psycopg.connect(embedded.uri(pgdata)) as db:
                return Restored(_counts(db), _newest(db, newest), time.monotonic() - began)
        except psycopg.Error as error:
            raise BackupProblem(f"恢复后的数据库读不了：{str(error).strip().splitlines()[0][:200]}") from None
        finally:
            embedded.stop(pgdata)


class Base(Maker):
    """A directory that pg_basebackup wrote (plain form, with backup_manifest), of the same major version as ours."""

    def verify(self, path: Path, digest: str, say: Say) -> str:
        if not (path / "backup_manifest").is_file():
            raise BackupProblem(f"{path.name} 里没有 backup_manifest，不是完整的物理备份。")
        found = digest_of(path, say, 60)
        same(found, digest, path)
        say(65, "按清单逐个文件核对")
        run([embedded.programs() / "pg_verifybackup", "--exit-on-error", "--no-parse-wal", path], what="核对物理备份")
        return found

    def restore(self, path: Path, scratch: Path, newest: Mapping[str, str], say: Say) -> Restored:
        began = time.monotonic()
        self._same_version(path)
        say(10, "复制到临时目录")
        pgdata = scratch / "pg"
        shutil.copytree(path, pgdata)
        (pgdata / "pg_hba.conf").write_text("local all all trust\n")
        (pgdata / "postgresql.auto.conf").write_text("")  # the source's archiving, listening and memory stay away
        (pgdata / "postgresql.conf").write_text("include_if_exists = 'xingwei.conf'\n")
        if os.geteuid() == 0:  # the server runs as another user
            for item in (pgdata, *pgdata.rglob("*")):
                shutil.chown(item, embedded.SYSTEM_USER)
        say(30, "启动并回放日志")
        try:
            embedded.start(pgdata, volatile=True)
        except embedded.EmbeddedError as error:
            raise BackupProblem(f"物理备份启动不了：{error}") from None
        try:
            say(70, "逐表清点")
            tables: dict[str, int] = {}
            times: dict[str, dt.datetime | None] = {}
            with psycopg.connect(embedded.uri(pgdata, "postgres"), autocommit=True) as db:
                names = [r[0] for r in db.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()]
            for name in sorted(set(names) - {"postgres", embedded.DATABASE}):
                with psycopg.connect(embedded.uri(pgdata, name)) as db:
                    tables |= {f"{name}.{table}": rows for table, rows in _counts(db).items()}
                    own = {t.removeprefix(f"{name}."): c for t, c in newest.items() if t.startswith(f"{name}.")}
                    times |= {f"{name}.{table}": at for table, at in _newest(db, own).items()}
            return Restored(tables, times, time.monotonic() - began)
        except psycopg.Error as error:
            raise BackupProblem(f"恢复后的数据库读不了：{str(error).strip().splitlines()[0][:200]}") from None
        finally:
            embedded.stop(pgdata)

    @staticmethod
    def _same_version(path: Path) -> None:
        try:
            theirs = (path / "PG_VERSION").read_text().strip()
        except OSError:
            raise BackupProblem(f"{path.name} 里没有 PG_VERSION，不是物理备份。") from None
        ours = run([embedded.programs() / "postgres", "--version"], what="查看版本").split()[-1].partition(".")[0]
        if theirs != ours:
            raise BackupProblem(f"物理备份是 PostgreSQL {theirs} 的，这台机器上是 {ours}：请在同版本的机器上演练。")


def _connected(address: Address) -> psycopg.Connection:
    return psycopg.connect(
        host=address.host, port=address.port, dbname=address.database, user=address.user,
        password=address.password or None, connect_timeout=15, application_name="xingwei backup",
    )  # fmt: skip


def _counts(db: psycopg.Connection, only: str = "") -> dict[str, int]:
    """Rows of every table (of one schema), `schema.table`; without the schema where that is public."""
    counted: dict[str, int] = {}
    for schema, table in db.execute(_TABLES.encode(), [only, only]).fetchall():
        row = db.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))).fetchone()
        assert row is not None
        counted[table if schema == "public" else f"{schema}.{table}"] = row[0]
    return counted


def _newest(db: psycopg.Connection, wanted: Mapping[str, str]) -> dict[str, dt.datetime | None]:
    """The largest value of a column of times, by table; None where there is none."""
    found: dict[str, dt.datetime | None] = {}
    for table, column in wanted.items():
        query = sql.SQL("SELECT max({})::timestamp::timestamptz FROM {}")
        try:
            with db.transaction():
                db.execute("SET LOCAL timezone = 'Asia/Shanghai'")
                row = db.execute(query.format(sql.Identifier(column), sql.Identifier(*table.split(".")))).fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.CannotCoerce):
            found[table] = None
        else:
            found[table] = row[0] if row else None
    return found
