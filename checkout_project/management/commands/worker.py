"""The job worker, as procrastinate's own command starts it, with its figures for Prometheus beside it."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from prometheus_client import start_http_server


class Command(BaseCommand):
    """`manage.py worker`"""

    help = "Do what happens without a request: reconciliation, waiting webhooks. Stop it with TERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """Until it is stopped. Figures are at http://APP_HOST:WORKER_METRICS_PORT/metrics, for the inner network only:
        they ask for no token. Raises CommandError if nothing can listen there."""
        if settings.WORKER_METRICS_PORT:
            try:
                start_http_server(settings.WORKER_METRICS_PORT, addr=settings.APP_HOST)
            except OSError as error:
                raise CommandError(f"WORKER_METRICS_PORT {settings.WORKER_METRICS_PORT}: {error}") from None
        call_command("procrastinate", "worker")
