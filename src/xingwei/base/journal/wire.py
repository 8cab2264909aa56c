"""Rows of the chain to and from PostgreSQL in binary COPY: a body comes off the wire as it is hashed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .engine.canonical import FIELDS
from .engine.chain import Row

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_HEADER = len(_SIGNATURE) + 8
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_BODY = ", ".join(f'e."{name}"::{kind}' for name, kind in FIELDS)
# number of fields; seq, entry_id, prev and hash, each after its length
_SEALED = struct.Struct(">hiqiqi32si32s")
_LENGTHS = (4 + len(FIELDS), 8, 8, 32, 32)
_PENDING = struct.Struct(">hiq")


def read_rows(cursor: Any, after: int, limit: int) -> list[Row]:
    """The next sealed rows by number, entries joined; a body is None where its entry is gone."""
    query = (
        f"COPY (SELECT s.seq, s.entry_id, s.prev, s.hash, {_BODY} FROM journal_seal s"  # noqa: S608
        f" LEFT JOIN journal_entry e ON e.id = s.entry_id WHERE s.seq > {int(after)}"
        f" ORDER BY s.seq LIMIT {int(limit)}) TO STDOUT (FORMAT binary)"
    )
    return [_row(raw) for raw in _tuples(cursor, query)]


def read_bodies(cursor: Any, entry_ids: Sequence[int]) -> list[tuple[int, bytes]]:
    """(id, body) of those of the entries that are not sealed yet, by id."""
    ids = ",".join(str(int(i)) for i in entry_ids)
    query = (
        f"COPY (SELECT {_BODY} FROM journal_entry e WHERE e.id = ANY ('{{{ids}}}'::bigint[])"  # noqa: S608
        " AND NOT EXISTS (SELECT 1 FROM journal_seal s WHERE s.entry_id = e.id)"
        " ORDER BY e.id) TO STDOUT (FORMAT binary)"
    )
    return [(_PENDING.unpack_from(raw)[2], raw[2:]) for raw in _tuples(cursor, query)]


def write_seals(cursor: Any, rows: Iterable[tuple[int, int, bytes, bytes]]) -> None:
    """Append (seq, entry_id, prev, hash)."""
    with cursor.copy("COPY journal_seal (seq, entry_id, prev, hash) FROM STDIN (FORMAT binary)") as copy:
        copy.write(_SIGNATURE + bytes(8))
        copy.write(b"".join(_SEALED.pack(4, 8, s, 8, e, 32, p, 32, h) for s, e, p, h in rows))
        copy.write(_END)


def _tuples(cursor: Any, query: str) -> Iterator[bytes]:
    """The tuples of a binary COPY: libpq hands them over one at a time, the header with the first."""
    start = _HEADER
    with cursor.copy(query) as copy:
        for block in copy:
            raw = bytes(block[start:])
            start = 0
            if raw and raw != _END:
                yield raw


def _row(raw: bytes) -> Row:
    count, a, seq, b, entry_id, c, prev, d, hash_ = _SEALED.unpack_from(raw)
    if (count, a, b, c, d) != _LENGTHS:
        return _odd_row(raw)
    body = raw[_SEALED.size :]
    return Row(seq, entry_id, prev, hash_, None if body.startswith(_NULL) else body)


def _odd_row(raw: bytes) -> Row:
    """A seal whose hashes are not 32 bytes long: somebody wrote it by hand."""
    fields, place = [], 2
    for _ in range(4):
        (length,) = struct.unpack_from(">i", raw, place)
        place += 4
        fields.append(raw[place : place + max(length, 0)])
        place += max(length, 0)
    seq, entry_id = (int.from_bytes(f, "big", signed=True) for f in fields[:2])
    body = raw[place:]
    return Row(seq, entry_id, fields[2], fields[3], None if body.startswith(_NULL) else body)
