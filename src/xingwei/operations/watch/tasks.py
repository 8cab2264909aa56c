"""Background work of the watch's desk."""

from __future__ import annotations

from contextlib import suppress

from procrastinate.contrib.django import app

from xingwei.base.policy.engine import system_actor
from xingwei.service.desk.models import Case

from .services import functions, jobs, measurements, triage, troubles
from .services.base import WatchRefused


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="watch.look")
def look_over(timestamp: int) -> None:
    """Jobs, functions, troubles: what changed in the last minute."""
    jobs.look_over()
    functions.look_over()
    troubles.look_over()


@app.periodic(cron="4 * * * *")
@app.task(queueing_lock="watch.hour")
def every_hour(timestamp: int) -> None:
    """Partitions of the coming days, roll-ups of the closed hours."""
    measurements.make_partitions()
    measurements.roll_closed_hours()


@app.periodic(cron="35 17 * * *")  # of UTC: 01:35 in Shanghai
@app.task(queueing_lock="watch.night")
def every_night(timestamp: int) -> None:
    """What is usual, from the days that are over; what is too old."""
    measurements.learn_days()
    measurements.learn()
    measurements.prune()


@app.task(queue="default", name="watch.judge")
def judge(case: int) -> None:
    """Whose fault it is, as soon as a trouble became a case; a case that is over by now is left alone."""
    found = Case.objects.filter(pk=case).exclude(category__in=["resolved", "closed"]).first()
    if found is not None:
        with suppress(WatchRefused):
            triage.judge(system_actor("task"), case=found)
