"""The list and page of orders."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from appmax.errors import AppmaxError
from backoffice import order_story, order_totals, search, shopper_words, subscriptions, timeline
from backoffice.kit.chips import is_filtered
from backoffice.kit.export import ExportableAdmin
from backoffice.kit.lists import DateRangeFilter, RowFilter, action, display
from backoffice.kit.words import badge, copyable, history, reais, when
from backoffice.notes import Noted
from backoffice.order_forms import RefundForm, TrackingForm
from backoffice.order_list import EXPORTED, STATUS_TONES, AmountFilter, MethodFilter, PendingFilter, RefundFilter
from orders import checkout, idempotency, refunds
from orders.idempotency import InvalidKey, KeyReused, Replay, StillRunning
from orders.models import Order
from orders.questions import ask
from orders.refunds import TooMuch, Wish
from orders.status import OrderStatus, PaymentMethod, is_paid

REFUND_ASKED = gettext_noop("Refund asked of Appmax")
REFUND_ACCEPTED = gettext_noop("Refund accepted by Appmax")
REFUND_FAILED = gettext_noop("Refund not accepted")
RECONCILED = gettext_noop("Reconciled with Appmax")
NOT_RECONCILED = gettext_noop("Reconciliation failed")
TRACKED = gettext_noop("Tracking code sent to Appmax")
NOT_TRACKED = gettext_noop("Tracking code not sent")
OPENED = gettext_noop("Opened in Appmax's panel")

_ORDER = "order_of_this_page"  # an attribute of the request


@admin.register(Order)
class OrderAdmin(Noted[Order], ExportableAdmin[Order]):
    """Orders, which the search finds by whatever a shopper or merchant may name."""

    list_display = ("number", "created", "status_badge", "amount_and_net", "method", "merchant", "shopper")
    list_filter = (
        ("status", MultipleChoicesDropdownFilter),
        ("payment_method", MethodFilter),
        ("installation", RowFilter),
        ("created_at", DateRangeFilter),
        AmountFilter,
        PendingFilter,
        RefundFilter,
    )
    date_hierarchy = "created_at"
    list_select_related = ("installation",)
    search_fields = ("appmax_order_id",)  # This shows the box; get_search_results does the search.
    search_help_text = _("Order or customer number, shopper's name, e-mail, CPF or CNPJ, code, or merchant")
    ordering = ("-created_at", "-pk")
    # The shown fields that are no columns of the table.
    readonly_fields = (
        *("status_badge", "amount", "method", "created", "paid", "updated"),
        *("pix_picture", "pix_code", "boleto_line", "boleto_link"),
    )
    exported = EXPORTED
    actions_detail = (
        "refund",
        "reconcile",
        {"title": _("More"), "icon": "more_horiz", "items": ["track", "panel"]},
    )
    change_form_outer_before_template = "backoffice/order_summary.html"
    change_form_outer_after_template = "backoffice/timeline.html"
    list_before_template = "backoffice/order_totals.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """The big and the secret columns aren't shown, so they aren't read. A single order has its subscriptions."""
        orders = Order.objects.with_merchant().with_net().with_shopper()
        route = request.resolver_match
        return subscriptions.with_subscriptions(orders) if route and "object_id" in route.kwargs else orders

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Order | None:
        """A page asks for its order several times. It is read once."""
        order: Order | None = getattr(request, _ORDER, None)
        if order is not None and str(order.pk) == object_id:
            return order
        return super().get_object(request, object_id, from_field)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list. If it is filtered, its template adds up its orders."""
        changelist = super().get_changelist_instance(request)
        changelist.is_filtered = is_filtered(request)
        pages = changelist.paginator
        few = not pages.has_more and pages.count <= order_totals.MOST
        changelist.add_up = lambda: order_totals.of(changelist.queryset, are_few=few)
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """The same search as everywhere, which looks up all but the order first, because a join would keep PostgreSQL
        from using the orders' indexes."""
        return (queryset.filter(search.orders(search_term)) if search_term.strip() else queryset), False

    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> Any:
        facts = ["status_badge", "amount", "method", "installation", "appmax_order_id", "appmax_customer_id"]
        facts += ["created", *(["paid"] if obj and obj.paid_at else []), "updated"]
        fieldsets: list[Any] = [(None, {"fields": facts})]
        # A code that can't be paid any more is folded away.
        folded = [] if obj and order_story.can_be_paid(obj, timezone.now()) else ["collapse"]
        if obj and obj.has_codes(PaymentMethod.PIX):
            fieldsets.append((_("Pix"), {"fields": ("pix_picture", "pix_code"), "classes": folded}))
        if obj and obj.has_codes(PaymentMethod.BOLETO):
            fieldsets.append((_("Boleto"), {"fields": ("boleto_line", "boleto_link"), "classes": folded}))
        return fieldsets

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Django's page, with how the order stands above the facts, and its timeline beside them."""
        order = self.get_object(request, object_id) if object_id else None
        context = extra_context or {}
        if order:
            setattr(request, _ORDER, order)
            past = timeline.read(order)
            context |= {
                "story": order_story.story(order, past, timezone.now()),
                "money": order_story.money(order),
                "shopper": " · ".join(filter(None, shopper_words.of(request, order))),
                "subscriptions": subscriptions.links_of(order),
                "timeline": timeline.of(order, past),
            }
        return super().changeform_view(request, object_id, form_url, context)

    # --- columns and fields ---

    @display(description=_("status"))
    def status_badge(self, order: Order) -> str:
        """The status, coloured by what it means for the merchant."""
        return badge(order.get_status_display(), STATUS_TONES[OrderStatus(order.status)])

    @display(description=_("amount"))
    def amount(self, order: Order) -> str:
        return reais(order.total_cents)

    @display(description=_("order"))
    def number(self, order: Order) -> int:
        """Appmax's number."""
        return order.appmax_order_id

    @display(description=_("amount"))
    def amount_and_net(self, order: Order) -> str:
        """Of a paid order also what the merchant still has of it, if that is another amount."""
        amount = reais(order.total_cents)
        is_charged = is_paid(order.status) and order.status != OrderStatus.AUTORIZADO
        if not is_charged or order.net_cents == order.total_cents:
            return amount
        net = gettext("net %(amount)s") % {"amount": reais(order.net_cents)}
        return format_html('<span class="block">{}</span><span class="block text-xs">{}</span>', amount, net)

    @display(description=_("method"))
    def method(self, order: Order) -> str:
        return order.get_payment_method_display() or "-"

    @display(description=_("merchant"))
    def merchant(self, order: Order) -> str:
        url = reverse("admin:installations_installation_change", args=[order.installation_id])
        return format_html('<a href="{}" class="text-link">{}</a>', url, order.installation)

    @display(description=_("shopper"))
    def shopper(self, order: Order) -> str:
        """The name and a hint at the e-mail, or Appmax's number if nothing is kept of the shopper."""
        return shopper_words.listed(order)

    @display(description=_("created"))
    def created(self, order: Order) -> str:
        return when(order.created_at)

    @display(description=_("paid at"))
    def paid(self, order: Order) -> str:
        return when(order.paid_at) if order.paid_at else "-"

    @display(description=_("updated at"))
    def updated(self, order: Order) -> str:
        return when(order.updated_at)

    @display(description=_("QR code"))
    def pix_picture(self, order: Order) -> str:
        """The QR code, drawn from the copy and paste code, so that both are the same payment."""
        picture = segno.make(order.pix_emv or "", error="m").svg_data_uri(scale=4, border=3)
        return format_html(
            '<img src="{}" alt="{}" class="bg-white rounded-default max-w-full" width="220">', picture, _("Pix QR code")
        )

    @display(description=_("copy and paste code"))
    def pix_code(self, order: Order) -> str:
        return copyable("pix-code", order.pix_emv)

    @display(description=_("boleto digits"))
    def boleto_line(self, order: Order) -> str:
        return copyable("boleto-line", order.boleto_digitavel)

    @display(description=_("boleto PDF"))
    def boleto_link(self, order: Order) -> str:
        """A link, if the URL that Appmax gave is an http or https URL."""
        url = order.boleto_pdf_url or ""
        if urlsplit(url).scheme not in ("http", "https"):
            return url or "-"
        return format_html(
            '<a href="{}" target="_blank" rel="noopener noreferrer" class="text-link">{}</a>', url, _("Open the PDF")
        )

    # --- actions ---

    def has_refund_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("orders.refund_order")

    def has_reconcile_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("orders.reconcile_order")

    def has_track_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("orders.track_order")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Hide the refund button if there is nothing to pay back."""
        order = self.get_object(request, str(object_id))
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        if order is not None and order.is_refundable:
            return actions
        return [each for each in actions if not each.action_name.endswith("_refund")]

    @action(description=_("Refund"), url_path="refund", icon="undo", permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask Appmax to pay back everything or a part. Pressing the button twice asks once."""
        order = self.found(request, object_id)
        if not order.is_refundable:
            message = gettext("There is no money to pay back: the order is %(status)s.")
            messages.warning(request, message % {"status": order.get_status_display()})
            return self._back(order)
        form = RefundForm(order, request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._refund(request, order, form)
            return self._back(order)
        return self.confirm(
            request,
            order,
            title=gettext("Refund order %(id)s?") % {"id": order},
            row_title=f"{order} · {order.installation.external_key} · {reais(order.total_cents)}",
            question=gettext("Appmax is asked to pay the shopper back. This can't be undone."),
            rows=timeline.refund_lines(order),
            form=form,
            button=gettext("Refund"),
            is_dangerous=True,
            back=self._url(order),
        )

    def _refund(self, request: HttpRequest, order: Order, form: RefundForm) -> None:
        amount = reais(form.cents if form.cents is not None else order.refundable_cents)
        wish = Wish(form.cents, reason=form.cleaned_data["reason"], asked_by=request.user.pk)
        body = {"order_id": order.appmax_order_id, "value": wish.cents}
        try:
            claim = idempotency.claim(
                order.installation, form.cleaned_data["once"], route="back office: refund", body=body
            )
        except (InvalidKey, KeyReused, StillRunning):
            messages.warning(request, gettext("This form has been sent already; open it anew for another refund."))
            return
        if isinstance(claim, Replay):
            messages.warning(request, gettext("This refund has been asked for already."))
            return
        self.log_addition(request, order, history(REFUND_ASKED, amount))  # The refund's row is in the timeline.
        try:
            refunds.ask(order, wish, claim)
        except TooMuch:
            claim.release()
            self.log_change(request, order, REFUND_FAILED)
            messages.error(request, gettext("Somebody was quicker: less than that is left to be paid back."))
        except AppmaxError as error:
            claim.fail(error, 502, {"message": str(error)})
            self.log_failure(request, order, REFUND_FAILED, error)
        else:
            claim.finish(200, {})
            self.log_addition(request, order, history(REFUND_ACCEPTED, amount))
            messages.success(
                request,
                gettext("Appmax accepted the refund of %(amount)s; a webhook tells when it is done.")
                % {"amount": amount},
            )

    @action(description=_("Reconcile now"), url_path="reconcile", icon="sync", permissions=["reconcile"])
    def reconcile(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask Appmax about the order, and take over its status."""

        def reconciled(order: Order) -> str:
            before = order.status
            said, answer = ask.ask(order)
            order.refresh_from_db(fields=["status"])
            messages.success(
                request,
                gettext("Appmax says %(said)s; the order was %(before)s and is %(now)s.")
                % {"said": said.label, "before": OrderStatus(before).label, "now": order.get_status_display()},
            )
            return f"{answer}, {before} → {order.status}"

        return self._ask_appmax(
            request,
            object_id,
            reconciled,
            title=gettext("Reconcile with Appmax now?"),
            question=gettext("We ask Appmax how the order stands and give it that status, even if it moves back."),
            button=gettext("Reconcile"),
            done=RECONCILED,
            failed=NOT_RECONCILED,
        )

    @action(
        description=_("Add tracking code"),
        url_path="tracking",
        icon="local_shipping",
        permissions=["track"],
    )
    def track(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send Appmax the tracking code of the goods."""
        form = TrackingForm(request.POST or None)

        def send(order: Order) -> str:
            code: str = form.cleaned_data["code"]
            checkout.add_tracking_code(order.installation, order_id=order.appmax_order_id, code=code)
            messages.success(request, gettext("Appmax took the tracking code."))
            return code

        return self._ask_appmax(
            request,
            object_id,
            send,
            title=gettext("Add a tracking code?"),
            question=gettext("Appmax is told, and tells the shopper."),
            form=form,
            button=gettext("Send"),
            done=TRACKED,
            failed=NOT_TRACKED,
        )

    @action(description=_("Open in Appmax's panel"), url_path="panel", icon="open_in_new", permissions=["view"])
    def panel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the order's page in Appmax's panel. The history notes who did."""
        order = self.found(request, object_id)
        url = settings.APPMAX_ADMIN_URL + settings.APPMAX_PANEL_ORDER_PATH.replace("{order_id}", str(order))
        if request.method == "POST":
            self.log_change(request, order, OPENED)
            return HttpResponseRedirect(url)
        return self.confirm(
            request,
            order,
            title=gettext("Open in Appmax's panel?"),
            question=gettext("You leave this site for %(url)s; you need a login there.") % {"url": url},
            button=gettext("Open"),
            back=self._url(order),
        )

    def _ask_appmax(
        self,
        request: HttpRequest,
        object_id: str,
        work: Callable[[Order], str],
        *,
        done: str,
        failed: str,
        form: forms.Form | None = None,
        **page: Any,
    ) -> HttpResponse:
        """Ask staff for confirmation, then call Appmax by `work`, and note the result in the history.

        `work` returns the history's detail.
        """
        order = self.found(request, object_id)
        if request.method != "POST" or not (form is None or form.is_valid()):
            return self.confirm(request, order, form=form, back=self._url(order), **page)
        try:
            self.log_change(request, order, history(done, work(order)))
        except AppmaxError as error:
            self.log_failure(request, order, failed, error)
        return self._back(order)

    @staticmethod
    def _url(order: Order) -> str:
        return reverse("admin:orders_order_change", args=[order.pk])

    def _back(self, order: Order) -> HttpResponse:
        return HttpResponseRedirect(self._url(order))
