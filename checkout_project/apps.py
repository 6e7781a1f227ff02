"""The wiring's own app."""

from django.apps import AppConfig


class CheckoutProjectConfig(AppConfig):
    """Registers the system checks, and starts what reports to others, if anything does."""

    name = "checkout_project"

    def ready(self) -> None:
        """Importing the module registers its checks."""
        from checkout_project import checks  # noqa: F401
        from observability import error_reports

        error_reports.start()
