"""The number by which people name a message: the day finds the partition, the id the row."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_NUMBER = re.compile(r"^M-(\d{6})-(\d{1,19})$")


def number_of(received_at: datetime, pk: int) -> str:
    return f"M-{received_at.astimezone(_SHANGHAI):%y%m%d}-{pk}"


def parse(number: str) -> tuple[date, int] | None:
    """The day in Asia/Shanghai and the id; None where it is no such number."""
    if (found := _NUMBER.match(number.strip())) is None:
        return None
    try:
        return datetime.strptime(found[1], "%y%m%d").replace(tzinfo=_SHANGHAI).date(), int(found[2])
    except ValueError:
        return None
