"""Use the newest keys for what is kept of shoppers: `manage.py rotate_shoppers`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from orders import rotation
from orders.models import OrderCode, Shopper


class Command(BaseCommand):
    """Put a new key first in SEARCH_HASH_KEYS or FIELD_ENCRYPTION_KEYS, restart, run this, and then remove the old key.

    The command may be interrupted and run again at any time, also while the web processes are working.
    """

    help = "Encrypt and hash what is kept of shoppers and codes with the newest keys."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError at the end if there are rows that no key decrypts."""
        rotated, failed = 0, []
        with tqdm(total=Shopper.objects.count() + OrderCode.objects.count(), unit=" rows", disable=None) as bar:
            for model in (Shopper, OrderCode):
                for batch in rotation.rotate(model):
                    rotated += batch.rotated
                    failed += [f"{model._meta.db_table} {pk}" for pk in batch.failed]
                    bar.update(batch.seen)
        self.stdout.write(f"{rotated} rows written with the newest keys")
        if failed:
            raise CommandError(f"no key opens {', '.join(failed)}")
