"""Time as people at the machine read it, whatever the machine's own zone is."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> dt.datetime:
    return dt.datetime.now(SHANGHAI)


def stamp() -> str:
    """For names of files and directories: 20260318-102400."""
    return f"{now():%Y%m%d-%H%M%S}"


def shown(moment: dt.datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
