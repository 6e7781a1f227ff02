"""POST /webhooks/appmax: what is kept, what is answered, what becomes of the order."""

from typing import Any

import pytest

from orders.status import OrderStatus
from tests.support.factories import OrderFactory, WebhookEventFactory
from tests.webhooks.conftest import handling_fails
from webhooks.models import WebhookEvent

URL = "/webhooks/appmax"

pytestmark = pytest.mark.django_db


def paid(order_id: Any, event: str = "order_paid") -> dict[str, Any]:
    return {"event": event, "event_type": "order", "data": {"order_id": order_id}}


def test_an_event_moves_its_order_and_is_kept_as_it_came(post: Any) -> None:
    order = OrderFactory.create(status="pendente")
    body = paid(order.appmax_order_id) | {"site_id": 7, "data": {"order_id": order.appmax_order_id, "x": ["ç"]}}

    answer = post(URL, body)

    assert (answer.status_code, answer.json()) == (200, {"message": "ok"})
    order.refresh_from_db()
    assert order.status == "aprovado"
    row = WebhookEvent.objects.get()
    assert (row.event, row.event_type, row.appmax_order_id) == ("order_paid", "order", order.appmax_order_id)
    assert row.payload == body
    assert row.processed
    assert row.processed_at is not None
    assert (row.outcome, row.order_status, row.error_message) == ("applied", "pendente", None)


def test_an_event_costs_two_round_trips(post: Any, django_assert_num_queries: Any) -> None:
    """Whether it moves its order and has Appmax asked, moves nothing, is a duplicate or means no status."""
    order = OrderFactory.create()

    for event in ("order_paid", "order_pix_created", "order_paid", "order_integrated", "customer_created"):
        with django_assert_num_queries(2):
            post(URL, paid(order.appmax_order_id, event))

    outcomes = WebhookEvent.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["applied", "ignored", "duplicate", "applied", "acknowledged"]


def test_a_duplicate_is_kept_processed_and_changes_nothing(post: Any) -> None:
    order = OrderFactory.create()
    post(URL, paid(order.appmax_order_id))
    order.status = OrderStatus.PENDENTE  # so that a second application would show
    order.save()

    answer = post(URL, paid(order.appmax_order_id))

    assert (answer.status_code, answer.json()) == (200, {"message": "already processed"})
    order.refresh_from_db()
    assert order.status == "pendente"
    events = WebhookEvent.objects.order_by("pk").values_list("processed", "outcome")
    assert list(events) == [(True, "applied"), (True, "duplicate")]


def test_a_late_event_never_takes_a_paid_order_back(post: Any) -> None:
    order = OrderFactory.create(status="aprovado")

    post(URL, paid(order.appmax_order_id, "order_pix_created"))

    order.refresh_from_db()
    assert order.status == "aprovado"
    row = WebhookEvent.objects.get()
    assert row.processed
    assert (row.outcome, row.order_status) == ("ignored", "aprovado")
    assert row.error_message == "the order is aprovado, this event means pendente"


def test_the_reason_behind_the_bar_is_not_part_of_the_event(post: Any) -> None:
    order = OrderFactory.create()

    post(URL, paid(order.appmax_order_id, "PaymentNotAuthorized | Reason: no funds"))

    order.refresh_from_db()
    assert order.status == "cancelado"
    assert WebhookEvent.objects.get().event == "PaymentNotAuthorized"


@pytest.mark.parametrize("event", ["customer_created", "SubscriptionDelayedEvent", "order_partial_refund"])
def test_events_without_a_status_are_acknowledged(post: Any, event: str) -> None:
    order = OrderFactory.create()

    assert post(URL, paid(order.appmax_order_id, event)).json() == {"message": "ok"}

    order.refresh_from_db()
    assert order.status == "pendente"
    assert WebhookEvent.objects.get().processed


def test_an_unknown_event_is_kept_acknowledged_and_marked(post: Any) -> None:
    assert post(URL, {"event": "order_teleported"}).json() == {"message": "ok"}

    row = WebhookEvent.objects.get()
    assert row.processed
    assert row.error_message == "unknown event"


def test_events_of_no_order_are_not_each_others_duplicates(post: Any) -> None:
    answers = [post(URL, {"event": "customer_created", "data": {"id": 1}}).json() for _ in range(2)]

    assert answers == [{"message": "ok"}, {"message": "ok"}]
    assert WebhookEvent.objects.filter(appmax_order_id=None, processed=True).count() == 2


def test_an_event_before_its_order_waits_and_says_so(post: Any) -> None:
    assert post(URL, paid(123)).json() == {"message": "ok"}

    row = WebhookEvent.objects.get()
    assert not row.processed
    assert row.processed_at is None
    assert row.error_message == "the order is not there yet"


def test_an_id_that_is_none_is_noted_and_the_event_waits_for_staff(post: Any) -> None:
    assert post(URL, paid("abc")).status_code == 200

    row = WebhookEvent.objects.get()
    assert row.appmax_order_id is None
    assert not row.processed
    assert row.error_message == "not an order id: 'abc'"


def test_what_was_odd_about_the_id_of_an_event_that_needs_no_order_is_noted_too(post: Any) -> None:
    post(URL, paid("abc", "customer_created"))

    row = WebhookEvent.objects.get()
    assert (row.processed, row.error_message) == (True, "not an order id: 'abc'")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '"order_paid"',
        "null",
        b"\xff\xfe",
        "{}",
        '{"event": ""}',
        '{"event": 5}',
        '{"event": null}',
        '{"event": "order_paid", "x": NaN}',
        "[" * 100_000,
        '{"event": "order_paid", "data": ' + "[" * 100_000,
    ],
    ids=lambda body: ascii(body[:20]).replace("\\", ""),
)
def test_what_is_no_event_is_refused_and_not_kept(post: Any, body: Any) -> None:
    answer = post(URL, body)

    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "invalid_request_body", "message": "invalid request body"},
    )
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_content_type_does_not_matter(post: Any, content_type: str) -> None:
    order = OrderFactory.create()

    assert post(URL, paid(order.appmax_order_id), content_type=content_type).json() == {"message": "ok"}

    order.refresh_from_db()
    assert order.status == "aprovado"


@pytest.mark.parametrize(
    "data",
    [None, [], "text", 5, True, {"order_id": None}, {"order_id": 1.5}, {"order_id": True}, {"order_id": 2**31},
     {"order_id": -1}, {"order_id": {"a": 1}}, {"order": []}, {"note": "NUL \0 and \ud800"}],
)  # fmt: skip
def test_odd_data_is_kept_and_answered_200(post: Any, data: Any) -> None:
    assert post(URL, {"event": "order_paid", "data": data}).status_code == 200

    assert WebhookEvent.objects.get().appmax_order_id is None


def test_what_jsonb_cannot_hold_is_replaced(post: Any) -> None:
    post(URL, '{"event": "order_paid", "data": {"a\\u0000": "\\ud800", "b": 1e400}}')

    assert WebhookEvent.objects.get().payload["data"] == {"a\ufffd": "?", "b": "inf"}


def test_long_names_are_cut_and_the_payload_keeps_the_whole(post: Any) -> None:
    post(URL, {"event": "e" * 300, "event_type": "t" * 300})

    row = WebhookEvent.objects.get()
    assert (row.event, row.event_type) == ("e" * 64, "t" * 32)
    assert row.payload["event"] == "e" * 300


def test_a_body_over_one_mebibyte_is_refused(post: Any) -> None:
    body = {"event": "order_paid", "data": {"filler": "x" * 1024 * 1024}}

    assert post(URL, body).status_code == 413
    assert not WebhookEvent.objects.exists()


def test_a_failure_while_handling_keeps_the_event_and_answers_200(post: Any) -> None:
    order = OrderFactory.create()

    with handling_fails():
        assert post(URL, paid(order.appmax_order_id)).status_code == 200

    row = WebhookEvent.objects.get()
    assert not row.processed
    assert (row.outcome, row.error_message) == ("failed", "ZeroDivisionError")
    order.refresh_from_db()
    assert order.status == "pendente"


def test_a_row_inserted_with_plain_sql_is_complete(db: None) -> None:
    row = WebhookEventFactory.create()

    assert row.created_at is not None
    assert not row.processed
