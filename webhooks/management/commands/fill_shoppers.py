"""Fill shoppers and codes from what is there already: `manage.py fill_shoppers`."""

from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from webhooks import retention, shoppers


class Command(BaseCommand):
    """The command may be interrupted and run again at any time, also beside the worker, which goes through the events
    in small portions."""

    help = "Make orders that are there already findable by their shopper, from their webhook events and codes."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints how many rows were looked at."""
        with tqdm(unit=" rows", unit_scale=True, disable=None) as bar:
            orders = shoppers.fill_codes(since=retention.oldest_kept(), told=bar.update)
            events = shoppers.fill(seconds=float("inf"), told=bar.update)
        self.stdout.write(f"looked at {orders} orders with codes and {events} events")
