"""Make an API key and print it: `manage.py create_api_key [--installation EXTERNAL_KEY] --name NAME`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from installations.models import ApiKey, Installation


class Command(BaseCommand):
    """Prints nothing but the key, which can't be shown again."""

    help = "Make an API key for one installation, or for the whole platform, and print it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--installation", metavar="EXTERNAL_KEY", help="default: the whole platform")
        parser.add_argument("--name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown installation."""
        installation = None
        if external_key := options["installation"]:
            installation = Installation.objects.named(external_key)
            if installation is None:
                raise CommandError(f"no installation has the external_key {external_key!r}")
        _, key = ApiKey.objects.create_key(name=options["name"], installation=installation)
        self.stdout.write(key)
