"""Ask Appmax all questions that are due, and those about open payments at once: `manage.py reconcile_orders`."""

from typing import Any

from django.core.management.base import BaseCommand

from orders.questions import ask


class Command(BaseCommand):
    """Prints the number of questions by their results. It may run beside the worker and beside itself."""

    help = "Ask Appmax about payments of unknown outcome, at once, and all other questions that are due."

    def handle(self, *args: Any, **options: Any) -> None:
        answers = ask.ask_by_hand()
        self.stdout.write(", ".join(f"{count} {answer}" for answer, count in answers.items()) or "nothing is due")
