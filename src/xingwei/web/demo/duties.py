"""The contract's dated obligations in the demonstration year: nearly all kept and recorded, a few late or missed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone

from xingwei.base.ui.words import CHINA
from xingwei.service.contract import obligations, queries
from xingwei.service.contract import services as contracts
from xingwei.service.contract.engine.due import Due

from .cast import Cast
from .scenes import Scene

_MISSED, _LATE = 0.04, 0.05


def scenes(cast: Cast, start: dt.datetime, end: dt.datetime) -> Iterator[tuple[dt.datetime, Scene]]:
    """(when, what) of every due time that the contract in force has between the two moments."""
    shown = queries.shown()
    if shown is None or shown.term is None:
        return
    for kept in obligations.kept(shown, dated=True):
        for standing in kept.standings:
            if cast.chance(_MISSED):
                continue
            spare = dt.timedelta(days=-cast.dice.randint(1, 6) if cast.chance(_LATE) else cast.dice.randint(0, 9))
            day = max(standing.due.first, standing.due.due - spare)
            moment = dt.datetime.combine(day, dt.time(16, cast.dice.randrange(60)), CHINA)
            if start < moment < end:
                yield moment, _keep(cast, standing.due)


def _keep(cast: Cast, due: Due) -> Scene:
    contracts.record_obligation(
        cast.actor("zhou"),
        due.obligation.id,
        done_on=timezone.localdate(),
        due_on=due.due,
        note=f"{due.obligation.what}（{due.label}）",
        reference=f"锦云档〔{timezone.localdate().year}〕{cast.dice.randint(1, 400):03d}",
    )
    return
    yield  # a scene of one act
