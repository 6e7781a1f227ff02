"""The list and page of API keys."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey as LibraryApiKey

from backoffice.kit.lists import FastListAdmin, RowFilter, display
from backoffice.kit.words import ago
from installations.models import ApiKey

# The library registers its own model; ours, which belongs to an installation, takes its place.
admin.site.unregister(LibraryApiKey)


def show_once(request: HttpRequest, model_admin: Any, template: str, **context: Any) -> HttpResponse:
    """A page that shows a secret. A redirect with a message would keep the secret in a cookie or a table."""
    page = render(
        request, template, {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, **context}
    )
    add_never_cache_headers(page)
    return page


def show_key(request: HttpRequest, model_admin: Any, api_key: Any, text: str, *, back: str) -> HttpResponse:
    title = gettext("Your new API key")
    return show_once(
        request, model_admin, "backoffice/api_key.html", title=title, api_key=api_key, text=text, back=back
    )


@admin.register(ApiKey)
class ApiKeyAdmin(APIKeyModelAdmin, FastListAdmin[ApiKey]):
    """Keys are made and revoked here. A new key is shown once."""

    model = ApiKey
    list_display: Any = ("shown_prefix", "name", "merchant", "made", "last_used", "expiry_date", "usable")
    list_filter: ClassVar[Any] = ("revoked", ("installation", RowFilter))
    search_fields: ClassVar[Any] = ("name", "prefix", "installation__external_key", "installation__name")
    search_help_text = _("Part of a name, a prefix, or a merchant's name or external key")
    autocomplete_fields = ("installation",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The merchants' secrets are not read."""
        rows = super().get_queryset(request).select_related("installation")
        return rows.defer("installation__merchant_client_secret")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is revoked, and its row stays: a shop that has had a key gets no first one any more."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new key can't be revoked: it would be shown, and open nothing."""
        fields = ("name", "installation", "expiry_date")
        return (*fields, "revoked") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A key can't be given to another merchant, and a revoked key can't be restored."""
        if obj is None:
            return ()
        return ("installation", "name", "expiry_date", "revoked") if obj.revoked else ("installation",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The library names these fields in English, so they get translated labels."""
        labels = {"name": _("Name"), "revoked": _("Revoked")}
        return super().get_form(request, obj, change, labels=labels, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any = None, change: bool = False) -> None:
        """A new key's text is handed to `response_add`, which shows it."""
        if not change:
            obj.text = ApiKey.objects.assign_key(obj)
        obj.save()

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return show_key(request, self, obj, obj.text, back=reverse("admin:installations_apikey_changelist"))

    @display(description=_("prefix"))
    def shown_prefix(self, api_key: ApiKey) -> str:
        return api_key.prefix

    @display(description=_("merchant"))
    def merchant(self, api_key: ApiKey) -> str:
        return str(api_key.installation or _("every merchant"))

    @display(description=_("created"))
    def made(self, api_key: ApiKey) -> str:
        return ago(api_key.created)

    @display(description=_("last used"))
    def last_used(self, api_key: ApiKey) -> str:
        return ago(api_key.last_used_at) if api_key.last_used_at else gettext("not yet")

    @display(description=_("usable"), boolean=True)
    def usable(self, api_key: ApiKey) -> bool:
        return not (api_key.revoked or api_key.has_expired)
