"""The rota's background work."""

from __future__ import annotations

from procrastinate.contrib.django import app

from xingwei.base.policy.engine import system_actor

from . import services


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="rota.gaps")
def watch_gaps(timestamp: int) -> None:
    """Every five minutes: nobody on duty, now or soon, is itself an alarm."""
    services.alarm_gaps(system_actor())


@app.periodic(cron="10 22 * * *")  # of UTC: 06:10 in Shanghai
@app.task(queueing_lock="rota.publish")
def publish_weeks(timestamp: int) -> None:
    services.publish_ahead(system_actor())
