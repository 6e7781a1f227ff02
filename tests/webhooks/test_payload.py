"""Reading a body: six models of it, two spellings of each event. No database."""

from typing import Any

import pytest

from orders.status import OrderStatus
from tests.support.documented import SUBSCRIPTION_EVENT
from webhooks import payload

MODELS = {
    "app store": {"event": "order_paid", "event_type": "order", "external_key": "k", "data": {"order_id": 7}},
    "app store, one guide": {"event": "order_paid", "event_type": "order", "data": {"order": {"id": 7}}},
    "old legacy": {"event": "order_paid", "event_type": "order", "data": {"order_id": "7"}},
    "standard": {"event": "OrderPaid", "data": {"id": 7, "customer_id": 3}},
    "standard with meta": {"event": "OrderPaid", "event_type": "", "data": {"id": 7, "customer_id": 3, "meta": {}}},
    "two-level flat": {"event": "OrderPaid", "data": {"order_id": 7, "order_total_products": 10}},
    "custom content": {"event": "OrderPaid", "data": {"order_id": 7, "anything": "else"}},
}


@pytest.mark.parametrize("body", MODELS.values(), ids=MODELS)
def test_every_model_names_its_order(body: dict[str, Any]) -> None:
    event = payload.read(body)

    assert (event.order_id, event.note) == (7, "")
    assert payload.status_of(event.name) == "aprovado"


def test_appmaxs_own_example_of_a_subscriptions_event_names_the_subscription() -> None:
    event = payload.read(SUBSCRIPTION_EVENT)

    assert (event.name, event.subscription_id, event.order_id, event.note) == ("subscription_created", 501, None, "")
    assert payload.is_about_subscription(event)
    assert payload.status_of(event.name) is None


@pytest.mark.parametrize(
    ("data", "order_id"),
    [
        ({"order_id": 1, "order": {"id": 2}, "id": 3, "customer_id": 4}, 1),
        ({"order": {"id": 2}, "id": 3, "customer_id": 4}, 2),
        ({"id": 3, "customer_id": 4}, 3),
        ({"id": 3}, None),  # a customer's own id
        ({"order_id": 2**31 - 1}, 2**31 - 1),
        ({"order_id": "0012"}, 12),
        ({"order_id": "7".zfill(20)}, 7),
        ({"order_id": "7".zfill(21)}, None),  # nobody pads so far
        ({"order_id": 95922354.0}, 95922354),
        ({"order_id": "95922354.0"}, 95922354),
        ({"order_id": "95922354.00"}, 95922354),
        ({"order_id": " 95922354\r\n"}, 95922354),
        ({"order": {"id": 95922354.0}}, 95922354),
        ({"id": 95922354.0, "customer_id": 3.0}, 95922354),
        ({"order_id": 95922354.5}, None),
        ({"order_id": "95922354.5"}, None),
        ({"order_id": "95.922.354"}, None),
        ({"order_id": "#95922354"}, None),
        ({"order_id": 1e300}, None),
        ({"order_id": -0.0}, None),
        ({"order_id": float("inf")}, None),
        ({"order_id": 2.0**31}, None),
        ({"order_id": 0}, None),
        ({"order_id": "٣"}, None),
        ({"order_id": "9" * 5000}, None),
    ],
)
def test_the_order_id_rule(data: dict[str, Any], order_id: int | None) -> None:
    assert payload.read({"event": "x", "data": data}).order_id == order_id


@pytest.mark.parametrize(
    "names",
    [
        "CustomerCreated CustomerInterested CustomerContacted customer_created customer_interested customer_contacted",
        "SubscriptionCancellationEvent SubscriptionDelayedEvent CanceledSubscription ChargeSuccess ChargeFailed",
        "subscription_created subscription_cancelation subscription_delayed subscription_charge_success",
        "subscription_charge_failed OrderPartialRefund order_partial_refund",
    ],
)
def test_acknowledged_events_are_known_and_mean_no_status(names: str) -> None:
    for name in names.split():
        assert payload.is_known(name), name
        assert payload.status_of(name) is None, name


def test_events_about_subscriptions_are_told_by_their_names() -> None:
    names = payload.known_names()
    about = {name for name in names if payload.is_about_subscription(payload.read({"event": name}))}

    assert about == {name for name in names if "Subscription" in name} | {"ChargeSuccess", "ChargeFailed"}
    assert [name for name in names if payload.means_renewal(name)] == ["ChargeSuccess", "SubscriptionChargeSuccess"]


def test_an_unknown_event_is_unknown() -> None:
    assert not payload.is_known("order_teleported")


@pytest.mark.parametrize("name", [" ", "\t", "\0", "|"])
def test_a_name_of_nothing_much_is_a_name(name: str) -> None:
    assert payload.read({"event": name}).name


def test_only_a_bar_and_a_reason_keeps_its_text() -> None:
    assert payload.read({"event": "| Reason: x"}).name == "| Reason: x"


@pytest.mark.parametrize(
    "names",
    [
        "SplitOrders split_orders OrderChargeBackLost order_chargeback_lost OrderCanceled order_canceled",
        "OrderPartialRefund order_partial_refund",
    ],
)
def test_of_some_events_only_appmax_knows_which_status_they_mean(names: str) -> None:
    for name in names.split():
        assert payload.is_known(name), name
        assert payload.status_of(name) is None, name
        assert payload.leaves_status_open(name), name


def test_of_an_unknown_event_too_but_not_of_one_that_tells_nothing_of_money() -> None:
    assert payload.leaves_status_open("order_teleported")
    assert not payload.leaves_status_open("customer_created")
    assert not payload.leaves_status_open("order_paid")


@pytest.mark.parametrize("name", ["OrderChargeBackGain", "order_charge_back_gain", "order_chargeback_gain"])
def test_an_event_is_known_by_all_the_ways_in_which_the_contract_writes_it(name: str) -> None:
    assert payload.spellings(name) == ["OrderChargeBackGain", "order_charge_back_gain", "order_chargeback_gain"]


def test_a_letter_that_only_looks_like_the_contracts_makes_another_event() -> None:
    assert "OrderChargeBac\u212aGain".lower() == "orderchargebackgain"  # the sign of Kelvin
    assert not payload.is_known("OrderChargeBac\u212aGain")


def test_an_unknown_event_is_spelt_as_it_came() -> None:
    assert payload.spellings("order_teleported") == ["order_teleported"]


def test_the_contracts_events_stand_under_their_statuses_in_rank_order_and_the_acknowledged_come_last() -> None:
    named = payload.names_by_status()

    ranks = [status for status in OrderStatus if status in named]
    assert list(named) == [*ranks, None]
    assert named[OrderStatus.INTEGRADO] == ["OrderIntegrated"]
    assert sorted(name for names in named.values() for name in names) == payload.known_names()


@pytest.mark.parametrize(
    ("body", "model"),
    [
        ({"event_type": kind, key: "k"}, "app_store")
        for kind in ("order", "customer", "payment", "subscription")
        for key in ("site_id", "app_id", "client_key", "external_key", "partner_merchant")
    ]
    + [
        ({"event_type": "order", "data": {"order_id": 7}}, "old_legacy"),
        ({"event_type": "other", "site_id": 1}, "other"),
        ({"data": {"id": 7, "customer_id": 3}}, "standard"),
        ({"data": {"id": 7, "customer_id": 3, "meta": {}}}, "standard_with_meta"),
        ({"data": {"id": 7}}, "other"),
        ({"data": {"customer_id": 7}}, "other"),
        ({"data": {"order_id": 7, "order_total_products": 10}}, "two_level_flat"),
        ({"data": {"order_id": 7}}, "custom_content"),
        ({"data": ["order_id"]}, "other"),
        ({}, "other"),
    ],
)
def test_the_model_is_told_by_the_bodys_keys(body: dict[str, Any], model: str) -> None:
    assert payload.read({"event": "x", **body}).model == model


@pytest.mark.parametrize("body", [None, [], "order_paid", {}, {"event": ""}, {"event": None}, {"event": 7}])
def test_without_an_events_name_it_is_no_webhook(body: Any) -> None:
    with pytest.raises(payload.InvalidPayload):
        payload.read(body)


def test_a_body_that_is_nested_beyond_reason_is_no_webhook() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]

    with pytest.raises(payload.InvalidPayload):
        payload.read({"event": "x", "data": nested})


def test_a_name_ends_at_the_bar_before_its_reason_and_where_the_column_does() -> None:
    assert payload.read({"event": " PaymentNotAuthorized | Reason: limit | x"}).name == "PaymentNotAuthorized"
    assert payload.read({"event": "e" * 65}).name == "e" * 64


@pytest.mark.parametrize(("kind", "kept"), [("order", "order"), ("t" * 33, "t" * 32), (7, ""), (None, "")])
def test_the_type_is_kept_as_far_as_it_is_text(kind: Any, kept: str) -> None:
    assert payload.read({"event": "x", "event_type": kind}).type == kept


def test_the_envelopes_keys_name_merchants_each_once() -> None:
    event = payload.read({"event": "x", "client_key": "one", "external_key": "two"})

    assert event.merchants == ("one", "two")
    assert payload.merchants_of("one", "one", "", None, 7) == ("one",)


@pytest.mark.parametrize("claimed", [True, 0, -1, 2**31, 1.5, "x", "1 2", "-1", "9" * 21, ["7"]])
def test_an_order_id_that_is_none_is_noted_in_a_hundred_characters(claimed: Any) -> None:
    event = payload.read({"event": "x", "data": {"order_id": claimed}})

    assert event.order_id is None
    assert event.note == f"not an order id: {str(claimed)[:100]!r}"


def test_an_order_ids_note_ends_after_a_hundred_characters() -> None:
    assert payload.read({"event": "x", "data": {"order_id": "9" * 500}}).note == f"not an order id: '{'9' * 100}'"


@pytest.mark.parametrize(
    "data", [None, [], {}, {"order": []}, {"order": {"id": None}}, {"customer_id": 3}, {"id": None, "customer_id": 3}]
)
def test_where_no_order_is_named_nothing_is_noted(data: Any) -> None:
    event = payload.read({"event": "x", "data": data})

    assert (event.order_id, event.note) == (None, "")


def test_what_postgresql_cannot_hold_is_replaced_and_all_else_is_kept() -> None:
    body = {"event": "a\0", "\0": ["\ud800", float("inf"), float("nan"), 1.5, True, None], "ç": {"é": 10**30}}

    assert payload.read(body).payload == {
        "event": "a\ufffd", "\ufffd": ["?", "inf", "nan", 1.5, True, None], "ç": {"é": 10**30},
    }  # fmt: skip
