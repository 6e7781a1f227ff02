"""The app that keeps what Appmax told us."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """The webhook inbox."""

    name = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        """Listen for new orders, for which events may have been waiting, and for Appmax's answers."""
        from orders.signals import order_answered, order_created
        from webhooks import inbox

        order_created.connect(inbox.apply_waiting, dispatch_uid="webhooks.apply_waiting")
        order_answered.connect(inbox.hear_answer, dispatch_uid="webhooks.hear_answer")
