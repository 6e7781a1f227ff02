"""How a storefront registers, changes and looks into its endpoints."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from installations.models import Installation
from notifications import delivery, endpoints
from notifications.models import DisabledWhy, Endpoint, EventType, Notification
from tests.notifications.conftest import URL, registered
from tests.support.factories import InstallationFactory, api_key
from tests.support.listener import Listener

pytestmark = pytest.mark.django_db(transaction=True)


def post(store: Client, path: str, body: Any = None) -> Any:
    return store.post(f"{URL}{path}", body or {}, content_type="application/json")


def test_an_endpoint_is_registered_and_its_secret_is_shown_once(store: Client, listener: Listener) -> None:
    made = post(store, "", {"url": listener.url, "event_types": ["order.paid", "order.paid"]})
    assert made.status_code == 200
    assert made["Cache-Control"] == "no-store"
    answer = made.json()
    assert answer["secret"].startswith("whsec_")
    assert (answer["url"], answer["event_types"], answer["enabled"]) == (listener.url, ["order.paid"], True)
    (listed,) = store.get(URL).json()["endpoints"]
    assert listed == {name: value for name, value in answer.items() if name != "secret"}
    assert store.get(f"{URL}/{answer['id']}").json() == listed


def test_secrets_are_encrypted_in_the_table(endpoint: Endpoint) -> None:
    post_secret = endpoint.secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, old_secret FROM notification_endpoints")
        row = cursor.fetchone()
    assert post_secret not in str(row)
    assert all(text.startswith("gAAAA") for text in row)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": ""}, "url"),
        ({"url": "http://shop.example.com@127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://shop.example.com/\u0000"}, "url"),
        ({"url": "https://shop.example.com/" + "a" * 2001}, "url"),
        ({"url": "https://shop.example.com/" + '"' * 1000}, "url"),  # 3025 characters as it is sent
        ({"url": ["https://shop.example.com"]}, "url"),
        ({"url": "https://shop.example.com", "event_types": ["order.eaten"]}, "event_types.0"),
        ({"url": "https://shop.example.com", "event_types": "order.paid"}, "event_types"),
        ({"url": "https://shop.example.com", "enabled": "perhaps"}, "enabled"),
    ],
)
def test_bad_input_is_refused_by_field(store: Client, body: Any, field: str) -> None:
    answer = post(store, "", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_fields")
    assert list(answer.json()["errors"]) == [field]
    assert not Endpoint.objects.exists()


def test_without_the_key_of_the_installation_nothing_is_shown(store: Client, endpoint: Endpoint) -> None:
    other = InstallationFactory.create(external_key="other")
    stranger = Client(headers={"Authorization": f"Api-Key {api_key(other)}"})
    assert stranger.get(URL).status_code == 404
    assert Client().get(URL).status_code == 401
    path = f"/installations/other/webhook-endpoints/{endpoint.pk}"
    assert stranger.get(path).json()["code"] == "endpoint_not_found"
    assert stranger.delete(path).json()["code"] == "endpoint_not_found"


@pytest.mark.parametrize("pk", ["0", "99999999999999999999", "999", "9" * 5000])
def test_an_endpoint_that_is_not_there_is_404(store: Client, pk: str) -> None:
    assert store.get(f"{URL}/{pk}").status_code == 404
    assert post(store, f"/{pk}/test").status_code == 404


def test_an_installation_has_ten_endpoints_at_most_also_if_eleven_come_at_once(
    shop: Installation, race: Callable[..., list[Any]]
) -> None:
    results = race(lambda number: registered(shop, f"https://shop.example.com/{number}"), times=12)
    assert sum(isinstance(each, Endpoint) for each in results) == 10
    assert sum(isinstance(each, endpoints.TooManyEndpoints) for each in results) == 2


def test_the_eleventh_endpoint_is_answered_with_its_code(store: Client, shop: Installation) -> None:
    for number in range(10):
        registered(shop, f"https://shop.example.com/{number}")
    answer = post(store, "", {"url": "https://shop.example.com/more"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_endpoints")
    assert "has 10 endpoints" in answer.json()["message"]


def test_an_endpoint_is_switched_off_and_on_and_starts_without_its_failures(
    store: Client, endpoint: Endpoint, time_passes: Callable[[Any], None]
) -> None:
    Endpoint.objects.update(failures=9, failing_since="2026-01-01T00:00Z", held_until="2036-01-01T00:00Z")
    off = store.patch(f"{URL}/{endpoint.pk}", {"enabled": False}, content_type="application/json").json()
    assert (off["enabled"], off["disabled_why"]) == (False, "by_merchant")
    assert off["failing_since"] is not None
    on = store.patch(f"{URL}/{endpoint.pk}", {"enabled": True}, content_type="application/json").json()
    assert (on["enabled"], on["disabled_why"], on["failing_since"]) == (True, "", None)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.held_until) == (0, None)


def test_another_url_starts_without_the_failures_of_the_one_before(store: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(failures=9, failing_since="2026-01-01T00:00Z", held_until="2036-01-01T00:00Z")
    path, other = f"{URL}/{endpoint.pk}", f"{endpoint.url}/other"
    answer = store.patch(path, {"url": other}, content_type="application/json").json()
    assert (answer["url"], answer["failing_since"]) == (other, None)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.held_until) == (0, None)


def test_a_change_of_the_types_leaves_the_rest(store: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(failures=9, failing_since="2026-01-01T00:00Z")
    body = {"event_types": [EventType.ORDER_PAID], "enabled": True}
    answer = store.patch(f"{URL}/{endpoint.pk}", body, content_type="application/json").json()
    assert (answer["event_types"], answer["url"], answer["enabled"]) == (["order.paid"], endpoint.url, True)
    assert answer["failing_since"] is not None
    endpoint.refresh_from_db()
    assert endpoint.failures == 9


def test_a_deleted_endpoint_is_gone_although_its_row_stays_for_its_messages(store: Client, endpoint: Endpoint) -> None:
    assert store.delete(f"{URL}/{endpoint.pk}").json() == {"endpoints": []}
    assert store.get(f"{URL}/{endpoint.pk}").status_code == 404
    assert store.delete(f"{URL}/{endpoint.pk}").status_code == 404
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_why) == (False, DisabledWhy.DELETED)


def test_a_test_message_is_sent_and_shown_in_the_log(store: Client, endpoint: Endpoint, listener: Listener) -> None:
    put = post(store, f"/{endpoint.pk}/test").json()
    assert (put["type"], put["state"], put["tries"], put["order_id"]) == ("test", "waiting", 0, None)
    assert delivery.deliver_due() == {"delivered": 1}
    message = listener.posts[0].verified(endpoint.secret)
    assert (message["type"], message["data"]) == ("test", {"message": "This is a test. Nothing has happened."})
    assert not Notification.objects.get().is_again
    (shown,) = store.get(f"{URL}/{endpoint.pk}/deliveries").json()["deliveries"]
    assert (shown["id"], shown["state"], shown["tries"]) == (put["id"], "delivered", 1)
    assert (shown["answer_status"], shown["answer_text"], shown["next_try_at"]) == (200, "thank you", None)


def test_a_test_message_is_sent_to_an_endpoint_that_is_switched_off(
    store: Client, endpoint: Endpoint, listener: Listener
) -> None:
    endpoints.change(endpoint, enabled=False)
    post(store, f"/{endpoint.pk}/test")
    assert delivery.deliver_due() == {"delivered": 1}


def test_the_log_comes_a_page_at_a_time(store: Client, endpoint: Endpoint) -> None:
    for _ in range(5):
        post(store, f"/{endpoint.pk}/test")
    first = store.get(f"{URL}/{endpoint.pk}/deliveries?limit=3").json()
    second = store.get(f"{URL}/{endpoint.pk}/deliveries?limit=3&cursor={first['next']}").json()
    ids = [each["id"] for each in first["deliveries"] + second["deliveries"]]
    assert ids == list(Notification.objects.order_by("-pk").values_list("pk", flat=True))
    assert second["next"] is None
    assert store.get(f"{URL}/{endpoint.pk}/deliveries?limit=5").json()["next"] is None
    assert store.get(f"{URL}/{endpoint.pk}/deliveries?limit=0").json()["code"] == "invalid_fields"


def test_a_message_is_sent_again_with_the_same_id(store: Client, endpoint: Endpoint, listener: Listener) -> None:
    put = post(store, f"/{endpoint.pk}/test").json()
    delivery.deliver_due()
    again = post(store, f"/{endpoint.pk}/deliveries/{put['id']}/send-again").json()
    assert (again["message_id"], again["state"]) == (put["message_id"], "waiting")
    assert delivery.deliver_due() == {"delivered": 1}
    first, second = listener.posts
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.verified(endpoint.secret) == second.verified(endpoint.secret)
    assert Notification.objects.count() == 2
    nobodys = post(store, f"/{endpoint.pk}/deliveries/{put['id'] + 99}/send-again")
    assert (nobodys.status_code, nobodys.json()["code"]) == (404, "delivery_not_found")


@pytest.mark.parametrize("path", ["", "/{pk}/test", "/{pk}/rotate-secret", "/{pk}/deliveries"])
def test_a_method_that_a_route_does_not_have_does_nothing(store: Client, endpoint: Endpoint, path: str) -> None:
    """REST framework takes a viewset's method `delete` for the handler of DELETE on each of its routes."""
    answer = store.delete(f"{URL}{path.format(pk=endpoint.pk)}")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert store.get(f"{URL}/{endpoint.pk}").status_code == 200
