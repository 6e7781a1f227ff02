"""A renewal is a new order of Appmax's: webhooks tell of it, Appmax is asked, and it stands beside its subscription."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client

from appmax.subscriptions import Charge
from installations.models import Installation
from notifications.models import Notification
from orders import clock
from orders.models import Order, Question, Quota, Subscription, SubscriptionQuestion
from orders.questions import ask as questions
from orders.questions import due
from orders.subscriptions import ask
from orders.subscriptions.record import merged
from simulator.server import SimulatorServer
from simulator.state import Fault
from simulator.subscriptions import Subscription as RemoteSubscription
from tests.orders.conftest import by_card, post
from tests.orders.test_subscriptions import ROUTE, calls, endpoint, made, paid, read, told
from tests.support.factories import InstallationFactory, OrderFactory, subscribed
from tests.webhooks.conftest import URL
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["endpoint", "made", "paid"]


def send(event: str, data: dict[str, Any], **envelope: Any) -> Any:
    """POST a webhook of the app store's about a subscription of the shop's."""
    body = {
        "event": event,
        "event_type": "subscription",
        "site_id": 1,
        "external_key": "shop",
        **envelope,
        "data": data,
    }
    return Client().post(URL, json.dumps(body), content_type="application/json")


def about(number: int) -> dict[str, Any]:
    """What the app store tells of a subscription."""
    names = {"subscription_name": "Plano", "total": 13490, "customer_id": 1}
    return {
        "subscription_id": number,
        **names,
        "created_at": "2026-11-29 10:00:00",
        "updated_at": "2026-11-29 10:00:00",
    }


def renew(simulator: SimulatorServer, number: int, *, declined: bool = False) -> int:
    """Appmax's clock comes to the subscription's next charge; the id of the order that it makes, 0 without one."""
    url = f"{simulator.url}/simulator/api/subscriptions/{number}/renew"
    charges = requests.post(url, json={"declined": declined}, timeout=5).json()["charges"]
    return charges[-1]["order_id"] or 0


def work() -> int:
    """The worker's rounds, when the time of all questions has come; how many about subscriptions were answered."""
    SubscriptionQuestion.objects.update(due_at=Now())
    answered = ask.ask_due()
    Question.objects.open().update(due_at=Now())
    questions.ask_due()
    return answered


# --- a renewal ---


def test_a_webhook_about_a_renewal_has_appmax_asked_and_its_order_adopted(
    made: int, paid: int, store: Client, simulator: SimulatorServer, endpoint: Any
) -> None:
    number = renew(simulator, made)

    assert send("subscription_charge_success", about(made)).json() == {"message": "ok"}
    work()

    body = read(store, made).json()
    assert [(row["cycle"], row["order_id"], row["value"], row["status"]) for row in body["charges"]] == [
        (0, paid, 13490, "paid"),
        (1, number, 13490, "paid"),
    ]
    assert (body["completed_cycles"], body["current_cycle"], body["value"]) == (1, 2, 12990)
    order = Order.objects.get(appmax_order_id=number)
    assert (order.status, order.total_cents) == ("aprovado", 13490)
    assert [row.appmax_subscription_id for row in Subscription.objects.about(order)] == [made]
    assert told() == ["subscription.renewed"]
    renewed = Notification.objects.get(type="subscription.renewed")
    assert renewed.data["charge"] == body["charges"][1]


def test_an_order_that_is_adopted_has_the_customers_subscriptions_asked_about(
    made: int, store: Client, simulator: SimulatorServer, endpoint: Any
) -> None:
    """No webhook named the subscription."""
    number = renew(simulator, made)

    send("order_approved", {"order_id": number}, event_type="order")
    work()
    work()

    assert read(store, made).json()["charges"][1]["order_id"] == number
    assert told() == ["subscription.renewed"]


def test_the_panels_event_about_a_charge_names_an_order_that_is_adopted(made: int, simulator: SimulatorServer) -> None:
    number = renew(simulator, made)

    send("ChargeSuccess", {"id": number, "customer_id": 1}, event_type="")
    work()

    assert Order.objects.get(appmax_order_id=number).status == "aprovado"
    assert WebhookEvent.objects.get().outcome == "acknowledged"


def test_an_event_that_names_an_order_is_about_the_subscription_of_that_order(
    made: int, paid: int, store: Client, simulator: SimulatorServer
) -> None:
    simulator.state.change_subscription(made, RemoteSubscription.cancel)

    send("CanceledSubscription", {"id": paid, "customer_id": 1}, event_type="")
    work()

    assert read(store, made).json()["status"] == "CANCELLED"


def test_two_webhooks_about_renewals_at_once_make_one_row_each(
    made: int, store: Client, simulator: SimulatorServer, endpoint: Any, race: Callable[..., list[Any]]
) -> None:
    numbers = [renew(simulator, made) for _ in range(2)]
    Subscription.objects.all().delete()

    def hear(turn: int) -> None:
        send("subscription_charge_success", about(made))
        send("order_approved", {"order_id": numbers[turn % 2]}, event_type="order")
        work()

    race(hear, times=4)
    work()

    assert Subscription.objects.count() == 1
    assert (
        sorted(Order.objects.filter(appmax_order_id__in=numbers).values_list("appmax_order_id", flat=True)) == numbers
    )
    assert told() == ["subscription.created"]
    assert [row["order_id"] for row in read(store, made).json()["charges"]][1:] == numbers
    assert not SubscriptionQuestion.objects.exists()


def test_each_renewal_is_told_once_however_often_it_is_heard_of(
    made: int, simulator: SimulatorServer, endpoint: Any, race: Callable[..., list[Any]]
) -> None:
    for _ in range(2):
        renew(simulator, made)

    def hear(_: int) -> None:
        for _again in range(3):
            send("subscription_charge_success", about(made))
            work()

    race(hear, times=4)

    assert told() == ["subscription.renewed"] * 2


def test_a_charge_that_failed_is_told(made: int, store: Client, simulator: SimulatorServer, endpoint: Any) -> None:
    renew(simulator, made, declined=True)
    for _ in range(2):
        send("subscription_charge_failed", about(made))
        work()

    assert told() == ["subscription.charge_failed"]
    charge = Notification.objects.get(type="subscription.charge_failed").data["charge"]
    assert (charge["cycle"], charge["order_id"], charge["status"]) == (1, None, "failed")
    assert read(store, made).json()["completed_cycles"] == 0


# --- bodies are claims ---


def test_what_a_webhook_claims_is_looked_into_and_not_believed(
    made: int, store: Client, simulator: SimulatorServer, endpoint: Any
) -> None:
    before = read(store, made).json()

    for name in ("subscription_cancelation", "subscription_charge_failed", "subscription_charge_success"):
        send(name, about(made))
        work()

    assert read(store, made).json() == before | {"value": 12990}  # which Appmax told when it was asked
    assert told() == []


def test_a_subscription_that_was_made_elsewhere_becomes_known(
    made: int, store: Client, paid: int, endpoint: Any
) -> None:
    """In Appmax's panel, or by a payment with `subscription`."""
    Subscription.objects.all().delete()

    send("subscription_created", about(made))
    work()

    row = Subscription.objects.get()
    assert (row.appmax_subscription_id, row.first_order and row.first_order.appmax_order_id) == (made, paid)
    assert told() == ["subscription.created"]


def test_a_webhook_that_names_another_merchant_changes_nothing(
    made: int, simulator: SimulatorServer, store: Client
) -> None:
    client_id, secret = simulator.state.merchant_credentials("other")
    InstallationFactory.create(external_key="other", merchant_client_id=client_id, merchant_client_secret=secret)
    simulator.state.change_subscription(made, RemoteSubscription.cancel)

    send("subscription_cancelation", about(made), external_key="other")

    assert work() == 1
    assert read(store, made).json()["status"] == "ACTIVE"
    assert calls(simulator, "GET") == []


@pytest.mark.parametrize("key", ["nobody", None])
def test_without_a_merchant_there_is_nobody_to_ask(made: int, key: str | None) -> None:
    send("subscription_cancelation", about(made), external_key=key)

    assert not SubscriptionQuestion.objects.exists()


@pytest.mark.parametrize("number", [0, -1, 2**31, "x", None, [], {"id": 5}, 1.5, True])
def test_an_odd_id_is_nobodys(number: Any, shop: Installation) -> None:
    assert send("subscription_cancelation", {"subscription_id": number}).status_code == 200
    assert not SubscriptionQuestion.objects.exists()


def test_a_subscription_that_appmax_does_not_have_is_given_up(simulator: SimulatorServer, shop: Installation) -> None:
    send("subscription_created", about(77))

    for _ in range(ask.MOST_TIMES_NOT_FOUND):
        assert SubscriptionQuestion.objects.exists()
        work()

    assert not SubscriptionQuestion.objects.exists()
    assert not Subscription.objects.exists()
    assert len(calls(simulator, "GET")) == ask.MOST_TIMES_NOT_FOUND


def test_a_flood_of_claims_costs_one_question(made: int) -> None:
    for _ in range(5):
        send("subscription_charge_success", about(made))

    assert SubscriptionQuestion.objects.get().claims == 5


# --- asking ---


def test_what_appmax_does_not_answer_is_asked_again_later(
    made: int, simulator: SimulatorServer, shop: Installation
) -> None:
    simulator.state.add_fault(Fault(f"{ROUTE}/", status=500, times=0))
    SubscriptionQuestion.objects.put(shop.pk, made)

    for times in (1, 2, 3):
        assert ask.ask_due() == 0
        question = SubscriptionQuestion.objects.get()
        wait = question.due_at - clock.now()
        assert (question.times, round(wait / due.AGAIN)) == (times, 2 ** (times - 1))
        SubscriptionQuestion.objects.update(due_at=Now())


def test_a_merchant_whom_appmax_wants_to_slow_down_is_left_alone(
    made: int, simulator: SimulatorServer, shop: Installation
) -> None:
    simulator.state.add_fault(Fault(f"{ROUTE}/", status=429, headers={"Retry-After": "600"}))
    SubscriptionQuestion.objects.put(shop.pk, made)
    ask.ask_due()

    SubscriptionQuestion.objects.update(due_at=Now())

    assert ask.ask_due() == 0
    paused_until = Quota.objects.get().paused_until
    assert paused_until is not None
    assert paused_until > clock.now() + timedelta(minutes=9)


def test_what_is_heard_while_appmax_is_asked_is_asked_once_more(made: int, shop: Installation) -> None:
    SubscriptionQuestion.objects.put(shop.pk, made)
    question = SubscriptionQuestion.objects.take()
    assert question is not None

    SubscriptionQuestion.objects.put(shop.pk, made)
    ask._close(question)

    assert SubscriptionQuestion.objects.exists()


@pytest.mark.parametrize(
    ("columns", "is_asked"),
    [
        ({}, False),
        ({"next_charge_at": Now() - timedelta(minutes=50)}, False),
        ({"next_charge_at": Now() - timedelta(minutes=70)}, True),
        ({"next_charge_at": Now() - timedelta(hours=5), "asked_at": Now() - timedelta(hours=3)}, False),
        ({"next_charge_at": Now() - timedelta(days=5), "asked_at": Now() - timedelta(hours=25)}, True),
        ({"next_charge_at": Now() - timedelta(days=5), "status": "CANCELLED"}, False),
        ({"next_charge_at": Now() - timedelta(days=5), "status": "PAUSED"}, False),
        ({"status": "PAUSED", "paused_until": Now() - timedelta(minutes=70)}, True),
    ],
)
def test_a_charge_that_nobody_told_of_is_asked_about(made: int, columns: dict[str, Any], is_asked: bool) -> None:
    Subscription.objects.update(asked_at=Now() - timedelta(hours=9))
    Subscription.objects.update(**columns)

    assert ask.put_overdue() == is_asked
    assert SubscriptionQuestion.objects.exists() == is_asked


def test_what_is_overdue_is_learnt_without_a_webhook(
    made: int, store: Client, simulator: SimulatorServer, endpoint: Any
) -> None:
    number = renew(simulator, made)
    Subscription.objects.update(next_charge_at=F("created_at") - timedelta(hours=2), asked_at=None)

    ask.put_overdue()
    work()

    assert Order.objects.filter(appmax_order_id=number).exists()
    assert told() == ["subscription.renewed"]


# --- the list of charges ---


def test_a_list_that_leaves_out_old_charges_forgets_none() -> None:
    day = date(2026, 8, 15)
    first = merged([], [Charge(0, 1, day, 100, "paid"), Charge(1, 2, day, 100, "pending")])

    both = merged(first, [Charge(1, 2, day, 100, "paid"), Charge(2, 3, None, None, "")])

    assert [(row["order_id"], row["status"]) for row in both] == [(1, "paid"), (2, "paid"), (3, "")]
    assert both[0] == {"cycle": 0, "order_id": 1, "charged_at": "2026-08-15", "value": 100, "status": "paid"}


def test_two_tries_that_failed_on_different_days_are_two_charges() -> None:
    days = [date(2026, 8, 15), date(2026, 8, 16), date(2026, 8, 16)]

    rows = merged([], [Charge(1, None, day, 100, "failed") for day in days])

    assert [row["charged_at"] for row in rows] == ["2026-08-15", "2026-08-16"]


def test_what_a_payment_began_is_renewed_too(store: Client, simulator: SimulatorServer) -> None:
    """The storefront asked for it with the payment, and Appmax made it."""
    number = post(store, "pay/credit-card", {**by_card(None), "subscription": {"interval": "month"}}).json()["order_id"]
    [remote] = simulator.state.latest_subscriptions()

    send("subscription_created", about(remote.id))
    work()

    assert Subscription.objects.get().first_order == Order.objects.get(appmax_order_id=number)


# --- what stays ---


def test_what_was_cancelled_stays_so_whatever_a_late_answer_says(
    made: int, store: Client, simulator: SimulatorServer, shop: Installation
) -> None:
    """Appmax promises it, and its reads may lag behind."""
    before = post(store, f"subscriptions/{made}/cancel", {}).json()
    simulator.state.subscriptions[made].status, simulator.state.subscriptions[made].canceled_at = "ACTIVE", ""
    SubscriptionQuestion.objects.put(shop.pk, made)

    work()

    after = read(store, made).json()
    assert (after["status"], after["cancelled_at"]) == ("CANCELLED", before["cancelled_at"])


def test_an_event_about_an_order_that_names_another_merchant_asks_nothing(made: int, paid: int) -> None:
    InstallationFactory.create(external_key="other")

    send("CanceledSubscription", {"order_id": paid}, external_key="other")

    assert WebhookEvent.objects.get().outcome == "refused"
    assert not SubscriptionQuestion.objects.exists()


def test_a_number_that_appmax_gives_twice_stays_its_first_merchants(
    paid: int, store: Client, simulator: SimulatorServer
) -> None:
    taken = subscribed(OrderFactory.create(appmax_order_id=77))
    body = {"data": {"id": 77, "status": "active"}}
    simulator.state.add_fault(Fault(ROUTE, "POST", status=201, body=body))

    answer = post(store, "subscriptions", {"order_id": paid, "interval": "month"})

    assert (answer.status_code, answer.json()["code"]) == (502, "outcome_unknown")
    assert Subscription.objects.get().installation == taken.installation
