"""The app that knows what was sold and how it was paid."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Orders and their payment."""

    name = "orders"
    verbose_name = _("Orders")
