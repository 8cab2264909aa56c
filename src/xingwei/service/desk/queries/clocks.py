"""A case's clocks as people read them, from the index on its row: nothing is recomputed to show a page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from xingwei.base.ui import words

from ..engine.clocks import SOON, ClockState
from ..models import Case

PLACES = {"hospital": "等医院", "third": "等第三方", "reporter": "等反映人", "rd": "等研发"}


@dataclass(frozen=True, slots=True)
class ClockView:
    """One run of a clock. remaining: "6 分", "超 2 时 09 分", or how long it took. share: of the span, in percent."""

    key: str
    label: str
    state: ClockState
    missed: bool
    started_at: dt.datetime
    due_at: dt.datetime | None
    stopped_at: dt.datetime | None
    remaining: str
    share: int
    note: str
    basis: str
    side: str


def view_of(case: Case, now: dt.datetime | None = None) -> list[ClockView]:
    """Every run, the last ones of each clock first shown where they still run; sorted by what is due first."""
    moment = now or timezone.now()
    return sorted((_view(c, case, moment) for c in case.clocks), key=_rank)


def current(case: Case, now: dt.datetime | None = None) -> list[ClockView]:
    """The last run of each clock: what the case's page shows as blocks."""
    last: dict[str, ClockView] = {}
    moment = now or timezone.now()
    for clock in case.clocks:
        last[clock["key"]] = _view(clock, case, moment)
    return sorted(last.values(), key=_rank)


def next_of(case: Case, now: dt.datetime | None = None) -> ClockView | None:
    """The clock that the ledger shows in the row: the one due first, else a paused one; None where none runs."""
    running = [c for c in current(case, now) if c.state != "done"]
    return running[0] if running and case.category != "closed" else None


def outage(case: Case, now: dt.datetime | None = None) -> dt.timedelta | None:
    """How long business was affected: levels 1 and 2, from the report to 'restored' or the resolution."""
    if case.kind != "incident" or case.severity not in {1, 2}:
        return None
    ended = case.restored_at or case.resolved_at or case.closed_at or now or timezone.now()
    return max(ended - case.opened_at, dt.timedelta(0))


def _view(clock: dict[str, Any], case: Case, now: dt.datetime) -> ClockView:
    start = dt.datetime.fromisoformat(clock["start"])
    due, stop, paused = (_moment(clock.get(n)) for n in ("due", "stop", "paused"))
    end = stop or paused or now
    state: ClockState
    if stop is not None:
        state, remaining = "done", words.duration(stop - start)
    elif paused is not None:
        left = dt.timedelta(seconds=clock.get("left", 0))
        state, remaining = "pause", PLACES.get(case.waiting_for, "暂停") + f"，还剩 {words.duration(left)}"
    elif due is None:
        state, remaining = "unknown", "时限算不出来"
    else:
        state = "late" if due < now else "soon" if due - now <= SOON else "ok"
        remaining = words.remaining(due, now)
    span = (due - start).total_seconds() if due else 0
    share = min(100, max(0, round(100 * (end - start).total_seconds() / span))) if span > 0 else 0
    return ClockView(
        key=clock["key"],
        label=clock["label"],
        state=state,
        missed=due is not None and due < (stop or now),
        started_at=start,
        due_at=due,
        stopped_at=stop,
        remaining=remaining,
        share=share,
        note=clock.get("trouble") or ("日历未发布，暂按周一至周五计" if clock.get("provisional") else ""),
        basis=clock["basis"],
        side=clock["side"],
    )


def _rank(clock: ClockView) -> tuple[int, float]:
    order = {"late": 0, "soon": 1, "ok": 1, "unknown": 1, "pause": 2, "done": 3}[clock.state]
    return order, (clock.due_at or clock.started_at).timestamp()


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
