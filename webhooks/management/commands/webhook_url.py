"""Print the URL, with its token, that is to be registered in Appmax's panel: `manage.py webhook_url [EXTERNAL_KEY]`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from installations.models import Installation
from webhooks import urls_to_register


class Command(BaseCommand):
    help = "A merchant's webhook URL, whose events count for its orders only; without a merchant the app's own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("external_key", nargs="?", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown merchant."""
        key = options["external_key"]
        if not key:
            self.stdout.write(urls_to_register.of_app(settings.PUBLIC_URL))
            return
        if not Installation.objects.filter(external_key=key).exists():
            raise CommandError(f"no installation has the external_key {key!r}")
        self.stdout.write(urls_to_register.of_installation(settings.PUBLIC_URL, key))
