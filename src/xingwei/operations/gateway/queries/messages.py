"""Finding messages: newest first, by keyset, over as many days as are kept.

Number, patient, reference and control id have their indexes; type and text are found through the text index, which a
task fills (services.text), window by window from the newest, each window larger than the last. Whatever the index
finds is checked against the message itself, by the eyes of who asks: who may not see patient data cannot find by them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from xingwei.base.ui import keyset

from ..engine import text
from ..models.numbers import number_of

PAGE = 50
SCANNED = 150  # rows looked at one by one before the index is asked
MISSES = 300  # candidates that did not hold; then the reader is asked whether to go on
_WINDOWS = (dt.timedelta(hours=6), dt.timedelta(days=1), dt.timedelta(days=4), dt.timedelta(days=16))
_LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_COLUMNS = "id, received_at, channel_id, state, control_id, type, key, patient, reference, charset, size, problem, replay_of, targets"
ORDER = ("-received_at", "-id")


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is looked for. channels: ids that the reader may see (never empty); None for all."""

    channels: tuple[int, ...] | None = None
    state: str = ""
    type: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    control_id: str = ""
    reference: str = ""
    patient: str = ""
    text: str = ""

    @property
    def by_text(self) -> bool:
        return bool(text.terms(self.text))


@dataclass(frozen=True, slots=True)
class Hit:
    id: int
    received_at: dt.datetime
    channel_id: int
    state: str
    control_id: str
    type: str
    key: str
    patient: str
    reference: str
    charset: str
    size: int
    problem: str
    replay_of: int | None
    targets: int
    raw: bytes = field(default=b"", repr=False)

    @property
    def number(self) -> str:
        return number_of(self.received_at, self.id)


@dataclass(frozen=True, slots=True)
class Found:
    """stopped: the page is not full since too many candidates did not hold; `next` goes on where it was left."""

    hits: list[Hit]
    next: str
    previous: str
    stopped: bool = False


@dataclass(slots=True)
class _Effort:
    """How many candidates did not hold, and where the search was left."""

    misses: int = 0
    at: Hit | None = None

    @property
    def spent(self) -> bool:
        return self.misses >= MISSES


Seen = Callable[[Hit], str]
Place = tuple[dt.datetime, int]


def search(wanted: Criteria, seen: Seen, *, after: str = "", before: str = "", size: int = PAGE) -> Found:
    """One page. seen(hit) is the text of a message as the reader may read it."""
    if wanted.channels == ():
        return Found([], "", "")
    cursor = _place(before or after)
    backwards = bool(before) and cursor is not None
    find = _by_text if wanted.by_text else _plainly
    effort = _Effort()
    hits: list[Hit] = []
    for hit in find(wanted, seen, cursor, backwards, size + 1, effort):
        hits.append(hit)
        if len(hits) > size:
            break
    more, hits = len(hits) > size, hits[:size]
    if effort.spent and not more and effort.at is not None and not backwards:
        back = keyset.cursor_of(ORDER, hits[0]) if hits and cursor is not None else ""
        return Found(hits, keyset.cursor_of(ORDER, effort.at), back, stopped=True)
    if backwards:
        hits.reverse()
    ahead = bool(hits) and (backwards or more)
    behind = bool(hits) and (more if backwards else cursor is not None)
    return Found(
        hits,
        keyset.cursor_of(ORDER, hits[-1]) if ahead else "",
        keyset.cursor_of(ORDER, hits[0]) if behind else "",
    )


def _place(cursor: str) -> Place | None:
    values = keyset.values_at(cursor)
    if values is None or len(values) != 2 or not isinstance(values[0], dt.datetime) or not isinstance(values[1], int):
        return None
    return values[0], values[1]


def _plainly(
    wanted: Criteria, seen: Seen, cursor: Place | None, backwards: bool, n: int, effort: _Effort
) -> Iterator[Hit]:
    """Without words: by the indexes of the messages. A type alone is looked up in the text index first."""
    if wanted.type and not (wanted.patient or wanted.reference or wanted.control_id):
        yield from _by_text(wanted, seen, cursor, backwards, n, effort)
        return
    yield from _rows(wanted, _bounds(wanted, cursor, backwards), cursor, backwards, n)


def _by_text(
    wanted: Criteria, seen: Seen, cursor: Place | None, backwards: bool, n: int, effort: _Effort
) -> Iterator[Hit]:
    """First the next rows one by one (common words fill the page so), then the index, window by window."""
    given = 0

    def holds(hit: Hit) -> bool:
        if wanted.type and hit.type != wanted.type:
            return False
        return not wanted.by_text or text.holds(seen(hit), wanted.text)

    most = SCANNED if wanted.by_text else 4 * SCANNED  # without their bodies rows are cheap
    looked = list(_rows(wanted, _bounds(wanted, cursor, backwards), cursor, backwards, most, raw=wanted.by_text))
    for hit in looked:
        if holds(hit):
            given += 1
            yield hit
    if given >= n or len(looked) < most:
        return
    cursor = looked[-1].received_at, looked[-1].id
    facets = [f"\0type:{wanted.type}"] if wanted.type else []
    numbers = text.query_numbers(wanted.text, *facets)
    for low, high in _windows(wanted, cursor, backwards):
        place: Place | None = cursor
        while True:
            keys = _indexed(wanted, numbers, low, high, place, backwards, n)
            for hit in _fetched(wanted, keys, backwards, raw=wanted.by_text):
                effort.at = hit
                if holds(hit):
                    yield hit
                    continue
                effort.misses += 1
                if effort.spent:
                    return
            if len(keys) < n:
                break
            place = keys[-1]


def _bounds(wanted: Criteria, cursor: Place | None, backwards: bool) -> tuple[dt.datetime | None, dt.datetime | None]:
    low, high = wanted.since, wanted.until
    if cursor is not None and backwards:
        low = max(low, cursor[0]) if low else cursor[0]
    elif cursor is not None:
        after = cursor[0] + dt.timedelta(microseconds=1)
        high = min(high, after) if high else after
    return low, high


def _windows(wanted: Criteria, cursor: Place, backwards: bool) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    low, high = _bounds(wanted, cursor, backwards)
    low = low or _LONG_AGO
    high = high or cursor[0] + dt.timedelta(days=400)
    if backwards:
        start = low
        for width in _WINDOWS:
            if start >= high:
                return
            yield start, min(high, start + width)
            start += width
        if start < high:
            yield start, high
        return
    end = high
    for width in _WINDOWS:
        if end <= low:
            return
        yield max(low, end - width), end
        end -= width
    if end > low:
        yield low, end


def _rows(
    wanted: Criteria,
    bounds: tuple[dt.datetime | None, dt.datetime | None],
    cursor: Place | None,
    backwards: bool,
    n: int,
    *,
    raw: bool = False,
) -> Iterator[Hit]:
    where, values = _where(wanted, bounds)
    if cursor is not None:
        where.append(f"(received_at, id) {'>' if backwards else '<'} (%s, %s)")
        values += cursor
    way = "" if backwards else " DESC"
    columns = _COLUMNS + (", raw" if raw else "")
    sql = f"SELECT {columns} FROM gateway_message WHERE {' AND '.join(where) or 'true'} ORDER BY received_at{way}, id{way} LIMIT {n}"  # noqa: S608
    yield from _hits(sql, values)


def _where(wanted: Criteria, bounds: tuple[dt.datetime | None, dt.datetime | None]) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []

    def add(condition: str, value: Any) -> None:
        where.append(condition)
        values.append(value)

    if wanted.channels is not None:
        if len(wanted.channels) == 1:
            add("channel_id = %s", wanted.channels[0])
        else:
            add("channel_id = ANY(%s)", list(wanted.channels))
    if wanted.state:
        add("state = %s", wanted.state)
        if wanted.state != "accepted":
            where.append("state <> 'accepted'")
    for name in ("control_id", "reference", "patient"):
        if value := getattr(wanted, name):
            add(f"{name} = %s", value)
            where.append(f"{name} <> ''")
    if wanted.type and (wanted.patient or wanted.reference or wanted.control_id):
        add("type = %s", wanted.type)
    low, high = bounds
    if low is not None:
        add("received_at >= %s", low)
    if high is not None:
        add("received_at < %s", high)
    return where, values


def _indexed(
    wanted: Criteria,
    numbers: list[int],
    low: dt.datetime,
    high: dt.datetime,
    cursor: Place | None,
    backwards: bool,
    n: int,
) -> list[Place]:
    """The next keys whose messages hold all the numbers. The set comes from the GIN index before it is sorted: walking
    the days by time until enough are found would read everything for a rare word."""
    values: list[Any] = [numbers, low, high]
    channels = ""
    if wanted.channels is not None:
        channels = "AND channel_id = ANY(%s)"
        values.append(list(wanted.channels))
    beyond = ""
    if cursor is not None:
        beyond = f"WHERE (received_at, message_id) {'>' if backwards else '<'} (%s, %s)"
        values += cursor
    way = "" if backwards else " DESC"
    sql = f"""WITH found AS MATERIALIZED (
      SELECT received_at, message_id FROM gateway_text
      WHERE grams @> %s::integer[] AND received_at >= %s AND received_at < %s {channels})
    SELECT received_at, message_id FROM found {beyond} ORDER BY received_at{way}, message_id{way} LIMIT {n}"""  # noqa: S608
    with transaction.atomic(), connection.cursor() as db:
        db.execute("SET LOCAL enable_seqscan = off")
        db.execute("SET LOCAL jit = off")
        db.execute(sql, values)
        return [(at, pk) for at, pk in db.fetchall()]


def _fetched(wanted: Criteria, keys: Sequence[Place], backwards: bool, *, raw: bool) -> Iterator[Hit]:
    if not keys:
        return
    times = [at for at, _ in keys]
    where, values = _where(wanted, (min(times), max(times) + dt.timedelta(microseconds=1)))
    where.append("id = ANY(%s)")
    values.append([pk for _, pk in keys])
    way = "" if backwards else " DESC"
    columns = _COLUMNS + (", raw" if raw else "")
    sql = f"SELECT {columns} FROM gateway_message WHERE {' AND '.join(where)} ORDER BY received_at{way}, id{way}"  # noqa: S608
    yield from _hits(sql, values)


def _hits(sql: str, values: Sequence[Any]) -> Iterator[Hit]:
    with connection.cursor() as db:
        db.execute(sql, values)
        rows = db.fetchall()
    for row in rows:
        yield Hit(*row[:14], *([bytes(row[14])] if len(row) > 14 else []))
