"""Background work of the gateway's desk."""

from __future__ import annotations

from procrastinate.contrib.django import app

from .services import text


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="gateway.text")
def index_text(timestamp: int) -> None:
    """Make what was received findable by its text."""
    text.index_new()
