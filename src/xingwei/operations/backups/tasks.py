"""Background work of the backups."""

from __future__ import annotations

from procrastinate.contrib.django import app

from . import hazards, services
from .models import Trial


@app.task(queue="default", name="backups.work")
def work(trial: int) -> None:
    """Carry out one trial; a trial that is already over is left alone, so a repeated job does no harm."""
    found = Trial.objects.select_related("plan__connection", "copy").filter(pk=trial).first()
    if found is not None:
        services.carry_out(found)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="backups.look")
def look(timestamp: int) -> None:
    """What is due; and what is late becomes a hazard on the desk."""
    services.look()
    hazards.follow()
