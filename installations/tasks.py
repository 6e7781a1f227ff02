"""The worker's periodic tasks for installations."""

from datetime import UTC, datetime

import structlog
from procrastinate.contrib.django import app

from installations import identities, install

log = structlog.stdlib.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="installations.verify", queueing_lock="installations.verify")
def verify_kept_credentials(timestamp: int) -> None:
    """Every minute, try credentials again that Appmax's auth server gave no answer about."""
    install.verify_kept_credentials()


@app.periodic(cron="*/5 * * * *")
@app.task(name="installations.try_refused", queueing_lock="installations.try_refused")
def try_refused_credentials(timestamp: int) -> None:
    """Every five minutes, credentials that Appmax refuses."""
    install.try_refused_credentials(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="29 5 * * *")
@app.task(name="installations.forget_identities", queueing_lock="installations.forget_identities")
def forget_identities(timestamp: int) -> None:
    """Every night, delete external_ids for which no credentials came."""
    log.info("install.identities_forgotten", count=identities.forget_those_in_vain())
