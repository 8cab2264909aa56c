"""Background work of the inspections."""

from __future__ import annotations

from procrastinate.contrib.django import app

from . import services
from .models import Inspection


@app.periodic(cron="20 22 * * *")  # of UTC: 06:20 in Shanghai
@app.task(queueing_lock="inspection.schedule")
def schedule(timestamp: int) -> None:
    """What the calendar asks for, and who has to be reminded."""
    services.schedule()


@app.task(queue="default", name="inspection.look")
def look(inspection: int) -> None:
    """The machine's items of one inspection."""
    found = Inspection.objects.filter(pk=inspection, state="open").first()
    if found is not None:
        services.run_machine(found)
