"""Payloads hold personal data: old ones are stripped."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.support.factories import WebhookEventFactory
from webhooks import inbox, retention
from webhooks.models import Progress, WebhookEvent

pytestmark = pytest.mark.django_db

PAYLOAD = {
    "event": "order_paid",
    "event_type": "order",
    "client_key": "shop",
    "data": {
        "order_id": 7,
        "customer_id": 3,
        "order_status": "aprovado",
        "status": "aprovado",
        "firstname": "Ana",
        "customer": {"email": "ana@example.com", "document_number": "52998224725"},
    },
}


def old(days: float = 181, **fields: Any) -> WebhookEvent:
    row: WebhookEvent = WebhookEventFactory.create(
        payload=PAYLOAD, processed=True, processed_at=timezone.now(), **fields
    )
    WebhookEvent.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days))
    return row


def test_an_old_payload_is_stripped_to_event_ids_and_status() -> None:
    row = old()

    assert retention.strip_old_payloads() == 1

    row.refresh_from_db()
    assert row.payload == {
        "event": "order_paid",
        "event_type": "order",
        "stripped": True,
        "data": {"order_id": 7, "customer_id": 3, "status": "aprovado", "order_status": "aprovado"},
    }


@pytest.mark.parametrize(("days", "setting", "stripped"), [(179, 180, 0), (181, 180, 1), (11, 10, 1), (9, 10, 0)])
def test_old_is_what_the_setting_says(settings: Any, days: int, setting: int, stripped: int) -> None:
    settings.WEBHOOK_PAYLOAD_DAYS = setting
    old(days)

    assert retention.strip_old_payloads() == stripped


def test_an_unprocessed_event_keeps_what_it_may_be_repaired_with() -> None:
    row = WebhookEventFactory.create(payload=PAYLOAD)
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(days=400))

    retention.strip_old_payloads()

    row.refresh_from_db()
    assert row.payload == PAYLOAD


def test_one_that_is_repaired_late_is_stripped_then() -> None:
    row = WebhookEventFactory.create(payload=PAYLOAD, event="customer_created", appmax_order_id=None)
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(days=400))
    retention.strip_old_payloads()

    inbox.handle_again(row.pk)

    row.refresh_from_db()
    assert row.processed
    assert "firstname" not in row.payload["data"]


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_odd_data_is_stripped_too(data: Any) -> None:
    row = old()
    WebhookEvent.objects.update(payload={"event": "x", "data": data, "who": "Ana"})

    retention.strip_old_payloads()

    row.refresh_from_db()
    assert row.payload == {"event": "order_paid", "event_type": "order", "stripped": True}


def test_it_goes_on_where_it_stopped_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    rows = [old() for _ in range(8)]
    young = old(days=1)

    assert retention.strip_old_payloads() == 8
    assert Progress.of("strip") == rows[-1].pk
    assert retention.strip_old_payloads() == 0
    young.refresh_from_db()
    assert young.payload == PAYLOAD
