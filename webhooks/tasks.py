"""What the worker does for the inbox, periodically. Several workers may run: the database hands each round to one."""

import structlog
from procrastinate.contrib.django import app

from webhooks import kept, retention

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * * */15")
@app.task(name="webhooks.handle_kept", queueing_lock="webhooks.handle_kept")
def handle_kept(timestamp: int) -> None:
    """Every 15 seconds: events that failed, or have waited for too long."""
    if outcomes := kept.handle_due():
        log.info("webhooks.handled_again", outcomes={str(outcome): count for outcome, count in outcomes.items()})


@app.periodic(cron="29 3 * * *")
@app.task(name="webhooks.strip_payloads", queueing_lock="webhooks.strip_payloads")
def strip_payloads(timestamp: int) -> None:
    """Every night: personal data of old events."""
    log.info("webhooks.stripped", rows=retention.strip_old_payloads())
