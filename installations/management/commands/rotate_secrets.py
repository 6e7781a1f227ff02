"""Encrypt all secrets with the newest key: `manage.py rotate_secrets`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from installations import keys_in_use, rotation


class Command(BaseCommand):
    """Put a new key first in FIELD_ENCRYPTION_KEYS, start all processes anew with it (SECURITY.md), run this, and then
    remove the old key.

    The command may be interrupted and run again at any time, also while the web processes or another run of it are
    working. It skips secrets that have the newest key.
    """

    help = "Encrypt all secrets in the tables with the first of FIELD_ENCRYPTION_KEYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=200, help="rows that are locked at once (200)")

    def handle(self, *args: Any, batch: int, **options: Any) -> None:
        """Raises CommandError if the running processes have another first key, and at the end if there are secrets that
        no key decrypts."""
        if batch < 1:
            raise CommandError("--batch must be at least 1")
        if why := keys_in_use.refusal("FIELD_ENCRYPTION_KEYS"):
            raise CommandError(why)
        rotated = 0
        failed: dict[str, list[int]] = {}
        for model in rotation.tables():
            last, name = 0, model._meta.db_table
            with tqdm(total=model._default_manager.count(), unit=f" {name}", disable=None) as bar:
                while done := rotation.rotate(model, after=last, size=batch):
                    last = done.last
                    rotated += done.rotated
                    if done.failed:
                        failed.setdefault(name, []).extend(done.failed)
                    bar.update(done.seen)
        self.stdout.write(f"{rotated} encrypted with the newest key")
        if failed:
            named = "; ".join(f"{name} {', '.join(map(str, ids))}" for name, ids in failed.items())
            raise CommandError(f"no key opens the secrets of {named}")
