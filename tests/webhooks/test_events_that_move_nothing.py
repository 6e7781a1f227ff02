"""An event that moves nothing is looked into where it may mean money: what people reported of such integrations."""

from typing import Any

import pytest
from django.test import Client

from installations.models import Installation
from orders.models import Order, Question
from orders.questions.why import Why
from simulator.server import SimulatorServer
from tests.orders.conftest import by_card, by_pix, ordered
from tests.orders.conftest import post as pay
from tests.support.factories import InstallationFactory, api_key
from tests.webhooks.conftest import ask_appmax, outcomes, send

pytestmark = pytest.mark.django_db(transaction=True)


def status() -> str:
    return Order.objects.get().status


def why() -> str | None:
    """Why Appmax is to be asked; None if it isn't."""
    return Question.objects.open().values_list("why", flat=True).first()


def expire(simulator: SimulatorServer, order_id: int, event: str = "order_pix_expired") -> Any:
    """The order's Pix runs out at Appmax, which says so; our answer."""
    simulator.state.orders[order_id].settle(simulator.state.next_id(), method="pix", paid=False)
    return send(event, order_id)


@pytest.fixture
def store(shop: Installation) -> Client:
    return Client(headers={"Authorization": f"Api-Key {api_key(shop)}"})


# --- the order is paid in another try ---


@pytest.mark.parametrize("again", [("pix", by_pix), ("credit-card", by_card)])
@pytest.mark.parametrize("event", ["order_pix_expired", "OrderPixExpired", "payment_not_authorized"])
def test_the_second_try_ends_as_the_first_did(
    store: Client, simulator: SimulatorServer, again: tuple[str, Any], event: str
) -> None:
    order_id = ordered(store)
    pay(store, "pay/pix", by_pix(order_id))
    expire(simulator, order_id, event)
    assert status() == "cancelado"
    method, body = again
    card = {"number": "4000000000000044"} if method == "credit-card" else {}
    assert pay(store, f"pay/{method}", body(order_id, **card)).status_code == 200
    before = status()
    assert before in ("pendente", "autorizado")
    simulator.state.orders[order_id].status = "cancelado"

    assert send(event, order_id).json() == {"message": "ok"}

    assert status() == "cancelado"
    assert outcomes() == ["superseded", "applied"]
    ask_appmax()
    assert (status(), outcomes()) == ("cancelado", ["superseded", "applied"])


def test_the_end_of_an_earlier_try_that_comes_late_is_taken_back(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    pay(store, "pay/pix", by_pix(order_id))
    expire(simulator, order_id)
    pay(store, "pay/pix", by_pix(order_id))

    send("order_pix_expired", order_id)  # Appmax repeats the first
    assert status() == "cancelado"
    ask_appmax()

    assert status() == "pendente"


def test_a_third_try_too(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    for _ in range(3):
        pay(store, "pay/pix", by_pix(order_id))
        expire(simulator, order_id)
        assert status() == "cancelado"

    assert outcomes() == ["superseded", "superseded", "applied"]


# --- chargebacks and refunds ---


@pytest.mark.parametrize("event", ["OrderChargeBackInTreatment", "OrderChargeBackGain", "order_chargeback_gain"])
def test_a_refund_in_a_chargeback_is_asked_about_and_the_chargeback_stays_believed(
    known: Any, simulator: SimulatorServer, event: str
) -> None:
    order = known("estornado")
    for name in ("OrderPaid", event, "OrderRefund"):
        send(name, order.appmax_order_id)
    assert why() == Why.MONEY

    ask_appmax()

    assert status() == "estornado"
    assert "refuted" not in outcomes()


def test_a_refund_after_the_chargeback_was_confirmed_is_asked_about_at_once(
    known: Any, simulator: SimulatorServer
) -> None:
    order = known("chargeback_vencido")
    send("OrderChargeBackGain", order.appmax_order_id)
    ask_appmax()
    ask_appmax()
    assert why() is None
    simulator.state.orders[order.appmax_order_id].status = "estornado"

    send("OrderRefund", order.appmax_order_id)
    assert (outcomes()[-1], why()) == ("ignored", Why.IGNORED_MONEY)
    ask_appmax()

    assert status() == "estornado"
    assert "refuted" not in outcomes()


# --- the merchant's other installation ---


def test_a_payment_that_names_the_merchants_other_installation_is_found_out_at_once(known: Any) -> None:
    InstallationFactory.create(external_key="shop-again")
    order = known("aprovado")

    send("order_paid_by_pix", order.appmax_order_id, external_key="shop-again")
    assert (outcomes(), why()) == (["refused"], Why.OTHER_MERCHANT)
    assert Question.objects.get().installation == order.installation
    ask_appmax()

    assert status() == "aprovado"


# --- paid twice, and events whose meaning only Appmax knows ---


@pytest.mark.parametrize("second", ["order_paid_by_pix", "order_paid"])
def test_a_second_payment_with_another_end_to_end_id_is_shown_to_staff(known: Any, second: str) -> None:
    order = known("aprovado")
    data = {"order_id": order.appmax_order_id}
    Client().post("/webhooks/appmax", {"event": "order_paid_by_pix", "event_type": "order",
                  "data": {**data, "end_to_end_id": "E1"}}, content_type="application/json")  # fmt: skip
    ask_appmax()
    assert why() is None

    Client().post("/webhooks/appmax", {"event": second, "event_type": "order",
                  "data": {**data, "end_to_end_id": "E2"}}, content_type="application/json")  # fmt: skip

    assert why() == Why.PAID_TWICE


@pytest.mark.parametrize(
    "event",
    [
        "OrderChargeBackLost",
        "order_chargeback_lost",
        "OrderCanceled",
        "order_canceled",
        "split_orders",
        "order_partial_refund",
        "order_pix_updated",
        "order_refund_refused",
        "order_under_review",
        "payment_captured",
        "OrderRefunded",
        "order.refunded",
        "order_chargeback_won",
    ],
)
def test_an_event_without_a_status_of_its_own_has_appmax_asked(known: Any, event: str) -> None:
    order = known("chargeback_perdido")
    Order.objects.update(status="aprovado")

    send(event, order.appmax_order_id)
    assert (outcomes(), why()) == (["acknowledged"], Why.NO_STATUS)
    ask_appmax()

    assert status() == "chargeback_perdido"


def test_a_partial_refund_that_comes_twice_has_appmax_asked_twice(known: Any) -> None:
    order = known("aprovado")
    Order.objects.update(status="aprovado")
    for _ in range(2):
        send("OrderPartialRefund", order.appmax_order_id)
        assert why() == Why.NO_STATUS
        ask_appmax()

    assert outcomes() == ["acknowledged", "duplicate"]
