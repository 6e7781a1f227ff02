"""Who may post: the token in the URL, and the merchant that an envelope names."""

import json
import logging
from typing import Any

import pytest
from django.test import Client

from tests.factories import InstallationFactory, OrderFactory
from tests.webhooks.conftest import URL, body, send
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def post(token: str | None) -> Any:
    query = "" if token is None else f"?token={token}"
    return Client().post(URL + query, json.dumps(body("order_paid", 1)), content_type="application/json")


@pytest.mark.parametrize("token", [None, "", "wrong", "s3cret", "s3cret-ã", "s3cret-token "])
def test_without_the_token_it_is_403_and_nothing_is_stored(settings: Any, token: str | None) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]

    answer = post(token)

    assert (answer.status_code, answer.json()) == (403, {"message": "invalid or missing token"})
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("token", ["new-token", "old-token"])
def test_each_of_several_tokens_counts(settings: Any, token: str) -> None:
    settings.WEBHOOK_SECRET = ["new-token", "old-token"]

    assert post(token).status_code == 200


def test_the_token_is_never_logged(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]
    caplog.set_level(logging.DEBUG)

    post("s3cret-token")
    post("s3cret-tokem")
    Client().post(f"{URL}?token=s3cret-token", "{", content_type="application/json")

    assert "webhook.received" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_set_up_page_shows_the_token_to_staff_only(settings: Any, admin_client: Client) -> None:
    settings.WEBHOOK_SECRET = ["s3cret token", "old"]

    stranger, staff = (client.get(URL).content.decode() for client in (Client(), admin_client))

    assert "s3cret" not in stranger
    assert "/admin/login/?next=/webhooks/appmax" in stranger
    assert "http://localhost:8080/webhooks/appmax?token=s3cret%20token" in staff


@pytest.mark.parametrize("key", ["client_key", "external_key"])
def test_an_event_that_names_another_merchant_than_the_orders_is_refused_and_kept(key: str) -> None:
    order = OrderFactory.create()
    other = InstallationFactory.create()

    assert send("order_paid", order.appmax_order_id, **{key: other.external_key}).status_code == 200

    order.refresh_from_db()
    assert order.status == "pendente"
    row = WebhookEvent.objects.get()
    assert row.processed
    assert row.outcome == "refused"


def test_a_refused_event_does_not_stand_in_the_way_of_the_true_one() -> None:
    order = OrderFactory.create()
    send("order_paid", order.appmax_order_id, client_key=InstallationFactory.create().external_key)

    assert send("order_paid", order.appmax_order_id).json() == {"message": "ok"}
    order.refresh_from_db()
    assert order.status == "aprovado"


@pytest.mark.parametrize("keys", [{}, {"client_key": "?"}, {"client_key": None}, {"client_key": 5, "external_key": []}])
def test_an_envelope_that_names_no_merchant_of_ours_says_nothing(keys: Any) -> None:
    order = OrderFactory.create()

    send("order_paid", order.appmax_order_id, **keys)

    order.refresh_from_db()
    assert order.status == "aprovado"
