"""The list and page of merchants."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from appmax.errors import AppmaxError
from backoffice import merchant_list, merchant_page
from backoffice.keys import show_key, show_once
from backoffice.kit.lists import action, display
from backoffice.kit.words import DISABLED, NAMED, ago, history
from backoffice.merchant_forms import KeyNameForm, MerchantNameForm, ReasonForm, ReconnectForm
from backoffice.notes import Noted
from installations import clients, identities, reconnect
from installations.models import ApiKey, Domain, Installation, ReconnectLink, Suspension
from orders.models.shopper import storable
from web.pages import public_url
from webhooks import urls_to_register

_MASK = "••••••••"

CHECKED = gettext_noop("Credentials checked with Appmax")
KEY_ISSUED = gettext_noop("API key issued")
RECONNECT_LINK_MADE = gettext_noop("Reconnect link made")
ENABLED = gettext_noop("Enabled")


@admin.register(Installation)
class InstallationAdmin(Noted[Installation]):
    """Only the install flow adds and changes merchants. Credentials are never shown."""

    list_display = merchant_list.COLUMNS
    sortable_by = merchant_list.SORTABLE
    list_filter = merchant_list.FILTERS
    search_fields = ("name", "external_key")  # shows the box; get_search_results does the search
    search_help_text = _("Part of a name or of an external key")
    ordering = ("-installed_at", "-pk")
    actions_detail = (
        "issue_key",
        "disable",
        "enable",
        {"title": _("More"), "icon": "more_horiz", "items": ["rename", "check_credentials", "reconnect"]},
    )
    change_form_outer_before_template = "backoffice/merchant.html"
    list_before_template = "backoffice/merchant_orders.html"
    readonly_fields = (
        "known_by",
        "masked_client_id",
        "masked_client_secret",
        "reconnections",
        "apple_pay_on",
        "webhook_url",
    )
    fields = (
        "external_key",
        ("external_id", "known_by"),
        "app_id",
        ("masked_client_id", "masked_client_secret"),
        ("installed_at", "created_at"),
        ("updated_at", "reconnections"),
        "apple_pay_on",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Installation]:
        """The secret isn't shown, so it isn't read."""
        rows = super().get_queryset(request).select_related("suspension", "figures")
        names = Domain.objects.filter(installation=OuterRef("pk")).order_by("name")
        rows = rows.annotate(host_names=ArraySubquery(names.values(found=JSONObject(name="name", told_at="told_at"))))
        return identities.with_told(rows.defer("merchant_client_secret"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Installation], search_term: str
    ) -> tuple[QuerySet[Installation], bool]:
        """Merchants by a part of the name or key, also for the boxes of other pages in which one is chosen."""
        text = storable(search_term)
        return (queryset.called(text) if text else queryset), False  # type: ignore[attr-defined]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The webhook URL is shown to those who may see it."""
        may = request.user.has_perm("webhooks.view_webhook_url")
        return (*self.fields, "webhook_url") if may else self.fields

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with the links that order it."""
        changelist = super().get_changelist_instance(request)
        changelist.orders = merchant_list.orders(changelist, request.GET.get("o", ""))
        return changelist

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Django's page, with what a merchant's day is made of above the facts."""
        installation = self.get_object(request, object_id) if object_id else None
        parts = merchant_page.context(request, installation) if installation else {}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **parts})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Installation | None:
        """With what its page shows of other tables. The page asks for it several times, and it is read once."""
        known: dict[str, Installation | None] = request.__dict__.setdefault("_installations", {})
        if object_id not in known:
            known[object_id] = row = super().get_object(request, object_id, from_field)
            if row is not None:
                row.newest_links = list(row.reconnect_links.order_by("-pk")[:10])  # type: ignore[attr-defined]
        return known[object_id]

    # --- columns and fields ---

    @display(description=_("merchant client id"))
    def masked_client_id(self, installation: Installation) -> str:
        """The last four characters, to compare with Appmax's panel."""
        return _MASK + installation.merchant_client_id[-4:]

    @display(description=_("merchant client secret"))
    def masked_client_secret(self, installation: Installation) -> str:
        return _MASK

    @display(description=_("known to Appmax by"))
    def known_by(self, installation: Installation) -> str:
        """The newest external_id that Appmax was told. A shop's page starts Appmax's script with it."""
        return str(installation.told)  # type: ignore[attr-defined]

    @display(description=_("Apple Pay on"))
    def apple_pay_on(self, installation: Installation) -> str:
        """The host names of the shop where it shall work, and which of them wait for a reconnect link."""
        waits = gettext("%(name)s (Appmax has not been told yet)")
        names = installation.host_names  # type: ignore[attr-defined]
        return ", ".join(each["name"] if each["told_at"] else waits % each for each in names) or "-"

    @display(description=_("reconnect links"))
    def reconnections(self, installation: Installation) -> str:
        """The newest ten reconnect links: who made each, and whether it was used."""
        lines = [
            (ago(link.made_at), link.made_by, _what_became_of(link))
            for link in installation.newest_links  # type: ignore[attr-defined]
        ]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} · {} · {}</li>", lines)) if lines else "-"

    @display(description=_("Webhook URL"))
    def webhook_url(self, installation: Installation) -> str:
        """The webhook URL for the merchant's own panel, with its token. Events that come there count for this
        merchant's orders only."""
        return urls_to_register.of_installation(settings.PUBLIC_URL, installation.external_key)

    # --- actions ---

    def has_rename_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("installations.rename_installation")

    def has_check_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("installations.check_installation")

    def has_issue_key_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("installations.add_apikey")

    def has_reconnect_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("installations.reconnect_installation")

    def has_disable_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("installations.disable_installation")

    @action(description=_("Name"), url_path="rename", icon="edit", permissions=["rename"])
    def rename(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the merchant the name by which staff know it, or take it away."""
        installation = self.found(request, object_id)
        form = MerchantNameForm(request.POST or None, initial={"name": installation.name})
        if request.method != "POST" or not form.is_valid():
            return self._ask(
                request,
                installation,
                title=gettext("What is this merchant called?"),
                question=gettext("Only staff see the name: in lists, in searches and on pages."),
                form=form,
                button=gettext("Save"),
            )
        installation.name = form.cleaned_data["name"]
        installation.save(update_fields=["name", "updated_at"])
        self.log_change(request, installation, history(NAMED, installation.name or "-"))
        messages.success(request, gettext("Saved."))
        return self._back(installation)

    @action(
        description=_("Check credentials"),
        url_path="check",
        icon="verified_user",
        permissions=["check"],
    )
    def check_credentials(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell staff whether Appmax's auth server still gives a token for the credentials."""
        installation = self.found(request, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                installation,
                title=gettext("Check the credentials with Appmax?"),
                question=gettext("Appmax is asked for a token with this merchant's credentials. Nothing changes."),
                button=gettext("Check"),
            )
        try:
            clients.check(installation.credentials)
        except AppmaxError as error:
            self.log_failure(request, installation, CHECKED, error)
        else:
            self.log_change(request, installation, history(CHECKED, "ok"))
            messages.success(request, gettext("Appmax accepts the credentials."))
        return self._back(installation)

    @action(description=_("Issue an API key"), url_path="issue-key", icon="key", permissions=["issue_key"])
    def issue_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a new key for this merchant's storefront, which is shown in the answer and nowhere else."""
        installation = self.found(request, object_id)
        form = KeyNameForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(
                request,
                installation,
                title=gettext("Issue an API key?"),
                question=gettext("The key opens this merchant's routes. It is shown once; we keep only its hash."),
                form=form,
                button=gettext("Issue"),
            )
        api_key, text = ApiKey.objects.create_key(name=form.cleaned_data["name"], installation=installation)
        self.log_change(request, installation, history(KEY_ISSUED, f"{api_key.name} ({api_key.prefix})"))
        return show_key(request, self, api_key, text, back=self._url(installation))

    @action(description=_("Make a reconnect link"), url_path="reconnect", icon="link", permissions=["reconnect"])
    def reconnect(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a link with which the merchant connects the shop to Appmax again. It is shown in the answer and nowhere
        else."""
        installation = self.found(request, object_id)
        form = ReconnectForm(request.POST if request.method == "POST" else None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(
                request,
                installation,
                title=gettext("Make a reconnect link?"),
                question=gettext(
                    "Whoever opens the link within the hour, and presses Salvar at Appmax, decides whose Appmax "
                    "account this shop's payments go to. Give it to the merchant alone, in a way that you trust."
                ),
                form=form,
                button=gettext("Make the link"),
                is_dangerous=True,
            )
        link = reconnect.make_link(
            installation,
            made_by=request.user.get_username(),
            public_url=public_url(request),
            keeps_access=form.cleaned_data["keeps_access"],
        )
        self.log_change(request, installation, RECONNECT_LINK_MADE)
        return show_once(
            request,
            self,
            "backoffice/reconnect_link.html",
            title=gettext("Your reconnect link"),
            text=link,
            installation=installation,
            back=self._url(installation),
        )

    @action(description=_("Disable"), url_path="disable", icon="block", permissions=["disable"])
    def disable(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make the merchant's routes answer 403. Webhooks of its orders are still applied."""
        installation = self.found(request, object_id)
        form = ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(
                request,
                installation,
                title=gettext("Disable this merchant?"),
                question=gettext(
                    "Its storefront can't sell any more: every route of it answers 403. Webhooks about orders that "
                    "were made before are still applied."
                ),
                form=form,
                button=gettext("Disable"),
                is_dangerous=True,
            )
        reason = form.cleaned_data["reason"]
        try:
            with transaction.atomic():
                Suspension.objects.create(installation=installation, reason=reason)
        except IntegrityError:
            messages.warning(request, gettext("This merchant is disabled already."))
        else:
            self.log_change(request, installation, history(DISABLED, reason))
            messages.success(request, gettext("Disabled."))
        return self._back(installation)

    @action(
        description=_("Enable"),
        url_path="enable",
        icon="check_circle",
        permissions=["disable"],
    )
    def enable(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make the merchant's routes answer again."""
        installation = self.found(request, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                installation,
                title=gettext("Enable this merchant?"),
                question=gettext("Its storefront can sell again."),
                button=gettext("Enable"),
            )
        if Suspension.objects.filter(installation=installation).delete()[0]:
            self.log_change(request, installation, ENABLED)
            messages.success(request, gettext("Enabled."))
        else:
            messages.warning(request, gettext("This merchant isn't disabled."))
        return self._back(installation)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> Any:
        """Show only one of disable and enable."""
        is_disabled = hasattr(self.get_object(request, str(object_id)), "suspension")
        unwanted = f"_{'disable' if is_disabled else 'enable'}"
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        return [each for each in actions if not each.action_name.endswith(unwanted)]

    def _ask(self, request: HttpRequest, installation: Installation, **page: Any) -> HttpResponse:
        return self.confirm(request, installation, back=self._url(installation), **page)

    @staticmethod
    def _url(installation: Installation) -> str:
        return reverse("admin:installations_installation_change", args=[installation.pk])

    def _back(self, installation: Installation) -> HttpResponse:
        return HttpResponseRedirect(self._url(installation))


def _what_became_of(link: ReconnectLink) -> str:
    if link.used_at is None:
        return gettext("not used")
    return gettext("credentials replaced") if link.replaced else gettext("connected with the same credentials")
