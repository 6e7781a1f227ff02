"""The pages of alert rules and of the alerts that were sent."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, DropdownFilter

from backoffice.alerts import watch
from backoffice.alerts.forms import AlertRuleForm
from backoffice.alerts.kinds import KINDS, Kind, condition
from backoffice.alerts.models import Alert, AlertRule, AlertState
from backoffice.kit.lists import DateRangeFilter, ReadOnlyAdmin, action, display
from backoffice.kit.words import badge, when
from backoffice.tasks import alert, begin
from orders import clock

MADE = gettext_noop("Made")
CHANGED = gettext_noop("Changed")
SWITCHED_ON = gettext_noop("Switched on")
SWITCHED_OFF = gettext_noop("Switched off")
TEST_SENT = gettext_noop("Sent a test")


class KindFilter(DropdownFilter):  # type: ignore[misc] # untyped
    """Rules or alerts of one kind."""

    title = _("what it tells of")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.name, kind.title) for kind in KINDS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in KINDS else queryset


@admin.register(AlertRule)
class AlertRuleAdmin(ReadOnlyAdmin[AlertRule]):
    """What staff want to be told of."""

    form = AlertRuleForm
    list_display = ("tells_of", "about", "told", "state", "last")
    list_filter = (KindFilter, ("installation", AutocompleteSelectFilter))
    autocomplete_fields = ("installation",)
    ordering = ("-pk",)
    actions_detail = (
        "send_test",
        {"title": _("More"), "icon": "more_horiz", "items": ["switch_on", "switch_off", "delete_rule"]},
    )

    # --- who may ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_manage_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("backoffice.manage_alertrule")

    # --- columns and fields ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        """Neither the chats' URLs nor the merchants' secrets are read."""
        rules = super().get_queryset(request).select_related("installation")
        return rules.defer("chat_url", "installation__merchant_client_secret").annotate(last_at=Max("alerts__found_at"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whom it tells is shown to those who may change that. (The form leaves out what the kind doesn't have.)"""
        if not self.has_manage_permission(request):
            return ("tells_of", "about", "told", "state", "last", "links")
        asked = ("installation", "threshold", "recipients", "new_chat_url")
        if obj is None:
            return ("explained", *asked, "language")
        return ("explained", *asked, *(["no_chat"] if obj.chat_host else []), "language", ("state", "last"), "links")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("explained", "tells_of", "about", "told", "state", "last", "links")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form for the rule's kind, or for the one that the URL names."""
        kind = KINDS.get(obj.kind if obj else request.GET.get("kind", ""))
        left_out = _left_out(kind)
        shown = _flat(self.get_fields(request, obj))
        kwargs["fields"] = [name for name in shown if name in AlertRuleForm.Meta.fields and name not in left_out]
        form = super().get_form(request, obj, change, **kwargs)
        form.kind = kind  # type: ignore[attr-defined] # it is an AlertRuleForm
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        left_out = _left_out(KINDS.get(obj.kind if obj else request.GET.get("kind", "")))
        return [(None, {"fields": [name for name in self.get_fields(request, obj) if name not in left_out]})]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form, or before it the kinds to choose from."""
        if request.GET.get("kind") in KINDS or not self.has_add_permission(request):
            response: HttpResponse = super().add_view(request, form_url, extra_context)
            return response
        context = {"opts": self.opts, "title": gettext("What do you want to be told of?"), "kinds": KINDS.values()}
        return render(request, "backoffice/alert_kinds.html", {**self.admin_site.each_context(request), **context})

    @display(description=_("what it tells of"))
    def tells_of(self, rule: AlertRule) -> str:
        return condition(rule)

    @display(description=_("what it tells of"))
    def explained(self, rule: AlertRule) -> str:
        kind = KINDS.get(rule.kind)
        return format_html("<strong>{}</strong><br>{}", kind.title, kind.explained) if kind else rule.kind

    @display(description=_("merchant"))
    def about(self, rule: AlertRule) -> str:
        kind = KINDS.get(rule.kind)
        if kind and not kind.of_merchants:
            return "-"
        return str(rule.installation) if rule.installation else gettext("All merchants")

    @display(description=_("tells"))
    def told(self, rule: AlertRule) -> str:
        count = len(rule.recipients)
        ways = [ngettext("%d e-mail address", "%d e-mail addresses", count) % count] if count else []
        return ", ".join([*ways, *([rule.chat_host] if rule.chat_host else [])])

    @display(description=_("state"))
    def state(self, rule: AlertRule) -> str:
        return badge(gettext("On"), "success") if rule.enabled else badge(gettext("Off"), "default")

    @display(description=_("last alert"))
    def last(self, rule: AlertRule) -> str:
        at = getattr(rule, "last_at", None)
        return when(at) if at else "-"

    @display(description=_("see also"))
    def links(self, rule: AlertRule) -> str:
        return format_html('<a href="{}" class="text-link">{}</a>', _alerts_of(rule), _("Its alerts"))

    # --- what is written ---

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return super().log_addition(request, obj, MADE)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's own list of changed fields is replaced by one word, as it isn't told in the reader's language."""
        return super().log_change(request, obj, message if isinstance(message, str) else CHANGED)

    @action(description=_("Send a test"), url_path="test", icon="send", permissions=["manage"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have a test sent to everybody whom the rule tells."""
        rule = self.found(request, object_id)
        if request.method != "POST":
            text = gettext("Everybody whom this rule tells gets a message that says it is a test.")
            return self._ask(request, rule, gettext("Send a test?"), text, gettext("Send"))
        watch.put_test(rule)
        begin(alert)
        self.log_change(request, rule, TEST_SENT)
        messages.success(request, gettext("The test is on its way. Load this list again to see whether it was taken."))
        return HttpResponseRedirect(_alerts_of(rule))

    @action(description=_("Switch off"), url_path="switch-off", icon="block", permissions=["manage"])
    def switch_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rule = self.found(request, object_id)
        if request.method != "POST":
            text = gettext("Nobody is told of this any more, until the rule is switched on again.")
            return self._ask(request, rule, gettext("Switch this rule off?"), text, gettext("Switch off"))
        AlertRule.objects.filter(pk=rule.pk).update(enabled=False)
        self.log_change(request, rule, SWITCHED_OFF)
        messages.success(request, gettext("Switched off."))
        return HttpResponseRedirect(rule.url)

    @action(description=_("Switch on"), url_path="switch-on", icon="check_circle", permissions=["manage"])
    def switch_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What has happened meanwhile isn't told."""
        rule = self.found(request, object_id)
        if request.method != "POST":
            text = gettext("It tells of what happens from now on.")
            return self._ask(request, rule, gettext("Switch this rule on?"), text, gettext("Switch on"))
        AlertRule.objects.filter(pk=rule.pk, enabled=False).update(enabled=True, since=clock.now())
        self.log_change(request, rule, SWITCHED_ON)
        messages.success(request, gettext("Switched on."))
        return HttpResponseRedirect(rule.url)

    @action(description=_("Delete"), url_path="delete-rule", icon="delete", permissions=["manage"])
    def delete_rule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rule = self.found(request, object_id)
        if request.method != "POST":
            text = gettext("Nobody is told of this any more. What was sent stays in the list of alerts.")
            title, button = gettext("Delete this rule?"), gettext("Delete")
            return self._ask(request, rule, title, text, button, is_dangerous=True)
        self.log_deletions(request, AlertRule.objects.filter(pk=rule.pk))
        AlertRule.objects.filter(pk=rule.pk).delete()
        messages.success(request, gettext("Deleted."))
        return HttpResponseRedirect(reverse("admin:backoffice_alertrule_changelist"))

    def _ask(
        self, request: HttpRequest, rule: AlertRule, title: str, question: str, button: str, **context: Any
    ) -> HttpResponse:
        about = f"{condition(rule)}: {self.about(rule)}" if rule.installation else condition(rule)
        return self.confirm(
            request, rule, title=title, row_title=about, question=question, button=button, back=rule.url, **context
        )


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    """What was found, who was told, and why somebody was not."""

    list_display = ("found", "what", "to", "state_badge", "why_not")
    list_display_links = ("found",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        KindFilter,
        ("found_at", DateRangeFilter),
    )
    ordering = ("-pk",)
    fields = ("what", "links", "to", ("state_badge", "tries", "why_not"), ("found", "sent"))
    readonly_fields = ("what", "links", "to", "state_badge", "why_not", "found", "sent")
    list_select_related = ("rule",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return super().get_queryset(request).defer("rule__chat_url")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Also one rule's, to which its page leads."""
        return lookup == "rule__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description=_("found"))
    def found(self, alert: Alert) -> str:  # type: ignore[override] # the column's name
        return when(alert.found_at)

    @display(description=_("alert"))
    def what(self, alert: Alert) -> str:
        return alert.text

    @display(description=_("to"))
    def to(self, alert: Alert) -> str:
        """The address, or the chat's host."""
        return alert.recipient or (alert.rule.chat_host if alert.rule else "") or gettext("a chat")

    @display(description=_("state"))
    def state_badge(self, alert: Alert) -> str:
        tones = {AlertState.WAITING: "warning", AlertState.SENT: "success", AlertState.FAILED: "danger"}
        return badge(alert.get_state_display(), tones[AlertState(alert.state)])

    @display(description=_("why not"))
    def why_not(self, alert: Alert) -> str:
        """With the failure's name, which the operator may look for."""
        details = gettext(alert.error) if alert.error else ""
        if not alert.why_not_sent:  # It was sent, or failed before there was this column.
            return details or "-"
        return f"{alert.get_why_not_sent_display()} ({details})" if details else alert.get_why_not_sent_display()

    @display(description=_("sent"))
    def sent(self, alert: Alert) -> str:
        return when(alert.sent_at) if alert.sent_at else "-"

    @display(description=_("see also"))
    def links(self, alert: Alert) -> str:
        page = format_html('<a href="{}" class="text-link">{}</a>', alert.path, _("What it is about"))
        rule = format_html('<a href="{}" class="text-link">{}</a>', alert.rule.url, _("Its rule")) if alert.rule else ""
        return format_html("{} {}", page if alert.path else "", rule)


def _alerts_of(rule: AlertRule) -> str:
    return f"{reverse('admin:backoffice_alert_changelist')}?rule__id__exact={rule.pk}"


def _left_out(kind: Kind | None) -> set[str]:
    """The fields that rules of this kind don't have."""
    if kind is None:
        return {"threshold"}
    return {*([] if kind.threshold else ["threshold"]), *([] if kind.of_merchants else ["installation"])}


def _flat(fields: Any) -> list[str]:
    return [name for each in fields for name in (each if isinstance(each, tuple) else [each])]
