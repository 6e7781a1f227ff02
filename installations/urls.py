"""Routes of contract section 4 that install."""

from django.urls import path

from installations import views
from installations.install import CALLBACK_PATH
from web.limit import asks_appmax

urlpatterns = [
    path("", views.home, name="home"),
    path("install/start", asks_appmax(views.InstallViewSet.as_view({"get": "start"})), name="install-start"),
    path(
        CALLBACK_PATH.lstrip("/"),
        asks_appmax(views.InstallViewSet.as_view({"get": "confirm_by_browser", "post": "confirm_by_appmax"})),
        name="install-callback",
    ),
    path(
        "installations/<str:key>/merchant/token",
        asks_appmax(views.MerchantTokenViewSet.as_view({"get": "retrieve"})),
        name="merchant-token",
    ),
]
