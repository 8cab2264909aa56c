"""Jobs that must run: their heartbeats come in by a URL with a token; who is late is found once a minute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.words import CHINA

from ..models import Beat, Job
from . import probes
from .base import WatchRefused

FIELDS = (
    "name",
    "kind",
    "node",
    "every_minutes",
    "daily_at",
    "weekdays",
    "grace_minutes",
    "severity",
    "active",
    "note",
)


def save(actor: Actor, code: str, values: Mapping[str, Any]) -> Job:
    """Add a job or change it. Raises WatchRefused."""
    require(actor, "watch.job:change")
    if bool(values.get("every_minutes")) == bool(values.get("daily_at")):
        raise WatchRefused("“每隔”与“每天”写且只写一项。")
    node = str(values.get("node") or "")
    system = probes.resolve(node)[1] if node else None
    with transaction.atomic():
        row = Job.objects.select_for_update().filter(code=code).first()
        verb = "change" if row else "add"
        row = row or Job(code=code)
        for name in FIELDS:
            if name in values:
                setattr(row, name, values[name])
        row.system = system
        row.save()
        shown = {k: str(values[k]) for k in FIELDS if k in values}
        record(
            actor, f"watch.job.{verb}", row, f"{'修改' if verb == 'change' else '登记'}心跳任务 {row.name}", after=shown
        )
    return row


def beat(job: Job, kind: str, *, said: str = "", address: str | None = None, now: dt.datetime | None = None) -> Beat:
    """A heartbeat came in; `start` opens a run, `ok` and `fail` end it."""
    at = now or timezone.now()
    with transaction.atomic():
        row: Job = Job.objects.select_for_update().get(pk=job.pk)
        seconds = None
        if kind == Beat.Kind.START:
            row.started_at = at
            state = Job.State.RUNNING
        else:
            seconds = (at - row.started_at).total_seconds() if row.started_at else None
            row.started_at = None
            state = Job.State.OK if kind == Beat.Kind.OK else Job.State.FAILED
            row.last_at = at
            if kind == Beat.Kind.OK:
                row.last_ok_at = at
        if row.state != state:
            row.state, row.since = state, at
        row.said = " ".join(said.split())[:300]
        row.save()
        made: Beat = Beat.objects.create(job=row, at=at, kind=kind, said=row.said, seconds=seconds, address=address)
    return made


def due(job: Job, now: dt.datetime) -> dt.datetime:
    """The time by which the job should have succeeded last, without grace. Before its registration nothing is due."""
    if job.every_minutes:
        reference = job.last_ok_at or job.created_at
        return reference + dt.timedelta(minutes=job.every_minutes)
    assert job.daily_at is not None
    day = now.astimezone(CHINA).date()
    for back in range(9):
        at = dt.datetime.combine(day - dt.timedelta(days=back), job.daily_at, tzinfo=CHINA)
        if at <= now and str(at.isoweekday()) in job.weekdays:
            return at
    return job.created_at


def is_late(job: Job, now: dt.datetime) -> bool:
    """Whether the grace after the last due time has passed without success."""
    at, grace = due(job, now), dt.timedelta(minutes=job.grace_minutes)
    if job.every_minutes:
        return now > at + grace
    # a daily job may succeed somewhat before its hour (it is the close that counts); half a day counts as its own
    early = at - dt.timedelta(hours=1)
    return now > at + grace and at > job.created_at and (job.last_ok_at is None or job.last_ok_at < early)


def look_over(now: dt.datetime | None = None) -> list[Job]:
    """Find those who are late; returns them."""
    at = now or timezone.now()
    found = []
    for job in Job.objects.filter(active=True):
        if job.state in {Job.State.LATE, Job.State.FAILED} or not is_late(job, at):
            continue
        with transaction.atomic():
            row = Job.objects.select_for_update().get(pk=job.pk)
            if row.state != Job.State.LATE and is_late(row, at):
                row.state, row.since = Job.State.LATE, at
                row.said = f"应在 {timezone.localtime(due(row, at)):%m-%d %H:%M} 前完成"
                row.save(update_fields=["state", "since", "said"])
                found.append(row)
    return found
