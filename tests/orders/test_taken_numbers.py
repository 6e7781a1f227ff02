"""A new order whose number our table has already: adopted meanwhile, or given before and known to a restored table."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from dev.smoke import ORDER
from installations.models import Installation
from orders.models import Order, PaymentAttempt
from orders.questions import ask
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import CPF, post
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = 95611154
TAKEN = {
    "code": "order_number_taken",
    "message": "Appmax gave this order a number that is taken; nothing was charged, tell support",
}


@pytest.fixture
def same_number(simulator: SimulatorServer) -> None:
    """Appmax gives the next order this number."""
    simulator.state.add_fault(Fault("/v1/orders", status=201, body={"data": {"order": {"id": NUMBER}}}))


@pytest.fixture
def there(shop: Installation) -> Order:
    """An order of the shop with this number, which nobody has paid."""
    row: Order = OrderFactory.create(
        installation=shop, appmax_order_id=NUMBER, total_cents=1, pix_emv="old", pix_qr_code="old"
    )
    return row


def tried(order: Order, method: str, state: str) -> None:
    """A payment of the order was tried."""
    settled_at = None if state in ("started", "unknown") else "2026-11-29T12:00Z"
    PaymentAttempt.objects.create(order=order, method=method, state=state, fingerprint="f", settled_at=settled_at)


def test_an_order_that_a_webhook_brought_before_appmax_answered_is_the_order(
    store: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/orders", work=True, hang=2, times=1))
    answers = []

    def buy() -> None:
        answers.append(post(store, "order", ORDER, key="k-1"))
        connection.close()

    shopping = threading.Thread(target=buy)
    shopping.start()
    while not simulator.state.orders:
        threading.Event().wait(0.02)
    [remote] = simulator.state.orders.values()
    adopted = ask.adopt(shop, remote.id)
    shopping.join()

    assert adopted is not None
    assert (answers[0].status_code, answers[0].json()["order_id"]) == (200, remote.id)
    assert Order.objects.get().pk == adopted.pk
    assert post(store, "order", ORDER, key="k-1").json() == answers[0].json()
    assert (Order.objects.count(), len(simulator.state.orders)) == (1, 1)


def test_a_new_order_waits_for_who_holds_its_number_before_anything_of_it_is_written(shop: Installation) -> None:
    made = []

    def make() -> None:
        with transaction.atomic():
            made.append(Order.objects.insert(shop, appmax_customer_id=1, appmax_order_id=NUMBER, total_cents=1))
        connection.close()

    making = threading.Thread(target=make)
    with transaction.atomic():
        Order.objects.lock_appmax_order(NUMBER)
        making.start()
        while not _somebody_waits():
            threading.Event().wait(0.02)
        adopted = OrderFactory.create(
            installation=shop, appmax_order_id=NUMBER
        )  # A row there already would be in the way.
    making.join()

    assert made == [None]
    assert Order.objects.get() == adopted


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("status", ["pendente", "cancelado"])
@pytest.mark.usefixtures("same_number")
def test_an_unpaid_order_of_the_same_merchant_makes_room(store: Client, there: Order, status: str) -> None:
    Order.objects.update(status=status)
    tried(there, "pix", "succeeded")
    tried(there, "credit_card", "declined")

    answer = post(store, "order", ORDER)

    row = Order.objects.get()
    assert (answer.status_code, answer.json()["order_id"]) == (200, NUMBER)
    assert (row.pk, row.total_cents, row.appmax_customer_id) == (there.pk, 13490, answer.json()["customer_id"])
    assert (row.pix_emv, row.pix_qr_code) == (None, None)  # of the other order


@pytest.mark.parametrize("status", ["autorizado", "aprovado", "estornado", "chargeback_em_tratativa"])
@pytest.mark.usefixtures("same_number")
def test_a_paid_order_of_the_same_merchant_is_409_and_stays_as_it_is(store: Client, there: Order, status: str) -> None:
    Order.objects.update(status=status)

    answer = post(store, "pay/pix", {**ORDER, "document_number": CPF})

    assert (answer.status_code, answer.json()) == (409, TAKEN)
    there.refresh_from_db()
    assert (there.status, there.total_cents, there.pix_emv) == (status, 1, "old")


@pytest.mark.parametrize(("method", "state"), [("pix", "unknown"), ("boleto", "started"), ("credit_card", "succeeded")])
@pytest.mark.usefixtures("same_number")
def test_an_order_that_may_be_paid_is_409(store: Client, there: Order, method: str, state: str) -> None:
    tried(there, method, state)
    before = counted("same merchant")

    assert post(store, "order", ORDER).status_code == 409
    assert counted("same merchant") == before + 1


def counted(whose: str) -> float:
    """As an alert asks."""
    return REGISTRY.get_sample_value("checkout_order_numbers_taken_total", {"whose": whose}) or 0


@pytest.mark.usefixtures("same_number")
def test_another_merchants_order_is_409_and_somebody_is_told(store: Client) -> None:
    theirs = OrderFactory.create(appmax_order_id=NUMBER)
    before = counted("another merchant")
    with capture_logs() as logs:
        first, second = (post(store, "order", ORDER, key="k-1") for _ in range(2))

    assert (first.status_code, first.json()) == (409, TAKEN)
    assert (second.status_code, second["Idempotent-Replayed"]) == (409, "true")
    [line] = [line for line in logs if line["event"] == "order.number_taken"]
    assert (line["log_level"], line["order"], line["owner"]) == ("error", NUMBER, theirs.installation_id)
    assert counted("another merchant") == before + 1
    assert Order.objects.get() == theirs


def test_an_upsell_whose_number_is_another_merchants_is_paid_and_somebody_is_told(
    store: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    OrderFactory.create(installation=shop, upsell_hash="h", status="aprovado")
    theirs = OrderFactory.create(appmax_order_id=NUMBER)
    sold: dict[str, Any] = {"message": "ok", "redirect_url": "https://x.example", "order": {"id": NUMBER}}
    simulator.state.add_fault(Fault("/v1/orders/upsell", status=201, body={"data": sold}))
    body = {"upsell_hash": "h", "products_value": 12990, "products": ORDER["order"]["products"]}

    before = counted("another merchant")
    with capture_logs() as logs:
        answer = post(store, "upsell", body)

    assert answer.status_code == 200
    assert counted("another merchant") == before + 1
    assert [line["owner"] for line in logs if line["event"] == "order.number_taken"] == [theirs.installation_id]
