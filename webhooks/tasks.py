"""What the worker does for the inbox, periodically. Several workers may run: the database hands each round to one."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from procrastinate.contrib.django import app

from orders.reconcile import Round
from webhooks import retention, verify, waiting

log = structlog.stdlib.get_logger(__name__)

# Questions about a merchant's orders in a round. With a round every 5 s, and the 20 a minute of orders.reconcile, that
# is 56 of the 60 a minute that Appmax allows.
MOST_VERIFIED = 2
MOST_WAITED_FOR = 1


@app.periodic(cron="* * * * * */5")
@app.task(name="webhooks.verify", queueing_lock="webhooks.verify")
def verify_new(timestamp: int) -> None:
    """Every 5 seconds: the money that came in."""
    if settings.WEBHOOK_TRUST == "payload":
        _tell("webhooks.verified", verify.verify_new(Round(most_of_a_merchant=MOST_VERIFIED)))
    else:
        verify.pass_new()


@app.periodic(cron="* * * * * */5")
@app.task(name="webhooks.process_waiting", queueing_lock="webhooks.process_waiting")
def process_waiting(timestamp: int) -> None:
    """Every 5 seconds: events that wait."""
    verifies = settings.WEBHOOK_TRUST == "payload"
    most = MOST_WAITED_FOR if verifies else MOST_WAITED_FOR + MOST_VERIFIED  # each event is asked about here then
    _tell("webhooks.processed", waiting.process_due(Round(most_of_a_merchant=most)))


@app.periodic(cron="29 3 * * *")
@app.task(name="webhooks.strip_payloads", queueing_lock="webhooks.strip_payloads")
def strip_payloads(timestamp: int) -> None:
    """Every night: personal data of old events, and what was kept of the tries of events that wait no more."""
    log.info("webhooks.stripped", rows=retention.strip_old_payloads(), retries=waiting.forget_retries())


def _tell(what: str, outcomes: Mapping[Any, int]) -> None:
    if outcomes:
        log.info(what, outcomes={str(outcome): count for outcome, count in outcomes.items()})
