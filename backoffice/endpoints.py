"""The list and page of storefronts' endpoints, the URLs that are told what becomes of orders."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminURLInputWidget

from backoffice.keys import show_once
from backoffice.kit.lists import OneChoiceFilter, ReadOnlyAdmin, action, display
from backoffice.kit.words import ago, badge
from backoffice.notifications import messages_of
from notifications import endpoints, outbox
from notifications.models import DisabledWhy, Endpoint, EventType
from web import outgoing

REGISTERED = gettext_noop("Registered")
CHANGED = gettext_noop("Changed")
SECRET_ROTATED = gettext_noop("Given another secret")
SWITCHED_ON = gettext_noop("Switched on")
SWITCHED_OFF = gettext_noop("Switched off")
DELETED = gettext_noop("Deleted")
TEST_SENT = gettext_noop("Sent a test")


class EndpointForm(forms.ModelForm[Endpoint]):
    """URL and event types, held to the same rules as the API's."""

    url = forms.CharField(label=_("URL"), max_length=outgoing.MOST_URL, widget=UnfoldAdminURLInputWidget())
    event_types = forms.MultipleChoiceField(
        label=capfirst(_("event types")),
        choices=EventType.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("None: all of them, also those that come later"),
    )

    class Meta:
        model = Endpoint
        fields = ("installation", "url", "event_types")

    def clean_url(self) -> str:
        try:
            return outgoing.checked_url(self.cleaned_data["url"])
        except outgoing.NotAllowed as refusal:
            raise forms.ValidationError(gettext(str(refusal))) from None

    def clean(self) -> Any:
        """A merchant who has as many endpoints as may be gets no other one. The form is cleaned and saved in one
        transaction, so the room that is found here is still there then."""
        cleaned = super().clean() or {}
        installation = cleaned.get("installation")
        if installation:
            try:
                endpoints.check_room(installation)
            except endpoints.TooManyEndpoints:
                self.add_error("installation", _("This merchant has as many endpoints as a merchant may have."))
        return cleaned


class FailingFilter(OneChoiceFilter):
    """Endpoints that take nothing, or that we have switched off for that."""

    title = _("failing")
    parameter_name = "failing"
    choice = ("yes", _("Failing, or switched off for it"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        ours = (DisabledWhy.FAILING, DisabledWhy.GONE)
        return queryset.filter(Q(enabled=True, failing_since__isnull=False) | Q(disabled_why__in=ours))


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin[Endpoint]):
    """Where storefronts want to be told. Secrets are shown once, when they are made."""

    form = EndpointForm
    list_display = ("url", "merchant", "state", "told", "created")
    list_filter = (FailingFilter, ("installation", AutocompleteSelectFilter))
    search_fields = ("url", "installation__external_key", "installation__name")
    search_help_text = _("Part of a URL or of a merchant's external key or name")
    autocomplete_fields = ("installation",)
    ordering = ("-pk",)
    actions_detail = (
        "send_test",
        {
            "title": _("More"),
            "icon": "more_horiz",
            "items": ["switch_on", "switch_off", "rotate_secret", "delete_endpoint"],
        },
    )
    readonly_fields = ("state", "failing", "links")

    # --- who may ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_manage_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.manage_endpoint")

    def has_send_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.send_notification")

    # --- columns and fields ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """Neither the endpoints' secrets nor the merchants' are read."""
        rows = super().get_queryset(request).exclude(disabled_why=DisabledWhy.DELETED).select_related("installation")
        return rows.defer("secret", "old_secret", "installation__merchant_client_secret")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("installation", "url", "event_types")
        return (("installation", "state"), "url", "event_types", ("failing", "created_at", "updated_at"), "links")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """An endpoint can't be given to another merchant."""
        fixed = ("state", "failing", "created_at", "updated_at", "links")
        return fixed if obj is None else ("installation", *fixed)

    @display(description=_("merchant"))
    def merchant(self, endpoint: Endpoint) -> str:
        return str(endpoint.installation)

    @display(description=_("state"))
    def state(self, endpoint: Endpoint) -> str:
        if not endpoint.enabled:
            by_hand = endpoint.disabled_why in (DisabledWhy.BY_MERCHANT, DisabledWhy.BY_STAFF)
            return badge(endpoint.get_disabled_why_display(), "default" if by_hand else "danger")
        if endpoint.failing_since is not None:
            return badge(gettext("Failing"), "warning")
        return badge(gettext("On"), "success")

    @display(description=_("event types"))
    def told(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.event_types) or gettext("all")

    @display(description=_("created"))
    def created(self, endpoint: Endpoint) -> str:
        return ago(endpoint.created_at)

    @display(description=_("failing"))
    def failing(self, endpoint: Endpoint) -> str:
        """Since when nothing is taken, and until when it is left alone."""
        if endpoint.failing_since is None:
            return "-"
        return format_html("{} ({})", ago(endpoint.failing_since), endpoint.failures)

    @display(description=_("see also"))
    def links(self, endpoint: Endpoint) -> str:
        url = reverse("admin:notifications_notification_changelist")
        return format_html(
            '<a href="{}?endpoint__id__exact={}" class="text-link">{}</a>', url, endpoint.pk, _("Its messages")
        )

    # --- what is written ---

    def save_model(self, request: HttpRequest, obj: Any, form: Any = None, change: bool = False) -> None:
        """Does what the API's routes do. `response_add` shows the secret of a new endpoint."""
        wish = {name: form.cleaned_data[name] for name in ("url", "event_types")}
        if change:
            endpoints.change(obj, **wish)
            return
        made = endpoints.register(form.cleaned_data["installation"], **wish)
        obj.pk, obj.secret = made.pk, made.secret

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return super().log_addition(request, obj, REGISTERED)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._show_secret(request, obj)

    def _show_secret(self, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
        return show_once(
            request,
            self,
            "backoffice/endpoint_secret.html",
            title=gettext("The endpoint's secret"),
            endpoint=endpoint,
            back=self._url(endpoint),
        )

    @action(description=_("Send a test"), url_path="test", icon="send", permissions=["send"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have a test message sent, which tells of nothing."""
        endpoint = self.found(request, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                endpoint,
                gettext("Send a test?"),
                gettext("The storefront's server gets a message of the type “test”, which tells of nothing."),
                gettext("Send"),
            )
        outbox.put_test(endpoint)
        self.log_change(request, endpoint, TEST_SENT)
        messages.success(request, gettext("The test is on its way: its messages show what the server answers."))
        return HttpResponseRedirect(messages_of(endpoint))

    @action(description=_("Switch off"), url_path="switch-off", icon="block", permissions=["manage"])
    def switch_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell the endpoint nothing any more."""
        endpoint = self.found(request, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                endpoint,
                gettext("Switch this endpoint off?"),
                gettext(
                    "The storefront isn't told of anything that happens meanwhile. What waits already is sent when the "
                    "endpoint is switched on again."
                ),
                gettext("Switch off"),
                is_dangerous=True,
            )
        endpoints.change(endpoint, enabled=False, by=DisabledWhy.BY_STAFF)
        self.log_change(request, endpoint, SWITCHED_OFF)
        messages.success(request, gettext("Switched off."))
        return HttpResponseRedirect(self._url(endpoint))

    @action(description=_("Switch on"), url_path="switch-on", icon="check_circle", permissions=["manage"])
    def switch_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell the endpoint again what happens, and send what waits."""
        endpoint = self.found(request, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                endpoint,
                gettext("Switch this endpoint on?"),
                gettext("It is told again what happens, and is sent what waits for it."),
                gettext("Switch on"),
            )
        endpoints.change(endpoint, enabled=True)
        self.log_change(request, endpoint, SWITCHED_ON)
        messages.success(request, gettext("Switched on."))
        return HttpResponseRedirect(self._url(endpoint))

    @action(description=_("New secret"), url_path="rotate-secret", icon="key", permissions=["manage"])
    def rotate_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the endpoint another secret, which is shown in the answer and nowhere else."""
        endpoint = self.found(request, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                endpoint,
                gettext("Give this endpoint another secret?"),
                gettext("It is shown once. For a day messages are signed with both, and then with the new one alone."),
                gettext("New secret"),
                is_dangerous=True,
            )
        made = endpoints.rotate_secret(endpoint)
        self.log_change(request, endpoint, SECRET_ROTATED)
        return self._show_secret(request, made)

    @action(description=_("Delete"), url_path="delete-endpoint", icon="delete", permissions=["manage"])
    def delete_endpoint(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Delete the endpoint as its storefront could."""
        endpoint = self.found(request, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                endpoint,
                gettext("Delete this endpoint?"),
                gettext("The storefront isn't told of anything any more, and what waits is never sent."),
                gettext("Delete"),
                is_dangerous=True,
            )
        endpoints.delete(endpoint)
        self.log_change(request, endpoint, DELETED)
        messages.success(request, gettext("Deleted."))
        return HttpResponseRedirect(reverse("admin:notifications_endpoint_changelist"))

    def _ask(
        self, request: HttpRequest, endpoint: Endpoint, title: str, question: str, button: str, **context: Any
    ) -> HttpResponse:
        return self.confirm(
            request, endpoint, title=title, question=question, button=button, back=self._url(endpoint), **context
        )

    def _url(self, endpoint: Endpoint) -> str:
        return reverse("admin:notifications_endpoint_change", args=[endpoint.pk])
