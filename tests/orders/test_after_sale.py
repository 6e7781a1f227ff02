"""Refund, tracking code, upsell and instalments, against a simulated Appmax over HTTP."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dev.smoke import ORDER
from installations.models import Installation
from orders import attempts
from orders.models import AttemptState, Order, PaymentAttempt
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import CPF, by_card, ordered, post, remote
from tests.support.documented import INSTALLMENTS
from tests.support.factories import OrderFactory
from tests.support.statements import orders_locked_before

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid(store: Client) -> dict[str, Any]:
    """The answer for an order that was paid by card."""
    return dict(post(store, "pay/credit-card", by_card(None)).json())


# --- refund ---


def test_a_total_refund_is_asked_for(store: Client, paid: dict[str, Any], simulator: SimulatorServer) -> None:
    answer = post(store, "refund", {"order_id": paid["order_id"], "type": "total"})

    assert (answer.status_code, answer.json()) == (200, {"message": "Refund request accepted"})
    assert remote(simulator, paid["order_id"]).refunded == 13490
    assert Order.objects.get().status == "aprovado"  # accepted isn't done: a webhook tells


def test_a_partial_refund_is_asked_for(store: Client, paid: dict[str, Any], simulator: SimulatorServer) -> None:
    answer = post(store, "refund", {"order_id": paid["order_id"], "type": "partial", "value": 500})

    assert answer.status_code == 200
    assert remote(simulator, paid["order_id"]).refunded == 500


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"type": "total"}, "order_id is required"),
        ({"order_id": None, "type": "total"}, "order_id is required"),
        ({"order_id": 1, "type": "partial"}, "value is required for a partial refund"),
        ({"order_id": 1, "type": "total", "value": 1}, "value goes with a partial refund only"),
    ],
)
def test_a_value_goes_with_a_partial_refund_and_with_no_other(store: Client, body: Any, message: str) -> None:
    answer = post(store, "refund", body)

    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    "changes", [{"value": 0}, {"value": -1}, {"value": 1.5}, {"value": "5"}, {"type": "half"}, {"order_id": 2**31}]
)
def test_odd_refunds_are_400(store: Client, changes: Any) -> None:
    answer = post(store, "refund", {"order_id": 1, "type": "partial", "value": 5, **changes})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(changes))


def test_what_appmax_refuses_is_told_in_its_words(store: Client, simulator: SimulatorServer) -> None:
    answer = post(store, "refund", {"order_id": ordered(store), "type": "total"})

    assert (answer.status_code, answer.json()["message"]) == (400, "Error to refund")


def test_a_refund_of_unknown_outcome_is_said_so_and_never_repeated(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/orders/refund-request", status=504, work=True))
    body = {"order_id": paid["order_id"], "type": "partial", "value": 500}

    first, second = (post(store, "refund", body, key="r-1") for _ in range(2))

    assert (first.status_code, "not known yet" in first.json()["message"]) == (502, True)
    assert (second.status_code, second.json()) == (502, first.json())
    assert remote(simulator, paid["order_id"]).refunded == 500


# --- tracking ---


def test_a_tracking_code_is_passed_on(store: Client, paid: dict[str, Any], simulator: SimulatorServer) -> None:
    answer = post(store, "tracking", {"order_id": paid["order_id"], "shipping_tracking_code": "BR123"})

    assert (answer.status_code, answer.json()) == (200, {"message": "tracking accepted"})
    assert remote(simulator, paid["order_id"]).shipping_tracking_code == "BR123"


@pytest.mark.parametrize("code", [None, "", "x" * 256, ["BR"]])
def test_a_tracking_code_is_a_text(store: Client, code: Any) -> None:
    assert post(store, "tracking", {"order_id": 1, "shipping_tracking_code": code}).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"), [("refund", {"type": "total"}), ("tracking", {"shipping_tracking_code": "BR123"})]
)
def test_only_this_merchants_orders(store: Client, path: str, body: Any) -> None:
    answer = post(store, path, {**body, "order_id": OrderFactory.create().appmax_order_id})

    assert (answer.status_code, answer.json()) == (404, {"code": "order_not_found", "message": "order not found"})


# --- upsell ---


def upsell(paid: dict[str, Any], **changes: Any) -> dict[str, Any]:
    products = ORDER["order"]["products"]
    return {"upsell_hash": paid["upsell_hash"], "products_value": 12990, "products": products, **changes}


def test_an_upsell_charges_the_card_once_more_and_its_order_is_kept(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    answer = post(store, "upsell", upsell(paid))

    assert answer.status_code == 200
    assert answer.json()["message"]
    assert answer.json()["redirect_url"].startswith("http")
    [new] = Order.objects.exclude(appmax_order_id=paid["order_id"])
    assert (new.status, new.total_cents, new.payment_method) == ("aprovado", 12990, "credit_card")
    assert [charge.amount for charge in remote(simulator, new.appmax_order_id).charges] == [12990]
    kept = PaymentAttempt.objects.get(method="upsell").answer or {}
    assert kept == {"status": "aprovado", **answer.json(), "trace": kept["trace"]}


def test_an_upsell_with_other_names_has_no_order(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    simulator.state.shape = "other_names"

    answer = post(store, "upsell", upsell(paid))

    assert answer.json()["redirect_url"].startswith("https://")
    kept = PaymentAttempt.objects.get(method="upsell").answer or {}
    assert kept == {"status": "", **answer.json(), "trace": kept["trace"]}
    assert Order.objects.count() == 1


def test_an_upsells_order_that_is_there_already_stays_as_it_is(store: Client, paid: dict[str, Any]) -> None:
    there = OrderFactory.create(appmax_order_id=paid["order_id"] + 1, status="estornado")

    assert post(store, "upsell", upsell(paid)).status_code == 200
    there.refresh_from_db()
    assert there.status == "estornado"
    assert Order.objects.count() == 2


def test_the_same_upsell_twice_is_409_and_charges_once(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    post(store, "upsell", upsell(paid))

    again = post(store, "upsell", upsell(paid))
    told = {"code": "already_paid", "message": "this upsell is already paid", "order_id": paid["order_id"]}
    assert (again.status_code, again.json()) == (409, told)
    assert sum(len(order.charges) for order in simulator.state.latest_orders()) == 2  # the order, and one upsell


@pytest.mark.parametrize("status", ["cancelado", "estornado"])
def test_an_upsell_leaves_the_order_as_it_is_after_which_it_is_sold(
    store: Client, paid: dict[str, Any], status: str
) -> None:
    Order.objects.update(status=status)

    assert post(store, "upsell", upsell(paid)).status_code == 200
    assert Order.objects.get(appmax_order_id=paid["order_id"]).status == status


def test_an_upsell_of_unknown_outcome_waits_for_staff(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/orders/upsell", status=504, work=True))

    assert post(store, "upsell", upsell(paid)).status_code == 502
    assert post(store, "upsell", upsell(paid)).status_code == 409
    assert PaymentAttempt.objects.get(method="upsell").state == "unknown"


def test_an_upsell_that_is_sent_again_is_told_what_became_of_it(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/orders/upsell", status=504, work=True))
    assert post(store, "upsell", upsell(paid), key="u-1").status_code == 502
    told = {"message": "ok", "redirect_url": "https://loja.example/thanks"}
    PaymentAttempt.objects.filter(method="upsell").update(state="succeeded", answer=told, settled_at=timezone.now())

    again = post(store, "upsell", upsell(paid), key="u-1")

    assert (again.status_code, again.json()) == (200, told)


def test_an_upsell_that_staff_found_paid_is_told_as_such_when_sent_again(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/orders/upsell", status=504, work=True))
    post(store, "upsell", upsell(paid), key="u-1")
    attempt = PaymentAttempt.objects.get(method="upsell")
    attempts.settle_by_hand(attempt, AttemptState.SUCCEEDED, "ana: seen in the panel")

    again = post(store, "upsell", upsell(paid), key="u-1")

    assert (again.status_code, again.json()) == (200, {"message": "", "redirect_url": ""})


def test_what_is_asked_for_is_done_to_the_order_that_is_named_and_not_to_the_newest(
    store: Client, paid: dict[str, Any], simulator: SimulatorServer
) -> None:
    unpaid, newest = ordered(store), ordered(store)

    post(store, "tracking", {"order_id": paid["order_id"], "shipping_tracking_code": "BR123"})
    post(store, "pay/credit-card", by_card(unpaid))
    post(store, "upsell", upsell(paid))

    assert remote(simulator, paid["order_id"]).shipping_tracking_code == "BR123"
    assert len(remote(simulator, unpaid).charges) == 1
    assert PaymentAttempt.objects.get(method="upsell").order.appmax_order_id == paid["order_id"]
    assert not Order.objects.get(appmax_order_id=newest).attempts.exists()


def test_of_several_orders_with_one_upsell_hash_the_newest_is_charged(
    store: Client, paid: dict[str, Any], shop: Installation
) -> None:
    newest = OrderFactory.create(
        installation=shop, appmax_order_id=10**6, upsell_hash=paid["upsell_hash"], status="aprovado"
    )

    assert post(store, "upsell", upsell(paid)).status_code == 200
    assert PaymentAttempt.objects.get(method="upsell").order == newest


def test_events_of_an_upsells_order_are_held_up_until_it_is_there(store: Client, paid: dict[str, Any]) -> None:
    with orders_locked_before('INSERT INTO "orders"') as held:
        post(store, "upsell", upsell(paid))

    assert held == [Order.objects.latest("pk").appmax_order_id]


def test_an_upsell_hash_of_nobody_or_another_merchant_is_404(store: Client, paid: dict[str, Any]) -> None:
    OrderFactory.create(upsell_hash="theirs")

    for upsell_hash in ("nobodys", "theirs"):
        assert post(store, "upsell", upsell(paid, upsell_hash=upsell_hash)).status_code == 404


@pytest.mark.parametrize("changes", [{"products": []}, {"products_value": 0}, {"products_value": None}])
def test_odd_upsells_are_400(store: Client, changes: Any) -> None:
    answer = post(store, "upsell", upsell({"upsell_hash": "h"}, **changes))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(changes))


# --- instalments ---


def test_instalments_are_sorted_and_in_cents(store: Client) -> None:
    answer = store.get("/checkout/shop/installments?total_value=12990&installments=3")

    rows = answer.json()
    assert answer.status_code == 200
    assert [row["installments"] for row in rows] == [1, 2, 3]
    assert rows[0] == {"installments": 1, "value": 12990, "total_value": 12990}
    assert rows[1] == {"installments": 2, "value": 6690, "total_value": 13379}  # rounded up to the cent


def test_twelve_instalments_unless_said_otherwise_and_no_more_than_appmax_offers(store: Client) -> None:
    rows = store.get("/checkout/shop/installments?total_value=12990").json()

    assert [row["installments"] for row in rows] == [1, 2, 3, 6, 10, 12]


def test_the_documented_answer_for_100_reais_costs_100_reais(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.add_fault(Fault("/v1/payments/installments", status=200, body={"data": INSTALLMENTS}))

    assert store.get("/checkout/shop/installments?total_value=10000").json() == [
        {"installments": 1, "value": 10000, "total_value": 10000},
        {"installments": 2, "value": 5100, "total_value": 10200},
        {"installments": 10, "value": 1160, "total_value": 11600},
    ]


@pytest.mark.parametrize("shape", ["parcels", "parcels_in_cents"])
def test_the_older_answer_is_read_in_the_unit_that_it_has(
    store: Client, simulator: SimulatorServer, shape: str
) -> None:
    simulator.state.shape = shape

    rows = store.get("/checkout/shop/installments?total_value=12990&installments=2").json()

    assert rows[0] == {"installments": 1, "value": 12990, "total_value": 12990}
    assert abs(rows[1]["total_value"] - 13379) <= 1


def test_prices_that_cannot_be_right_are_appmaxs_error(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.shape = "absurd_totals"

    answer = store.get("/checkout/shop/installments?total_value=12990")

    assert (answer.status_code, answer.json()["message"]) == (502, "Appmax is not available")


@pytest.mark.parametrize("writing", ["bom", "latin1_page"])
def test_however_appmax_writes_its_answers_a_payment_is_understood(
    store: Client, simulator: SimulatorServer, writing: str
) -> None:
    simulator.state.switch(writing=writing)

    answer = post(store, "pay/pix", {**ORDER, "document_number": CPF})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query",
    ["", "total_value=", "total_value=0", "total_value=x", "total_value=1.5", "total_value=2147483648"]
    + [f"total_value=1&installments={number}" for number in ("0", "13", "x")],
)
def test_odd_questions_are_400(store: Client, query: str) -> None:
    answer = store.get(f"/checkout/shop/installments?{query}")

    assert answer.status_code == 400
    if not query:
        assert answer.json()["message"] == "total_value is required"
