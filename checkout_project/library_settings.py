"""The settings of Django REST framework, drf-spectacular and Unfold, which no environment variable changes."""

import tomllib
from pathlib import Path

from django.templatetags.static import static

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
VERSION: str = tomllib.loads(_PROJECT.read_text())["project"]["version"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["web.api.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "web.api.AlwaysJSON",
    "EXCEPTION_HANDLER": "web.errors.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

SPECTACULAR_SETTINGS = {
    # Fields of one name that have different words, and one set of words under two names.
    "ENUM_NAME_OVERRIDES": {
        "StatusEnum": "orders.status.OrderStatus",
        "SubscriptionStatusEnum": "orders.models.subscription.SubscriptionStatus",
        "ProductTypeEnum": ["physical", "digital"],
    },
    "TITLE": "Appmax Checkout",
    "DESCRIPTION": "Install the app, sell, be paid by card, Pix and boleto through Appmax. Amounts are integer cents.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",  # 3.0 can't say that a nested object may be null
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "AUTHENTICATION_WHITELIST": ["installations.authentication.ApiKeyAuthentication"],
}

UNFOLD = {
    "SITE_TITLE": "Appmax Checkout",
    "SITE_HEADER": "Appmax Checkout",
    "SITE_SYMBOL": "storefront",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("web/icon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": True,
    "ENVIRONMENT": "backoffice.site.ribbon",
    "DASHBOARD_CALLBACK": "backoffice.overview.page.context",
    "STYLES": [
        lambda request: static("backoffice/backoffice.css"),
        lambda request: static("backoffice/everywhere.css"),
    ],
    "SCRIPTS": [
        lambda request: static("backoffice/backoffice.js"),
        lambda request: static("backoffice/keyboard.js"),
        lambda request: static("web/once.js"),
    ],
    "SIDEBAR": {"show_search": False, "navigation": "backoffice.site.navigation"},
    "ACCOUNT": {"navigation": "backoffice.site.account_links"},
}
