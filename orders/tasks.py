"""The worker's periodic tasks for orders. Several workers may run, as the database gives each round to one of them."""

import structlog
from procrastinate.contrib.django import app

from orders import idempotency
from orders.questions import ask, due
from orders.subscriptions import ask as subscriptions

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * * */3")
@app.task(name="orders.ask_appmax", queueing_lock="orders.ask_appmax")
def ask_appmax(timestamp: int) -> None:
    """Every 3 seconds, ask the questions that are due."""
    if answers := ask.ask_due():
        log.info("questions.asked", answers={str(answer): count for answer, count in answers.items()})


@app.periodic(cron="* * * * *")
@app.task(name="orders.put_overdue", queueing_lock="orders.put_overdue")
def put_overdue(timestamp: int) -> None:
    """Every minute, put the questions that no webhook or payment puts. This is a job of its own, because a round of
    `ask_appmax` is left out while another one waits, and that may go on for as long as Appmax is slow."""
    due.put_overdue()
    subscriptions.put_overdue()


@app.periodic(cron="* * * * * */3")
@app.task(name="orders.ask_about_subscriptions", queueing_lock="orders.ask_about_subscriptions")
def ask_about_subscriptions(timestamp: int) -> None:
    """Every 3 seconds, ask about the subscriptions that webhooks have told of."""
    if answered := subscriptions.ask_due():
        log.info("subscriptions.asked", answered=answered)


@app.periodic(cron="17 * * * *")
@app.task(name="orders.forget_idempotency_keys", queueing_lock="orders.forget_idempotency_keys")
def forget_idempotency_keys(timestamp: int) -> None:
    """Every hour, delete idempotency keys that are older than 24 hours."""
    log.info("idempotency.forgotten", count=idempotency.forget_expired())
