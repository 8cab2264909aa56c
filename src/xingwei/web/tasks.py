"""Background work of the assembly: the daily backup."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from xingwei.base.policy.engine import system_actor
from xingwei.base.site.queries import value

from .upkeep import services


@app.periodic(cron="5 * * * *")
@app.task(queueing_lock="web.backup.daily")
def back_up_daily(timestamp: int) -> None:
    """Each hour asks whether this is the hour of the backup."""
    if timezone.localtime().hour == value("backup.hour"):
        services.back_up(system_actor())


@app.task(queueing_lock="web.backup.now")
def back_up_now() -> None:
    services.back_up(system_actor(), "hand")
