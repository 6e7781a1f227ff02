"""What the worker does for the inbox, periodically. Several workers may run: the database hands each round to one."""

import logging

from django.conf import settings
from procrastinate.contrib.django import app

from orders.reconcile import Round
from webhooks import retention, verify, waiting

log = logging.getLogger(__name__)


@app.periodic(cron="* * * * * */5")
@app.task(name="webhooks.follow_up", queueing_lock="webhooks.follow_up")
def follow_up(timestamp: int) -> None:
    """Every 5 seconds: events that wait, and money that came in."""
    round_ = Round(most_of_a_merchant=waiting.MOST_OF_A_MERCHANT)
    done = dict(waiting.process_due(round_))
    if settings.WEBHOOK_TRUST == "payload":
        done |= {f"verified_{outcome}": count for outcome, count in verify.verify_new(round_).items()}  # type: ignore[misc]
    if done:
        log.info("webhooks.followed_up %s", " ".join(f"{outcome}={count}" for outcome, count in done.items()))


@app.periodic(cron="29 3 * * *")
@app.task(name="webhooks.strip_payloads", queueing_lock="webhooks.strip_payloads")
def strip_payloads(timestamp: int) -> None:
    """Every night: personal data of old events."""
    log.info("webhooks.stripped rows=%s", retention.strip_old_payloads())
