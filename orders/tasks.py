"""What the worker does for orders, periodically. Several workers may run: the database hands each round to one."""

import structlog
from procrastinate.contrib.django import app

from orders import idempotency
from orders.questions import ask, due

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * * */3")
@app.task(name="orders.ask_appmax", queueing_lock="orders.ask_appmax")
def ask_appmax(timestamp: int) -> None:
    """Every 3 seconds: the questions that are due; once a minute those that nobody has put."""
    if timestamp % 60 == 0:
        due.put_overdue()
    if answers := ask.ask_due():
        log.info("questions.asked", answers={str(answer): count for answer, count in answers.items()})


@app.periodic(cron="17 * * * *")
@app.task(name="orders.forget_idempotency_keys", queueing_lock="orders.forget_idempotency_keys")
def forget_idempotency_keys(timestamp: int) -> None:
    """Idempotency keys are kept for 24 hours."""
    log.info("idempotency.forgotten", count=idempotency.forget_expired())
