"""Print the URLs to register at Appmax, and the variables that are missing: `manage.py show_urls_for_appmax`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, no_translations
from django.urls import reverse

from installations import registration


class Command(BaseCommand):
    """Prints the steps that the product's first page shows."""

    help = "The URLs to register in Appmax's app store and panel, and the variables that Appmax mails."

    @no_translations  # An operator reads it beside variables and documentation, which are English.
    def handle(self, *args: Any, **options: Any) -> None:
        """Print names and URLs, and no value of a variable or token."""
        public_url = settings.PUBLIC_URL
        self._heading("1. Register in Appmax's app store")
        for entry in registration.urls(public_url):
            self.stdout.write(f"   {entry.field:<17} {entry.url}   ({entry.purpose})")
        if not registration.is_reachable(public_url):
            self.stdout.write(
                self.style.WARNING("   Appmax can't reach this machine by that name: set APP_URL or NGROK_URL first.")
            )
        self._heading("2. Put into the environment what Appmax mails then")
        for variable in registration.VARIABLES:
            state = self.style.SUCCESS("set") if variable.is_set else self.style.WARNING("missing")
            self.stdout.write(f"   {variable.name:<22} {state}   ({variable.purpose})")
        self._heading(f"3. Register in Appmax's panel, {settings.APPMAX_ADMIN_URL}/v2/apphook")
        token = "?token=... (staff see it on that page)" if settings.WEBHOOK_SECRET else ""
        self.stdout.write(f"   Webhook URL       {public_url}{reverse('webhooks-appmax')}{token}")
        self.stdout.write(f"\n   Appmax's environment: {settings.APPMAX_ENVIRONMENT}")

    def _heading(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{text}"))
