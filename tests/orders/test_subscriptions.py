"""A paid order that Appmax renews: made, looked up, paused, reactivated, cancelled over our routes."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.models import F
from django.test import Client
from django.utils import timezone

from dev.smoke import ORDER
from installations.models import Installation
from notifications.models import Endpoint, Notification
from orders.models import IdempotentRequest, Order, Subscription, SubscriptionQuestion
from orders.questions import due
from orders.subscriptions import ask
from simulator.server import SimulatorServer
from simulator.state import Fault
from simulator.subscriptions import product_id
from tests.orders.conftest import asked, by_card, by_pix, ordered, post
from tests.support.factories import InstallationFactory, OrderFactory, api_key
from tests.support.failing import statements_fail
from tests.support.meanwhile import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)

ROUTE = "/v1/subscriptions"
MONTHLY = {"interval": "month"}
ANA = "ana.souza@example.com"


@pytest.fixture
def paid(store: Client) -> int:
    """Appmax's id of an order that a card has paid."""
    return int(post(store, "pay/credit-card", by_card(None)).json()["order_id"])


@pytest.fixture
def made(store: Client, paid: int) -> int:
    """Appmax's id of its subscription, and nothing is left to be asked about it."""
    return int(post(store, "subscriptions", {"order_id": paid, **MONTHLY}).json()["subscription_id"])


@pytest.fixture
def endpoint(shop: Installation) -> Endpoint:
    """Somebody wants to be told."""
    row: Endpoint = Endpoint.objects.create(installation=shop, url="https://shop.example.com", secret="whsec_x")
    return row


def told() -> list[str]:
    """What storefronts are told of subscriptions, in its order."""
    found = Notification.objects.filter(type__startswith="subscription.").order_by("pk")
    return list(found.values_list("type", flat=True))


def read(store: Client, number: int) -> Any:
    return store.get(f"/checkout/shop/subscriptions/{number}")


def calls(simulator: SimulatorServer, method: str, route: str = "") -> list[Any]:
    """What Appmax was asked about subscriptions."""
    log = requests.get(f"{simulator.url}/simulator/api/log", timeout=5).json()
    return [call for call in log if call["method"] == method and call["path"].startswith(ROUTE + route)]


# --- making one ---


def test_a_paid_order_is_renewed_from_then_on(store: Client, paid: int, shop: Installation) -> None:
    answer = post(
        store, "subscriptions", {"order_id": paid, **MONTHLY, "max_cycles": 12, "next_charge_at": "2030-08-15"}
    )

    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["order_id"], body["interval"], body["interval_count"]) == ("ACTIVE", paid, "month", 1)
    assert (body["max_cycles"], body["completed_cycles"], body["current_cycle"]) == (12, 0, 1)
    assert body["next_charge_at"] == "2030-08-15T03:00:00Z"
    assert body["card"] == {"brand": "visa", "last_digits": "0010"}
    assert body["freight_value"] == 1500
    [charge] = body["charges"]
    assert (charge["cycle"], charge["order_id"], charge["value"], charge["status"]) == (0, paid, 13490, "paid")
    row = Subscription.objects.get(appmax_subscription_id=body["subscription_id"])
    assert (row.installation, row.first_order) == (shop, Order.objects.get(appmax_order_id=paid))


def test_appmax_is_told_reais_and_we_are_told_cents(store: Client, paid: int, simulator: SimulatorServer) -> None:
    shirt = product_id("CAM-01")
    wish = {"products": [{"product_id": shirt, "quantity": 2}], "freight_value": 1990, "discount": 1}

    answer = post(store, "subscriptions", {"order_id": paid, "interval": "week", "interval_count": 2, **wish})

    sent = asked(simulator, ROUTE)
    assert (sent["freight_value"], sent["discount"]) == (19.9, 0.01)
    assert sent["products"] == wish["products"]
    assert answer.json()["products"] == [
        {"product_id": shirt, "sku": "CAM-01", "name": "Camiseta", "quantity": 2, "price": 12990}
    ]


def test_what_a_card_has_paid_and_what_a_pix_has_paid_is_renewed(store: Client, simulator: SimulatorServer) -> None:
    number = ordered(store)
    post(store, "pay/pix", by_pix(number))
    simulator.state.change_order(number, lambda order: order.settle(1, method="pix", paid=True))
    Order.objects.update(status="integrado")

    answer = post(store, "subscriptions", {"order_id": number, **MONTHLY})

    assert answer.status_code == 200, answer.json()
    assert answer.json()["card"] is None


@pytest.mark.parametrize(
    ("columns", "status", "code"),
    [
        ({"status": "pendente"}, 409, "order_not_renewable"),
        ({"status": "autorizado"}, 409, "order_not_renewable"),
        ({"status": "estornado"}, 409, "order_not_renewable"),
        ({"payment_method": "boleto"}, 409, "order_not_renewable"),
        ({"payment_method": None}, 409, "order_not_renewable"),
    ],
)
def test_what_cannot_be_renewed_is_refused_before_appmax_is_asked(
    store: Client, paid: int, simulator: SimulatorServer, columns: dict[str, Any], status: int, code: str
) -> None:
    Order.objects.update(**columns)

    answer = post(store, "subscriptions", {"order_id": paid, **MONTHLY})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert calls(simulator, "POST") == []


def test_another_merchants_order_is_not_found(store: Client, simulator: SimulatorServer) -> None:
    other = OrderFactory.create(status="aprovado", payment_method="credit_card")

    answer = post(store, "subscriptions", {"order_id": other.appmax_order_id, **MONTHLY})

    assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert calls(simulator, "POST") == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_id": None}, "order_id"),
        ({"interval": "day"}, "interval"),
        ({"interval": None}, "interval"),
        ({"interval_count": 0}, "interval_count"),
        ({"max_cycles": -1}, "max_cycles"),
        ({"next_charge_at": "15/08/2030"}, "next_charge_at"),
        ({"freight_value": 19.9}, "freight_value"),
        ({"discount": -1}, "discount"),
        ({"products": [{"quantity": 1}]}, "products.0.product_id"),
        ({"maxcycles": 3}, "maxcycles"),
    ],
)
def test_bad_fields_are_named(store: Client, paid: int, changes: dict[str, Any], field: str) -> None:
    answer = post(store, "subscriptions", {"order_id": paid, **MONTHLY, **changes})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_what_appmax_says_against_it_is_passed_on(store: Client, paid: int) -> None:
    answer = post(store, "subscriptions", {"order_id": paid, **MONTHLY, "products": [{"product_id": 1}]})

    assert (answer.status_code, answer.json()["code"]) == (422, "appmax_refused")
    assert answer.json()["message"] == "Produto inválido."


# --- once ---


def test_a_request_that_is_sent_again_makes_no_second_one(store: Client, paid: int, simulator: SimulatorServer) -> None:
    body = {"order_id": paid, **MONTHLY}

    first, second = (post(store, "subscriptions", body, key="s-1") for _ in range(2))

    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(calls(simulator, "POST")) == 1


def test_one_that_appmax_may_have_made_is_not_asked_for_again(
    store: Client, paid: int, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(ROUTE, status=504, work=True))

    answers = [post(store, "subscriptions", {"order_id": paid, **MONTHLY}, key="s-1") for _ in range(2)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(502, "outcome_unknown")] * 2
    assert len(calls(simulator, "POST")) == 1


def test_one_that_appmax_has_certainly_not_made_may_be_asked_for_again(
    store: Client, paid: int, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(ROUTE, status=429, headers={"Retry-After": "30"}))

    answers = [post(store, "subscriptions", {"order_id": paid, **MONTHLY}, key="s-1") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]


def test_a_try_whose_process_died_is_not_repeated(store: Client, paid: int, simulator: SimulatorServer) -> None:
    body = {"order_id": paid, **MONTHLY}
    post(store, "subscriptions", body, key="s-1")
    IdempotentRequest.objects.update(
        status_code=None, body=None, claimed_at=F("created_at") - ask.OVERDUE_AFTER, created_at=F("created_at")
    )

    answer = post(store, "subscriptions", body, key="s-1")

    assert answer.json()["code"] == "outcome_unknown"
    assert len(calls(simulator, "POST")) == 1


def test_one_that_was_made_and_could_not_be_recorded_is_not_asked_for_again(
    store: Client, paid: int, simulator: SimulatorServer
) -> None:
    with statements_fail('INTO "subscriptions"', OperationalError):
        answer = post(store, "subscriptions", {"order_id": paid, **MONTHLY}, key="s-1")

    assert (answer.status_code, answer.json()["code"]) == (502, "outcome_unknown")
    assert post(store, "subscriptions", {"order_id": paid, **MONTHLY}, key="s-1").status_code == 502
    assert len(calls(simulator, "POST")) == 1


def test_the_same_key_for_another_subscription_is_another_request(store: Client, made: int) -> None:
    another = post(store, "pay/credit-card", by_card(None)).json()["order_id"]
    other = post(store, "subscriptions", {"order_id": another, **MONTHLY}).json()["subscription_id"]

    assert post(store, f"subscriptions/{made}/cancel", {}, key="c-1").status_code == 200
    again = post(store, f"subscriptions/{other}/cancel", {}, key="c-1")

    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")


# --- one of an order ---


def test_an_order_that_is_renewed_begins_no_second_subscription(
    store: Client, paid: int, made: int, simulator: SimulatorServer
) -> None:
    answers = [post(store, "subscriptions", {"order_id": paid, **MONTHLY}, key=key) for key in (None, "s-2")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "order_already_renewed")}
    assert len(calls(simulator, "POST")) == 1


def test_requests_at_once_make_one_subscription(
    store: Client, paid: int, simulator: SimulatorServer, race: Any
) -> None:
    simulator.state.add_fault(Fault(ROUTE, hang=0.3))

    answers = race(lambda _: post(store, "subscriptions", {"order_id": paid, **MONTHLY}), times=4)

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(calls(simulator, "POST")) == 1


def test_without_a_key_too_one_that_appmax_may_have_made_is_not_asked_for_again(
    store: Client, paid: int, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(ROUTE, status=504, work=True))

    answers = [post(store, "subscriptions", {"order_id": paid, **MONTHLY}).json()["code"] for _ in range(2)]

    assert answers == ["outcome_unknown", "order_already_renewed"]
    assert len(calls(simulator, "POST")) == 1


def test_after_the_end_of_the_first_another_may_be_asked_for(store: Client, paid: int, made: int) -> None:
    post(store, f"subscriptions/{made}/cancel", {})

    assert post(store, "subscriptions", {"order_id": paid, **MONTHLY}).status_code == 200


def test_once_staff_have_found_that_there_is_none_another_may_be_asked_for(
    store: Client, paid: int, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(ROUTE, status=504))
    assert post(store, "subscriptions", {"order_id": paid, **MONTHLY}).status_code == 502

    call_command("settle_renewal", str(paid))

    assert post(store, "subscriptions", {"order_id": paid, **MONTHLY}).status_code == 200
    with pytest.raises(CommandError):
        call_command("settle_renewal", "999999999")


def test_an_order_whose_payment_began_a_subscription_begins_no_second_one(
    store: Client, simulator: SimulatorServer
) -> None:
    """Appmax's webhook, which tells of the first one, may come at any time."""
    order_id = post(store, "pay/credit-card", {**by_card(None), "subscription": MONTHLY}).json()["order_id"]

    answer = post(store, "subscriptions", {"order_id": order_id, **MONTHLY})

    assert (answer.status_code, answer.json()["code"]) == (409, "order_already_renewed")
    assert calls(simulator, "POST") == []


def test_nor_one_that_a_pix_began(store: Client, simulator: SimulatorServer) -> None:
    order_id = post(store, "pay/pix", {**by_pix(None), "subscription": MONTHLY}).json()["order_id"]
    simulator.state.change_order(order_id, lambda order: order.settle(1, method="pix", paid=True))
    Order.objects.update(status="integrado")

    answer = post(store, "subscriptions", {"order_id": order_id, **MONTHLY})

    assert (answer.status_code, answer.json()["code"]) == (409, "order_already_renewed")


@pytest.mark.parametrize("also", [{}, {"subscription": MONTHLY}], ids=["once", "monthly"])
def test_nor_one_that_a_pix_began_before_a_card_was_declined(
    store: Client, simulator: SimulatorServer, also: dict[str, Any]
) -> None:
    order_id = post(store, "pay/pix", {**by_pix(None), "subscription": MONTHLY}).json()["order_id"]
    simulator.state.switch(cards="declined")
    assert post(store, "pay/credit-card", {**by_card(order_id), **also}).status_code == 422
    simulator.state.change_order(order_id, lambda order: order.settle(1, method="pix", paid=True))
    Order.objects.update(status="integrado", payment_method="pix")

    assert post(store, "subscriptions", {"order_id": order_id, **MONTHLY}).status_code == 409


def test_an_upsell_begins_no_subscription(store: Client, paid: int) -> None:
    order = Order.objects.get()
    sold = {"upsell_hash": order.upsell_hash, "products_value": 100, "products": ORDER["order"]["products"]}
    assert post(store, "upsell", sold).status_code == 200

    assert post(store, "subscriptions", {"order_id": paid, **MONTHLY}).status_code == 200


def test_a_declined_payment_began_no_subscription(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.switch(cards="declined")
    order_id = post(store, "pay/credit-card", {**by_card(None), "subscription": MONTHLY}).json()["order_id"]
    simulator.state.switch(cards="by_number")
    post(store, "pay/credit-card", by_card(order_id))

    assert post(store, "subscriptions", {"order_id": order_id, **MONTHLY}).status_code == 200


# --- looking it up ---


def test_what_is_known_is_told_without_asking_appmax(store: Client, made: int, simulator: SimulatorServer) -> None:
    answer = read(store, made)

    assert (answer.status_code, answer.json()["subscription_id"]) == (200, made)
    assert calls(simulator, "GET") == []


def test_one_that_is_not_known_is_looked_for_at_appmax(store: Client, made: int, paid: int) -> None:
    """It was made in Appmax's panel, say."""
    Subscription.objects.all().delete()

    body = read(store, made).json()

    assert (body["subscription_id"], body["value"], body["order_id"]) == (made, 12990, paid)
    assert Subscription.objects.get().appmax_subscription_id == made


@pytest.mark.parametrize("number", [1, 2**31, 10**30])
def test_one_that_nobody_knows_is_not_found(store: Client, number: int) -> None:
    answer = read(store, number)

    assert (answer.status_code, answer.json()["code"]) == (404, "subscription_not_found")


def test_another_merchants_subscription_is_not_found(store: Client, made: int, simulator: SimulatorServer) -> None:
    simulator.state.merchant_credentials("other")
    client_id, secret = simulator.state.merchant_credentials("other")
    other = InstallationFactory.create(
        external_key="other", merchant_client_id=client_id, merchant_client_secret=secret
    )
    stranger = Client(headers={"Authorization": f"Api-Key {api_key(other)}"})
    url = f"/checkout/other/subscriptions/{made}"

    answers = [stranger.get(url)]
    answers += [stranger.post(f"{url}/{verb}", {}, "application/json") for verb in ("pause", "reactivate", "cancel")]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "subscription_not_found")}
    Subscription.objects.all().delete()
    assert stranger.get(url).status_code == 404
    assert calls(simulator, "PATCH") == []
    assert not Subscription.objects.exists()


def test_a_shoppers_subscriptions_are_looked_up_by_email_which_is_kept_nowhere(
    store: Client, made: int, paid: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    body = store.get(f"/checkout/shop/subscriptions?email={ANA}&status=ACTIVE&page=1").json()

    [row] = body["subscriptions"]
    assert (body["total"], body["pages"]) == (1, 1)
    assert (row["subscription_id"], row["order_id"], row["value"], row["interval"]) == (made, paid, 12990, "month")
    assert row["next_charge_at"].endswith("T03:00:00Z")
    assert "ana.souza" not in f"{caplog.text} {Subscription.objects.values()} {body}"


def test_a_list_has_what_we_do_not_know(store: Client, made: int) -> None:
    Subscription.objects.all().delete()

    [row] = store.get(f"/checkout/shop/subscriptions?email={ANA}").json()["subscriptions"]

    assert (row["subscription_id"], row["order_id"], row["interval"], row["value"]) == (made, None, "", 12990)
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "email is required"),
        ("email=ana", "Enter a valid email address."),
        (f"email={ANA}&status=on", 'status: "on" is not a valid choice.'),
        (f"email={ANA}&page=0", "page: Ensure this value is greater than or equal to 1."),
    ],
)
def test_a_list_needs_an_email(store: Client, query: str, message: str) -> None:
    answer = store.get(f"/checkout/shop/subscriptions?{query}")

    assert (answer.status_code, answer.json()["message"]) == (400, message)


# --- changing it ---


def test_a_pause_may_have_an_end(store: Client, made: int, simulator: SimulatorServer) -> None:
    body = post(store, f"subscriptions/{made}/pause", {"paused_until": "2030-09-01", "reason": "away"}).json()

    assert (body["status"], body["paused_until"]) == ("PAUSED", "2030-09-01T03:00:00Z")
    assert calls(simulator, "PATCH")[0]["request"] == {"paused_until": "2030-09-01", "reason": "away"}
    back = post(store, f"subscriptions/{made}/reactivate", {}).json()
    assert (back["status"], back["paused_until"]) == ("ACTIVE", None)


def test_a_cancellation_is_for_good(store: Client, made: int, simulator: SimulatorServer) -> None:
    body = post(store, f"subscriptions/{made}/cancel", {"reason": "no more"}).json()

    assert (body["status"], body["cancelled_at"] is None) == ("CANCELLED", False)
    assert post(store, f"subscriptions/{made}/cancel", {}).json() == read(store, made).json()
    for verb in ("pause", "reactivate"):
        answer = post(store, f"subscriptions/{made}/{verb}", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "subscription_cancelled")
    assert len(calls(simulator, "PATCH")) == 1


def test_after_a_change_appmax_is_asked_for_the_rest(store: Client, made: int) -> None:
    post(store, f"subscriptions/{made}/pause", {})
    SubscriptionQuestion.objects.update(due_at=F("due_at") - due.AGAIN)

    assert ask.ask_due() == 1
    assert read(store, made).json()["value"] == 12990
    assert not SubscriptionQuestion.objects.exists()


def test_a_change_whose_outcome_is_not_known_is_looked_into(
    store: Client, made: int, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(f"{ROUTE}/", "PATCH", status=504, work=True))

    answer = post(store, f"subscriptions/{made}/cancel", {})

    assert (answer.status_code, answer.json()["code"]) == (502, "outcome_unknown")
    assert read(store, made).json()["status"] == "ACTIVE"
    SubscriptionQuestion.objects.update(due_at=F("due_at") - due.AGAIN)
    ask.ask_due()
    assert read(store, made).json()["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("verb", "body"),
    [("pause", {"paused_until": "soon"}), ("pause", {"until": "2030-01-01"}), ("cancel", {"reason": "x" * 256})],
)
def test_a_change_with_bad_fields_is_400(store: Client, made: int, verb: str, body: dict[str, Any]) -> None:
    assert post(store, f"subscriptions/{made}/{verb}", body).status_code == 400


# --- what storefronts are told ---


def test_each_change_is_told_once_with_the_subscription_as_its_route_answers(
    store: Client, paid: int, endpoint: Endpoint
) -> None:
    made = post(store, "subscriptions", {"order_id": paid, **MONTHLY}).json()
    number = made["subscription_id"]
    for verb in ("pause", "pause", "reactivate", "cancel", "cancel"):
        answer = post(store, f"subscriptions/{number}/{verb}", {}).json()

    assert told() == [f"subscription.{name}" for name in ("created", "paused", "reactivated", "cancelled")]
    rows = Notification.objects.filter(type__startswith="subscription.").order_by("pk")
    assert [row.data for row in (rows[0], rows[3])] == [made, answer]
    assert {row.appmax_order_id for row in rows} == {paid}


def test_two_cancellations_at_once_are_told_once(
    store: Client, made: int, endpoint: Endpoint, race: Callable[..., list[Any]]
) -> None:
    answers = race(lambda _: post(store, f"subscriptions/{made}/cancel", {}), times=4)

    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "CANCELLED")}
    assert told() == ["subscription.cancelled"]


def test_what_appmax_said_before_a_change_is_not_written_after_it(
    store: Client, made: int, simulator: SimulatorServer
) -> None:
    SubscriptionQuestion.objects.put(Installation.objects.get().pk, made)

    with meanwhile(simulator, f"{ROUTE}/{made}", lambda: post(store, f"subscriptions/{made}/pause", {}), times=1):
        ask.ask_due()

    assert read(store, made).json()["status"] == "PAUSED"
    assert SubscriptionQuestion.objects.get().appmax_subscription_id == made


# --- payment links ---


LINK = {"name": "Curso", "value": 500, "description": "Um curso", "payments": ["credit_card", "pix", "pix"]}


def test_a_payment_link_is_a_page_of_appmaxs(store: Client, simulator: SimulatorServer) -> None:
    answer = post(store, "payment-link", LINK, key="l-1")

    assert answer.status_code == 200
    assert requests.get(answer.json()["checkout_url"], timeout=5).status_code == 200
    sent = asked(simulator, "/v1/payment-link")
    assert (sent["value"], sent["payments"], sent["max_installments"]) == (500, ["creditcard", "pix"], 1)
    assert sent["fee_transfer_from_installment"] == 0
    assert post(store, "payment-link", LINK, key="l-1").json() == answer.json()
    assert len(simulator.state.payment_links) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": 499}, "value"),
        ({"value": 5.0}, "value"),
        ({"payments": []}, "payments"),
        ({"payments": ["cash"]}, "payments.0"),
        ({"max_installments": 13}, "max_installments"),
        ({"name": ""}, "name"),
        ({"document": "123"}, "document"),
        ({"valeu": 500}, "valeu"),
    ],
)
def test_half_a_payment_link_is_refused(store: Client, changes: dict[str, Any], field: str) -> None:
    answer = post(store, "payment-link", {**LINK, **changes})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_a_payment_link_that_appmax_may_have_made_is_not_asked_for_again(
    store: Client, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/payment-link", status=504, work=True))

    answers = [post(store, "payment-link", LINK, key="l-1") for _ in range(2)]

    assert [answer.json()["code"] for answer in answers] == ["outcome_unknown"] * 2
    assert len(simulator.state.payment_links) == 1


def test_a_payment_link_whose_first_try_was_cut_off_is_not_asked_for_again(
    store: Client, simulator: SimulatorServer
) -> None:
    post(store, "payment-link", LINK, key="l-1")
    IdempotentRequest.objects.update(status_code=None, body=None, claimed_at=timezone.now() - timedelta(seconds=301))

    answer = post(store, "payment-link", LINK, key="l-1")

    assert answer.json()["code"] == "outcome_unknown"
    assert len(simulator.state.payment_links) == 1
