"""The app that tells storefronts what became of their orders."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Notifications to storefronts."""

    name = "notifications"
    verbose_name = _("Notifications")
