"""What the worker does for orders, periodically. Several workers may run: the database hands each round to one."""

import structlog
from procrastinate.contrib.django import app

from orders import idempotency, reconcile

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * * */15")
@app.task(name="orders.reconcile", queueing_lock="orders.reconcile")
def reconcile_orders(timestamp: int) -> None:
    """A round of reconciliation every 15 seconds."""
    if outcomes := reconcile.reconcile_due():
        log.info("reconcile.round", outcomes={str(outcome): count for outcome, count in outcomes.items()})


@app.periodic(cron="17 * * * *")
@app.task(name="orders.forget_idempotency_keys", queueing_lock="orders.forget_idempotency_keys")
def forget_idempotency_keys(timestamp: int) -> None:
    """Idempotency keys are kept for 24 hours."""
    log.info("idempotency.forgotten", count=idempotency.forget_expired())
