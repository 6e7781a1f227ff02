"""The worker's periodic tasks for the back office."""

from django.utils import timezone
from procrastinate.contrib.django import app

from backoffice import merchant_figures


@app.periodic(cron="* * * * *")
@app.task(name="backoffice.refresh_merchants", queueing_lock="backoffice.refresh_merchants")
def refresh_merchants(timestamp: int) -> None:
    """Every minute, write the figures that the list of merchants is ordered by."""
    merchant_figures.refresh(timezone.now())
