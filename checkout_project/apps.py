"""The wiring's own app: base templates and system checks."""

from django.apps import AppConfig


class CheckoutProjectConfig(AppConfig):
    """Registers the system checks."""

    name = "checkout_project"

    def ready(self) -> None:
        """Importing the module registers its checks."""
        from checkout_project import checks  # noqa: F401
