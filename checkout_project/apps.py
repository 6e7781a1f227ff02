from django.apps import AppConfig


class CheckoutProjectConfig(AppConfig):
    """Registers the system checks, and starts the error reports."""

    name = "checkout_project"

    def ready(self) -> None:
        from checkout_project import checks  # noqa: F401 - the import registers the checks
        from observability import error_reports

        error_reports.start()
