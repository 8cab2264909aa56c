"""Whether each business function is up, by the probes that walk it end to end; every change is an act of the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor

from ..models import FunctionSpan, FunctionWatch, Probe
from ..queries.states import Look, look

NO_PROBE = "还没有端到端的拨测"


def look_over(now: dt.datetime | None = None) -> list[FunctionSpan]:
    """Bring the spans up to date; returns those that began."""
    at = now or timezone.now()
    watched = FunctionWatch.objects.select_related("function")
    walks: dict[int, list[Look]] = {}
    for probe in Probe.objects.filter(function__watch__isnull=False, active=True).select_related("now", "system"):
        assert probe.function_id is not None
        walks.setdefault(probe.function_id, []).append(look(probe, at))
    spans = {s.function_id: s for s in FunctionSpan.objects.filter(until=None).select_related("function")}
    began = []
    for row in watched:
        state, since, said = judge(walks.get(row.function_id, []), at)
        span = spans.get(row.function_id)
        if span is None or span.state != state:
            began.append(_turn(row, span, state, since, said, at))
        elif span.said != said:
            FunctionSpan.objects.filter(pk=span.pk).update(said=said)
    return began


def judge(walks: Sequence[Look], now: dt.datetime) -> tuple[str, dt.datetime, str]:
    """(state, since when, what is said): down where a walk failed, slow where one is slow, unknown where none speaks."""
    State = FunctionSpan.State
    known = [w for w in walks if w.state not in {"stale", "off"}]
    if not known:
        last = max((w.at for w in walks if w.at), default=None)
        return State.UNKNOWN, last or now, walks[0].said if walks else NO_PROBE
    for states, state in ((("down",), State.DOWN), (("warn", "odd"), State.SLOW)):
        worst = [w for w in known if w.state in states]
        if worst:
            return state, min(w.since or now for w in worst), worst[0].said[:300]
    slowest = max((w.ms or 0 for w in known), default=0)
    return State.UP, max(w.since or now for w in known), f"{slowest / 1000:.1f} 秒"


def _turn(
    row: FunctionWatch, before: FunctionSpan | None, state: str, since: dt.datetime, said: str, now: dt.datetime
) -> FunctionSpan:  # fmt: skip
    """End the running span and begin the next, at the time at which the probes changed."""
    began = min(max(since, before.since + dt.timedelta(microseconds=1)) if before else since, now)
    with transaction.atomic():
        if before is not None:
            FunctionSpan.objects.filter(pk=before.pk, until=None).update(until=began)
        span: FunctionSpan = FunctionSpan.objects.create(
            function=row.function, state=state, since=began, said=said[:300]
        )
        word = FunctionSpan.State(state).label
        record(
            system_actor("watch"), "watch.function.state", row.function, f"业务功能 {row.function.name}：{word}。{said}"[:500],
            before={"state": before.state} if before else None, after={"state": state, "since": began},
        )  # fmt: skip
    return span
