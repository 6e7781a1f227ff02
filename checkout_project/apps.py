"""The wiring's own app (base templates, system checks), and the admin with our site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CheckoutProjectConfig(AppConfig):
    """Registers the system checks, and starts what reports to others, if anything does."""

    name = "checkout_project"
    default = True

    def ready(self) -> None:
        """Importing the module registers its checks."""
        from checkout_project import checks  # noqa: F401
        from observability import telemetry

        telemetry.start()


class BackOfficeConfig(AdminConfig):
    """django.contrib.admin, whose default site is ours."""

    default = False
    default_site = "checkout_project.site.BackOffice"
