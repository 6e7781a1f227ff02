"""The app that knows our merchants."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstallationsConfig(AppConfig):
    """Installations and their API keys."""

    name = "installations"
    verbose_name = _("Merchants")
