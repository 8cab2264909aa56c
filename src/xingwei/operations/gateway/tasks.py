"""Background work of the gateway's desk."""

from __future__ import annotations

from procrastinate.contrib.django import app

from xingwei.base.policy.engine import system_actor

from .services import alerts, archive, catalogue, critical, lookups, text, volumes


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="gateway.text")
def index_text(timestamp: int) -> None:
    """Make what was received findable by its text."""
    text.index_new()
    text.index_restored()


@app.periodic(cron="40 19 * * *")  # of UTC: 03:40 in Shanghai, after the archive
@app.task(queueing_lock="gateway.text-days")
def drop_archived_text(timestamp: int) -> None:
    """Forget the text of days that are in the archive alone."""
    text.drop_archived()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="gateway.minute")
def every_minute(timestamp: int) -> None:
    """Count the closed minutes, sample the queues."""
    volumes.count_closed_minutes()
    volumes.sample_queues()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="gateway.alerts")
def look_for_trouble(timestamp: int) -> None:
    """Apart from the counting: trouble is seen when that fails, too."""
    alerts.look()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="gateway.critical")
def follow_critical_values(timestamp: int) -> None:
    """New critical values, and those that are overdue."""
    critical.feed()
    critical.remind()


@app.periodic(cron="11 * * * *")
@app.task(queueing_lock="gateway.hour")
def every_hour(timestamp: int) -> None:
    """Rows that came very late, the space, the partitions of the coming days."""
    archive.make_partitions()
    volumes.count_again(3)
    volumes.measure_space()


@app.periodic(cron="25 2 * * *")
@app.task(queueing_lock="gateway.night")
def every_night(timestamp: int) -> None:
    """Yesterday once more; then what is too old goes to the archive."""
    volumes.count_again(27)
    archive.run(system_actor("task"))
    volumes.prune()
    lookups.prune()
    catalogue.by_date()
