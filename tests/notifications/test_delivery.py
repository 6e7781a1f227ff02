"""How messages are delivered: signed, in order, again and again, and each by one worker at a time."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client
from prometheus_client import REGISTRY
from standardwebhooks import WebhookVerificationError

from installations.models import Installation
from notifications import delivery, endpoints, outbox, retention
from notifications.models import DisabledWhy, Endpoint, EventType, Notification, State
from tests.notifications.conftest import registered
from tests.support.listener import Listener, Post, listening
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Passes = Callable[[Any], None]


def tell(endpoint: Endpoint, *orders: int, event_type: EventType = EventType.ORDER_PAID) -> None:
    """Put a message of each of these orders into the outbox."""
    for number in orders:
        with transaction.atomic():
            outbox.put(endpoint.installation_id, number, {event_type: {}}, partial(dict, order_id=number))


def answering(*answers: int, **headers: str) -> Callable[[Post], tuple[int, dict[str, str]]]:
    """These statuses one after the other, and then the last one for ever."""
    left = list(answers)
    return lambda post: (left.pop(0) if len(left) > 1 else left[0], headers)


def orders_of(listener: Listener) -> list[int]:
    return [json.loads(post.body)["data"]["order_id"] for post in listener.posts]


def test_a_message_is_signed_as_the_specification_says(endpoint: Endpoint, listener: Listener) -> None:
    tell(endpoint, 1)
    assert delivery.deliver_due() == {"delivered": 1}
    (post,) = listener.posts
    message = post.verified(endpoint.secret)
    row = Notification.objects.get()
    assert message == {"type": "order.paid", "timestamp": row.created_at.isoformat(), "data": {"order_id": 1}}
    assert post.headers["webhook-id"] == row.message_id
    assert post.headers["Content-Type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        post.verified("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert (row.state, row.tries, row.answer_status, row.leased_until) == (State.DELIVERED, 1, 200, None)
    assert row.error == ""


def test_the_signature_is_that_of_the_specifications_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, libraries/python/tests."""
    sent = delivery.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
    )
    assert sent["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sent["webhook-timestamp"] == "1614265330"


def test_after_a_rotation_both_secrets_verify_for_a_day(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    rotated = endpoints.rotate_secret(endpoint)
    old, new = endpoint.secret, rotated.secret
    assert old != new
    assert rotated.updated_at > endpoint.updated_at
    tell(endpoint, 1)
    delivery.deliver_due()
    assert listener.posts[0].verified(old) == listener.posts[0].verified(new)
    time_passes(DAY)
    tell(endpoint, 2)
    delivery.deliver_due()
    assert listener.posts[1].verified(new)
    with pytest.raises(WebhookVerificationError):
        listener.posts[1].verified(old)


def test_a_failed_message_is_sent_again_at_growing_distances_and_then_given_up(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    listener.answer = answering(500)
    tell(endpoint, 1)
    waits = []
    while Notification.objects.filter(state=State.WAITING).exists():
        assert sum(delivery.deliver_due().values()) == 1
        assert delivery.deliver_due() == {}
        row = Notification.objects.get()
        if row.state == State.WAITING:
            waits.append(round((row.due_at - (row.tried_at or row.due_at)).total_seconds()))
            time_passes(row.due_at - (row.tried_at or row.due_at) + timedelta(seconds=1))
    hour = 3600
    assert waits == [5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 10 * hour, 24 * hour, 24 * hour, 24 * hour]
    assert (row.state, row.tries, row.answer_status, row.answer_text) == (State.GIVEN_UP, 11, 500, "thank you")
    assert len({post.headers["webhook-id"] for post in listener.posts}) == 1


def test_an_endpoint_that_asks_for_more_time_gets_it(endpoint: Endpoint, listener: Listener) -> None:
    listener.answer = answering(503, **{"Retry-After": "600"})
    tell(endpoint, 1, 2)
    delivery.deliver_due()
    for row in Notification.objects.filter(tries=1):
        assert 595 < (row.due_at - (row.tried_at or row.due_at)).total_seconds() < 605
    tell(endpoint, 3)
    assert delivery.deliver_due() == {}


def test_a_retry_after_never_shortens_the_wait_nor_makes_it_longer_than_six_hours(
    endpoint: Endpoint, listener: Listener
) -> None:
    listener.answer = lambda post: (429, {"Retry-After": "1" if b'"order_id": 7' in post.body else "999999"})
    tell(endpoint, 7, 8)
    delivery.deliver_due()
    waits = [
        round((row.due_at - (row.tried_at or row.due_at)).total_seconds())
        for row in Notification.objects.order_by("appmax_order_id")
    ]
    assert waits == [5, 6 * 3600]


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_taken_as_delivered(endpoint: Endpoint, listener: Listener, status: int) -> None:
    listener.text = b""
    listener.answer = answering(status)
    tell(endpoint, 1)
    assert delivery.deliver_due() == {"delivered": 1}


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500, 503])
def test_a_redirect_or_an_error_is_a_failure(endpoint: Endpoint, listener: Listener, status: int) -> None:
    listener.answer = answering(status, Location=listener.url)
    tell(endpoint, 1)
    assert delivery.deliver_due() == {"failed": 1}
    assert len(listener.posts) == 1
    assert Notification.objects.get().answer_status == status


def test_410_switches_the_endpoint_off_at_once(endpoint: Endpoint, listener: Listener) -> None:
    listener.answer = answering(410)
    tell(endpoint, 1)
    delivery.deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_why) == (False, DisabledWhy.GONE)
    tell(endpoint, 2)
    assert Notification.objects.count() == 1


def test_five_days_of_failure_switch_the_endpoint_off(
    endpoint: Endpoint, listener: Listener, time_passes: Passes, caplog: pytest.LogCaptureFixture
) -> None:
    listener.answer = answering(500)
    tell(endpoint, 1)
    delivery.deliver_due()
    time_passes(4.9 * DAY)
    delivery.deliver_due()
    endpoint.refresh_from_db()
    assert endpoint.enabled
    time_passes(0.2 * DAY)
    delivery.deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_why) == (False, DisabledWhy.FAILING)


def test_one_success_ends_the_days_of_failure(endpoint: Endpoint, listener: Listener, time_passes: Passes) -> None:
    listener.answer = answering(500, 200, 500)
    tell(endpoint, 1)
    delivery.deliver_due()
    time_passes(4 * DAY)
    assert delivery.deliver_due() == {"delivered": 1}
    tell(endpoint, 2)
    delivery.deliver_due()
    time_passes(2 * DAY)
    delivery.deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.failures) == (True, 2)


def test_what_waits_is_sent_when_the_endpoint_is_switched_on_again(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    listener.answer = answering(410, 200)
    tell(endpoint, 1)
    delivery.deliver_due()
    time_passes(MINUTE)
    assert delivery.deliver_due() == {}
    endpoints.change(endpoint, enabled=True)
    assert delivery.deliver_due() == {"delivered": 1}


def test_an_orders_messages_arrive_in_its_order_and_others_do_not_wait_for_them(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    failing = {"is": True}
    listener.answer = lambda post: (500 if failing["is"] and b'"order_id": 1}' in post.body else 200, {})
    tell(endpoint, 1, event_type=EventType.ORDER_CREATED)
    tell(endpoint, 1, event_type=EventType.ORDER_PAID)
    tell(endpoint, 2)
    delivery.deliver_due()
    assert sorted(orders_of(listener)) == [1, 2]  # The second one of order 1 waits for the first.
    failing["is"] = False
    time_passes(MINUTE)
    delivery.deliver_due()
    types = [json.loads(post.body)["type"] for post in listener.posts if b'"order_id": 1}' in post.body]
    assert types == ["order.created", "order.created", "order.paid"]


def test_the_next_message_goes_when_the_one_before_is_given_up(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    tell(endpoint, 1, 1)
    Notification.objects.filter(pk=Notification.objects.earliest("pk").pk).update(tries=10)
    listener.answer = answering(500, 200)
    assert delivery.deliver_due() == {"given_up": 1, "delivered": 1}


def test_a_message_that_is_sent_again_neither_waits_nor_keeps_others_waiting(
    endpoint: Endpoint, listener: Listener
) -> None:
    tell(endpoint, 1)
    delivery.deliver_due()
    listener.answer = lambda post: (500 if b"paid" in post.body else 200, {})
    assert outbox.send_again(Notification.objects.get()).appmax_order_id == 1
    assert delivery.deliver_due() == {"failed": 1}
    tell(endpoint, 1, event_type=EventType.ORDER_CREATED)
    assert delivery.deliver_due() == {"delivered": 1}


def test_each_message_is_sent_by_one_worker_at_a_time(
    endpoint: Endpoint, listener: Listener, race: Callable[..., list[Any]]
) -> None:
    tell(endpoint, *range(100, 160), *range(100, 160))
    results: Counter[str] = Counter()
    for found in race(lambda number: delivery.deliver_due(), times=4):
        results.update(found)
    assert results == {"delivered": 120}
    assert Counter(orders_of(listener)) == dict.fromkeys(range(100, 160), 2)
    assert len({post.headers["webhook-id"] for post in listener.posts}) == 120


def test_a_message_of_a_worker_that_died_is_sent_by_another_one_when_its_lease_has_run_out(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    tell(endpoint, 1)
    (claimed,) = delivery._claim(16)
    assert delivery.deliver_due() == {}
    time_passes(delivery.LEASE)
    (again,) = delivery._claim(16)
    # The first worker was only slow, and what it writes changes nothing.
    late = delivery.Result(None, "ReadTimeoutError", 1)
    assert delivery._write(claimed, late) == "lost"
    assert delivery._claim(16) == []
    assert delivery._write(again, delivery._send(again)) == "delivered"


def test_what_one_worker_is_just_claiming_another_one_passes_over(
    endpoint: Endpoint, race: Callable[..., list[Any]]
) -> None:
    tell(endpoint, 1)
    claimed, tried = threading.Event(), threading.Event()

    def claim(number: int) -> int:
        if number:
            assert claimed.wait(timeout=10)
            found = delivery._claim(16)
            tried.set()
            return len(found)
        with transaction.atomic():
            found = delivery._claim(16)
            claimed.set()
            assert tried.wait(timeout=10)  # The other one doesn't wait for us.
        return len(found)

    assert sorted(race(claim, times=2)) == [0, 1]


def test_no_connection_to_the_database_is_held_while_an_endpoint_is_awaited(
    endpoint: Endpoint, listener: Listener
) -> None:
    mine = connections["default"]  # that of this thread
    held = []

    def look(post: Post) -> tuple[int, dict[str, str]]:
        held.append(wait_until(lambda: mine.connection is None))
        return 200, {}

    listener.answer = look
    tell(endpoint, 1)
    assert delivery.deliver_due() == {"delivered": 1}
    assert held == [True]


def test_an_endpoint_that_hangs_does_not_keep_others_waiting(
    shop: Installation, endpoint: Endpoint, listener: Listener
) -> None:
    free, stuck = threading.Event(), threading.Semaphore(0)

    def a_round_of_another_worker() -> None:
        delivery.deliver_due(seconds=4)
        connection.close()

    def hang(post: Post) -> tuple[int, dict[str, str]]:
        stuck.release()
        free.wait(timeout=20)
        return 200, {}

    with listening() as slow:
        slow.answer = hang
        other = registered(shop, slow.url, EventType.REFUND_COMPLETED)
        tell(other, *range(50), event_type=EventType.REFUND_COMPLETED)
        endpoints.change(endpoint, event_types=[EventType.ORDER_PAID])
        Notification.objects.filter(endpoint=endpoint).delete()
        worker = threading.Thread(target=a_round_of_another_worker)
        worker.start()
        assert stuck.acquire(timeout=10)
        tell(endpoint, *range(30))
        delivery.deliver_due(seconds=0.5)
        wait_until(lambda: len(listener.posts) == 30)
        assert len(slow.posts) <= 2 * delivery.AT_ONCE_TO_ONE
        free.set()
        worker.join()


def test_a_round_begins_nothing_after_its_time(endpoint: Endpoint, listener: Listener) -> None:
    tell(endpoint, 1)

    assert delivery.deliver_due(seconds=0) == {}


def test_a_worker_takes_no_more_messages_than_it_sends_at_once(shop: Installation, listener: Listener) -> None:
    """One that is taken and not sent yet would be taken again when its lease ends, and be sent twice."""
    free = threading.Event()

    def hang(post: Post) -> tuple[int, dict[str, str]]:
        free.wait(timeout=20)
        return 200, {}

    def a_round() -> None:
        delivery.deliver_due(seconds=5)
        connection.close()

    listener.answer = hang
    many = delivery.AT_ONCE // delivery.AT_ONCE_TO_ONE + 1
    all_of_them = [registered(shop, f"{listener.url}?{number}") for number in range(many)]
    tell(all_of_them[0], 0)
    worker = threading.Thread(target=a_round)
    worker.start()
    wait_until(lambda: len(listener.posts) == many)
    tell(all_of_them[0], *range(1, delivery.AT_ONCE_TO_ONE))
    wait_until(lambda: len(listener.posts) == delivery.AT_ONCE)

    assert Notification.objects.filter(leased_until__gt=datetime.now(UTC)).count() == delivery.AT_ONCE

    free.set()
    worker.join()
    assert len(listener.posts) == many * delivery.AT_ONCE_TO_ONE


def test_what_becomes_due_while_an_endpoint_is_slow_is_sent_by_the_same_worker(
    shop: Installation, endpoint: Endpoint, listener: Listener
) -> None:
    arrived = []

    def tell_the_other(post: Post) -> tuple[int, dict[str, str]]:
        tell(endpoint, 2)
        connection.close()
        arrived.append(wait_until(lambda: bool(listener.posts)))
        return 200, {}

    with listening() as slow:
        slow.answer = tell_the_other
        other = registered(shop, slow.url, EventType.REFUND_COMPLETED)
        endpoints.change(endpoint, event_types=[EventType.ORDER_PAID])
        tell(other, 1, event_type=EventType.REFUND_COMPLETED)
        assert delivery.deliver_due(seconds=60) == {"delivered": 2}
    assert arrived == [True]


def test_each_try_is_measured_and_counted(endpoint: Endpoint, listener: Listener) -> None:
    def counted() -> list[float]:
        samples = [
            ("checkout_notifications_total", {"result": "delivered"}),
            ("checkout_notifications_total", {"result": "failed"}),
            ("checkout_notification_endpoints_switched_off_total", {"why": "gone"}),
        ]
        return [REGISTRY.get_sample_value(name, labels) or 0 for name, labels in samples]

    def answer_after_a_moment(post: Post) -> tuple[int, dict[str, str]]:
        time.sleep(0.05)
        return 410 if b'"order_id": 2' in post.body else 200, {}

    listener.answer = answer_after_a_moment
    before = counted()
    tell(endpoint, 1, 2)
    delivery.deliver_due()
    assert counted() == [number + 1 for number in before]
    assert all(50 <= (row.took_ms or 0) < 60_000 for row in Notification.objects.all())


def test_an_endpoint_that_fails_is_left_alone_for_a_while(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    listener.answer = answering(500)
    tell(endpoint, *range(100))
    delivery.deliver_due()
    first = len(listener.posts)
    assert delivery.FAILURES_TO_HOLD <= first <= delivery.AT_ONCE_TO_ONE + delivery.FAILURES_TO_HOLD
    time_passes(MINUTE)
    delivery.deliver_due()
    assert len(listener.posts) == first + 1  # One message tries whether it is back.
    listener.answer = answering(200)
    time_passes(HOUR)
    delivery.deliver_due()
    assert set(orders_of(listener)) == set(range(100))


def test_each_further_failure_doubles_the_time_for_which_an_endpoint_is_left_alone(
    endpoint: Endpoint, listener: Listener, time_passes: Passes
) -> None:
    listener.answer = answering(500)
    tell(endpoint, 1)
    held = []
    for wait in delivery.AGAIN_AFTER:
        delivery.deliver_due()
        endpoint.refresh_from_db()
        failed_at = Notification.objects.get().due_at - wait
        held.append((endpoint.held_until - failed_at).total_seconds() if endpoint.held_until else 0)
        time_passes(wait)
    assert held == [0, 0, 5, 10, 20, 40, 80, 160, 300, 300]


def test_a_url_that_leads_to_a_forbidden_address_by_now_is_a_failure_with_its_reason(
    endpoint: Endpoint, listener: Listener, settings: Any
) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = []
    tell(endpoint, 1)
    assert delivery.deliver_due() == {"failed": 1}
    row = Notification.objects.get()
    assert (row.answer_status, row.error) == (None, "the URL leads to an address that is not public")
    assert row.answer_text == ""
    assert listener.posts == []


def test_an_endpoint_that_gives_no_answer_is_a_failure_with_its_kind(shop: Installation) -> None:
    with listening() as gone:
        tell(registered(shop, gone.url), 1)
    assert delivery.deliver_due() == {"failed": 1}
    row = Notification.objects.get()
    assert (row.answer_status, row.error) == (None, "NewConnectionError")


def test_a_secret_that_no_key_decrypts_is_a_failure_until_it_is_replaced(
    endpoint: Endpoint, listener: Listener, store: Client, time_passes: Passes
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notification_endpoints SET secret = 'gAAAA-broken'")
    tell(endpoint, 1)
    assert delivery.deliver_due() == {"failed": 1}
    assert Notification.objects.get().error == "DecryptionFailed"
    url = f"/installations/shop/webhook-endpoints/{endpoint.pk}"
    assert store.get(url).status_code == 200
    secret = store.post(f"{url}/rotate-secret").json()["secret"]
    time_passes(MINUTE)
    assert delivery.deliver_due() == {"delivered": 1}
    assert listener.posts[0].verified(secret)


def test_old_messages_and_endpoints_that_were_deleted_are_forgotten(
    shop: Installation, endpoint: Endpoint, time_passes: Passes, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    tell(endpoint, 1, 2, 3)
    time_passes(timedelta(days=settings.NOTIFY_KEEP_DAYS, seconds=1))
    tell(endpoint, 4)
    assert retention.forget_old() == 3
    assert Notification.objects.get().appmax_order_id == 4
    in_use, deleted_lately = (registered(shop, f"https://shop.example.com/{number}") for number in range(2))
    endpoints.delete(endpoint)
    Endpoint.objects.update(updated_at="2026-01-01T00:00Z")
    endpoints.delete(deleted_lately)
    assert retention.forget_old() == 0
    assert Endpoint.objects.count() == 3
    Notification.objects.all().delete()
    retention.forget_old()
    assert set(Endpoint.objects.all()) == {in_use, deleted_lately}


def test_the_secrets_are_moved_to_a_new_key(endpoint: Endpoint, settings: Any) -> None:
    secrets = [endpoint.secret, endpoints.rotate_secret(endpoint).secret]
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]
    call_command("rotate_secrets")
    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    endpoint = Endpoint.objects.get()
    assert [endpoint.old_secret, endpoint.secret] == secrets
