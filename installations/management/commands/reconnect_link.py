"""Make a reconnect link and print it: `manage.py reconnect_link EXTERNAL_KEY`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from installations import reconnect
from installations.models import Installation


class Command(BaseCommand):
    """Prints nothing but the link. Whoever opens it within the hour decides into whose Appmax account the shop is
    paid."""

    help = "Print a link, good for one hour and one use, with which a merchant connects the shop to Appmax again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("external_key")
        parser.add_argument(
            "--keep-access",
            action="store_true",
            help="leave the shop's API keys and endpoints if another Appmax account comes, as you know whose they are",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown installation."""
        installation = Installation.objects.named(options["external_key"])
        if installation is None:
            raise CommandError(f"no installation has the external_key {options['external_key']!r}")
        link = reconnect.make_link(
            installation,
            made_by="manage.py reconnect_link",
            public_url=settings.PUBLIC_URL,
            keeps_access=options["keep_access"],
        )
        self.stdout.write(link)
