"""Most events are applied by one statement. It must do what the longer way does, and leave to that all else."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from installations.models import Installation
from orders.models import Order, StatusCheck
from orders.status import OrderStatus
from tests.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.processes import wait_until
from tests.webhooks.conftest import body, send
from webhooks import inbox, payload
from webhooks.models import WebhookEvent

ONE_OF_EACH = ["order_teleported", *(names[0] for names in payload.names_by_status().values())]
FEW = ["OrderPaid", "order_refund", "order_partial_refund"]
CLOSED = {"processed": True, "processed_at": timezone.now()}
BEFORE: dict[str, dict[str, Any]] = {
    "handled": CLOSED,
    "ignored": {**CLOSED, "error_message": "ignored: the order is aprovado already"},
    "not believed": {**CLOSED, "error_message": "not believed: Appmax says pendente"},
    "closed in vain": {**CLOSED, "error_message": "order not found"},
    "waiting": {"error_message": "waits for Appmax's confirmation"},
}
MERCHANTS = {"its own": "mine", "another's": "theirs", "a stranger": "unheard of"}


@pytest.fixture
def shops(db: None) -> list[Installation]:
    return [InstallationFactory.create(external_key=key) for key in ("mine", "theirs")]


def outcome(shop: Installation, status: str, event: str, earlier: dict[str, Any] | None, merchant: str | None) -> Any:
    """What becomes of an event of a new order, and what is written of it."""
    order = OrderFactory.create(installation=shop, status=status)
    if earlier is not None:
        WebhookEventFactory.create(event=event, appmax_order_id=order.appmax_order_id, **earlier)
    envelope = {} if merchant is None else {"client_key": merchant}

    result = inbox.receive(payload.read(body(event, order.appmax_order_id, **envelope)))

    order.refresh_from_db()
    row = WebhookEvent.objects.filter(appmax_order_id=order.appmax_order_id).latest("pk")
    is_flagged = StatusCheck.objects.filter(order=order).exists()
    written = (row.event, row.event_type, row.processed, row.processed_at is None, row.error_message, row.outcome)
    return result, order.status, is_flagged, written


@pytest.mark.parametrize("status", OrderStatus.values)
def test_both_ways_end_alike(shops: list[Installation], status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cases: list[Any] = [(event, None, None) for event in ONE_OF_EACH]
    cases += [(event, earlier, None) for event in FEW for earlier in BEFORE.values()]
    cases += [(event, None, merchant) for event in FEW for merchant in MERCHANTS.values()]

    at_once = [outcome(shops[0], status, *case) for case in cases]
    monkeypatch.setattr(inbox, "_applies_at_once", lambda *_: False)

    assert at_once == [outcome(shops[0], status, *case) for case in cases]


def test_it_is_the_usual_way(shops: list[Installation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_settle", lambda *_: pytest.fail("the longer way"))

    result, status, _, written = outcome(shops[0], "pendente", "order_paid", None, "mine")

    assert (result, status) == ("applied", "aprovado")
    assert written == ("order_paid", "order", True, False, None, "applied")


def test_an_authorised_order_that_is_cancelled_goes_the_longer_way(shops: list[Installation]) -> None:
    result, status, is_flagged, _ = outcome(shops[0], "autorizado", "order_pix_expired", None, None)

    assert (result, status, is_flagged) == ("applied", "cancelado", True)


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_that_waited_for_the_lock_sees_what_was_done_meanwhile(race: Any) -> None:
    """The first was applied and a new attempt began, all after the second's statement had started."""
    order = OrderFactory.create(status="pendente")
    is_locked = threading.Event()

    def is_waited_for() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return cursor.fetchone() is not None

    def handle_and_restart() -> None:
        with transaction.atomic():
            mine = Order.objects.locked(order.pk)
            is_locked.set()
            wait_until(is_waited_for)
            mine.advance("cancelado")
            mine.restart()
            WebhookEventFactory.create(event="order_pix_expired", appmax_order_id=order.appmax_order_id, **CLOSED)

    def repeat() -> str:
        is_locked.wait(timeout=10)
        return str(send("order_pix_expired", order.appmax_order_id).json()["message"])

    answers = race(lambda number: repeat() if number else handle_and_restart(), times=2)

    assert set(answers) == {None, "already processed"}
    order.refresh_from_db()
    assert order.status == "pendente"


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_meanwhile_costs_no_event(race: Any) -> None:
    order = OrderFactory.create()
    is_locked = threading.Event()

    def is_ended() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return cursor.fetchone() is not None

    def end_it() -> None:
        with transaction.atomic():
            Order.objects.locked(order.pk)
            is_locked.set()
            wait_until(is_ended)

    def post() -> int:
        is_locked.wait(timeout=10)
        return int(send("order_paid", order.appmax_order_id).status_code)

    answers = race(lambda number: post() if number else end_it(), times=2)

    assert set(answers) == {None, 200}
    row = WebhookEvent.objects.get()
    assert (row.processed, row.error_message) == (False, "processing failed: OperationalError")
