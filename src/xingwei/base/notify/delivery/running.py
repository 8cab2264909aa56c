"""One run of the delivery: as long as something is due, for at most a minute."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
from django.utils import timezone

from .. import queries
from ..channels.base import Unsendable
from ..channels.carry import carry, client
from ..channels.wecom.transport import WecomApplication
from ..engine import outcomes
from ..engine.outcomes import Outcome, Result
from ..engine.wire import Answer
from ..models import Outbox
from .claiming import Job, claim, release_expired
from .settling import held_back, settle

BUDGET_S = 50.0
THREADS = 8

Done = tuple[Job, Outcome, list[Answer]]


def run(budget_s: float = BUDGET_S) -> int:
    """Send what is due and needs no relay; the number of deliveries that were tried."""
    release_expired(timezone.now())
    direct = set(Outbox.Channel.values) - queries.relayed_channels()
    tried = 0
    until = time.monotonic() + budget_s
    with client() as http, ThreadPoolExecutor(THREADS, thread_name_prefix="notify") as pool:
        if "wecom" in direct:
            _renew_token(http)
        while time.monotonic() < until and (jobs := claim(direct)):
            tried += len(jobs)
            for job, outcome, answers in _carried(jobs, http, pool):
                settle(job, outcome, answers)
    return tried


def _renew_token(http: httpx.Client) -> None:
    """One token for all messages to persons that wait, rather than one for each of them."""
    due = Outbox.objects.filter(state__in=Outbox.OPEN, next_try_at__lte=timezone.now(), channel=Outbox.Channel.WECOM)
    if due.filter(robot=None).exists():
        with suppress(Unsendable):  # each delivery will say what is missing
            WecomApplication.configured().renewed(http)


def _carried(jobs: Sequence[Job], http: httpx.Client, pool: ThreadPoolExecutor) -> Iterator[Done]:
    """Lanes side by side, a lane's messages one after another; the threads touch no database."""
    lanes: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        lanes[job.lane].append(job)
    for done in pool.map(lambda lane: _carry_lane(lane, http), lanes.values()):
        yield from done


def _carry_lane(jobs: Sequence[Job], http: httpx.Client) -> list[Done]:
    """A lane's jobs in order. What the first one shows to be useless now is not tried with the others."""
    done: list[Done] = []
    stop: Outcome | None = None
    for job in jobs:
        if stop is not None:
            done.append((job, stop, []))
            continue
        outcome, answers = attempt(job, http)
        done.append((job, outcome, answers))
        if outcome.result is Result.LIMITED:
            stop = held_back(outcome.pause)
        elif answers and not answers[-1].arrived:
            stop = outcome
    return done


def attempt(job: Job, http: httpx.Client) -> tuple[Outcome, list[Answer]]:
    """Make one delivery's calls and judge them. A transport that stumbles over an answer fails this one only."""
    answers = carry(job.calls, http)
    try:
        return job.transport.judge(answers), answers
    except Exception as error:  # whatever strange thing a server answered
        return outcomes.retry(f"答复无法理解（{type(error).__name__}）"), answers
