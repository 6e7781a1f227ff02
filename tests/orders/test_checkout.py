"""Order, Pix and status, against a simulated Appmax over HTTP."""

import copy
import json
from typing import Any

import pytest
from django.test import Client

from dev.smoke import ORDER
from installations import clients
from installations.models import Installation
from orders.models import Order
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import CPF, ordered, post
from tests.support.factories import OrderFactory
from tests.support.statements import orders_locked_before
from web.codes import Code
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_order_is_made_at_appmax_and_kept(store: Client, shop: Installation, simulator: SimulatorServer) -> None:
    answer = post(store, "order", ORDER)

    [remote] = simulator.state.orders.values()
    assert (answer.status_code, answer.json()) == (200, {"customer_id": remote.customer_id, "order_id": remote.id})
    row = Order.objects.get()
    assert (row.installation, row.appmax_order_id, row.appmax_customer_id) == (shop, remote.id, remote.customer_id)
    assert (row.status, row.total_cents, row.payment_method) == ("pendente", 12990 - 1000 + 1500, None)
    customer = simulator.state.customers[remote.customer_id]
    assert (customer["document_number"], customer["phone"]) == ("52998224725", "11987654321")


def test_a_pix_of_an_order(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)

    answer = post(store, "pay/pix", {"order_id": order_id, "document_number": CPF})

    remote = simulator.state.orders[order_id]
    assert answer.status_code == 200
    told = answer.json()
    told.pop("expires_at")
    assert told == {"order_id": order_id, "qr_code": remote.pix_qr_code, "emv": remote.pix_emv}
    row = Order.objects.get()
    assert (row.payment_method, row.pix_emv, row.pix_qr_code) == ("pix", remote.pix_emv, remote.pix_qr_code)
    assert row.status == "pendente"


def test_events_of_a_new_order_are_held_up_until_it_is_there(store: Client) -> None:
    with orders_locked_before("INSERT INTO shoppers") as held:
        order_id = ordered(store)

    assert held == [order_id]


def test_appmax_is_asked_about_no_order_that_no_card_was_taken_for(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(f"/v1/orders/{order_id}", status=500))

    assert post(store, "pay/pix", {"order_id": order_id, "document_number": CPF}).status_code == 200
    assert simulator.state.waiting_faults()


@pytest.mark.parametrize("order_id", [{}, {"order_id": None}, {"order_id": 0}])
def test_a_pix_without_an_order_makes_one_first(store: Client, order_id: dict[str, Any]) -> None:
    answer = post(store, "pay/pix", {**ORDER, **order_id, "document_number": CPF})

    assert answer.status_code == 200
    assert answer.json()["order_id"] == Order.objects.get().appmax_order_id


def test_a_pix_asked_for_twice_is_the_same_pix(store: Client) -> None:
    order_id = ordered(store)

    first, second = (post(store, "pay/pix", {"order_id": order_id, "document_number": CPF}) for _ in range(2))

    assert (second.status_code, second.json()) == (200, first.json())


def test_a_pending_payment_whose_codes_we_do_not_have_is_409(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.orders[order_id].pix_emv = "made elsewhere"

    answer = post(store, "pay/pix", {"order_id": order_id, "document_number": CPF})

    assert (answer.status_code, answer.json()) == (
        409,
        {"code": "payment_pending", "message": "a payment of this order is pending already"},
    )


def test_the_status_is_read_from_our_table(store: Client) -> None:
    order_id = ordered(store)
    Order.objects.update(status="aprovado")

    assert store.get(f"/checkout/shop/status/{order_id}").json() == {"status": "aprovado"}


@pytest.mark.parametrize("order_id", ["abc", "0", "-1", "1.5", "2147483648", "9" * 400, "9" * 5000, "%00", "²"])
def test_what_is_no_order_id_is_400(store: Client, order_id: str) -> None:
    answer = store.get(f"/checkout/shop/status/{order_id}")

    assert (answer.status_code, answer.json()) == (400, {"code": "invalid_order_id", "message": "invalid order_id"})


def test_another_merchants_order_is_not_found(store: Client) -> None:
    other = OrderFactory.create()

    for answer in (
        store.get(f"/checkout/shop/status/{other.appmax_order_id}"),
        post(store, "pay/pix", {"order_id": other.appmax_order_id, "document_number": CPF}),
    ):
        assert (answer.status_code, answer.json()) == (404, {"code": "order_not_found", "message": "order not found"})


def test_a_customer_that_is_not_the_orders_is_refused(store: Client) -> None:
    answer = post(store, "pay/pix", {"order_id": ordered(store), "customer_id": 1, "document_number": CPF})

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"customer_id": ["customer_id is not this order's customer"]}


def with_value(path: str, value: Any) -> dict[str, Any]:
    """The order's body with one value changed."""
    body = copy.deepcopy(ORDER)
    target: Any = body
    *parents, last = path.split(".")
    for name in parents:
        target = target[int(name) if name.isdigit() else name]
    target[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("customer", None),
        ("customer", []),
        ("customer.email", "nobody"),
        ("customer.first_name", ""),
        ("customer.first_name", "\0"),
        ("customer.document_number", "12345678900"),
        ("customer.phone", "119876543210000"),
        ("customer.ip", "300.1.1.1"),
        ("customer.ip", ""),
        ("customer.ip", None),
        ("customer.address.city", None),
        ("order", "text"),
        ("order.products", []),
        ("order.products", [1]),
        ("order.products_value", -1),
        ("order.products_value", 10.5),
        ("order.products_value", "1000"),
        ("order.products_value", True),
        ("order.products_value", 2**31),
        ("order.discount_value", 99999),
        ("order.products.0.quantity", 0),
        ("order.products.0.type", "gas"),
    ],
)
def test_wrong_fields_are_400_and_named_and_nothing_is_asked_of_appmax(
    store: Client, simulator: SimulatorServer, path: str, value: Any
) -> None:
    answer = post(store, "order", with_value(path, value))

    assert answer.status_code == 400
    assert any(field.startswith(path.partition(".")[0]) for field in answer.json()["errors"])
    assert not simulator.state.customers


def test_every_fault_is_named_with_its_path(store: Client) -> None:
    body = with_value("order.products.0.sku", "")
    body["customer"]["address"].pop("city")

    answer = post(store, "order", body).json()

    assert set(answer["errors"]) == {"customer.address.city", "order.products.0.sku"}
    assert answer["message"].startswith("customer.address.city: ")


@pytest.mark.parametrize("document", ["12.ABC.345/01DE-35", "11222333000181", "52998224725"])
def test_cpf_and_cnpj_with_letters_too_are_sent_bare(store: Client, simulator: SimulatorServer, document: str) -> None:
    post(store, "order", with_value("customer.document_number", document))

    [customer] = simulator.state.customers.values()
    assert customer["document_number"].isalnum()


@pytest.mark.parametrize("body", ["", "{", "[]", b"\xff\xfe", "[" * 100_000, "5"])
def test_unparseable_bodies_are_400(store: Client, body: Any) -> None:
    answer = store.generic("POST", "/checkout/shop/order", body, content_type="application/json")

    assert answer.status_code == 400
    if body:
        assert answer.json() == {"code": "invalid_request_body", "message": "invalid request body"}


@pytest.mark.parametrize("path", ["order", "pay/pix"])
def test_a_lone_surrogate_is_400(store: Client, path: str) -> None:
    body = with_value("order.products.0.type", "\ud800") | {"document_number": CPF}
    answer = store.generic("POST", f"/checkout/shop/{path}", json.dumps(body), content_type="application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["order.products.0.type"])


@pytest.mark.parametrize("document", ["529.982.247\u201325", "529 982 247 25"])
def test_whatever_stands_between_a_documents_digits_is_dropped(
    store: Client, simulator: SimulatorServer, document: str
) -> None:
    post(store, "order", with_value("customer.document_number", document))

    [customer] = simulator.state.customers.values()
    assert customer["document_number"] == "52998224725"


def test_an_id_from_appmax_that_fits_no_column_is_an_unknown_outcome(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.add_fault(Fault("/v1/orders", status=201, body={"data": {"order": {"id": 2**31}}}))

    assert post(store, "order", ORDER).status_code == 502


def test_texts_from_appmax_that_no_table_can_hold_are_kept_without_it(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    codes = '{"data": {"payment": {"pix_qrcode": "q\\u0000", "pix_emv": "e\\ud800"}}}'
    simulator.state.add_fault(Fault("/v1/payments/pix", status=201, body=codes))

    answer = post(store, "pay/pix", {"order_id": order_id, "document_number": CPF})

    assert answer.json() == {"order_id": order_id, "qr_code": "q", "emv": "e?", "expires_at": None}


def test_pix_without_order_needs_customer_and_order(store: Client) -> None:
    answer = post(store, "pay/pix", {"document_number": CPF})

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"customer", "order"}


# --- when Appmax fails ---


@pytest.mark.parametrize("fault", [{"status": 504, "work": True}, {"status": 500}, {"reset": True, "work": True}])
def test_an_unknown_outcome_is_said_so_the_order_stays_and_the_payment_arrives_once(
    store: Client, simulator: SimulatorServer, fault: dict[str, Any]
) -> None:
    order_id = ordered(store)
    simulator.state.faults.append(Fault("/v1/payments/pix", **fault))

    answer = post(store, "pay/pix", {"order_id": order_id, "document_number": CPF})

    assert answer.status_code == 502
    assert "not known yet" in answer.json()["message"]
    assert Order.objects.get().status == "pendente"
    assert simulator.state.faults == []  # a second call would have gone through and answered 200


def test_no_answer_in_time_is_504(store: Client, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = ordered(store)
    monkeypatch.setattr(clients._transport(), "_read_timeout", 0.2)
    simulator.state.faults.append(Fault("/v1/payments/pix", hang=1.0))

    answer = post(store, "pay/pix", {"order_id": order_id, "document_number": CPF})

    assert answer.status_code == 504
    assert "not known yet" in answer.json()["message"]


RESTRICTED = {"success": False, "error": "Forbidden", "data": {"errorCode": "E1", "message": "CPF em lista restritiva"}}


@pytest.mark.parametrize(
    ("fault", "status", "code", "message"),
    [
        ({"status": 402, "body": {}}, 422, "payment_declined", "payment declined"),
        ({"status": 422, "body": {"errors": {"message": {"x": ["bad"]}}}}, 422, "appmax_refused", "x: bad"),
        ({"status": 404, "body": {"message": "gone"}}, 404, "appmax_refused", "gone"),
        ({"status": 403, "body": RESTRICTED}, 422, "appmax_refused", "CPF em lista restritiva"),
        ({"status": 403, "body": "<html>blocked</html>"}, 502, "outcome_unknown", Code.OUTCOME_UNKNOWN.message),
        (
            {"status": 403, "body": {"error": "access_denied"}},
            502,
            "credentials_refused",
            "Appmax refused this installation's credentials",
        ),
        ({"status": 429}, 503, "appmax_rate_limited", "Appmax asks to slow down, try again later"),
    ],
)
def test_what_appmax_answers_becomes_ours(
    store: Client, simulator: SimulatorServer, fault: dict[str, Any], status: int, code: str, message: str
) -> None:
    order_id = ordered(store)
    simulator.state.faults.append(Fault("/v1/payments/pix", **fault))

    answer = post(store, "pay/pix", {"order_id": order_id, "document_number": CPF})

    assert (answer.status_code, answer.json()) == (status, {"code": code, "message": message})
    assert answer.headers.get("Retry-After") == ("60" if status == 503 else None)


def test_a_revoked_token_costs_nothing(store: Client, simulator: SimulatorServer) -> None:
    ordered(store)
    simulator.state.revoke_tokens()

    assert post(store, "order", ORDER).status_code == 200


def test_redis_away_costs_nothing(store: Client, redis_away: None) -> None:
    answer = post(store, "pay/pix", {**ORDER, "document_number": CPF})

    assert answer.status_code == 200


def test_the_order_is_kept_before_the_payment_is_tried(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.faults.append(Fault("/v1/payments/pix", status=500))

    post(store, "pay/pix", {**ORDER, "document_number": CPF})

    assert Order.objects.get().appmax_order_id in simulator.state.orders


def test_an_event_that_came_first_is_applied_when_the_order_is_made(store: Client, simulator: SimulatorServer) -> None:
    next_order = simulator.state.next_id() + 2  # the customer takes one
    Client().post(
        "/webhooks/appmax",
        {"event": "order_paid", "event_type": "order", "data": {"order_id": next_order}},
        content_type="application/json",
    )

    assert ordered(store) == next_order
    assert Order.objects.get().status == "aprovado"
    assert WebhookEvent.objects.get().processed
