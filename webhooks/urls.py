"""Routes of contract section 4 that listen."""

from django.urls import path

from webhooks.urls_to_register import WEBHOOK_PATH
from webhooks.views import WebhookViewSet

urlpatterns = [
    path(
        WEBHOOK_PATH.lstrip("/"),
        WebhookViewSet.as_view({"get": "setup_page", "post": "receive"}),
        name="webhooks-appmax",
    ),
]
