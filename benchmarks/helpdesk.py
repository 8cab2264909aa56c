"""django-helpdesk beside Xingwei: the same cases in the same PostgreSQL, through its own pages.

It lives in an environment of its own (var/bench/helpdesk, made from helpdesk_site/requirements.txt) and a database of
its own in the same cluster. Its tables are filled from the cases by COPY; its indexes are those of its migrations.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from xingwei.base.runtime import embedded

from .cases import take_indexes
from .frame import HOME, REPO, Bench, Database

SITE = Path(__file__).with_name("helpdesk_site")
VENV = HOME / "helpdesk"
CAP_S = 60.0
_STATUS = "CASE category WHEN 'closed' THEN 4 WHEN 'resolved' THEN 3 WHEN 'answered' THEN 3 ELSE 1 END"
_NO_SYSTEM = 999  # the queue of cases without a system
# table, its columns, and what stands in them, from Xingwei's tables
_COPIES = (
    (
        "helpdesk_queue",
        "id, title, slug, allow_public_submission, allow_email_submission, email_box_ssl,"
        " enable_notifications_on_email_events",
        f"SELECT id, name, lower(code), false, false, false, false FROM estate_system UNION ALL"
        f" SELECT {_NO_SYSTEM}, '其他', 'other', false, false, false, false",
    ),
    (
        "auth_user",
        "id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined",
        "SELECT u.id, '!', false, u.username, u.name, '', u.email, o.side = 'vendor', true, u.created_at"
        " FROM accounts_user u JOIN accounts_organisation o ON o.id = u.organisation_id UNION ALL"
        " SELECT 1000000, '!', true, 'bench', 'bench', '', '', true, true, now()",
    ),
    (
        "helpdesk_usersettings",
        "user_id, email_on_ticket_assign, email_on_ticket_change, login_view_ticketlist, tickets_per_page,"
        " use_email_as_submitter, ticket_respond_layout",
        "SELECT id, true, true, true, 25, true, 'vertical' FROM accounts_user UNION ALL"
        " SELECT 1000000, true, true, true, 25, true, 'vertical'",
    ),
    (
        "helpdesk_ticket",
        "id, title, created, modified, submitter_email, status, on_hold, description, resolution, priority, due_date,"
        " assigned_to_id, queue_id, secret_key",
        f"SELECT c.id, c.title, c.opened_at, c.updated_at, u.email, {_STATUS}, c.category = 'waiting', c.description,"
        " concat_ws(E'\\n', c.tried, c.cause, c.solution), CASE c.severity WHEN 0 THEN 4 ELSE c.severity END,"
        f" CASE WHEN k.next_due_at < '9999-01-01' THEN k.next_due_at END, c.assignee_id, coalesce(c.system_id, {_NO_SYSTEM}),"
        " md5(c.id::text) FROM desk_case c JOIN desk_caseclocks k ON k.case_id = c.id"
        " LEFT JOIN accounts_user u ON u.id = c.reporter_id ORDER BY c.id",
    ),
    (
        "helpdesk_followup",
        "date, title, comment, public, ticket_id, user_id",
        "SELECT at, said, text, NOT internal, case_id, actor_id FROM desk_caseevent ORDER BY case_id, at, id",
    ),
)


class NotThere(Exception):
    """django-helpdesk could not be set up; the text says why."""


def prepare(bench: Bench, cases: Database) -> Database:
    """Its environment and its database, with the rows of `cases`. Raises NotThere."""
    _environment(bench)
    database = Database(bench, cases.name.replace("desk", "helpdesk", 1))
    if not database.ready():
        database.create()
        with bench.timed("django-helpdesk 的表与数据"):
            _run(database, "-m", "django", "migrate", "--verbosity", "0")
            _fill(database, cases)
        database.mark_ready()
    return database


def measure(database: Database, tasks: list[dict[str, Any]], cap: float = CAP_S) -> Iterator[tuple[str, float, bool]]:
    """(name, seconds, capped) for each task, one after the other."""
    asked = json.dumps({"cap": cap, "tasks": tasks})
    with subprocess.Popen(
        [_python(), str(SITE / "measure.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_env(database),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(asked)
        process.stdin.close()
        for line in process.stdout:
            name, seconds, capped = json.loads(line)
            yield name, seconds, capped
    if process.returncode:
        raise NotThere("django-helpdesk 的页面没有打开，原因见上。")


def version() -> str:
    lines = (SITE / "requirements.txt").read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("django-helpdesk=="))


def _environment(bench: Bench) -> None:
    """Once, and again when the pinned versions change."""
    wanted = (SITE / "requirements.txt").read_text()
    stamp = VENV / "made-from.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with bench.timed("django-helpdesk 的环境（从 PyPI 安装）"):
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True, capture_output=True)
            # pip and not uv: it knows the mirrors of the machine's own configuration
            subprocess.run(
                [_python(), "-m", "pip", "install", "-q", "--no-deps", "-r", str(SITE / "requirements.txt")],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise NotThere(f"django-helpdesk 没有装上：{str(error.stderr)[-300:]}") from None
    stamp.write_text(wanted)


def _python() -> str:
    return str(VENV / "bin" / "python")


def _env(database: Database) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "DATABASE_URL"}},
        "PYTHONPATH": str(SITE),
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "HELPDESK_DB": database.name,
        "HELPDESK_HOST": str(embedded.socket_dir(database.bench.pgdata)),
    }


def _run(database: Database, *arguments: str) -> None:
    done = subprocess.run(
        [_python(), *arguments], check=False, env=_env(database), cwd=REPO, capture_output=True, text=True
    )
    if done.returncode:
        raise NotThere(f"django-helpdesk 没有建好：{done.stderr[-300:]}")


def _fill(database: Database, cases: Database) -> None:
    tables = [table for table, _, _ in _COPIES]
    with cases.connect() as source, database.connect() as target:
        target.execute("SET session_replication_role = replica")
        target.execute("SET maintenance_work_mem = '512MB'")
        later = take_indexes(target, tables)
        for table, columns, query in _COPIES:
            _pipe(source, target, query, f"{table} ({columns})")
        for statement in later:
            target.execute(statement)
        target.execute("VACUUM (ANALYZE)")


def _pipe(source: psycopg.Connection[Any], target: psycopg.Connection[Any], query: str, into: str) -> None:
    with (
        source.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT text)") as out,
        target.cursor().copy(f"COPY {into} FROM STDIN (FORMAT text)") as put,
    ):
        for block in out:
            put.write(block)
