"""The job worker, as procrastinate's own command starts it, which also serves its figures to Prometheus."""

from typing import Any

import structlog
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from procrastinate import cli
from prometheus_client import start_http_server

from installations import keys_in_use

log = structlog.stdlib.get_logger(__name__)


class Command(BaseCommand):
    help = "Do what happens without a request: reconciliation, waiting webhooks. Stop it with TERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until the process is stopped.

        The figures are at http://APP_HOST:WORKER_METRICS_PORT/metrics. They ask for no token, so the port must be
        reachable from the inner network only. Raises CommandError if the port can't be opened.
        """
        if settings.WORKER_METRICS_PORT:
            try:
                start_http_server(settings.WORKER_METRICS_PORT, addr=settings.APP_HOST)
            except OSError as error:
                raise CommandError(f"WORKER_METRICS_PORT {settings.WORKER_METRICS_PORT}: {error}") from None
        keys_in_use.note("worker")
        cli.print_stderr = _tell  # The library's plain lines become lines of the log, which may be JSON.
        call_command("procrastinate", "worker")


def _tell(*words: object) -> None:
    log.info("worker.says", words=" ".join(map(str, words)))
