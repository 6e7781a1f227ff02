"""Events that came too early, or failed: nothing is lost."""

from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from orders.signals import order_created
from tests.factories import OrderFactory, WebhookEventFactory
from webhooks import inbox

pytestmark = pytest.mark.django_db


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


@pytest.mark.django_db(transaction=True)
def test_many_drains_at_once_handle_each_event_once(race: Any) -> None:
    for order in OrderFactory.create_batch(20):
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
    WebhookEventFactory.create_batch(20, event="customer_created", appmax_order_id=None)

    results = race(lambda _: inbox.process_waiting(), times=6)

    assert sum(results, Counter()) == {"applied": 20, "acknowledged": 20}
