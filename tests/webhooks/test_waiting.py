"""Events that came too early, or failed: nothing is lost."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from orders.models import Order, OrderQuerySet
from orders.reconcile import Round
from orders.signals import order_created
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.webhooks.conftest import BROKEN_RULE, send
from webhooks import inbox, waiting
from webhooks.models import Outcome, Retry, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def process_due() -> Counter[Outcome]:
    """A round of the worker's."""
    return waiting.process_due(Round(most_of_a_merchant=3, sleep=lambda _: None))


def at_once() -> None:
    """Every event's time has come."""
    Retry.objects.update(next_at=timezone.now())


def received(**ago: float) -> None:
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(**ago))


def test_a_new_order_takes_what_was_waiting_for_it() -> None:
    early = [
        WebhookEventFactory.create(event=event, appmax_order_id=77)
        for event in ("order_paid", "order_pix_created", "order_paid")
    ]
    other = WebhookEventFactory.create(appmax_order_id=78)
    order = OrderFactory.create(appmax_order_id=77)

    order_created.send(sender=type(order), order=order)

    order.refresh_from_db()
    assert order.status == "aprovado"
    for row in [*early, other]:
        row.refresh_from_db()
    assert [row.processed for row in early] == [True, True, True]
    assert [row.error_message for row in early] == [
        None,
        "ignored: the order is aprovado, this event means pendente",
        "duplicate",
    ]
    assert not other.processed


def test_a_failure_of_waiting_events_does_not_cost_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    early = WebhookEventFactory.create(appmax_order_id=77)
    order = OrderFactory.create(appmax_order_id=77)
    monkeypatch.setattr("orders.models.Order.advance", lambda *_: 1 / 0)

    order_created.send(sender=type(order), order=order)

    early.refresh_from_db()
    assert not early.processed
    order.refresh_from_db()
    assert order.status == "pendente"


def test_the_command_drains_what_waits() -> None:
    order = OrderFactory.create()
    WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
    WebhookEventFactory.create(appmax_order_id=1)
    out = StringIO()

    call_command("process_webhook_events", stdout=out)

    assert sorted(out.getvalue().strip().split(", ")) == ["1 applied", "1 waiting"]
    order.refresh_from_db()
    assert order.status == "aprovado"


def test_an_event_that_has_been_handled_is_not_handled_again() -> None:
    order = OrderFactory.create()
    row = WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
    inbox.reprocess(row.pk)

    assert inbox.reprocess(row.pk) is None


def test_an_event_that_somebody_else_is_at_is_left_to_them(race: Any) -> None:
    row = WebhookEventFactory.create(event="customer_created", appmax_order_id=None)

    with transaction.atomic():
        WebhookEvent.objects.select_for_update().get()
        assert race(lambda _: inbox.reprocess(row.pk), times=1) == [None]


def test_an_order_that_is_made_while_its_event_waits_for_the_lock_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    def made_meanwhile(orders: Any, number: int) -> None:
        OrderFactory.create(appmax_order_id=number)

    monkeypatch.setattr(OrderQuerySet, "lock_appmax_order", made_meanwhile)

    send("order_paid", 77)

    assert Order.objects.get(appmax_order_id=77).status == "aprovado"


@pytest.mark.parametrize("key", ["client_key", "external_key"])
def test_one_that_names_another_merchant_than_the_later_orders_is_refused(key: str) -> None:
    send("order_paid", 77, **{key: InstallationFactory.create().external_key})
    order = OrderFactory.create(appmax_order_id=77)

    order_created.send(sender=type(order), order=order)

    order.refresh_from_db()
    assert order.status == "pendente"
    assert WebhookEvent.objects.get().error_message == (
        "not believed: its client_key names another merchant than the order's"
    )


def test_an_event_of_no_order_is_handled_once_by_many(race: Any) -> None:
    row = WebhookEventFactory.create(event="customer_created", appmax_order_id=None)

    outcomes = race(lambda _: inbox.reprocess(row.pk), times=8)

    assert [outcome for outcome in outcomes if outcome is not None] == ["acknowledged"]


def test_what_is_kept_of_tries_is_forgotten_with_the_event() -> None:
    row = WebhookEventFactory.create(appmax_order_id=77)
    WebhookEventFactory.create(appmax_order_id=78)
    process_due()
    order = OrderFactory.create(appmax_order_id=77)
    order_created.send(sender=type(order), order=order)
    assert Retry.objects.count() == 2

    assert waiting.forget_retries() == 1
    assert Retry.objects.get().event_id != row.pk


def test_an_order_that_appmax_does_not_know_is_asked_about_rarely(known: Any, simulator: SimulatorServer) -> None:
    send("order_paid", 10**9, client_key="shop")

    process_due()

    assert Retry.objects.get().next_at > timezone.now() + timedelta(minutes=9)


def test_one_merchants_many_events_do_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch, known: Any) -> None:
    monkeypatch.setattr(waiting, "MOST_IN_A_ROUND", 5)
    for number in range(12):
        send("order_paid", 10**9 + number, client_key="shop")
    lone = WebhookEventFactory.create(appmax_order_id=OrderFactory.create().appmax_order_id)

    for _ in range(4):
        waiting.process_due(Round(most_of_a_merchant=1, sleep=lambda _: None))
        at_once()

    lone.refresh_from_db()
    assert lone.processed


def test_many_drains_at_once_handle_each_event_once(race: Any) -> None:
    for order in OrderFactory.create_batch(20):
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
    WebhookEventFactory.create_batch(20, event="customer_created", appmax_order_id=None)

    results = race(lambda _: waiting.process_all(), times=6)

    assert sum(results, Counter()) == {"applied": 20, "acknowledged": 20}


def test_the_worker_beside_staff_and_the_web_handles_each_event_once(race: Any) -> None:
    orders = OrderFactory.create_batch(10)
    rows = [WebhookEventFactory.create(appmax_order_id=order.appmax_order_id) for order in orders]
    work: list[Callable[[], Any]] = [
        process_due,
        waiting.process_all,
        lambda: waiting.process_all([row.pk for row in rows]),
        lambda: [send("order_paid", order.appmax_order_id) for order in orders],
    ]

    race(lambda number: work[number](), times=4)

    assert set(Order.objects.values_list("status", flat=True)) == {"aprovado"}
    for order in orders:
        events = WebhookEvent.objects.filter(appmax_order_id=order.appmax_order_id)
        assert sorted(events.values_list("processed", "error_message"), key=str) == [(True, "duplicate"), (True, None)]


# --- tried again ---


def test_an_event_whose_handling_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    order = OrderFactory.create()
    with monkeypatch.context() as broken:
        broken.setattr(*BROKEN_RULE)
        assert send("order_paid", order.appmax_order_id).status_code == 200
        assert process_due() == {"failed": 1}
        assert process_due() == {}

    at_once()
    assert process_due() == {"applied": 1}
    order.refresh_from_db()
    assert order.status == "aprovado"
    assert not Retry.objects.exists()


def test_a_failure_is_noted_at_its_event_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    row, other = (WebhookEventFactory.create(appmax_order_id=OrderFactory.create().appmax_order_id) for _ in range(2))
    monkeypatch.setattr("orders.models.Order.advance", lambda *_: 1 / 0)

    assert inbox.reprocess(row.pk) == "failed"

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.error_message, other.error_message) == ("processing failed: ZeroDivisionError", None)


def test_a_failure_is_not_noted_at_what_somebody_else_has_handled_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    row = WebhookEventFactory.create(appmax_order_id=OrderFactory.create().appmax_order_id)
    monkeypatch.setattr("orders.models.Order.advance", lambda *_: 1 / 0)

    def handled_meanwhile(error: Exception) -> str:
        WebhookEvent.objects.update(processed=True, processed_at=timezone.now())
        return "processing failed"

    monkeypatch.setattr(inbox, "_failure", handled_meanwhile)
    inbox.reprocess(row.pk)

    row.refresh_from_db()
    assert (row.processed, row.error_message) == (True, None)


def test_the_intervals_grow(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.WEBHOOK_WAIT_HOURS = 1000
    send("order_paid", 123)
    start, tried_at = timezone.now(), []
    for seconds in range(0, 400, 5):
        now = start + timedelta(seconds=seconds)
        monkeypatch.setattr(waiting, "clock", SimpleNamespace(now=lambda now=now: now))
        if process_due():
            tried_at.append(seconds)

    assert tried_at == [0, 5, 15, 35, 75, 155, 315]


def test_they_grow_to_six_hours() -> None:
    send("order_paid", 123)
    process_due()
    Retry.objects.update(times=50, next_at=timezone.now())

    process_due()

    assert timedelta(hours=5.9) < Retry.objects.get().next_at - timezone.now() <= timedelta(hours=6)


@pytest.mark.parametrize(("hours", "setting", "closed"), [(71.9, 72, False), (72.1, 72, True), (2, 1, True)])
def test_after_a_time_it_is_closed_as_order_not_found(settings: Any, hours: float, setting: int, closed: bool) -> None:
    settings.WEBHOOK_WAIT_HOURS = setting
    send("order_paid", 123)
    received(hours=hours)

    assert process_due() == {"closed" if closed else "waiting": 1}

    row = WebhookEvent.objects.get()
    assert row.processed == closed
    assert row.error_message == ("order not found" if closed else "the order is not there yet")


def test_one_that_names_no_order_is_closed_with_what_was_odd_about_it() -> None:
    send("order_paid", "abc")
    received(hours=73)

    assert process_due() == {"closed": 1}
    assert WebhookEvent.objects.get().error_message == "not believed: not an order id: 'abc'"


def test_one_that_failed_is_not_closed_but_kept_for_staff(monkeypatch: pytest.MonkeyPatch) -> None:
    order = OrderFactory.create()
    monkeypatch.setattr(*BROKEN_RULE)
    send("order_paid", order.appmax_order_id)
    received(days=30)

    assert process_due() == {"failed": 1}
    assert not WebhookEvent.objects.get().processed


def test_after_it_was_closed_the_same_event_is_no_duplicate() -> None:
    send("order_paid", 123)
    received(hours=73)
    process_due()
    order = OrderFactory.create(appmax_order_id=123)

    assert send("order_paid", 123).json() == {"message": "ok"}
    order.refresh_from_db()
    assert order.status == "aprovado"


# --- its order is fetched ---


@pytest.mark.parametrize("key", ["client_key", "external_key"])
def test_an_order_that_an_installation_of_ours_is_named_with_is_fetched(
    known: Any, simulator: SimulatorServer, key: str
) -> None:
    order_id = known("aprovado", is_ours=False)
    send("order_paid", order_id, **{key: "shop"})

    process_due()

    order = Order.objects.get()
    assert (order.appmax_order_id, order.status, order.total_cents) == (order_id, "aprovado", 12990)
    row = WebhookEvent.objects.get()
    assert (row.processed, row.error_message) == (True, "ignored: the order is aprovado already")


def test_without_an_installation_of_ours_nothing_is_asked(known: Any, simulator: SimulatorServer) -> None:
    order_id = known("aprovado", is_ours=False)
    simulator.state.add_fault(Fault("/v1/orders/", status=500))

    send("order_paid", order_id, client_key="nobody")
    assert process_due() == {"waiting": 1}

    assert simulator.state.waiting_faults()
    assert not Order.objects.exists()


def test_many_events_of_one_missing_order_ask_once(known: Any, simulator: SimulatorServer) -> None:
    order_id = known("integrado", is_ours=False)
    for event in ("order_pix_created", "order_paid_by_pix", "order_approved", "order_integrated"):
        send(event, order_id, client_key="shop")
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.01, times=9))

    process_due()

    assert simulator.state.waiting_faults()[0].times == 8
    assert Order.objects.get().status == "integrado"
    assert not WebhookEvent.objects.filter(processed=False).exists()


def test_an_order_that_cannot_be_fetched_goes_on_waiting(known: Any, simulator: SimulatorServer) -> None:
    order_id = known(is_ours=False)
    simulator.state.add_fault(Fault("/v1/orders/", status=404))
    send("order_paid", order_id, client_key="shop")

    assert process_due() == {"waiting": 1}
    at_once()
    process_due()
    assert Order.objects.get().appmax_order_id == order_id


def test_an_order_of_which_nothing_can_be_made_is_given_up_in_the_end(known: Any, simulator: SimulatorServer) -> None:
    order_id = known("something new", is_ours=False)
    send("order_paid", order_id, client_key="shop")

    assert process_due() == {"waiting": 1}
    received(hours=73)
    at_once()
    assert process_due() == {"closed": 1}


def test_two_workers_fetch_one_order(known: Any, race: Any) -> None:
    order_id = known("aprovado", is_ours=False)
    send("order_paid", order_id, client_key="shop")
    send("order_approved", order_id, client_key="shop")

    race(lambda _: process_due(), times=4)

    assert Order.objects.get().status == "aprovado"
    assert not WebhookEvent.objects.filter(processed=False).exists()


def test_another_merchants_order_is_not_fetched_with_this_ones_credentials(
    known: Any, simulator: SimulatorServer
) -> None:
    client_id, client_secret = simulator.state.merchant_credentials("other")
    InstallationFactory.create(external_key="other", merchant_client_id=client_id, merchant_client_secret=client_secret)
    order_id = known("aprovado", is_ours=False)

    send("order_paid", order_id, client_key="other")

    assert process_due() == {"waiting": 1}
    assert not Order.objects.exists()


def test_an_event_without_order_that_failed_once_doesnt_keep_that_as_its_note() -> None:
    known = WebhookEventFactory.create(
        event="customer_created", appmax_order_id=None, error_message="processing failed: X"
    )
    unknown = WebhookEventFactory.create(
        event="nobody_knows", appmax_order_id=None, error_message="processing failed: X"
    )

    waiting.process_all([known.pk, unknown.pk])

    notes = dict(WebhookEvent.objects.filter(processed=True).values_list("pk", "error_message"))
    assert notes == {known.pk: None, unknown.pk: "unknown event"}
