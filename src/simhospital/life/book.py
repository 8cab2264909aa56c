"""What a system has sent and received, kept by itself: its outbox, and the record that a reconciliation can trust.

A message is written before it is sent and stays `waiting` until its answer is written: after a restart it is sent
again under the same control id, as real systems do. One SQLite file a system; used from one thread.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

_KEEP = 50_000  # rows whose bytes are kept
_KEEP_ROWS = 1_000_000
_TABLES = """
CREATE TABLE IF NOT EXISTS sent (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, channel TEXT NOT NULL, control_id TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
  digest TEXT NOT NULL, body BLOB, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT '', answered REAL);
CREATE INDEX IF NOT EXISTS sent_waiting ON sent (channel, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS sent_control ON sent (channel, control_id);
CREATE TABLE IF NOT EXISTS received (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, channel TEXT NOT NULL, control_id TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
  digest TEXT NOT NULL, body BLOB, state TEXT NOT NULL, answer BLOB, times INTEGER NOT NULL DEFAULT 1,
  UNIQUE (channel, control_id, digest));
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not been answered."""

    id: int
    control_id: str
    type: str
    key: str
    body: bytes
    tries: int


def digest(body: bytes) -> str:
    """By which books are compared."""
    return hashlib.sha256(body).hexdigest()[:32]


class Book:
    """The book of one system."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.executescript(_TABLES)
        self._written = 0

    def close(self) -> None:
        self.db.close()

    def number(self, name: str) -> int:
        """The next of a series, from 1; never given twice."""
        row = self.db.execute(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            [name],
        ).fetchone()
        return int(row[0])

    def write(self, channel: str, control_id: str, type_: str, key: str, body: bytes) -> int:
        """A message that is to be sent; its number."""
        self._prune()
        cursor = self.db.execute(
            "INSERT INTO sent (at, channel, control_id, type, key, digest, body, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')",
            [time.time(), channel, control_id, type_, key, digest(body), body],
        )
        return int(cursor.lastrowid or 0)

    def waiting(self, channel: str) -> Waiting | None:
        """The oldest that waits."""
        row = self.db.execute(
            "SELECT id, control_id, type, key, body, tries FROM sent WHERE channel = ? AND state = 'waiting' ORDER BY id LIMIT 1",
            [channel],
        ).fetchone()
        return Waiting(*row) if row else None

    def backlog(self, channel: str) -> int:
        """How many wait."""
        query = "SELECT count(*) FROM sent WHERE channel = ? AND state = 'waiting'"
        return int(self.db.execute(query, [channel]).fetchone()[0])

    def tried(self, number: int) -> None:
        self.db.execute("UPDATE sent SET tries = tries + 1 WHERE id = ?", [number])

    def answered(self, number: int, state: str, answer: str = "") -> None:
        """state: acknowledged, refused, or lost (a fault made the sender believe that it had sent)."""
        self.db.execute(
            "UPDATE sent SET state = ?, answer = ?, answered = ? WHERE id = ?", [state, answer, time.time(), number]
        )

    def known(self, channel: str, control_id: str, body: bytes) -> bytes | None:
        """The answer that this very message has already had; counts the repeat."""
        row = self.db.execute(
            "UPDATE received SET times = times + 1 WHERE channel = ? AND control_id = ? AND digest = ? RETURNING answer",
            [channel, control_id, digest(body)],
        ).fetchone()
        return row[0] if row else None

    def took(
        self, channel: str, control_id: str, type_: str, key: str, body: bytes, answer: bytes, state: str = "taken"
    ) -> None:
        """Keep what came in, with the answer that it gets; committed when this returns."""
        self._prune()
        self.db.execute(
            "INSERT OR IGNORE INTO received (at, channel, control_id, type, key, digest, body, state, answer) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [time.time(), channel, control_id, type_, key, digest(body), body, state, answer],
        )

    def counts(self) -> dict[str, int]:
        """Rows by "sent channel state" and "received channel state"."""
        found: dict[str, int] = {}
        for table in ("sent", "received"):
            query = f"SELECT channel, state, count(*) FROM {table} GROUP BY 1, 2"  # noqa: S608 - two names
            for channel, state, count in self.db.execute(query):
                found[f"{table} {channel} {state}"] = count
        return found

    def _prune(self) -> None:
        """Drop the bytes of old rows now and then, and at last the rows themselves."""
        self._written += 1
        if self._written % 2000 == 0:
            for table, done in (("sent", " AND state <> 'waiting'"), ("received", "")):
                self.db.execute(
                    f"UPDATE {table} SET body = NULL WHERE body IS NOT NULL{done} "  # noqa: S608 - two names
                    f"AND id < (SELECT max(id) FROM {table}) - {_KEEP}"
                )
                self.db.execute(f"DELETE FROM {table} WHERE id < (SELECT max(id) FROM {table}) - {_KEEP_ROWS}{done}")  # noqa: S608
