"""Encrypt all merchants' secrets with the newest key: `manage.py rotate_secrets`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from installations.models import Installation


class Command(BaseCommand):
    """Put a new key first in FIELD_ENCRYPTION_KEYS, restart, run this, and then remove the old key.

    The command may be interrupted and run again at any time, also while the web processes or another run of it are
    working. It skips secrets that have the newest key.
    """

    help = "Encrypt all merchants' secrets with the first of FIELD_ENCRYPTION_KEYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=200, help="rows that are locked at once (200)")

    def handle(self, *args: Any, batch: int, **options: Any) -> None:
        """Raises CommandError at the end if there are secrets that no key decrypts."""
        if batch < 1:
            raise CommandError("--batch must be at least 1")
        last, rotated = 0, 0
        failed: list[int] = []
        with tqdm(total=Installation.objects.count(), unit=" installations", disable=None) as bar:
            while done := Installation.objects.rotate_secrets(after=last, size=batch):
                last = done.last
                rotated += done.rotated
                failed += done.failed
                bar.update(done.seen)
        self.stdout.write(f"{rotated} encrypted with the newest key")
        if failed:
            raise CommandError(f"no key opens the secrets of the installations {', '.join(map(str, failed))}")
