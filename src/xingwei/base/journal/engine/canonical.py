"""The bytes of an entry that are hashed: its *body*.

A body is the entry's fields in the order of FIELDS, each as a four-byte big-endian length and its value;
length -1 stands for NULL. Values are written as PostgreSQL's binary COPY writes them:

bigint       8 bytes, big-endian, signed
timestamptz  8 bytes, big-endian, signed: microseconds since 2000-01-01 00:00 UTC
text         UTF-8
jsonb        one byte 0x01, then the text that PostgreSQL gives for the value

So no two entries share a body, and a row can be verified as it comes off the wire, without being taken apart.
"""

from __future__ import annotations

import datetime as dt
import struct
from dataclasses import dataclass
from typing import Final

FIELDS: Final = (
    ("id", "bigint"),
    ("at", "timestamptz"),
    ("actor_id", "bigint"),
    ("actor_name", "text"),
    ("organisation", "text"),
    ("address", "text"),
    ("via", "text"),
    ("act", "text"),
    ("target_type", "text"),
    ("target_id", "text"),
    ("target_label", "text"),
    ("summary", "text"),
    ("before", "jsonb"),
    ("after", "jsonb"),
)

_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_NULL = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct(">i")
_START = struct.Struct(">iqiq")  # id and at, neither ever NULL, stand at fixed places


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFields:
    """One entry's values. at: aware. before, after: JSON text as PostgreSQL renders jsonb."""

    id: int
    at: dt.datetime
    actor_id: int | None
    actor_name: str
    organisation: str
    address: str
    via: str
    act: str
    target_type: str
    target_id: str
    target_label: str
    summary: str
    before: str | None
    after: str | None


def encode(entry: EntryFields) -> bytes:
    """The body of an entry."""
    parts = []
    for name, kind in FIELDS:
        value = getattr(entry, name)
        if value is None:
            parts.append(_NULL)
            continue
        raw = _raw(value, kind)
        parts.append(_LENGTH.pack(len(raw)) + raw)
    return b"".join(parts)


def decode(body: bytes) -> EntryFields:
    """The entry of a body; raises ValueError for bytes that are none."""
    values: dict[str, object] = {}
    place = 0
    try:
        for name, kind in FIELDS:
            (length,) = _LENGTH.unpack_from(body, place)
            place += 4
            if length == -1:
                values[name] = None
                continue
            raw = body[place : place + length]
            if length < 0 or len(raw) != length:
                raise ValueError("length beyond the end")
            values[name] = _value(raw, kind)
            place += length
    except struct.error as error:
        raise ValueError("body ends early") from error
    if place != len(body):
        raise ValueError("body is too long")
    return EntryFields(**values)  # type: ignore[arg-type]


def identity(body: bytes) -> tuple[int, int]:
    """(id, microseconds since 2000) of a body, without decoding the rest."""
    _, ident, _, at = _START.unpack_from(body)
    return ident, at


def to_microseconds(at: dt.datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> dt.datetime:
    return _EPOCH + microseconds * _MICROSECOND


def _raw(value: object, kind: str) -> bytes:
    if isinstance(value, dt.datetime):
        return to_microseconds(value).to_bytes(8, "big", signed=True)
    if isinstance(value, int):
        return value.to_bytes(8, "big", signed=True)
    text = str(value).encode()
    return b"\x01" + text if kind == "jsonb" else text


def _value(raw: bytes, kind: str) -> object:
    if kind == "text":
        return raw.decode()
    if kind == "jsonb":
        if raw[:1] != b"\x01":
            raise ValueError("unknown version of jsonb")
        return raw[1:].decode()
    if len(raw) != 8:
        raise ValueError("a number of the wrong size")
    number = int.from_bytes(raw, "big", signed=True)
    return from_microseconds(number) if kind == "timestamptz" else number
