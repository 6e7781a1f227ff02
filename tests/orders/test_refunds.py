"""Refunds are rows: what is asked of Appmax, what came of it, and never more than was paid."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from installations.models import ApiKey, Installation
from orders import clock, refunds
from orders.models import Order, Refund
from orders.questions import ask
from orders.status import RefundState
from simulator.orders import Order as RemoteOrder
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card, post, remote
from tests.support.factories import OrderFactory
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

TOTAL = 13490
CALL = "/v1/orders/refund-request"


@pytest.fixture
def order(store: Client) -> Order:
    """Paid by card."""
    answer = post(store, "pay/credit-card", by_card(None)).json()
    found: Order = Order.objects.get(appmax_order_id=answer["order_id"])
    return found


def part(order: Order, cents: int, **more: Any) -> dict[str, Any]:
    """Body of a partial refund."""
    return {"order_id": order.appmax_order_id, "type": "partial", "value": cents, **more}


def total(order: Order) -> dict[str, Any]:
    """Body of a total refund."""
    return {"order_id": order.appmax_order_id, "type": "total"}


def states(order: Order) -> list[tuple[int, str]]:
    """The order's refunds, oldest first."""
    return list(order.refunds.order_by("pk").values_list("amount_cents", "state"))


# --- what is kept ---


def test_a_refund_says_how_much_why_and_whose_key_asked(store: Client, order: Order, shop: Installation) -> None:
    post(store, "refund", part(order, 500, reason="parcel lost"), key="r-1")

    row = Refund.objects.get()
    assert (row.amount_cents, row.reason, row.state, row.idempotency_key) == (500, "parcel lost", "asked", "r-1")
    assert row.api_key == ApiKey.objects.get(installation=shop)
    assert (row.asked_by, row.settled_at) == (None, None)


def test_a_total_refund_is_of_what_is_left(store: Client, order: Order) -> None:
    post(store, "refund", part(order, 500))
    post(store, "refund", total(order))

    assert states(order) == [(500, "asked"), (TOTAL - 500, "asked")]


def test_appmax_is_not_told_the_reason(store: Client, order: Order, simulator: SimulatorServer) -> None:
    post(store, "refund", part(order, 500, reason="parcel lost"))

    calls = requests.get(f"{simulator.url}/simulator/api/log", timeout=5).text
    assert CALL in calls
    assert "parcel lost" not in calls


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(CALL, status=422, body={"message": "no"}), "refused"),
        (Fault(CALL, status=429, headers={"Retry-After": "30"}), "refused"),
        (Fault(CALL, status=504, work=True), "unknown"),
    ],
)
def test_what_appmax_answers_is_the_refunds_state(
    store: Client, order: Order, simulator: SimulatorServer, fault: Fault, state: str
) -> None:
    simulator.state.add_fault(fault)

    post(store, "refund", part(order, 500))

    assert states(order) == [(500, state)]


# --- never more than was paid ---


def test_more_than_was_paid_is_refused_and_appmax_is_not_asked(
    store: Client, order: Order, simulator: SimulatorServer
) -> None:
    answer = post(store, "refund", part(order, TOTAL + 1))

    assert answer.status_code == 409
    assert answer.json()["message"] == f"only {TOTAL} cents of this order are left to be paid back"
    assert (states(order), remote(simulator, order.appmax_order_id).refunded) == ([], 0)


@pytest.mark.parametrize("state", ["asked", "unknown", "confirmed"])
def test_what_an_earlier_refund_took_or_may_have_taken_is_not_left(store: Client, order: Order, state: str) -> None:
    Refund.objects.create(order=order, amount_cents=TOTAL - 100, state="unknown")
    if state != "unknown":
        Refund.objects.update(state=state, settled_at="2026-11-29T12:00Z" if state == "confirmed" else None)

    assert post(store, "refund", part(order, 101)).status_code == 409
    assert post(store, "refund", part(order, 100)).status_code == 200
    answer = post(store, "refund", total(order))
    assert answer.json()["message"] == "nothing of this order is left to be paid back"


def test_what_a_refused_refund_would_have_taken_is_left(
    store: Client, order: Order, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(CALL, status=422, body={"message": "no"}))
    post(store, "refund", total(order))

    assert post(store, "refund", total(order)).status_code == 200


def test_nothing_of_an_order_that_is_estornado_is_left(store: Client, order: Order) -> None:
    Order.objects.update(status="estornado")

    assert post(store, "refund", part(order, 1)).status_code == 409


def test_many_at_once_do_not_pay_back_more_than_was_paid(
    store: Client, order: Order, simulator: SimulatorServer, race: Callable[..., list[Any]]
) -> None:
    answers = race(lambda _: post(store, "refund", part(order, 6000)), times=6)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409, 409]
    assert remote(simulator, order.appmax_order_id).refunded == 12000


def test_the_amount_of_an_order_that_came_without_one_is_asked_of_appmax(store: Client, order: Order) -> None:
    Order.objects.update(total_cents=0)

    assert post(store, "refund", part(order, TOTAL + 1)).status_code == 409
    assert post(store, "refund", part(order, TOTAL)).status_code == 200
    assert Order.objects.get().total_cents == TOTAL


# --- what Appmax says later ---


def confirm(order: Order, **how: Any) -> int:
    """As whoever has Appmax's word for it does."""
    with transaction.atomic():
        return refunds.confirm(Order.objects.locked(order.pk), **how)


@pytest.fixture
def asked() -> Order:
    """An order with refunds of 300, 500 and 700 cents, the first of unknown outcome."""
    order: Order = OrderFactory.create(status="aprovado")
    Refund.objects.create(order=order, amount_cents=300, state="unknown")
    Refund.objects.create(order=order, amount_cents=500, state="asked")
    Refund.objects.create(order=order, amount_cents=700, state="asked")
    return order


def test_an_order_that_is_estornado_confirms_all_of_its_refunds(asked: Order) -> None:
    Order.objects.update(status="estornado")

    assert confirm(asked) == 3
    assert {state for _, state in states(asked)} == {"confirmed"}
    assert Refund.objects.filter(settled_at=None).count() == 0


def test_a_partial_refund_is_the_oldest_that_is_not_settled(asked: Order) -> None:
    assert confirm(asked) == 1
    assert confirm(asked) == 1

    assert states(asked) == [(300, "confirmed"), (500, "confirmed"), (700, "asked")]


def test_a_partial_refund_whose_amount_is_told_is_that_of_this_amount(asked: Order) -> None:
    assert confirm(asked, cents=700) == 1
    assert confirm(asked, cents=700) == 0

    assert states(asked) == [(300, "unknown"), (500, "asked"), (700, "confirmed")]


def test_a_refund_of_before_ours_was_asked_is_another(asked: Order) -> None:
    """Made in Appmax's own panel; Appmax tells the same time whenever it is asked about the order."""
    assert confirm(asked, at=clock.now() - timedelta(minutes=6)) == 0
    assert confirm(asked, at=clock.now()) == 1

    assert states(asked) == [(300, "confirmed"), (500, "asked"), (700, "asked")]


def test_a_partial_refund_of_appmaxs_panel_is_kept_by_its_time_alone(asked: Order) -> None:
    """Appmax doesn't say how much it was."""
    before = clock.now() - timedelta(minutes=6)
    confirm(asked, at=before)

    asked.refresh_from_db()
    assert (asked.refunded_elsewhere_at, asked.refunded_cents) == (before, 0)


@pytest.mark.parametrize("status", ["aprovado", "estornado"])
def test_a_refund_of_ours_is_none_of_appmaxs_panel(asked: Order, status: str) -> None:
    Order.objects.update(status=status)
    at = clock.now()
    for _ in range(2):
        confirm(asked, at=at)

    asked.refresh_from_db()
    assert asked.refunded_elsewhere_at is None


def test_a_refund_that_staff_settled_is_none_of_appmaxs_panel(asked: Order) -> None:
    done_at = clock.now()
    for row in asked.refunds.all():
        refunds.settle_by_hand(row, RefundState.CONFIRMED, "ana: it is in the panel")

    assert confirm(asked, at=done_at) == 0
    asked.refresh_from_db()
    assert asked.refunded_elsewhere_at is None


def test_a_partial_refund_in_appmaxs_panel_is_learnt_when_appmax_is_asked(
    order: Order, simulator: SimulatorServer
) -> None:
    simulator.state.change_order(order.appmax_order_id, partial(RemoteOrder.refund, cents=500))

    ask.ask(order)

    order.refresh_from_db()
    assert order.refunded_elsewhere_at is not None
    assert (order.status, states(order)) == ("aprovado", [])


def test_what_went_back_is_what_appmax_has_confirmed(asked: Order) -> None:
    assert asked.refunded_cents == 0
    confirm(asked, cents=500)

    assert asked.refunded_cents == 500


def test_all_of_an_order_that_is_estornado_went_back_whoever_asked_for_it() -> None:
    assert OrderFactory.create(status="estornado").refunded_cents == 12990


def test_appmaxs_answer_about_the_order_confirms_a_partial_refund_once(
    store: Client, order: Order, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(CALL, status=201, body={"data": []}))  # Appmax took it, and has not done it
    post(store, "refund", part(order, 300))
    post(store, "refund", part(order, 500))

    for _ in range(2):
        ask.ask(order)

    assert states(order) == [(300, "confirmed"), (500, "asked")]


def test_appmaxs_answer_without_a_refund_confirms_none(store: Client, order: Order, simulator: SimulatorServer) -> None:
    simulator.state.add_fault(Fault(CALL, status=201, body={"data": []}))
    post(store, "refund", part(order, 300))

    ask.ask(order)

    assert states(order) == [(300, "asked")]


def test_appmaxs_answer_estornado_confirms_every_refund(store: Client, order: Order) -> None:
    post(store, "refund", part(order, 300))
    post(store, "refund", total(order))

    ask.ask(order)

    order.refresh_from_db()
    assert (order.status, order.refunded_cents) == ("estornado", TOTAL)
    assert states(order) == [(300, "confirmed"), (TOTAL - 300, "confirmed")]


def test_what_appmax_takes_after_staff_called_it_refused_is_not_left(
    store: Client, order: Order, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(CALL, hang=1.5, status=201, body={"data": []}))
    answers: list[Any] = []

    def ask_for_it() -> None:
        answers.append(post(store, "refund", total(order)).status_code)
        connection.close()

    call = threading.Thread(target=ask_for_it)
    call.start()
    wait_until(Refund.objects.exists)
    call_command("settle_refund", str(Refund.objects.get().pk), "refused", "--reason", "ana: not in the panel")
    call.join(timeout=20)

    assert (answers, states(order)) == ([200], [(TOTAL, "asked")])
    assert post(store, "refund", total(order)).status_code == 409


def test_staff_settle_what_appmax_tells_nothing_of(store: Client, order: Order, simulator: SimulatorServer) -> None:
    simulator.state.add_fault(Fault(CALL, reset=True))
    post(store, "refund", total(order))
    row = Refund.objects.get()
    assert (row.state, order.refundable_cents) == ("unknown", 0)

    call_command("settle_refund", str(row.pk), "refused", "--reason", "ana: not in the panel")

    assert post(store, "refund", total(order)).status_code == 200
    for pk in (str(row.pk), "999999"):
        with pytest.raises(CommandError, match=r"settled already|no refund"):
            call_command("settle_refund", pk, "confirmed", "--reason", "x")
