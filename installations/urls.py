"""The installation's routes (contract, section 4)."""

from django.urls import path

from installations import views
from installations.install import CALLBACK_PATH
from web.asks_appmax import asks_appmax

urlpatterns = [
    path("", views.home, name="home"),
    path("install/start", asks_appmax(views.InstallViewSet.as_view({"get": "start"})), name="install-start"),
    path(
        CALLBACK_PATH.lstrip("/"),
        asks_appmax(views.InstallViewSet.as_view({"get": "confirm_by_browser", "post": "confirm_by_appmax"})),
        name="install-callback",
    ),
    path("install/first-key", views.make_first_key, name="install-first-key"),
    # <path:key>: a merchant's external_key may hold slashes, which arrive decoded.
    path(
        "installations/<path:key>/merchant/token",
        asks_appmax(views.MerchantTokenViewSet.as_view({"get": "retrieve"})),
        name="merchant-token",
    ),
    path(
        "installations/<path:key>/reconnect",
        views.ReconnectViewSet.as_view({"post": "reconnect"}),
        name="merchant-reconnect",
    ),
    path(
        "installations/<path:key>/domain-names",
        views.ReconnectViewSet.as_view({"put": "domain_names"}),
        name="merchant-domain-names",
    ),
    path(
        "installations/<path:key>/api-keys",
        views.ApiKeyViewSet.as_view({"get": "api_key_list", "post": "create"}),
        name="api-keys",
    ),
    path(
        "installations/<path:key>/api-keys/<str:prefix>",
        views.ApiKeyViewSet.as_view({"delete": "destroy"}),
        name="api-key",
    ),
    path("installations/<path:key>", views.InstallationViewSet.as_view({"get": "retrieve"}), name="installation"),
]
