"""Which events an order's life tells of, and that each is written in the transaction that it tells of."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dev.smoke import CARD, ORDER
from installations.models import Installation
from notifications import endpoints, outbox
from notifications.models import Endpoint, EventType, Notification
from orders import attempts, changes
from orders.models import AttemptState, Order, PaymentAttempt, Refund
from orders.questions import ask
from orders.signals import order_created
from orders.status import OrderStatus
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.notifications.conftest import registered, told
from tests.support.factories import InstallationFactory, OrderFactory
from tests.support.listener import Listener
from tests.webhooks.conftest import known, send

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["known"]

STATUS = EventType.ORDER_STATUS_CHANGED
CPF = "529.982.247-25"


def post(store: Client, path: str, body: Any, **headers: str) -> Any:
    return store.post(f"/checkout/shop/{path}", body, content_type="application/json", headers=headers)


def ordered(store: Client) -> int:
    return int(post(store, "order", ORDER).json()["order_id"])


def moves() -> list[tuple[str, str, str]]:
    rows = Notification.objects.filter(type=STATUS).order_by("pk")
    return [(row.data["from"], row.data["to"], row.data["why"]) for row in rows]


def test_nothing_is_written_where_nobody_listens(store: Client, known: Callable[..., Order]) -> None:
    order = known()
    with CaptureQueriesContext(connection) as queries:
        send("order_paid", order.appmax_order_id)
    assert len(queries) == 2  # the webhook's own two statements
    ordered(store)
    assert not Notification.objects.exists()


def test_an_order_that_is_paid_by_a_webhook(endpoint: Endpoint, store: Client, listener: Listener) -> None:
    order_id = ordered(store)
    send("order_paid", order_id)
    assert told() == ["order.created", STATUS, "order.paid"]
    assert moves() == [("pendente", "aprovado", "webhook")]
    answer = store.get(f"/checkout/shop/orders/{order_id}").json()
    paid = Notification.objects.get(type="order.paid")
    assert (paid.data, paid.appmax_order_id) == (answer, order_id)


def test_the_order_is_told_as_its_route_answered_at_that_moment(endpoint: Endpoint, store: Client) -> None:
    order_id = ordered(store)
    before = store.get(f"/checkout/shop/orders/{order_id}").json()
    send("order_paid", order_id)
    assert Notification.objects.get(type="order.created").data == before


def test_a_webhook_that_moves_nothing_tells_nothing(endpoint: Endpoint, known: Callable[..., Order]) -> None:
    order = known()
    send("order_paid", order.appmax_order_id)
    count = Notification.objects.count()
    send("order_paid", order.appmax_order_id)
    send("order_approved", order.appmax_order_id)
    assert Notification.objects.count() == count


def test_a_webhook_that_came_before_its_order_is_told_after_the_order(
    endpoint: Endpoint, simulator: SimulatorServer, shop: Installation
) -> None:
    send("order_paid", 77_001)
    with transaction.atomic():
        Order.objects.lock_appmax_order(77_001)
        order = OrderFactory.create(installation=shop, appmax_order_id=77_001)
        changes.tell_created(order)
        order_created.send(sender=Order, order=order)
    assert told() == ["order.created", STATUS, "order.paid"]


def test_an_order_that_is_adopted_as_paid_is_told_as_new_and_paid(
    endpoint: Endpoint, shop: Installation, known: Callable[..., Any]
) -> None:
    ask.adopt(shop, known("aprovado", is_ours=False))
    assert told() == ["order.created", "order.paid"]


def test_a_card_that_is_taken(endpoint: Endpoint, store: Client) -> None:
    order_id = ordered(store)
    assert post(store, "pay/credit-card", {"order_id": order_id, "payment": CARD}).status_code == 200
    assert told() == ["order.created", STATUS, "order.paid"]
    assert moves() == [("pendente", "aprovado", "payment")]
    assert Notification.objects.get(type="order.paid").data["card"]["last_digits"] == CARD["number"][-4:]


def test_a_card_that_is_declined_and_then_another_one(
    endpoint: Endpoint, store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    declined = {"order_id": order_id, "payment": {**CARD, "number": "4000000000000028"}}
    answer = post(store, "pay/credit-card", declined)
    assert answer.status_code == 422, answer.content
    assert told() == ["order.created", "payment.declined", STATUS]
    payment = Notification.objects.get(type="payment.declined").data["payment"]
    assert (payment["method"], payment["state"]) == ("credit_card", "declined")
    assert payment["reason"] == answer.json().get("reason", payment["reason"])
    post(store, "pay/credit-card", {"order_id": order_id, "payment": CARD})
    assert [move[1:] for move in moves()] == [
        ("cancelado", "payment"),
        ("pendente", "new_payment"),
        ("aprovado", "payment"),
    ]


def test_a_payment_without_a_known_outcome_and_what_appmax_says_of_it(
    endpoint: Endpoint, store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault("/v1/payments/credit-card", status=500, work=True))
    answer = post(store, "pay/credit-card", {"order_id": order_id, "payment": CARD})
    assert answer.json()["code"] == "outcome_unknown"
    assert told()[1:] == ["payment.unknown"]
    payment = Notification.objects.get(type="payment.unknown").data["payment"]
    assert payment == {"method": "credit_card", "state": "unknown", "reason": "simulated 500"}
    ask.ask(Order.objects.get())
    assert told()[2:] == [STATUS, "order.paid"]
    assert moves() == [("pendente", "aprovado", "asked")]


def test_a_payment_without_a_known_outcome_of_which_appmax_says_that_it_was_declined(
    endpoint: Endpoint, store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault("/v1/payments/credit-card", status=504, work=True))
    post(store, "pay/credit-card", {"order_id": order_id, "payment": {**CARD, "number": "4000000000000028"}})
    ask.ask(Order.objects.get())
    assert told()[1:] == ["payment.unknown", "payment.declined", STATUS]
    payment = Notification.objects.get(type="payment.declined").data["payment"]
    assert payment == {"method": "credit_card", "state": "declined", "reason": ""}


def test_a_correction_says_that_it_is_one(endpoint: Endpoint, known: Callable[..., Order]) -> None:
    order = known()
    send("order_paid", order.appmax_order_id)
    ask.ask(Order.objects.get())
    assert moves() == [("pendente", "aprovado", "webhook"), ("aprovado", "pendente", "corrected")]


def test_a_refund_is_told_when_it_is_taken_and_when_the_money_has_gone_back(
    endpoint: Endpoint, store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", {"order_id": order_id, "payment": CARD})
    Notification.objects.all().delete()
    asked = post(store, "refund", {"order_id": order_id, "type": "total"})
    assert asked.status_code == 200, asked.content
    assert told() == ["refund.requested"]
    refund = Notification.objects.get().data["refund"]
    assert (refund["state"], refund["value"]) == ("asked", Order.objects.get().total_cents)
    send("order_refund", order_id)
    simulator.state.orders[order_id].status = "estornado"
    ask.ask(Order.objects.get())
    assert told() == ["refund.requested", STATUS, "refund.completed"]
    assert Notification.objects.get(type="refund.completed").data["refund"]["state"] == "confirmed"


def test_a_refund_of_appmaxs_panel_is_told_by_the_status(endpoint: Endpoint, known: Callable[..., Order]) -> None:
    order = known()
    send("order_paid", order.appmax_order_id)
    send("order_refund", order.appmax_order_id)
    assert told()[-2:] == [STATUS, "refund.completed"]
    assert Notification.objects.get(type="refund.completed").data["refund"] is None


def test_a_refund_that_staff_settle_is_told(endpoint: Endpoint, known: Callable[..., Order]) -> None:
    order = known()
    refund = Refund.objects.create(order=order, amount_cents=100)
    call_command("settle_refund", refund.pk, "confirmed", reason="seen in the panel")
    assert told() == ["refund.completed"]


@pytest.mark.parametrize(
    ("before", "now", "types"),
    [
        ("pendente", "autorizado", []),
        ("autorizado", "aprovado", ["order.paid"]),
        ("cancelado", "integrado", ["order.paid"]),
        ("aprovado", "integrado", []),
        ("estornado", "aprovado", []),
        ("aprovado", "chargeback_em_tratativa", ["chargeback.opened"]),
        ("chargeback_em_tratativa", "chargeback_em_disputa", []),
        ("chargeback_em_disputa", "chargeback_perdido", ["chargeback.closed"]),
        ("chargeback_em_tratativa", "chargeback_vencido", ["chargeback.closed"]),
        ("aprovado", "chargeback_perdido", ["chargeback.opened", "chargeback.closed"]),
        ("chargeback_em_disputa", "estornado", ["refund.completed", "chargeback.closed"]),
        ("chargeback_em_tratativa", "aprovado", ["chargeback.closed"]),
        ("aprovado", "estornado", ["refund.completed"]),
    ],
)
def test_what_a_change_of_the_status_means(before: OrderStatus, now: OrderStatus, types: list[str]) -> None:
    assert list(changes.meanings(before, now, elsewhere=True)) == types


def test_an_endpoint_is_told_what_it_asked_for_and_only_of_its_installation(
    shop: Installation, endpoint: Endpoint, known: Callable[..., Order]
) -> None:
    paid_only = registered(shop, endpoint.url, EventType.ORDER_PAID)
    others = registered(InstallationFactory.create(), endpoint.url)
    off = endpoints.change(registered(shop, endpoint.url), enabled=False)
    send("order_paid", known().appmax_order_id)
    assert [row.type for row in paid_only.notifications.all()] == ["order.paid"]
    assert not others.notifications.exists()
    assert not off.notifications.exists()
    same = set(Notification.objects.filter(type="order.paid").values_list("message_id", flat=True))
    assert len(same) == 1


def test_what_is_rolled_back_is_not_told(endpoint: Endpoint, known: Callable[..., Order]) -> None:
    order = known()
    with transaction.atomic():
        changes.set_status(Order.objects.locked(order.pk), OrderStatus.APROVADO, changes.Cause.ASKED)
        assert told() == [STATUS, "order.paid"]
        transaction.set_rollback(True)
    assert not Notification.objects.exists()


def test_the_outbox_is_not_written_outside_a_transaction(endpoint: Endpoint) -> None:
    with pytest.raises(RuntimeError):
        outbox.put(endpoint.installation_id, 1, {EventType.ORDER_PAID: {}}, dict)


def test_twenty_webhooks_at_once_tell_each_change_once_and_in_order(
    endpoint: Endpoint, known: Callable[..., Order], race: Callable[..., list[Any]]
) -> None:
    order = known()
    names = ["order_authorized", "order_paid", "order_approved", "order_integrated", "order_refund"] * 4
    race(lambda number: send(names[number], order.appmax_order_id), times=20)
    chain = moves()
    assert chain[0][0] == "pendente"
    assert all(left[1] == right[0] for left, right in pairwise(chain))
    order.refresh_from_db()
    assert chain[-1][1] == order.status


def test_no_card_data_and_no_personal_data_is_in_what_is_told(endpoint: Endpoint, store: Client) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", {"order_id": order_id, "payment": CARD})
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, ' ') FROM notifications")
        text = cursor.fetchone()[0]
    customer = ORDER["customer"]
    for secret in (CARD["number"], CARD["cvv"] + '"', CARD["holder_name"], customer["email"], customer["first_name"]):
        assert secret not in text
    assert customer["document_number"] not in text
    assert customer["phone"] not in text


def test_a_settled_attempt_gives_its_order_the_status_before_and_tells_it(
    endpoint: Endpoint, store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    send("order_pix_expired", order_id)
    simulator.state.add_fault(Fault("/v1/payments/pix", status=500, work=False))
    post(store, "pay/pix", {"order_id": order_id, "document_number": CPF})
    attempt = PaymentAttempt.objects.get()
    attempts.settle_by_hand(attempt, AttemptState.FAILED, "nothing there")
    assert [move[1] for move in moves()] == ["cancelado", "pendente", "cancelado"]
