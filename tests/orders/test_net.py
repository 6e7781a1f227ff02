"""What the merchant has of an order's money: paid and kept, minus what went back."""

import pytest
from django.db.models import Sum
from django.utils import timezone

from orders.models import Order, Refund
from orders.status import OrderStatus, RefundState
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db


def refund(order: Order, cents: int, state: str = "confirmed") -> Refund:
    """A row in this state."""
    settled_at = timezone.now() if state in ("confirmed", "refused") else None
    return Refund.objects.create(order=order, amount_cents=cents, state=state, settled_at=settled_at)


def net(order: Order) -> int:
    """In cents."""
    return Order.objects.with_net().get(pk=order.pk).net_cents


def test_it_is_the_total_of_what_was_paid_and_is_kept_and_nothing_of_all_else() -> None:
    kept = {"aprovado", "pendente_integracao", "pendente_integracao_em_analise", "integrado", "chargeback_vencido"}

    for status in OrderStatus:
        assert net(OrderFactory.create(status=status, total_cents=700)) == (700 if status in kept else 0), status


@pytest.mark.parametrize(("state", "cents"), [(state, 900 if state == "confirmed" else 1000) for state in RefundState])
def test_only_what_appmax_confirmed_has_left_it(state: str, cents: int) -> None:
    order = OrderFactory.create(status="aprovado", total_cents=1000)
    refund(order, 100, state)

    assert net(order) == cents


def test_several_refunds_and_several_orders_are_added_up() -> None:
    for status, cents in (("aprovado", 1000), ("integrado", 500), ("estornado", 400), ("pendente", 300)):
        order = OrderFactory.create(status=status, total_cents=cents)
        refund(order, 100)
        refund(order, 50)

    assert Order.objects.with_net().aggregate(sum=Sum("net_cents"))["sum"] == 850 + 350


@pytest.mark.parametrize("status", OrderStatus)
def test_nothing_is_left_to_refund_once_the_shopper_has_it_all(status: OrderStatus) -> None:
    order = OrderFactory.create(status=status, total_cents=1000)

    assert bool(order.refundable_cents) == (status not in ("estornado", "chargeback_perdido"))
