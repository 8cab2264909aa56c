"""How much may be read, and when. Pure: who calls says what time it is."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

Window = tuple[dt.time, dt.time]
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class WindowProblem(ValueError):
    """Times that cannot be read; the text is Chinese."""


def windows(raw: Sequence[Sequence[str]]) -> tuple[Window, ...]:
    """[["00:30", "05:30"]] → times. One that ends before it begins goes over midnight. Raises WindowProblem."""
    found = []
    for pair in raw:
        times = [_TIME.fullmatch(str(t).strip()) for t in pair]
        if len(times) != 2 or not all(times):
            raise WindowProblem(f"时段“{'-'.join(map(str, pair))}”写得不对，应写成 00:30-05:30")
        since, until = (dt.time(int(t[1]), int(t[2])) for t in times if t)
        if since == until:
            raise WindowProblem("时段的起止不能相同；全天都可以读，就不要写时段")
        found.append((since, until))
    return tuple(found)


def is_open(times: Sequence[Window], at: dt.time) -> bool:
    """May be read now? Without windows always."""
    return not times or any(s <= at < u if s < u else (at >= s or at < u) for s, u in times)


def said(times: Sequence[Window]) -> str:
    return "、".join(f"{s:%H:%M}-{u:%H:%M}" for s, u in times) or "全天"


@dataclass(slots=True)
class Throttle:
    """At most so many rows a second, measured over the whole reading; 0: no limit."""

    rows_per_second: int
    began: float = 0.0
    rows: int = field(default=0)

    def pause_after(self, rows: int, now: float) -> float:
        """How long to wait after these rows, in seconds."""
        if not self.rows:
            self.began = self.began or now
        self.rows += rows
        if not self.rows_per_second:
            return 0.0
        return max(0.0, self.began + self.rows / self.rows_per_second - now)
