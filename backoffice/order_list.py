"""The filters, colours and exported columns of the list of orders."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from backoffice.kit.lists import OneChoiceFilter
from orders.models import Order
from orders.status import OrderStatus

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


class PendingFilter(OneChoiceFilter):
    """Orders that are still pending an hour after they were created."""

    title = _("waiting")
    parameter_name = "pending"
    choice = ("hour", _("Pending for over an hour"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=OrderStatus.PENDENTE, created_at__lt=timezone.now() - timedelta(hours=1))


class MethodFilter(ChoicesDropdownFilter):  # type: ignore[misc] # untyped
    """Unfold's filter, which in addition finds orders without a method (payment_method__isnull)."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.lookup_val_isnull:
            return queryset.filter(payment_method=None)
        return super().queryset(request, queryset)  # type: ignore[no-any-return]


# The columns of an exported file. Amounts are in reais.
EXPORTED: tuple[tuple[StrOrPromise, Callable[[Order], Any]], ...] = (
    (_("Appmax order id"), attrgetter("appmax_order_id")),
    (_("Appmax customer id"), attrgetter("appmax_customer_id")),
    (_("merchant"), attrgetter("installation.external_key")),
    (_("status"), attrgetter("status")),
    (_("method"), attrgetter("payment_method")),
    (_("amount (R$)"), lambda order: Decimal(order.total_cents).scaleb(-2)),
    (_("net (R$)"), lambda order: Decimal(order.net_cents).scaleb(-2)),
    (_("created at"), attrgetter("created_at")),
    (_("updated at"), attrgetter("updated_at")),
)
