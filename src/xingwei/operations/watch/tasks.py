"""Background work of the watch's desk."""

from __future__ import annotations

from procrastinate.contrib.django import app

from .services import functions, jobs, measurements, troubles


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
