"""Background work of the lake: what is due is extracted, looked at, and old files are swept away."""

from __future__ import annotations

from procrastinate.contrib.django import app

from .services import upkeep


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lake.extract", lock="lake.extract")
def extract_due(timestamp: int = 0) -> None:
    """Every mapping that is due, one after another; then quality of the days that changed."""
    upkeep.extract_due()


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="lake.sweep")
def sweep(timestamp: int) -> None:
    """Files that nobody needs any more, and the figures of growth."""
    upkeep.sweep()
