"""The app that tells storefronts what became of their orders."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Notifications to storefronts."""

    name = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        """Connect the endpoints to the signal of installations."""
        from installations.signals import handed_over
        from notifications import endpoints

        handed_over.connect(endpoints.switch_all_off, dispatch_uid="notifications.switch_all_off")
