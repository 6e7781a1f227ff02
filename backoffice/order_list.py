"""The filters, colours and exported columns of the list of orders."""

from collections.abc import Iterator
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django import forms
from django.contrib.admin import ListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from backoffice.kit.lists import OneChoiceFilter, span
from backoffice.kit.tables import Column, Kind, Table
from backoffice.kit.words import reais
from backoffice.order_forms import ReaisField
from orders.models import Order, Refund
from orders.status import EVER_PAID, OrderStatus, PaymentMethod, RefundState

STATUS_TONES = {
    OrderStatus.PENDENTE: "warning",
    OrderStatus.AUTORIZADO: "info",
    OrderStatus.CANCELADO: "default",
    OrderStatus.RECUSADO_POR_RISCO: "danger",
    OrderStatus.APROVADO: "success",
    OrderStatus.PENDENTE_INTEGRACAO: "info",
    OrderStatus.PENDENTE_INTEGRACAO_EM_ANALISE: "info",
    OrderStatus.INTEGRADO: "success",
    OrderStatus.ESTORNADO: "primary",
    OrderStatus.CHARGEBACK_EM_TRATATIVA: "danger",
    OrderStatus.CHARGEBACK_EM_DISPUTA: "danger",
    OrderStatus.CHARGEBACK_PERDIDO: "danger",
    OrderStatus.CHARGEBACK_VENCIDO: "success",
}


def _amount_box(label: StrOrPromise) -> ReaisField:
    widget = UnfoldAdminTextInputWidget(
        {"inputmode": "decimal", "autocomplete": "off", "placeholder": label, "aria-label": label}
    )
    return ReaisField(label="", required=False, localize=True, max_digits=12, decimal_places=2, widget=widget)


class PendingFilter(OneChoiceFilter):
    """Orders that are still pending an hour after they were created."""

    title = _("waiting")
    parameter_name = "pending"
    choice = ("hour", _("Pending for over an hour"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=OrderStatus.PENDENTE, created_at__lt=timezone.now() - timedelta(hours=1))


class RefundFilter(DropdownFilter):  # type: ignore[misc] # untyped
    """Orders with a refund that came to this state."""

    title = _("refund")
    parameter_name = "refund"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, state.label) for state in RefundState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Such orders. An unknown value shows all."""
        if self.value() not in RefundState.values:
            return queryset
        return queryset.filter(Exists(Refund.objects.filter(order=OuterRef("pk"), state=self.value())))


class MethodFilter(ChoicesDropdownFilter):  # type: ignore[misc] # untyped
    """Unfold's filter, which in addition finds orders without a method (payment_method__isnull)."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.lookup_val_isnull:
            return queryset.filter(payment_method=None)
        return super().queryset(request, queryset)  # type: ignore[no-any-return]


class AmountForm(forms.Form):
    """The two boxes of the amount filter."""

    amount_from = _amount_box(_("From R$"))
    amount_to = _amount_box(_("To R$"))


class AmountFilter(ListFilter):
    """Orders by their total, in reais, as the reader's language writes it. Both ends are included."""

    title = _("amount")
    template = "unfold/filters/filters_numeric_range.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.used_parameters = {name: params.pop(name)[-1] for name in self.expected_parameters() if name in params}
        self.form = AmountForm(self.used_parameters)
        self.form.is_valid()

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [*AmountForm.base_fields]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The form's boxes."""
        yield {"form": self.form}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """The orders between the two amounts. A text that is no amount is ignored."""
        least, most = self._cents()
        if least is not None:
            queryset = queryset.filter(total_cents__gte=least)
        return queryset if most is None else queryset.filter(total_cents__lte=most)

    def in_words(self) -> tuple[str, bool]:
        """For the chip: the amounts, and whether a text was no amount."""
        for name in self.form.errors:
            return gettext("“%(text)s” is no amount") % {"text": self.used_parameters[name]}, True
        return span(*("" if cents is None else reais(cents) for cents in self._cents())), False

    def _cents(self) -> list[int | None]:
        amounts = (self.form.cleaned_data.get(name) for name in AmountForm.base_fields)
        return [None if amount is None else int(amount * 100) for amount in amounts]


def _paid(order: Order) -> int:
    return order.total_cents if order.status in EVER_PAID else 0


# Of each order, what was paid is what was paid back, what a chargeback holds or has taken, and what is left.
_STATUS = Column(_("status"), Kind.TEXT, lambda order: OrderStatus(order.status).label)
_METHOD = Column(
    _("method"), Kind.TEXT, lambda order: order.payment_method and PaymentMethod(order.payment_method).label
)
_MERCHANT = Column(_("merchant"), Kind.TEXT, attrgetter("installation"))
EXPORTED = Table(
    columns=(
        Column(_("Appmax order id"), Kind.NUMBER, attrgetter("appmax_order_id")),
        Column(_("created at"), Kind.MOMENT, attrgetter("created_at")),
        Column(_("paid at"), Kind.MOMENT, attrgetter("paid_at")),
        _MERCHANT,
        Column(_("merchant's key"), Kind.TEXT, attrgetter("installation.external_key")),
        _STATUS,
        _METHOD,
        Column(_("amount (R$)"), Kind.MONEY, attrgetter("total_cents")),
        Column(_("paid (R$)"), Kind.MONEY, _paid),
        Column(_("paid back (R$)"), Kind.MONEY, attrgetter("refunded_cents")),
        Column(
            _("in chargeback (R$)"),
            Kind.MONEY,
            lambda order: _paid(order) - order.refunded_cents - order.net_cents,
        ),
        Column(_("net (R$)"), Kind.MONEY, attrgetter("net_cents")),
        Column(_("Appmax customer id"), Kind.NUMBER, attrgetter("appmax_customer_id")),
        Column(_("updated at"), Kind.MOMENT, attrgetter("updated_at")),
    ),
    groups=(_METHOD, _STATUS, _MERCHANT),
    rows=lambda: Order.objects.with_merchant().with_net().prefetch_related("refunds"),
)
