"""The columns of the message path's tables: as text from PostgreSQL, in Parquet, and as the same text again."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

KINDS = {"bigint": "BIGINT", "integer": "INTEGER", "smallint": "SMALLINT", "text": "VARCHAR", "bytea": "BLOB",
          "timestamp with time zone": "TIMESTAMP"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str

    @property
    def out(self) -> str:
        """As text, from PostgreSQL."""
        if self.kind == "timestamp with time zone":
            return f"to_char({self.name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        if self.kind == "bytea":
            return f"encode({self.name}, 'hex')"
        return self.name if self.kind == "text" else f"{self.name}::text"

    @property
    def into(self) -> str:
        """From text, in DuckDB."""
        quoted = f'"{self.name}"'
        return f"unhex({quoted})" if self.kind == "bytea" else f"{quoted}::{KINDS[self.kind]}"

    @property
    def read(self) -> str:
        """As the same text, from DuckDB."""
        quoted = f'"{self.name}"'
        if self.kind == "timestamp with time zone":
            return f"strftime({quoted}, '%Y-%m-%d %H:%M:%S.%f')"
        if self.kind == "bytea":
            return f"lower(hex({quoted}))"
        return quoted if self.kind == "text" else f"{quoted}::VARCHAR"


def columns_of(table: str) -> list[Column]:
    """The columns of gateway_TABLE, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [f"gateway_{table}"],
        )
        return [Column(name, kind) for name, kind in cursor.fetchall()]
