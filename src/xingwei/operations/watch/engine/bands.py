"""What is usual over a stretch of time, for drawing beside what was. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np

from .baseline import Floats, Usual

CHINA_S = 8 * 3600
REACH = 3.0  # spreads to either side


def band(times: Floats, usual: Usual, weekdays: Mapping[dt.date, int]) -> tuple[Floats, Floats, Floats]:
    """(low, middle, high) at each time; weekdays: dates that count as another weekday than their own."""
    local = np.floor_divide(times + CHINA_S, 3600).astype(np.int64)
    days, hours = np.divmod(local, 24)
    names = (days + 3) % 7  # 1970-01-01 was a Thursday
    for date, weekday in weekdays.items():
        names[days == (date - dt.date(1970, 1, 1)).days] = weekday
    slots = names * 24 + hours
    middle, spread = usual.mid[slots], usual.spread[slots]
    low = middle - REACH * spread
    if np.nanmin(usual.mid) >= 0:
        low = np.maximum(low, 0.0)
    return low, middle, middle + REACH * spread
