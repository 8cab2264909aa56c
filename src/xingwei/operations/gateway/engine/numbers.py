"""The number by which people name a message: the day in Asia/Shanghai finds the partition, the id the row. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_NUMBER = re.compile(r"^M-(\d{6})-(\d{1,19})$")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HOUR_US = 3_600_000_000


def number_of(received_at: datetime, pk: int) -> str:
    return f"M-{received_at.astimezone(_SHANGHAI):%y%m%d}-{pk}"


def number_at(micros: int, pk: int) -> str:
    """The same for a time in microseconds since 2000 (UTC)."""
    return f"M-{_day(micros // _HOUR_US)}-{pk}"


@lru_cache(64)
def _day(hour: int) -> str:
    return f"{(_EPOCH + timedelta(hours=hour)).astimezone(_SHANGHAI):%y%m%d}"


def parse(number: str) -> tuple[date, int] | None:
    """The day in Asia/Shanghai and the id; None where it is no such number."""
    if (found := _NUMBER.match(number.strip())) is None:
        return None
    try:
        return datetime.strptime(found[1], "%y%m%d").replace(tzinfo=_SHANGHAI).date(), int(found[2])
    except ValueError:
        return None
