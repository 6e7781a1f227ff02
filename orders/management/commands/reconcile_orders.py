"""Ask Appmax about every order whose outcome we don't know: `manage.py reconcile_orders`."""

from typing import Any

from django.core.management.base import BaseCommand

from orders import reconcile


class Command(BaseCommand):
    """One round by hand; prints how many orders ended in which outcome."""

    help = "Ask Appmax about payments of unknown outcome, at once, and about orders that are pendente too long."

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe beside the worker and itself."""
        outcomes = reconcile.reconcile_due(at_once=True)
        self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "nothing is due")
