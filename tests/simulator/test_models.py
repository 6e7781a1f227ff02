"""Events and payload models, read as the product reads them."""

from typing import Any

import pytest

from simulator import models
from simulator.catalogue import CUSTOMER, EVENTS, ORDER, SEQUENCES, find
from simulator.orders import Order
from tests.simulator.conftest import Appmax, Receiver
from webhooks import payload

# The product also takes the right spelling of what Appmax writes subscription_cancelation; nobody sends it.
NEVER_SENT = {"subscriptioncancellation"}
PASCAL = (models.STANDARD, models.WITH_META, models.FLAT, models.CUSTOM)
ANA = {"id": 77, "first_name": "Ana", "last_name": "Souza", "email": "ana@example.com", "phone": "11987654321"}


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _body(model: str, name: str = "order_paid") -> dict[str, Any]:
    order = Order(9001, "shop", 77, 12990, 1000, 1500, [], status="aprovado")
    return models.body(model, name, order, ANA, "4242")


@pytest.mark.parametrize("spelling", [name for event in EVENTS for name in (event.pascal, event.snake) if name])
def test_the_product_knows_every_spelling(spelling: str) -> None:
    assert payload.is_known(spelling)


def test_no_event_of_the_contract_is_missing() -> None:
    sent = {_folded(name) for event in EVENTS for name in (event.pascal, event.snake)}
    assert {_folded(name) for name in payload.known_names()} - sent == NEVER_SENT


@pytest.mark.parametrize(
    ("pascal", "snake"),
    [
        ("CreatedSubscription", "subscription_created"),
        ("SubscriptionCancellationEvent", "subscription_cancelation"),
        ("ChargeSuccess", "subscription_charge_success"),
        ("OrderChargeBackInTreatment", "order_chargeback_in_treatment"),
        ("OrderChargeBackGain", "order_charge_back_gain"),
    ],
)
def test_irregular_pairs_are_one_event(pascal: str, snake: str) -> None:
    assert find(pascal) is find(snake)
    assert _body("standard", snake)["event"] == pascal
    assert _body("old_legacy", pascal)["event"] == snake


@pytest.mark.parametrize("names", SEQUENCES.values(), ids=SEQUENCES)
def test_sequences_are_made_of_known_events(names: tuple[str, ...]) -> None:
    assert all(find(name) in EVENTS for name in names)


@pytest.mark.parametrize("model", models.MODELS)
def test_the_product_finds_the_order_in_every_model(model: str) -> None:
    event = payload.read(_body(model))
    assert event.order_id == 9001
    assert event.name == ("OrderPaid" if model in PASCAL else "order_paid")
    assert event.model == {"app_store_guide": "app_store"}.get(model, model)


@pytest.mark.parametrize("model", models.MODELS)
def test_the_simulator_finds_the_order_too(model: str) -> None:
    assert models.order_id_of(_body(model)) == 9001


@pytest.mark.parametrize("model", models.MODELS)
def test_a_customers_event_names_no_order(model: str) -> None:
    assert payload.read(_body(model, "customer_created")).order_id is None


@pytest.mark.parametrize("event", [event for event in EVENTS if event.about != CUSTOMER], ids=lambda event: event.name)
def test_every_event_is_read_in_every_model(event: Any) -> None:
    for model in models.MODELS:
        read = payload.read(_body(model, event.name))
        assert read.order_id == 9001
        assert payload.is_known(read.name)


def test_the_guide_nests_the_orders_id() -> None:
    assert "order_id" not in _body("app_store_guide")["data"]
    assert _body("app_store_guide")["data"]["order"]["id"] == 9001


@pytest.mark.parametrize("name", ["customer_created", "payment_not_authorized", "subscription_created", "order_paid"])
def test_the_app_store_model_has_an_envelope_and_a_type(name: str) -> None:
    body = _body("app_store", name)
    assert body["event_type"] == name.partition("_")[0]
    assert (body["app_id"], body["client_key"], body["external_key"]) == ("4242", "shop", "shop")
    assert {"site_id", "partner_merchant"} <= set(body)
    assert _body("old_legacy", name)["event_type"] == ORDER


def test_the_app_store_tells_cents_and_the_panel_reais() -> None:
    assert _body("app_store")["data"]["order_total"] == 13490
    assert _body("standard")["data"]["total"] == "134.90"
    assert _body("two_level_flat")["data"]["order_total"] == 134.9
    assert _body("custom_content")["data"]["totalAmount"] == 134.9


def test_the_panels_dates_have_no_zone_and_one_models_ids_are_text() -> None:
    assert len(_body("standard")["data"]["created_at"]) == len("2026-11-25 10:00:00")
    assert _body("two_level_flat")["data"]["order_id"] == "9001"
    assert "meta" in _body("standard_with_meta")["data"]


@pytest.mark.parametrize("model", models.MODELS)
def test_a_decline_has_its_reason_in_the_panels_models(model: str) -> None:
    name = _body(model, "payment_not_authorized")["event"]
    assert (name == "PaymentNotAuthorized | Reason: Saldo insuficiente") is (model in PASCAL)
    assert payload.status_of(payload.read({"event": name}).name) == "cancelado"


def test_an_event_that_is_not_appmaxs_goes_as_it_stands() -> None:
    assert _body("standard", "SomethingNew")["event"] == "SomethingNew"


def test_the_simulator_tells_in_the_model_that_is_switched_on(
    appmax: Appmax, merchant: str, receiver: Receiver
) -> None:
    appmax.control("POST", "settings", json={"webhook_model": "standard"})
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    [told] = receiver.wait_for(1)
    assert (told.body["event"], told.body["data"]["id"]) == ("OrderPixCreated", order_id)
    assert told.body["data"]["customer"]["email"] == "ana@example.com"


def test_the_panels_test_button_contradicts_itself(appmax: Appmax, receiver: Receiver) -> None:
    answer = appmax.call("POST", "/v2/apphook/test")
    assert answer.status_code == 303
    [told] = receiver.wait_for(1)
    assert (told.body["event"], told.body["data"]["order_id"]) == ("order_approved", 1)
    assert told.body["data"]["order_status"] == "cancelado"
    assert "what came of it" in appmax.call("GET", answer.headers["Location"]).text
