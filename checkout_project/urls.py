"""Every route of the product. Only the admin's URLs have trailing slashes."""

from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

from orders.urls import urlpatterns as orders
from status.health import health, ready
from status.metrics import metrics
from webhooks.urls import urlpatterns as webhooks

# Redoc's search runs in a worker that its page makes from a blob.
redoc = csp_update({"worker-src": ["blob:"]})(SpectacularRedocView.as_view(template_name="redoc.html"))

# The first pattern that fits counts, so those that are asked most often come first, and without an `include`, which
# Django resolves as a path of its own.
urlpatterns = [
    *webhooks,
    *orders,
    path("", include("notifications.urls")),  # before the installation's route, whose key may hold slashes
    path("", include("installations.urls")),
    path("health", health, name="health"),
    path("health/ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("language", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(), name="docs"),
    path("api/redoc", redoc, name="redoc"),
]

handler400 = "web.errors.bad_request"
handler403 = "web.errors.permission_denied"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"
