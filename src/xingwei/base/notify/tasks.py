"""The background work of notification. Several of these may run at once: rows are claimed, not locked out."""

from __future__ import annotations

from procrastinate.contrib.django import app

from . import purging
from .delivery import running
from .inbound import fetching, processing


@app.periodic(cron="* * * * * */10")
@app.task(queueing_lock="notify.deliver")
def deliver(timestamp: int) -> None:
    """Every ten seconds: what is due. Also finds what a worker that died had claimed."""
    running.run()


@app.task(queueing_lock="notify.deliver_now")
def deliver_now() -> None:
    """At once after an act's commit."""
    running.run()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="notify.fetch")
def fetch_mail(timestamp: int) -> None:
    """Every minute: what is new in the mailbox."""
    fetching.fetch()


@app.periodic(cron="* * * * * */30")
@app.task(queueing_lock="notify.process")
def process(timestamp: int) -> None:
    """Every half minute: what came in and was not made anything of yet."""
    processing.process_due()


@app.task(queueing_lock="notify.process_now")
def process_now() -> None:
    """At once after something came in."""
    processing.process_due()


@app.periodic(cron="10 19 * * *")  # of UTC: 03:10 in Shanghai
@app.task(queueing_lock="notify.purge")
def purge(timestamp: int) -> None:
    purging.purge()
