"""Settle a payment attempt by hand: `manage.py settle_attempt ID succeeded|failed --reason TEXT`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders import attempts
from orders.models import AttemptState, PaymentAttempt


class Command(BaseCommand):
    """For an attempt of which only Appmax's panel or support can tell what became of it, such as an upsell whose answer
    was lost. The id is in the admin's list of payment attempts."""

    help = "Settle a payment attempt whose outcome nobody knows, as Appmax's panel shows it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int)
        parser.add_argument("state", choices=[AttemptState.SUCCEEDED.value, AttemptState.FAILED.value])
        parser.add_argument("--reason", required=True, help="who found out what, where; kept with the attempt")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown attempt, and for one that is settled already."""
        attempt = PaymentAttempt.objects.filter(pk=options["id"]).first()
        if attempt is None:
            raise CommandError(f"no payment attempt has the id {options['id']}")
        if not attempts.settle_by_hand(attempt, AttemptState(options["state"]), options["reason"]):
            attempt.refresh_from_db()
            raise CommandError(f"attempt {attempt.pk} is settled already: {attempt.state}")
        self.stdout.write(f"attempt {attempt.pk} is {attempt.state}")
