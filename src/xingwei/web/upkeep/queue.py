"""The queue of background work: what waits, what failed, who works."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Max, Q
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker

ALIVE = dt.timedelta(seconds=60)  # workers give a sign every ten seconds
_CAP = 1000
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Queue:
    """Counts are capped at 1,000. waits: since when the oldest job that could run has waited."""

    waiting: int
    doing: int
    failed: int
    later: int
    waits: dt.timedelta | None
    workers: int
    last_sign: dt.datetime | None


def state() -> Queue:
    now = timezone.now()
    due = ProcrastinateJob.objects.filter(status="todo").filter(Q(scheduled_at=None) | Q(scheduled_at__lte=now))
    workers = ProcrastinateWorker.objects
    return Queue(
        waiting=due[:_CAP].count(),
        doing=ProcrastinateJob.objects.filter(status="doing")[:_CAP].count(),
        failed=ProcrastinateJob.objects.filter(status="failed")[:_CAP].count(),
        later=ProcrastinateJob.objects.filter(status="todo", scheduled_at__gt=now)[:_CAP].count(),
        waits=_oldest(due, now),
        workers=workers.filter(last_heartbeat__gte=now - ALIVE).count(),
        last_sign=workers.aggregate(at=Max("last_heartbeat"))["at"],
    )


def failed() -> list[dict[str, Any]]:
    """The newest failed jobs: what, when, how often tried. Their arguments are not shown: they may name people."""
    jobs = list(ProcrastinateJob.objects.filter(status="failed").order_by("-id")[:_SHOWN])
    events = ProcrastinateEvent.objects.filter(job__in=jobs, type="failed")
    at = dict(events.values_list("job_id").annotate(at=Max("at")))
    return [
        {
            "id": j.pk,
            "room": label(j.task_name),
            "name": j.task_name.rpartition(".")[2],
            "at": at.get(j.pk),
            "attempts": j.attempts,
        }
        for j in jobs
    ]


def label(task_name: str) -> str:
    """Whose task it is: the Chinese name of its room."""
    rooms = {config.name: str(config.verbose_name) for config in apps.get_app_configs()}
    module = task_name.rpartition(".")[0]
    while module:
        if module in rooms:
            return rooms[module]
        module = module.rpartition(".")[0]
    return "任务队列"


def _oldest(due: Any, now: dt.datetime) -> dt.timedelta | None:
    job = due.order_by("id").first()
    if job is None:
        return None
    deferred = ProcrastinateEvent.objects.filter(job=job, type="deferred").aggregate(at=Max("at"))["at"]
    since = max(filter(None, (job.scheduled_at, deferred)), default=None)
    return now - since if since else None
