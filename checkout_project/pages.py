"""What every page of ours shows."""

from django.conf import settings
from django.http import HttpRequest


def environment(request: HttpRequest) -> dict[str, str]:
    """Template context: whether money is real (`production`, `sandbox` or `simulator`)."""
    return {"appmax_environment": settings.APPMAX_ENVIRONMENT}
