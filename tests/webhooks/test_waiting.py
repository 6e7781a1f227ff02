"""Events that came too early, or failed: nothing is lost."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from orders.models import Order, Question
from orders.signals import order_created
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.support.statements import before_statements
from tests.webhooks.conftest import ask_appmax, handling_fails, outcomes, send, time_passes
from webhooks import inbox, kept
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert [row.outcome for row in early] == ["applied", "ignored", "duplicate"]
    assert not other.processed


def test_a_failure_of_waiting_events_does_not_cost_the_order() -> None:
    early = WebhookEventFactory.create(appmax_order_id=77)
    order = OrderFactory.create(appmax_order_id=77)

    with handling_fails():
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
    inbox.handle_again(row.pk)

    assert inbox.handle_again(row.pk) is None


def test_an_event_that_somebody_else_is_at_is_left_to_them(race: Any) -> None:
    row = WebhookEventFactory.create(event="customer_created", appmax_order_id=None)

    with transaction.atomic():
        WebhookEvent.objects.select_for_update().get()
        assert race(lambda _: inbox.handle_again(row.pk), times=1) == [None]


def test_an_order_that_is_made_while_its_event_waits_for_the_lock_is_moved(race: Any) -> None:
    def made_meanwhile() -> None:
        race(lambda _: OrderFactory.create(appmax_order_id=77), times=1)

    with before_statements("pg_advisory_xact_lock", made_meanwhile):
        send("order_paid", 77)

    assert Order.objects.get(appmax_order_id=77).status == "aprovado"


@pytest.mark.parametrize("key", ["client_key", "external_key"])
def test_one_that_names_another_merchant_than_the_later_orders_is_refused(key: str) -> None:
    send("order_paid", 77, **{key: InstallationFactory.create().external_key})
    order = OrderFactory.create(appmax_order_id=77)

    order_created.send(sender=type(order), order=order)

    order.refresh_from_db()
    assert order.status == "pendente"
    assert outcomes() == ["refused"]


def test_an_event_of_no_order_is_handled_once_by_many(race: Any) -> None:
    row = WebhookEventFactory.create(event="customer_created", appmax_order_id=None)

    results = race(lambda _: inbox.handle_again(row.pk), times=8)

    assert [result for result in results if result is not None] == ["acknowledged"]


def test_many_drains_at_once_handle_each_event_once(race: Any) -> None:
    for order in OrderFactory.create_batch(20):
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
    WebhookEventFactory.create_batch(20, event="customer_created", appmax_order_id=None)

    results = race(lambda _: kept.handle_now(), times=6)

    assert sum(results, Counter()) == {"applied": 20, "acknowledged": 20}


def test_the_worker_beside_staff_and_the_web_handles_each_event_once(race: Any) -> None:
    orders = OrderFactory.create_batch(10)
    rows = [WebhookEventFactory.create(appmax_order_id=order.appmax_order_id) for order in orders]
    work: list[Callable[[], Any]] = [
        kept.handle_due,
        kept.handle_now,
        lambda: kept.handle_now([row.pk for row in rows]),
        lambda: [send("order_paid", order.appmax_order_id) for order in orders],
    ]

    race(lambda number: work[number](), times=4)

    assert set(Order.objects.values_list("status", flat=True)) == {"aprovado"}
    for order in orders:
        events = WebhookEvent.objects.filter(appmax_order_id=order.appmax_order_id)
        assert sorted(events.values_list("processed", "outcome")) == [(True, "applied"), (True, "duplicate")]


# --- tried again ---


def test_an_event_whose_handling_failed_is_tried_again() -> None:
    order = OrderFactory.create()
    with handling_fails():
        assert send("order_paid", order.appmax_order_id).status_code == 200
        assert kept.handle_due() == {"failed": 1}

    assert kept.handle_due() == {"applied": 1}
    assert kept.handle_due() == {}
    order.refresh_from_db()
    assert order.status == "aprovado"


def test_a_failure_is_noted_at_its_event_alone() -> None:
    row, other = (WebhookEventFactory.create(appmax_order_id=OrderFactory.create().appmax_order_id) for _ in range(2))

    with handling_fails():
        assert inbox.handle_again(row.pk) == "failed"

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.outcome, row.error_message) == ("failed", "ZeroDivisionError")
    assert (other.outcome, other.error_message) == ("waiting", None)


@pytest.mark.parametrize(("hours", "setting", "closed"), [(71.9, 72, False), (72.1, 72, True), (2, 1, True)])
def test_after_a_time_it_is_closed_as_order_not_found(settings: Any, hours: float, setting: int, closed: bool) -> None:
    settings.WEBHOOK_WAIT_HOURS = setting
    send("order_paid", 123)
    received(hours=hours)

    assert kept.handle_due() == ({"closed": 1} if closed else {})

    row = WebhookEvent.objects.get()
    assert (row.processed, row.outcome) == (closed, "closed" if closed else "waiting")
    assert row.error_message == "the order is not there yet"


def test_one_that_names_no_order_is_closed_with_what_was_odd_about_it() -> None:
    send("order_paid", "abc")
    received(hours=73)

    assert kept.handle_due() == {"closed": 1}
    assert WebhookEvent.objects.get().error_message == "not an order id: 'abc'"


def test_one_that_failed_is_not_closed_but_kept_for_staff() -> None:
    order = OrderFactory.create()
    with handling_fails():
        send("order_paid", order.appmax_order_id)
        received(days=30)

        assert kept.handle_due() == {"failed": 1}
    assert not WebhookEvent.objects.get().processed


def test_one_that_failed_is_asked_about_before_it_is_closed(known: Any) -> None:
    order_id = known("aprovado", is_ours=False)
    body = {"event": "order_paid", "event_type": "order", "client_key": "shop", "data": {"order_id": order_id}}
    WebhookEventFactory.create(appmax_order_id=order_id, outcome="failed", payload=body)
    received(hours=73)

    assert kept.handle_due() == {"waiting": 1}

    assert Question.objects.get().why == "order_missing"
    assert ask_appmax() == {"changed": 1}
    assert WebhookEvent.objects.get().outcome == "applied"


def test_after_it_was_closed_the_same_event_is_no_duplicate() -> None:
    send("order_paid", 123)
    received(hours=73)
    kept.handle_due()
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

    assert ask_appmax() == {"changed": 1}

    order = Order.objects.get()
    assert (order.appmax_order_id, order.status, order.total_cents) == (order_id, "aprovado", 12990)
    row = WebhookEvent.objects.get()
    assert (row.processed, row.outcome) == (True, "applied")
    assert not Question.objects.open().exists()


def test_without_an_installation_of_ours_nothing_is_asked(known: Any, simulator: SimulatorServer) -> None:
    order_id = known("aprovado", is_ours=False)
    simulator.state.add_fault(Fault("/v1/orders/", status=500))

    send("order_paid", order_id, client_key="nobody")
    assert ask_appmax() == {}
    assert kept.handle_now() == {"waiting": 1}

    assert simulator.state.waiting_faults()
    assert not Order.objects.exists()


def test_many_events_of_one_missing_order_ask_once(known: Any, simulator: SimulatorServer) -> None:
    order_id = known("integrado", is_ours=False)
    for event in ("order_pix_created", "order_paid_by_pix", "order_approved", "order_integrated"):
        send(event, order_id, client_key="shop")
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.01, times=9))

    ask_appmax()

    assert simulator.state.waiting_faults()[0].times == 8
    assert Order.objects.get().status == "integrado"
    assert not WebhookEvent.objects.filter(processed=False).exists()


def test_an_order_that_cannot_be_fetched_goes_on_waiting(known: Any, simulator: SimulatorServer) -> None:
    order_id = known(is_ours=False)
    simulator.state.add_fault(Fault("/v1/orders/", status=404))
    send("order_paid", order_id, client_key="shop")

    assert ask_appmax() == {"failed": 1}
    assert outcomes() == ["waiting"]
    ask_appmax()
    assert Order.objects.get().appmax_order_id == order_id
    assert Question.objects.values_list("said", "error").get() == ("pendente", "")


def test_an_order_of_which_nothing_can_be_made_is_given_up_in_the_end(known: Any, simulator: SimulatorServer) -> None:
    order_id = known("something new", is_ours=False)
    send("order_paid", order_id, client_key="shop")

    assert ask_appmax() == {"failed": 1}
    time_passes(73 * 3600)
    assert kept.handle_due() == {"waiting": 1}
    ask_appmax()
    assert kept.handle_due() == {"closed": 1}


def test_two_workers_fetch_one_order(known: Any, race: Any) -> None:
    order_id = known("aprovado", is_ours=False)
    send("order_paid", order_id, client_key="shop")
    send("order_approved", order_id, client_key="shop")

    race(lambda _: ask_appmax(), times=4)

    assert Order.objects.get().status == "aprovado"
    assert not WebhookEvent.objects.filter(processed=False).exists()


def test_another_merchants_order_is_not_fetched_with_this_ones_credentials(
    known: Any, simulator: SimulatorServer
) -> None:
    client_id, client_secret = simulator.state.merchant_credentials("other")
    InstallationFactory.create(external_key="other", merchant_client_id=client_id, merchant_client_secret=client_secret)
    order_id = known("aprovado", is_ours=False)

    send("order_paid", order_id, client_key="other")

    assert ask_appmax() == {"failed": 1}
    assert outcomes() == ["waiting"]
    assert not Order.objects.exists()


def test_an_order_that_appmax_does_not_know_is_asked_about_rarely_and_given_up_at_last(
    shop: Any, simulator: SimulatorServer
) -> None:
    send("order_paid", 10**9, client_key="shop")

    ask_appmax()
    assert Question.objects.get().due_at > timezone.now() + timedelta(minutes=9)  # type: ignore[operator]
    time_passes(83 * 3600)
    ask_appmax()
    assert kept.handle_due() == {"closed": 1}
    assert Question.objects.open().exists()
    time_passes(2 * 3600)
    ask_appmax()
    assert not Question.objects.open().exists()


def test_an_event_without_order_that_failed_once_doesnt_keep_that_as_its_note() -> None:
    known = WebhookEventFactory.create(
        event="customer_created", appmax_order_id=None, outcome="failed", error_message="ZeroDivisionError"
    )
    unknown = WebhookEventFactory.create(
        event="nobody_knows", appmax_order_id=None, outcome="failed", error_message="ZeroDivisionError"
    )

    kept.handle_now([known.pk, unknown.pk])

    notes = dict(WebhookEvent.objects.filter(processed=True).values_list("pk", "error_message"))
    assert notes == {known.pk: None, unknown.pk: "unknown event"}
