"""What the worker does for orders, periodically. Several workers may run: the database hands each round to one."""

import structlog
from procrastinate.contrib.django import app

from orders import idempotency
from orders.questions import ask, due

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * * */3")
@app.task(name="orders.ask_appmax", queueing_lock="orders.ask_appmax")
def ask_appmax(timestamp: int) -> None:
    """Every 3 seconds: the questions that are due."""
    if answers := ask.ask_due():
        log.info("questions.asked", answers={str(answer): count for answer, count in answers.items()})


@app.periodic(cron="* * * * *")
@app.task(name="orders.put_overdue", queueing_lock="orders.put_overdue")
def put_overdue(timestamp: int) -> None:
    """Every minute: the questions that nobody has put. A job of its own, as a round of `ask_appmax` is left out while
    another one waits, which can go on for as long as Appmax is slow."""
    due.put_overdue()


@app.periodic(cron="17 * * * *")
@app.task(name="orders.forget_idempotency_keys", queueing_lock="orders.forget_idempotency_keys")
def forget_idempotency_keys(timestamp: int) -> None:
    """Idempotency keys are kept for 24 hours."""
    log.info("idempotency.forgotten", count=idempotency.forget_expired())
