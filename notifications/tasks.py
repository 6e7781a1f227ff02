"""The worker's periodic tasks for notifications. Several workers may run."""

import structlog
from procrastinate.contrib.django import app

from notifications import delivery, retention

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * * */2")
@app.task(name="notifications.deliver", queueing_lock="notifications.deliver")
def deliver(timestamp: int) -> None:
    """Every two seconds, send what is due. While a round waits for a slow endpoint, the next one serves the others."""
    if results := delivery.deliver_due():
        log.info("notifications.delivered", results=dict(results))


@app.periodic(cron="41 3 * * *")
@app.task(name="notifications.forget", queueing_lock="notifications.forget")
def forget(timestamp: int) -> None:
    """Every night, delete old messages, and endpoints that were deleted."""
    log.info("notifications.forgotten", rows=retention.forget_old())
