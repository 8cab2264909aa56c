"""The background work of notification. Several of these may run at once: rows are claimed, not locked out."""

from __future__ import annotations

from procrastinate.contrib.django import app

from .delivery import running


@app.periodic(cron="* * * * * */10")
@app.task(queueing_lock="notify.deliver")
def deliver(timestamp: int) -> None:
    """Every ten seconds: what is due. Also finds what a worker that died had claimed."""
    running.run()


@app.task(queueing_lock="notify.deliver_now")
def deliver_now() -> None:
    """At once after an act's commit."""
    running.run()
