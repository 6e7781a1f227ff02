"""Staff's view of merchants and their keys. Installations come from the install flow only."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey as LibraryApiKey

from checkout_project.admin import ReadOnlyAdmin
from installations.models import ApiKey, Installation

# The library registers its own model; ours, which belongs to an installation, takes its place.
admin.site.unregister(LibraryApiKey)

_MASK = "••••••••"


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin[Installation]):
    """Read-only: a row added or changed by hand would break the install flow. Credentials are never shown."""

    list_display = ("external_key", "external_id", "app_id", "installed_at", "updated_at")
    list_filter = ("installed_at",)
    search_fields = ("external_key", "external_id")
    ordering = ("-installed_at",)
    fields = (
        "external_key",
        "external_id",
        "app_id",
        "masked_client_id",
        "masked_client_secret",
        "installed_at",
        "created_at",
        "updated_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Installation]:
        """Without the secret: it isn't shown, so it isn't read."""
        return super().get_queryset(request).defer("merchant_client_secret")

    @admin.display(description=_("merchant client id"))
    def masked_client_id(self, installation: Installation) -> str:
        """The last four characters, to compare with Appmax's panel."""
        return _MASK + installation.merchant_client_id[-4:]

    @admin.display(description=_("merchant client secret"))
    def masked_client_secret(self, installation: Installation) -> str:
        """Never shown."""
        return _MASK


@admin.register(ApiKey)
class ApiKeyAdmin(APIKeyModelAdmin):
    """Make and revoke keys; a new key is shown once."""

    model = ApiKey
    list_display: Any = (
        "prefix",
        "name",
        "installation",
        "created",
        "expiry_date",
        "_has_expired",
        "revoked",
    )
    list_filter: ClassVar[Any] = ("revoked", "created")
    search_fields: ClassVar[Any] = ("name", "prefix", "installation__external_key")
    autocomplete_fields = ("installation",)
    list_select_related = ("installation",)
