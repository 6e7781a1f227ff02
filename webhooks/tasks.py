"""The worker's periodic tasks for events. Several workers may run, as the database gives each round to one of them."""

import structlog
from procrastinate.contrib.django import app

from webhooks import kept, retention, shoppers

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * * */15")
@app.task(name="webhooks.handle_kept", queueing_lock="webhooks.handle_kept")
def handle_kept(timestamp: int) -> None:
    """Every 15 seconds, handle events again that failed, and close those that have waited for too long."""
    if outcomes := kept.handle_due():
        log.info("webhooks.handled_again", outcomes={str(outcome): count for outcome, count in outcomes.items()})


@app.periodic(cron="29 3 * * *")
@app.task(name="webhooks.strip_payloads", queueing_lock="webhooks.strip_payloads")
def strip_payloads(timestamp: int) -> None:
    """Every night, strip personal data from old events, and forget shoppers who haven't bought for as long."""
    log.info("webhooks.stripped", rows=retention.strip_old_payloads())
    log.info("shoppers.forgotten", rows=retention.forget_shoppers())


@app.periodic(cron="* * * * *")
@app.task(name="webhooks.fill_shoppers", queueing_lock="webhooks.fill_shoppers")
def fill_shoppers(timestamp: int) -> None:
    """Every minute, for 20 seconds at most, look for shoppers and codes in the events that have come."""
    shoppers.fill(seconds=20)
