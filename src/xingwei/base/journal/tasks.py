"""The journal's background work: sealing, export, retention, nightly verification."""

from __future__ import annotations

from procrastinate.contrib.django import app

from . import checks, exporting, purging, sealing
from .who import Who

SYSTEM = Who(id=None, name="系统", via="task")


@app.periodic(cron="* * * * * */10")
@app.task(queueing_lock="journal.seal")
def seal_entries(timestamp: int) -> None:
    """Every ten seconds: what waits gets its place in the chain, and new heads leave the machine."""
    sealing.seal()
    exporting.export_heads()


@app.periodic(cron="20 19 * * *")  # of UTC: 03:20 in Shanghai
@app.task(queueing_lock="journal.purge")
def purge_old_entries(timestamp: int) -> None:
    purging.purge(SYSTEM)


@app.periodic(cron="40 19 * * *")
@app.task(queueing_lock="journal.verify")
def verify_nightly(timestamp: int) -> None:
    checks.run(checks.start(SYSTEM).pk, SYSTEM)


@app.task
def run_verification(verification_id: int, actor_id: int | None, actor_name: str) -> None:
    checks.run(verification_id, Who(id=actor_id, name=actor_name, via="task"))
