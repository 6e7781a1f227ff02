"""What the log tells of an event: what monitoring looks for, and nothing of its content."""

import logging
from typing import Any

import pytest

from orders.models import Order
from orders.signals import order_created
from tests.support.factories import OrderFactory
from tests.webhooks.conftest import handling_fails, send
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def told(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    """The one line of this name, or the one step within a request's line."""
    lines: list[dict[str, Any]] = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    found: list[dict[str, Any]] = [each for line in lines for each in (line, *line.get("steps", ()))]
    [line] = [each for each in found if each["event"] == event]
    return line


BROKEN = ZeroDivisionError("of a row with personal data")


def test_a_received_event_by_name_model_order_and_outcome(caplog: pytest.LogCaptureFixture) -> None:
    order = OrderFactory.create()

    send("order_paid", order.appmax_order_id, external_key=order.installation.external_key)

    line = told(caplog, "webhook.received")
    assert (line["name"], line["model"], line["outcome"]) == ("order_paid", "app_store", "applied")
    assert line["order"] == order.appmax_order_id
    assert 0 < line["ms"] < 60_000


def test_an_event_that_was_there_before_its_order(caplog: pytest.LogCaptureFixture) -> None:
    send("order_paid", 9_000_001)

    order_created.send(sender=Order, order=OrderFactory.create(appmax_order_id=9_000_001))

    row = WebhookEvent.objects.get()
    line = told(caplog, "webhook.applied_late")
    assert (line["id"], line["order"], line["outcome"]) == (row.pk, 9_000_001, "applied")


def test_an_event_that_could_not_be_handled_by_the_kind_of_error_alone(caplog: pytest.LogCaptureFixture) -> None:
    with handling_fails(BROKEN):
        assert send("order_paid", 7).status_code == 200

    line = told(caplog, "webhook.handling_failed")
    assert (line["order"], line["error"], line["level"]) == (7, "ZeroDivisionError", "error")
    assert WebhookEvent.objects.get().error_message == "ZeroDivisionError"
    assert "personal data" not in caplog.text


def test_waiting_events_that_cannot_be_applied_cost_no_order(caplog: pytest.LogCaptureFixture) -> None:
    send("order_paid", 9_000_002)

    with handling_fails(BROKEN):
        order_created.send(sender=Order, order=OrderFactory.create(appmax_order_id=9_000_002))

    line = told(caplog, "webhook.apply_waiting_failed")
    assert (line["order"], line["error"], line["level"]) == (9_000_002, "ZeroDivisionError", "error")
    assert Order.objects.get().status == "pendente"
    assert not WebhookEvent.objects.get().processed


def test_an_event_that_needs_an_order_and_names_none_says_so() -> None:
    send("order_paid", None)

    assert WebhookEvent.objects.get().error_message == "the event names no order"
