"""A request's number: taken from the caller or made, and carried by the answer, the log and the calls to Appmax."""

import json
import logging
from typing import Any
from unittest.mock import patch

import pytest
from django.http import UnreadablePostError
from django.test import Client
from gunicorn.http.errors import InvalidChunkSize

from installations import clients
from observability.logs import formatter
from tests.support.appmax_mock import mock
from tests.support.factories import InstallationFactory, OrderFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """What was logged under this name."""
    return [record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg["event"] == event]


@pytest.fixture(autouse=True)
def _behind_nginx(settings: Any) -> None:
    """A proxy of ours, which numbers requests, stands in front."""
    settings.TRUSTED_PROXIES = 1


def test_without_a_proxy_of_ours_nobody_chooses_his_number(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 0

    assert client.get("/nothing", headers={"X-Request-ID": "shop-17"})["X-Request-ID"] != "shop-17"


def test_the_proxys_number_is_kept_and_a_strange_one_is_replaced(client: Client) -> None:
    kept = client.get("/health", headers={"X-Request-ID": "shop-17.a_b"})
    made = [client.get("/health", headers={"X-Request-ID": given}) for given in ("", "a b", "x" * 65, "é", "a\tb")]

    assert kept["X-Request-ID"] == "shop-17.a_b"
    assert len({answer["X-Request-ID"] for answer in made}) == 5
    assert all(len(answer["X-Request-ID"]) == 32 for answer in made)


def test_each_request_is_one_line_without_its_query(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    client.get("/nothing/here?token=s3cret", headers={"X-Request-ID": "r-1", "Authorization": "Api-Key s3cret"})

    [line] = lines(caplog, "request.finished")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/nothing/here", 404)
    assert line["request_id"] == "r-1"
    assert "s3cret" not in caplog.text


@mock.activate
def test_the_number_goes_with_every_call_to_appmax(settings: Any, post: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shop = InstallationFactory.create(external_key="shop")
    OrderFactory.create(installation=shop, appmax_order_id=1)
    mock.post(f"{settings.APPMAX_AUTH_URL}/oauth2/token", json={"access_token": "t", "expires_in": 3600})
    mock.post(f"{settings.APPMAX_API_URL}/v1/orders/refund-request", json={"message": "no"}, status=422)
    key = {"Authorization": f"Api-Key {api_key(shop)}", "X-Request-ID": "r-2"}

    post("/checkout/shop/refund", {"order_id": 1, "type": "total"}, headers=key)

    assert [call.request.headers["X-Request-ID"] for call in mock.calls] == ["r-2", "r-2"]
    [refused], [request] = lines(caplog, "appmax.call"), lines(caplog, "request.finished")
    assert (refused["path"], refused["request_id"]) == ("/v1/orders/refund-request", "r-2")
    assert [(step["event"], step["path"]) for step in request["steps"]] == [("appmax.call", "/oauth2/token")]
    assert request["request_id"] == "r-2"


@mock.activate
def test_outside_a_request_none_is_sent(settings: Any) -> None:
    mock.post(f"{settings.APPMAX_AUTH_URL}/oauth2/token", json={"access_token": "t", "expires_in": 3600})

    clients.client_for(InstallationFactory.create()).bearer_token()

    assert "X-Request-ID" not in mock.calls[0].request.headers


def test_what_django_says_of_a_failed_request_has_its_number_and_what_comes_next_has_not(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    console = logging.StreamHandler()
    console.setFormatter(formatter("json"))
    django = logging.getLogger("django.request")
    django.addHandler(console)
    try:
        client.get("/nothing", headers={"X-Request-ID": "r-3"})
        django.error("later")
    finally:
        django.removeHandler(console)

    first, later = (json.loads(line) for line in capfd.readouterr().err.splitlines() if '"django.request"' in line)
    assert (first["event"], first["request_id"]) == ("Not Found: /nothing", "r-3")
    assert "request_id" not in later


@pytest.mark.parametrize("failure", [InvalidChunkSize(b"ZZ 4111"), UnreadablePostError("gone")])
def test_a_body_that_breaks_off_is_a_bad_request(client: Client, failure: Exception) -> None:
    with patch("django.test.client.FakePayload.read", side_effect=failure):
        answer = client.post("/webhooks/appmax", {"event": "x"}, "application/json")

    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "invalid_request_body", "message": "invalid request body"},
    )
