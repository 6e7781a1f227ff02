"""GET callback: the merchant comes back with the hash."""

import threading
from typing import Any

import pytest
import redis
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from installations.models import Installation
from simulator.server import SimulatorServer
from simulator.state import Authorization, Fault
from tests.support.factories import InstallationFactory

URL = "/integrations/appmax/callback/install"
APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def started(simulator: SimulatorServer, live_server: Any) -> str:
    """The hash of an installation of "shop" under way, whose callback is served by a server of ours."""
    authorization = Authorization("hash", "shop", live_server.url + URL)
    simulator.state.authorizations["hash"] = authorization
    cache.set("install:hash", {"app_id": APP_ID, "external_key": "shop"}, 60)
    cache.set("install_under_way:shop", True, 60)
    return "hash"


def back(client: Client, token: str) -> Any:
    return client.get(URL, {"token": token})


def test_the_credentials_are_fetched_and_kept(client: Client, simulator: SimulatorServer, started: str) -> None:
    answer = back(client, started)

    row = Installation.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"external_id": str(row.external_id)})
    assert row.external_key == "shop"
    assert (row.merchant_client_id, row.merchant_client_secret) == simulator.state.merchant_credentials("shop")
    assert cache.get("install_under_way:shop") is None


def test_without_credentials_from_the_callback_the_browser_makes_the_row(
    client: Client, simulator: SimulatorServer, started: str
) -> None:
    """With the external_id that the callback was told."""
    simulator.state.switch(health_check="app_id")

    answer = back(client, started)

    row = Installation.objects.get()
    assert (answer.json(), row.app_id) == ({"external_id": str(row.external_id)}, APP_ID)


def test_the_hash_is_read_once_then_gone(client: Client, started: str) -> None:
    back(client, started)

    assert back(client, started).json() == {"message": "installation confirmed"}


def test_of_several_that_come_back_at_once_with_it_one_asks_appmax(
    started: str, race: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_have_read, delete = threading.Barrier(4), redis.Redis.delete

    def delete_together(client: Any, *keys: str) -> Any:
        if keys[0].endswith("install:hash"):
            all_have_read.wait(timeout=20)
        return delete(client, *keys)

    monkeypatch.setattr(redis.Redis, "delete", delete_together)

    answers = race(lambda _: back(Client(), started).json(), times=4)

    assert answers.count({"message": "installation confirmed"}) == 3


def test_an_unknown_hash_is_answered_kindly_and_changes_nothing(client: Client) -> None:
    answer = back(client, "unknown")

    assert (answer.status_code, answer.json()) == (200, {"message": "installation confirmed"})
    assert not Installation.objects.exists()


def test_a_token_is_required(client: Client) -> None:
    answer = client.get(URL)

    assert (answer.status_code, answer.json()) == (400, {"code": "token_required", "message": "token is required"})


def test_a_state_of_another_app_is_refused(client: Client, started: str) -> None:
    cache.set("install:hash", {"app_id": "other", "external_key": "shop"}, 60)

    answer = back(client, started)

    assert (answer.status_code, answer.json()["message"]) == (400, "invalid app_id")


def test_generate_failing_is_502(client: Client, simulator: SimulatorServer, started: str) -> None:
    simulator.state.faults.append(Fault("/app/client/generate", status=500))

    answer = back(client, started)

    assert (answer.status_code, answer.json()) == (
        502,
        {"code": "generation_failed", "message": "failed to generate merchant credentials"},
    )
    assert not Installation.objects.exists()


def test_generate_timing_out_after_its_own_callback_is_a_success(
    client: Client, simulator: SimulatorServer, started: str
) -> None:
    simulator.state.faults.append(Fault("/app/client/generate", status=504, work=True))

    answer = back(client, started)

    assert answer.status_code == 200
    assert answer.json() == {"external_id": str(Installation.objects.get().external_id)}


def test_the_same_credentials_again_change_nothing_but_the_moment(
    client: Client, simulator: SimulatorServer, started: str
) -> None:
    client_id, secret = simulator.state.merchant_credentials("shop")
    before = InstallationFactory.create(
        external_key="shop", merchant_client_id=client_id, merchant_client_secret=secret
    )

    back(client, started)

    after = Installation.objects.get()
    kept = ("pk", "external_id", "app_id", "created_at", "external_key", "merchant_client_id", "merchant_client_secret")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert after.installed_at > before.installed_at
    assert after.updated_at > before.updated_at


def test_unverified_credentials_give_way_to_what_appmax_generates(
    client: Client, simulator: SimulatorServer, started: str
) -> None:
    simulator.state.switch(health_check="app_id")
    InstallationFactory.create(external_key="shop", unverified_since=timezone.now())

    assert back(client, started).status_code == 200

    row = Installation.objects.get()
    assert row.is_confirmed
    assert (row.merchant_client_id, row.merchant_client_secret) == simulator.state.merchant_credentials("shop")


# --- once more ---


def page_of(client: Client, token: str) -> str:
    return client.get(URL, {"token": token}, headers={"Accept": "text/html", "Accept-Language": "en"}).content.decode()


def test_loading_the_last_page_again_shows_it_again(client: Client, started: str) -> None:
    for _ in range(2):
        page = page_of(client, started)
        assert "The app is installed" in page
        assert str(Installation.objects.get().external_id) in page
    assert Installation.objects.count() == 1
    assert 3590 < cache.ttl("install_done:hash") <= 3600  # type: ignore[attr-defined] # django-redis


def test_a_used_link_of_long_ago_does_not_lead_to_a_second_installation(client: Client) -> None:
    page = page_of(client, "used")

    assert "This link has been used" in page
    assert "that would make a second shop" in page


def test_a_second_shop_of_the_same_appmax_account_is_told_of(
    client: Client, simulator: SimulatorServer, started: str
) -> None:
    client_id, secret = simulator.state.merchant_credentials("shop")
    InstallationFactory.create(external_key="first", merchant_client_id=client_id, merchant_client_secret=secret)

    page = page_of(client, started)

    assert "under another key" in page
    assert "<code>first</code>" in page
    assert "<code>shop</code>" not in page


def test_a_browser_gets_the_page(client: Client, started: str) -> None:
    page = client.get(URL, {"token": started}, headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert str(Installation.objects.get().external_id) in page.content.decode()


def test_the_whole_way_from_the_button_to_installed(
    client: Client, simulator: SimulatorServer, live_server: Any, settings: Any
) -> None:
    import requests

    settings.PUBLIC_URL = live_server.url
    with requests.Session() as browser:
        page = browser.get(f"{live_server.url}/install/start", params={"app_id": APP_ID, "external_key": "loja"})
        assert "Salvar" in page.text
        installed = browser.post(page.url)

    assert installed.json() == {"external_id": str(Installation.objects.get(external_key="loja").external_id)}
    assert simulator.state.authorizations[page.url.rpartition("/")[2]].generated
