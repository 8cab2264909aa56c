"""Background work of the reconciliations."""

from __future__ import annotations

from procrastinate.contrib.django import app

from .services import runs, upkeep


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="reconcile.due")
def ask_for_what_is_due(timestamp: int) -> None:
    """Nightly runs, those of every few minutes, and the month before clearing."""
    runs.due()


@app.task(queueing_lock="reconcile.run")
def run_waiting() -> None:
    """Carry out every run that waits."""
    runs.run_due()


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="reconcile.again")
def run_forgotten(timestamp: int) -> None:
    """A run whose job was lost with its process is taken up again; owners hear of what is overdue."""
    runs.run_due()
    upkeep.remind()


@app.periodic(cron="50 19 * * *")  # of UTC: 03:50 in Shanghai
@app.task(queueing_lock="reconcile.night")
def clear_out(timestamp: int) -> None:
    """Inputs and results beyond their time."""
    upkeep.clear_out()
