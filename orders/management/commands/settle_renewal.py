"""Say that Appmax made no subscription of an order, as its panel shows: `manage.py settle_renewal ORDER_ID`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.models import Order


class Command(BaseCommand):
    """For an order of which a subscription was asked for, without an answer. Storefronts may ask for one again then,
    and if there is one after all, the shopper is charged twice."""

    help = "Note that Appmax made no subscription of this order, so that one may be asked for again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("appmax_order_id", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError if there is nothing to settle."""
        order = Order.objects.filter(appmax_order_id=options["appmax_order_id"]).exclude(renewal_asked_at=None).first()
        if order is None:
            raise CommandError("of no such order a subscription was asked for")
        Order.objects.note_renewal(order.pk, is_asked=False)
        self.stdout.write("noted")
