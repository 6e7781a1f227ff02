"""The set-up page posts to the public URL and says what becomes of an event there."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses
from django.test import Client

from tests.webhooks.conftest import URL
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

HTTPS, HTTP = "https://pay.shop.com/webhooks/appmax", "http://pay.shop.com/webhooks/appmax"
OURS = {"message": "invalid or missing token", "code": "invalid_webhook_token"}


@pytest.fixture
def world(settings: Any) -> Iterator[responses.RequestsMock]:
    settings.PUBLIC_URL, settings.IS_PUBLIC_URL_NAMED, settings.WEBHOOK_SECRET = "https://pay.shop.com", True, ["s3"]
    with responses.RequestsMock() as mock:
        yield mock


def told(client: Client) -> str:
    page = client.get(f"{URL}?check=1", headers={"Accept": "text/html", "Accept-Language": "en"}).content.decode()
    return " ".join(page.replace("&#x27;", "'").split())


def test_events_get_here_and_over_http_they_are_sent_on(world: responses.RequestsMock, admin_client: Client) -> None:
    world.post(HTTPS, status=403, json=OURS)
    world.post(HTTP, status=308, headers={"Location": HTTPS})

    text = told(admin_client)

    assert "get here" in text
    assert "sends an event on to https (308)" in text
    assert 'class="note warn"' not in text
    assert not any("s3" in (call.request.url or "") for call in world.calls)  # what is sent proves nothing


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_loses_events_is_told(world: responses.RequestsMock, admin_client: Client, status: int) -> None:
    world.post(HTTPS, status=status, headers={"Location": "https://www.shop.com/"})
    world.post(HTTP, status=status, headers={"Location": HTTPS})

    assert told(admin_client).count("Events that are posted there are lost: it redirects to") == 2


@pytest.mark.parametrize(
    ("status", "body"), [(404, "nginx"), (200, "ok"), (403, "Forbidden"), (502, ""), (405, '{"message": "no"}')]
)
def test_somebody_elses_answer_is_told(
    world: responses.RequestsMock, admin_client: Client, status: int, body: str
) -> None:
    world.post(HTTPS, status=status, body=body)
    world.post(HTTP, status=status, body=body)

    assert told(admin_client).count(f"Something else answers there ({status})") == 2


@pytest.mark.parametrize("error", [requests.ConnectionError(), requests.Timeout(), requests.exceptions.SSLError()])
def test_silence_is_fine_over_http_only(world: responses.RequestsMock, admin_client: Client, error: Exception) -> None:
    world.post(HTTPS, body=error)
    world.post(HTTP, body=error)

    text = told(admin_client)

    assert "Nothing answers there, as far as this machine can see" in text
    assert "it can't be registered by mistake" in text


def test_nobody_is_asked_for_who_may_not_see_the_url(world: responses.RequestsMock, client: Client) -> None:
    assert "Check what becomes" not in told(client)
    assert len(world.calls) == 0


def test_it_finds_this_very_app(settings: Any, live_server: Any, client: Client) -> None:
    settings.PUBLIC_URL, settings.IS_PUBLIC_URL_NAMED = live_server.url, True

    assert "get here" in told(client)
    assert not WebhookEvent.objects.exists()
