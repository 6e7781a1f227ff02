from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """The webhook inbox."""

    name = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        """Connect the inbox to the signals of orders: events may wait for a new order or for Appmax's answer."""
        from orders.signals import order_answered, order_created
        from webhooks import inbox

        order_created.connect(inbox.apply_waiting, dispatch_uid="webhooks.apply_waiting")
        order_answered.connect(inbox.hear_answer, dispatch_uid="webhooks.hear_answer")
