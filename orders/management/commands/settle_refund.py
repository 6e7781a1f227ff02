"""Settle a refund by hand: `manage.py settle_refund ID confirmed|refused --reason TEXT`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders import refunds
from orders.models import Refund
from orders.status import RefundState


class Command(BaseCommand):
    """For a refund whose answer from Appmax was lost. Until it is settled, its amount counts as paid back. The id is in
    the table `refunds`."""

    help = "Settle a refund of which nobody knows whether Appmax took it, as Appmax's panel shows it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int)
        parser.add_argument("state", choices=[RefundState.CONFIRMED.value, RefundState.REFUSED.value])
        parser.add_argument(
            "--reason", required=True, help="what was found out, and where; it is logged, so name no shopper"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown refund, and for one that is settled already."""
        refund = Refund.objects.filter(pk=options["id"]).first()
        if refund is None:
            raise CommandError(f"no refund has the id {options['id']}")
        if not refunds.settle_by_hand(refund, RefundState(options["state"]), options["reason"]):
            refund.refresh_from_db()
            raise CommandError(f"refund {refund.pk} is settled already: {refund.state}")
        self.stdout.write(f"refund {refund.pk} is {options['state']}")
