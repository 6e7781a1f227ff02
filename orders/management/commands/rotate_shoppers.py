"""Make the hashes that shoppers and codes are found by with the newest key: `manage.py rotate_shoppers`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from installations import keys_in_use
from orders import rotation
from orders.models import OrderCode, Shopper


class Command(BaseCommand):
    """Put a new key first in SEARCH_HASH_KEYS, restart, run this, and then remove the old key.

    The command may be interrupted and run again at any time, also while the web processes are working.
    """

    help = "Make the hashes of shoppers and codes anew with the first of SEARCH_HASH_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError if the running processes have another first key, and at the end if there are rows that no
        key decrypts."""
        if why := keys_in_use.refusal("SEARCH_HASH_KEYS"):
            raise CommandError(why)
        rotated, failed = 0, []
        with tqdm(total=Shopper.objects.count() + OrderCode.objects.count(), unit=" rows", disable=None) as bar:
            for model in (Shopper, OrderCode):
                for batch in rotation.rotate(model):
                    rotated += batch.rotated
                    failed += [f"{model._meta.db_table} {pk}" for pk in batch.failed]
                    bar.update(batch.seen)
        self.stdout.write(f"{rotated} rows have new hashes")
        if failed:
            raise CommandError(f"no key opens {', '.join(failed)}")
