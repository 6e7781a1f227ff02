"""The app that keeps what Appmax told us."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """The webhook inbox."""

    name = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        """Listen for new orders, for which events may have been waiting, and for orders that Appmax has corrected."""
        from orders.signals import order_created, status_corrected
        from webhooks import inbox

        order_created.connect(inbox.apply_waiting, dispatch_uid="webhooks.apply_waiting")
        status_corrected.connect(inbox.take_back, dispatch_uid="webhooks.take_back")
