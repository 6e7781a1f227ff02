"""Jobs that keep the job queue's own tables in order."""

import structlog
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

log = structlog.stdlib.get_logger(__name__)

FAILED_JOBS_KEPT_HOURS = 30 * 24


@app.periodic(cron="*/5 * * * *")
@app.task(name="jobs.give_up_stalled", queueing_lock="jobs.give_up_stalled")
async def give_up_stalled(timestamp: int) -> None:
    """Mark the jobs of a worker that was killed as failed. Each is periodic, so its next round does the work."""
    for job in await app.job_manager.get_stalled_jobs():
        log.warning("jobs.stalled", stalled=job.id, task_name=job.task_name)
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)


@app.periodic(cron="43 4 * * *")
@app.task(name="jobs.forget_failed", queueing_lock="jobs.forget_failed")
async def forget_failed(timestamp: int) -> None:
    """Delete failed jobs after a month, in which staff can see them. Successful ones are deleted at once (settings)."""
    await app.job_manager.delete_old_jobs(nb_hours=FAILED_JOBS_KEPT_HOURS, include_failed=True)
