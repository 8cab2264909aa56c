"""Reading a database's own statistics of statements, by one statement that was shown like any other."""

from __future__ import annotations

import hashlib
from typing import Any

from xingwei.base.connections import queries as connections
from xingwei.base.connections import services as connecting
from xingwei.base.connections.models import Connection
from xingwei.base.policy.engine import system_actor

from .engine.usage import Counters

MOST = 300
PURPOSE = "性能：各语句的次数与用时"
_SQL = {
    "postgresql": f"""SELECT s.queryid, s.query, s.calls, s.total_exec_time, s.rows, s.shared_blks_read
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND s.query NOT ILIKE '%insufficient privilege%'
ORDER BY s.total_exec_time DESC LIMIT {MOST}""",  # noqa: S608 -- a number
    "mysql": f"""SELECT digest, digest_text, count_star, sum_timer_wait / 1000000000, sum_rows_sent, 0
FROM performance_schema.events_statements_summary_by_digest
WHERE digest IS NOT NULL ORDER BY sum_timer_wait DESC LIMIT {MOST}""",  # noqa: S608 -- a number
    "oracle": f"""SELECT sql_id, sql_text, executions, elapsed_time / 1000, rows_processed, disk_reads
FROM v$sqlstats ORDER BY elapsed_time DESC FETCH FIRST {MOST} ROWS ONLY""",  # noqa: S608 -- a number
    "mssql": f"""SELECT TOP {MOST} CONVERT(varchar(40), s.query_hash, 1), t.text, s.execution_count,
s.total_elapsed_time / 1000.0, s.total_rows, s.total_physical_reads
FROM sys.dm_exec_query_stats s CROSS APPLY sys.dm_exec_sql_text(s.sql_handle) t
ORDER BY s.total_elapsed_time DESC""",  # noqa: S608 -- a number
}
KINDS = tuple(_SQL)
_PLAIN = ("select", "with", "insert", "update", "delete", "merge", "call")


def statements(connection: Connection) -> dict[str, tuple[str, Counters]]:
    """Text and counters by key. Raises ConnectionProblem: not reachable, no statistics kept, not allowed to see them."""
    sql = _SQL[connection.kind]
    connecting.show(system_actor("task"), connection, sql, PURPOSE)
    found: dict[str, tuple[str, Counters]] = {}
    with connections.opened(connection.code, any_time=True) as reader:
        for batch in reader.rows(sql):
            for row in batch:
                key, text, counters = _line(row)
                if not text.lower().startswith(_PLAIN):
                    continue  # what administers, and what only begins and ends transactions
                known = found.get(key)
                if known is not None:  # the same statement by several users
                    counters = Counters(
                        known[1].calls + counters.calls, known[1].total_ms + counters.total_ms,
                        known[1].rows + counters.rows, known[1].read + counters.read,
                    )  # fmt: skip
                found[key] = (text, counters)
    if not found:
        raise connections.ConnectionProblem(
            f"{connection.name}：没有语句统计。请管理员启用（PostgreSQL：pg_stat_statements），并授予查看权限（pg_read_all_stats）。"
        )
    return found


def _line(row: Any) -> tuple[str, str, Counters]:
    text = " ".join(str(row[1] or "").split())
    key = str(row[0]) if row[0] is not None else hashlib.sha256(text.encode()).hexdigest()[:32]
    return key, text[:8_000], Counters(int(row[2] or 0), float(row[3] or 0), int(row[4] or 0), int(row[5] or 0))
