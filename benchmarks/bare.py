"""The floor: Django and one view that does nothing, under the same gunicorn as the product."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="bare", MIDDLEWARE=[])  # noqa: S106


def view(request: HttpRequest) -> JsonResponse:
    """As little as can be."""
    return JsonResponse({"message": "ok"})


urlpatterns = [path("", view)]
application = get_wsgi_application()
