"""Background work on the queue itself."""

from __future__ import annotations

import logging

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 5  # a job that takes its worker down each time must not do so for ever
KEEP_FAILED_H = 24 * 90


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="runtime.rescue", pass_context=True)
async def rescue_jobs(context: JobContext, timestamp: int) -> None:
    """Jobs whose worker died in the middle are done again."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        if job.attempts < ATTEMPTS_MAX:
            await manager.retry_job(job)
        else:
            log.error("job %s (%s) lost its worker %s times and is given up", job.id, job.task_name, job.attempts)
            await manager.finish_job(job, status=Status.FAILED, delete_job=False)


@app.periodic(cron="50 18 * * *")  # of UTC: 02:50 in Shanghai
@app.task(queueing_lock="runtime.forget", pass_context=True)
async def forget_failed_jobs(context: JobContext, timestamp: int) -> None:
    """Failed jobs are kept for three months."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_FAILED_H, include_failed=True, include_cancelled=True, include_aborted=True
    )
