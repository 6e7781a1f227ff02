"""Routes of contract section 4 that listen."""

from django.urls import path

from webhooks.views import WEBHOOK_PATH, WebhookViewSet

urlpatterns = [
    path(
        WEBHOOK_PATH.lstrip("/"),
        WebhookViewSet.as_view({"get": "setup_page", "post": "receive"}),
        name="webhooks-appmax",
    ),
]
