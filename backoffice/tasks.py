"""The worker's tasks for staff."""

import time
from contextlib import suppress
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from backoffice import batches, exports, links, merchant_figures
from backoffice.alerts import send, watch

log = structlog.stdlib.get_logger(__name__)

SECONDS = 15.0
"""The job lets others go first after this time, as a worker does few jobs at once."""


@app.periodic(cron="* * * * *")
@app.task(name="backoffice.try_events", queueing_lock="backoffice.try_events")
def try_events(timestamp: int) -> None:
    """Try the events of the batch that is under way. Staff's click starts it; every minute it is started too, as the
    worker that was at it may have died."""
    until = time.monotonic() + SECONDS
    while batches.go_on():
        if time.monotonic() > until:
            begin(try_events)
            return


@app.periodic(cron="* * * * *")
@app.task(name="backoffice.make_exports", queueing_lock="backoffice.make_exports")
def make_exports(timestamp: int) -> None:
    """Write the files that staff have asked for, as `try_events` tries events."""
    until = time.monotonic() + SECONDS
    while exports.go_on():
        if time.monotonic() > until:
            begin(make_exports)
            return


def begin(task: Any) -> None:
    """Have the worker do the task at once, unless that is waiting to be done already."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        task.configure(queueing_lock=task.queueing_lock).defer(timestamp=0)


@app.periodic(cron="*/10 * * * *")
@app.task(name="backoffice.forget_exports", queueing_lock="backoffice.forget_exports")
def forget_exports(timestamp: int) -> None:
    """Delete files that were finished more than a day ago."""
    exports.forget()


@app.periodic(cron="* * * * *")
@app.task(name="backoffice.refresh_merchants", queueing_lock="backoffice.refresh_merchants")
def refresh_merchants(timestamp: int) -> None:
    """Every minute, write the figures that the list of merchants is ordered by."""
    merchant_figures.refresh(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="backoffice.alert", queueing_lock="backoffice.alert")
def alert(timestamp: int) -> None:
    """Every minute, look for what alert rules tell of, and send it. Staff's click on a test starts it too."""
    new = watch.look()
    if messages := send.send_due():
        log.info("alerts.told", new=new, messages=messages)


@app.task(name="backoffice.mail_link", retry=RetryStrategy(max_attempts=5, exponential_wait=5))
def mail_link(user: int, by: int | None, base: str, language: str) -> None:
    """Mail a member of staff the link to choose a password. If the SMTP server doesn't take it, try again after 5, 25,
    125 and 625 seconds."""
    links.send(user, by=by, base=base, language=language)
