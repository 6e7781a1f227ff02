"""The list of webhook events: what it finds, shows and counts, and the badge beside it in the menu."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.backoffice.conftest import on
from tests.backoffice.test_lists import found
from tests.support.factories import WebhookEventFactory
from tests.webhooks.test_privacy import PAYLOADS
from webhooks import payload
from webhooks.decide import UNPROCESSED, Outcome
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def events() -> dict[int, Outcome]:
    """One of each kind."""
    now = timezone.now()
    return {
        WebhookEventFactory.create(
            processed=outcome not in UNPROCESSED, processed_at=None if outcome in UNPROCESSED else now, outcome=outcome
        ).pk: outcome
        for outcome in Outcome
    }


@pytest.mark.parametrize("outcome", list(Outcome))
def test_events_by_outcome_are_those_that_say_so(eva: Client, events: dict[int, Outcome], outcome: Outcome) -> None:
    wanted = {pk for pk, its in events.items() if its is outcome}

    assert {event.pk for event in found(eva, WebhookEvent, {"outcome": outcome.value})} == wanted


def test_unprocessed_events_are_those_that_wait_or_failed(eva: Client, events: dict[int, Outcome]) -> None:
    wanted = {pk for pk, its in events.items() if its in (Outcome.WAITING, Outcome.FAILED)}

    assert {event.pk for event in found(eva, WebhookEvent, {"outcome": "unprocessed"})} == wanted


@pytest.mark.parametrize("name", payload.known_names())
def test_events_by_name_are_found_in_every_spelling(eva: Client, name: str) -> None:
    for spelling in payload.spellings(name):
        WebhookEventFactory.create(event=spelling)
    WebhookEventFactory.create(event="order_teleported")

    assert {event.event for event in found(eva, WebhookEvent, {"event": name})} == set(payload.spellings(name))
    assert len(payload.spellings(name)) >= 2


def test_an_event_that_nobody_knows_is_found_by_its_very_name(eva: Client) -> None:
    event = WebhookEventFactory.create(event="order_teleported")
    WebhookEventFactory.create(event="OrderTeleported")

    assert found(eva, WebhookEvent, {"q": "order_teleported"}) == [event]


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (PAYLOADS["app store"], "app store"),
        (PAYLOADS["old legacy"], "old panel"),
        (PAYLOADS["standard"], "standard"),
        (PAYLOADS["standard with meta"], "standard, with metadata"),
        (PAYLOADS["two-level flat, snake case"], "two levels"),
        (PAYLOADS["custom content, camel case"], "custom content"),
        ({"event": "x", "data": []}, "another"),
        ({"event": "x"}, "another"),
        ({"event": "x", "data": "text"}, "another"),
        ({"event": "x", "data": {}}, "another"),
        ({"event": "x", "stripped": True}, "-"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_model_of_payload_is_told_on_the_list_and_on_the_page(
    eva: Client, body: dict[str, Any], model: str
) -> None:
    event = WebhookEventFactory.create(payload=body, event_type=body.get("event_type", ""))
    [row] = found(eva, WebhookEvent)
    admin = site._registry[WebhookEvent]

    assert admin.payload_model(row) == model  # type: ignore[attr-defined]
    assert f">{model}<" in re.sub(r"\s*([<>])\s*", r"\1", eva.get(on(event)).content.decode())


def test_the_list_reads_no_payload(eva: Client) -> None:
    WebhookEventFactory.create_batch(3, payload=PAYLOADS["app store"])
    WebhookEventFactory.create_batch(3, payload={"event": "x", "data": {}})

    with CaptureQueriesContext(connection) as queries:
        found(eva, WebhookEvent)

    texts = [query["sql"] for query in queries]
    assert not [sql for sql in texts if re.search(r'"payload"(, "| FROM|::)', sql)]
    assert len([sql for sql in texts if "webhook_events" in sql]) <= 6


@pytest.mark.parametrize(
    ("query", "index", "sorts_not"),
    [
        ({}, "webhook_events_created_at", True),
        ({"installation__id__exact": "1"}, "webhook_events_of_merchant", True),
        ({"outcome": "unprocessed", "installation__id__exact": "1"}, "webhook_events_of_merchant", True),
        ({"outcome": "refused"}, "webhook_events_outcome_time", True),
        ({"order": "31"}, "webhook_events_of_order", False),
    ],
    ids=str,
)
def test_each_filter_has_an_index(
    admin_user: Any, rf: RequestFactory, query: dict[str, str], index: str, sorts_not: bool
) -> None:
    handled: dict[str, Any] = {"processed": True, "processed_at": timezone.now()}
    WebhookEvent.objects.bulk_create(WebhookEventFactory.build(appmax_order_id=n, **handled) for n in range(500))
    request = rf.get("/", query)
    request.user = admin_user
    rows = site._registry[WebhookEvent].get_changelist_instance(request).get_queryset(request)[:50]

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhook_events")
        cursor.execute("SET LOCAL enable_seqscan = off")
        if sorts_not:
            cursor.execute("SET LOCAL enable_sort = off")
        plan = rows.explain()

    assert index in plan, plan


# --- the badge ---


def badge(client: Client) -> Any:
    return client.get(reverse("admin:unprocessed"))


def test_the_badge_tells_how_many_events_wait(eva: Client, events: dict[int, Outcome]) -> None:
    answer = badge(eva)

    assert (answer.status_code, answer.content.decode()) == (200, "2")
    assert answer["Content-Type"].startswith("text/plain")


def test_the_badge_counts_to_999_only(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.site.MANY_EVENTS", 3)
    WebhookEventFactory.create_batch(3)
    assert badge(eva).content == b"3"
    WebhookEventFactory.create()

    assert badge(eva).content == b"3+"


def test_the_badge_is_for_those_who_may_see_events(staff: Callable[..., Client]) -> None:
    assert badge(staff("", "orders.view_order")).status_code == 403
    assert badge(Client()).status_code == 302
