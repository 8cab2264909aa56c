"""The desk's background work: calling people, reminding, closing what nobody objected to, recomputing clocks."""

from __future__ import annotations

from procrastinate.contrib.django import app

from .services import clocks, escalation, reminders


@app.task(queueing_lock="desk.escalate")
def escalate() -> None:
    """Take the steps that are due."""
    escalation.run_due()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="desk.minute")
def every_minute(timestamp: int) -> None:
    """Due steps, warnings and lateness; and an eye on whether steps are late themselves."""
    escalation.run_due()
    reminders.run_due()
    escalation.audit()


@app.periodic(cron="7 * * * *")
@app.task(queueing_lock="desk.confirm")
def confirm_silent(timestamp: int) -> None:
    """Close what was resolved and not objected to within the time set."""
    reminders.confirm_silent()


@app.task(queueing_lock="desk.recompute")
def recompute_clocks() -> None:
    clocks.recompute_open()
