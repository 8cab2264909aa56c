"""Background work of the performance room."""

from __future__ import annotations

from procrastinate.contrib.django import app

from . import services
from .models import Advice


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="performance.read")
def read(timestamp: int) -> None:
    """What every business database says of its statements."""
    services.read_all()


@app.task(queue="default", name="performance.work")
def work(advice: int) -> None:
    """Try one statement on a copy."""
    found = Advice.objects.select_related("statement__connection").filter(pk=advice).first()
    if found is not None:
        services.carry_out(found)
