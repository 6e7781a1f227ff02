"""An order's lock: who waits for it, and who doesn't have to."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from orders.models import Order, Refund
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "find",
    [lambda order: Order.objects.locked(order.pk), lambda order: Order.objects.locked_by_number(order.appmax_order_id)],
    ids=["by our id", "by Appmax's id"],
)
def test_who_wants_the_same_order_waits_for_its_lock(race: Any, find: Callable[[Order], object]) -> None:
    order = OrderFactory.create()

    def lock(_: int) -> None:
        with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
            find(order)

    with transaction.atomic():
        find(order)
        race(lock, times=1)


def test_rows_that_refer_to_an_order_are_inserted_beside_its_lock(race: Any) -> None:
    order = OrderFactory.create()

    with transaction.atomic():
        Order.objects.locked(order.pk)
        race(lambda _: Refund.objects.create(order=order, amount_cents=1), times=1)

    assert order.refunds.count() == 1


def test_a_locked_order_has_all_that_its_row_has() -> None:
    order = OrderFactory.create(pix_emv="000201", paid_at=timezone.now(), boleto_due_date=date(2026, 5, 21))

    with transaction.atomic():
        locked = Order.objects.locked(order.pk)

    names = [field.attname for field in Order._meta.concrete_fields]
    assert [locked.__dict__[name] for name in names] == list(Order.objects.values_list(*names).get())


def test_an_order_can_not_be_locked_without_a_transaction() -> None:
    order = OrderFactory.create()

    with pytest.raises(TransactionManagementError):
        Order.objects.locked(order.pk)
