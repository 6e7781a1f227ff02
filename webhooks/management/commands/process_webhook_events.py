"""Handle again every event that waits: `manage.py process_webhook_events`."""

from typing import Any

from django.core.management.base import BaseCommand

from webhooks import kept


class Command(BaseCommand):
    """Prints the number of events by their outcomes. It may run beside the web processes and beside itself."""

    help = "Handle again every webhook event that is still unprocessed; Appmax is asked about their orders first."

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = kept.handle_now()
        self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "nothing waits")
