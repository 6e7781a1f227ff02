"""Ask Appmax what is due, and about every payment whose outcome we don't know: `manage.py reconcile_orders`."""

from typing import Any

from django.core.management.base import BaseCommand

from orders.questions import ask


class Command(BaseCommand):
    """Prints how many questions came to which answer."""

    help = "Ask Appmax about payments of unknown outcome, at once, and all other questions that are due."

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe beside the worker and itself."""
        answers = ask.ask_by_hand()
        self.stdout.write(", ".join(f"{count} {answer}" for answer, count in answers.items()) or "nothing is due")
