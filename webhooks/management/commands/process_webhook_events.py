"""Handle again every event that waits: `manage.py process_webhook_events`."""

from typing import Any

from django.core.management.base import BaseCommand

from webhooks import waiting


class Command(BaseCommand):
    """Prints how many events ended in which outcome."""

    help = "Handle again every webhook event that is still unprocessed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe beside the web processes and itself."""
        outcomes = waiting.process_all()
        self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "nothing waits")
