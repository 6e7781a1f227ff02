"""The list and page of subscriptions, paid orders that Appmax renews."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_noop, ngettext, pgettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from appmax.errors import AppmaxError
from backoffice.kit.lists import ReadOnlyAdmin, RowFilter, action, display, searched
from backoffice.kit.words import badge, reais, when
from orders.models import Interval, Order, Subscription, SubscriptionStatus
from orders.subscriptions import manage, record
from orders.subscriptions.manage import SubscriptionCancelled

PAUSED = gettext_noop("Subscription paused")
REACTIVATED = gettext_noop("Subscription reactivated")
CANCELLED = gettext_noop("Subscription cancelled")
NOT_CHANGED = gettext_noop("Subscription not changed")

TONES = {
    SubscriptionStatus.ACTIVE: "success",
    SubscriptionStatus.PAUSED: "warning",
    SubscriptionStatus.CANCELLED: "default",
}
_BUTTONS = {
    SubscriptionStatus.ACTIVE: ("pause", "cancel"),
    SubscriptionStatus.PAUSED: ("reactivate", "cancel"),
    SubscriptionStatus.CANCELLED: (),
}


class ReasonForm(forms.Form):
    """Why it is changed, which Appmax is told."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=255,
        help_text=_("Appmax is told."),
        widget=UnfoldAdminTextInputWidget(),
    )


class PauseForm(ReasonForm):
    """Until when nothing is charged."""

    until = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("Empty: until it is reactivated"),
        widget=UnfoldAdminTextInputWidget({"type": "date"}),
    )

    def clean_until(self) -> Any:
        """A pause ends in the future."""
        until = self.cleaned_data["until"]
        if until is not None and until <= timezone.localdate():
            raise forms.ValidationError(gettext("A day that is still to come."))
        return until


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin[Subscription]):
    """What Appmax renews, and what can be done about it. The same is done as by the API's routes."""

    list_display = ("number", "merchant", "status_badge", "value", "every", "cycles", "next_charge", "begun_with")
    list_display_links = ("number",)
    list_filter = (("status", ChoicesDropdownFilter), ("installation", RowFilter))
    search_fields = ("appmax_subscription_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Number of a subscription, or of one of its orders")
    ordering = ("-created_at", "-pk")
    actions_detail = ("pause", "reactivate", "cancel")
    readonly_fields = (
        *("status_badge", "merchant", "value", "freight", "every", "cycles", "next_charge", "begun_with", "card"),
        *("pause_ends", "ended", "asked", "created", "renewed"),
    )
    change_form_outer_after_template = "backoffice/subscription_charges.html"

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("orders.manage_subscription")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return Subscription.objects.with_merchant()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Subscription], search_term: str
    ) -> tuple[QuerySet[Subscription], bool]:
        """Look for a number, which has an index, as has that of an order among the charges."""
        text, number = searched(search_term)
        if not text:
            return queryset, False
        if number is None:
            return queryset.none(), False
        charged = Subscription.objects.charged_in(number).values("pk")
        return queryset.filter(Q(appmax_subscription_id=number) | Q(pk__in=charged)), False

    def get_fields(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        fields: list[Any] = [("appmax_subscription_id", "status_badge"), ("merchant", "begun_with")]
        fields += [("value", "freight", "card"), ("every", "cycles", "next_charge"), "renewed"]
        if obj and obj.paused_until:
            fields.append("pause_ends")
        if obj and obj.cancelled_at:
            fields.append("ended")
        return [*fields, ("created", "asked")]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Django's page, with the charges below the facts, each with the order that it made."""
        context = extra_context or {}
        if object_id and (subscription := self.get_object(request, object_id)):
            context |= {"charges": charges_of(subscription)}
        return super().changeform_view(request, object_id, form_url, context)

    # --- columns and fields ---

    @display(description=_("subscription"))
    def number(self, subscription: Subscription) -> int:
        """Appmax's number."""
        return subscription.appmax_subscription_id

    @display(description=_("status"))
    def status_badge(self, subscription: Subscription) -> str:
        return badge(subscription.get_status_display(), TONES[SubscriptionStatus(subscription.status)])

    @display(description=_("merchant"))
    def merchant(self, subscription: Subscription) -> str:
        url = reverse("admin:installations_installation_change", args=[subscription.installation_id])
        return format_html('<a href="{}" class="text-link">{}</a>', url, subscription.installation)

    @display(description=_("value"))
    def value(self, subscription: Subscription) -> str:
        return "-" if subscription.value_cents is None else reais(subscription.value_cents)

    @display(description=_("freight"))
    def freight(self, subscription: Subscription) -> str:
        return "-" if subscription.freight_cents is None else reais(subscription.freight_cents)

    @display(description=_("charged"))
    def every(self, subscription: Subscription) -> str:
        """How often, in words."""
        count = subscription.interval_count or 1
        match subscription.interval:
            case Interval.WEEK:
                return ngettext("every week", "every %(count)d weeks", count) % {"count": count}
            case Interval.MONTH:
                return ngettext("every month", "every %(count)d months", count) % {"count": count}
            case Interval.YEAR:
                return ngettext("every year", "every %(count)d years", count) % {"count": count}
        return "-"

    @display(description=_("renewals paid"))
    def cycles(self, subscription: Subscription) -> str:
        """How many there were, and how many there will be if there is an end."""
        done = "-" if subscription.completed_cycles is None else str(subscription.completed_cycles)
        if subscription.max_cycles is None:
            return done
        return gettext("%(done)s of %(most)s") % {"done": done, "most": subscription.max_cycles}

    @display(description=_("next charge"))
    def next_charge(self, subscription: Subscription) -> str:
        is_charged = subscription.status == SubscriptionStatus.ACTIVE and subscription.next_charge_at
        return when(subscription.next_charge_at) if is_charged and subscription.next_charge_at else "-"

    @display(description=_("first order"))
    def begun_with(self, subscription: Subscription) -> str:
        order = subscription.first_order
        if order is None:
            return "-"
        return format_html('<a href="{}" class="text-link">{}</a>', _url_of_order(order.pk), order)

    @display(description=_("card"))
    def card(self, subscription: Subscription) -> str:
        if not subscription.card_last_digits:
            return "-"
        return f"{subscription.card_brand} •••• {subscription.card_last_digits}".strip()

    @display(description=_("what is renewed"))
    def renewed(self, subscription: Subscription) -> str:
        return ", ".join(f"{row['quantity'] or 1} × {row['name']}" for row in subscription.products) or "-"

    @display(description=_("paused until"))
    def pause_ends(self, subscription: Subscription) -> str:
        return when(subscription.paused_until) if subscription.paused_until else "-"

    @display(description=_("cancelled at"))
    def ended(self, subscription: Subscription) -> str:
        return when(subscription.cancelled_at) if subscription.cancelled_at else "-"

    @display(description=_("created"))
    def created(self, subscription: Subscription) -> str:
        return when(subscription.created_at)

    @display(description=_("Appmax last asked"))
    def asked(self, subscription: Subscription) -> str:
        return when(subscription.asked_at) if subscription.asked_at else "-"

    # --- actions ---

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only the buttons that suit the status."""
        subscription = self.get_object(request, str(object_id))
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        wanted = _BUTTONS[SubscriptionStatus(subscription.status)] if subscription else ()
        return [each for each in actions if each.action_name.endswith(tuple(f"_{name}" for name in wanted))]

    @action(description=_("Pause"), url_path="pause", icon="pause", permissions=["manage"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have Appmax charge nothing for a while."""
        form = PauseForm(request.POST or None)
        return self._change(
            request,
            object_id,
            lambda row: manage.pause(row, until=form.cleaned_data["until"], reason=form.cleaned_data["reason"]),
            form=form,
            title=gettext("Pause this subscription?"),
            question=gettext("Appmax doesn't charge the shopper until the pause ends or somebody reactivates it."),
            button=gettext("Pause"),
            done=PAUSED,
        )

    @action(description=_("Reactivate"), url_path="reactivate", icon="play_arrow", permissions=["manage"])
    def reactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have Appmax charge again."""
        return self._change(
            request,
            object_id,
            manage.reactivate,
            title=gettext("Reactivate this subscription?"),
            question=gettext("Appmax charges the shopper again from the next charge on."),
            button=gettext("Reactivate"),
            done=REACTIVATED,
        )

    @action(description=_("Cancel the subscription"), url_path="cancel", icon="block", permissions=["manage"])
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End it for good."""
        form = ReasonForm(request.POST or None)
        return self._change(
            request,
            object_id,
            lambda row: manage.cancel(row, reason=form.cleaned_data["reason"]),
            form=form,
            title=gettext("Cancel this subscription?"),
            question=gettext(
                "Appmax never charges the shopper for it again. This can't be undone. What was paid stays paid."
            ),
            button=gettext("Cancel the subscription"),
            is_dangerous=True,
            done=CANCELLED,
        )

    def _change(
        self,
        request: HttpRequest,
        object_id: str,
        work: Callable[[Subscription], Subscription],
        *,
        done: str,
        form: forms.Form | None = None,
        **page: Any,
    ) -> HttpResponse:
        """Ask staff for confirmation, then Appmax for the change, and note what came of it in the history."""
        subscription = self.found(request, object_id)
        back = reverse("admin:orders_subscription_change", args=[subscription.pk])
        if request.method != "POST" or not (form is None or form.is_valid()):
            return self.confirm(request, subscription, form=form, back=back, **page)
        try:
            changed = work(subscription)
        except SubscriptionCancelled:
            messages.warning(request, gettext("The subscription is cancelled, which is for good."))
        except AppmaxError as error:
            self.log_failure(request, subscription, NOT_CHANGED, error)
        else:
            self.log_change(request, subscription, done)
            status = {"status": changed.get_status_display()}
            messages.success(request, gettext("Appmax did it: the subscription is %(status)s.") % status)
        return HttpResponseRedirect(back)


def with_subscriptions(orders: QuerySet[Order]) -> QuerySet[Order]:
    """The orders with what `links_of` needs, so that an order's page asks no query more."""
    columns = JSONObject(pk="pk", number="appmax_subscription_id", first_order="first_order")
    found = Subscription.objects.about_each().order_by("pk").values(found=columns)
    return orders.annotate(part_of=ArraySubquery(found))


def links_of(order: Any) -> list[tuple[str, str]]:
    """The subscriptions that an order `with_subscriptions` is a part of: the address of each one's page, and what the
    order is to it."""
    return [
        (
            reverse("admin:orders_subscription_change", args=[row["pk"]]),
            (
                gettext("first order of %(number)s")
                if row["first_order"] == order.pk
                else gettext("renewal of %(number)s")
            )
            % {"number": row["number"]},
        )
        for row in order.part_of
    ]


def charges_of(subscription: Subscription) -> list[dict[str, Any]]:
    """The charges, newest first, with the order that each made, its page and its status, if we have it."""
    numbers = [row["order_id"] for row in subscription.charges if row["order_id"] is not None]
    orders = {
        order.appmax_order_id: order
        for order in Order.objects.filter(installation=subscription.installation_id, appmax_order_id__in=numbers).only(
            "appmax_order_id", "status"
        )
    }
    shown = []
    for row in reversed(subscription.charges):
        order, day = orders.get(row["order_id"]), parse_date(row["charged_at"] or "")
        shown.append(
            {
                "what": gettext("First order") if row["cycle"] == 0 else gettext("Renewal %(cycle)s") % row,
                "day": date_format(day, "SHORT_DATE_FORMAT") if day else "",
                "amount": "" if row["value"] is None else reais(row["value"]),
                "status": _charge(row["status"]),
                "number": row["order_id"],
                "url": _url_of_order(order.pk) if order else "",
                "order_status": order.get_status_display() if order else "",
            }
        )
    return shown


def _charge(status: str) -> str:
    """What became of a charge. A word of Appmax's that we don't know is shown as it is."""
    if status == record.PAID:
        return pgettext("charge", "Paid")
    return pgettext("charge", "Failed") if status in record.FAILED else status


def _url_of_order(pk: int) -> str:
    return reverse("admin:orders_order_change", args=[pk])
