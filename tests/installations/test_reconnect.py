"""Reconnect links: how a merchant gets other credentials into its installation."""

import time
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from prometheus_client import REGISTRY

from appmax.tokens import Credentials
from installations import clients, reconnect
from installations.models import Installation, ReconnectLink
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import InstallationFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def row(simulator: SimulatorServer, live_server: Any, settings: Any) -> Installation:
    settings.PUBLIC_URL = live_server.url
    installation: Installation = InstallationFactory.create(external_key="loja", app_id="4242")
    return installation


CALLBACK = "/integrations/appmax/callback/install"


def link_to(row: Installation, url: str) -> str:
    return reconnect.make_link(row, made_by="ana", public_url=url)


def walk_through(link: str) -> requests.Response:
    """Open the link, press Salvar, come back."""
    with requests.Session() as browser:
        page = browser.get(link)
        assert "Salvar" in page.text, page.text
        return browser.post(page.url)


def test_the_credentials_are_replaced_and_nothing_else(
    row: Installation, live_server: Any, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    cache.set(f"merchant_token:{row.pk}", "token of the old credentials", 60)

    answer = walk_through(link_to(row, live_server.url))

    after = Installation.objects.get()
    kept = ("pk", "external_id", "app_id", "created_at", "external_key")
    assert answer.status_code == 200
    assert [getattr(after, name) for name in kept] == [getattr(row, name) for name in kept]
    assert (after.merchant_client_id, after.merchant_client_secret) == simulator.state.merchant_credentials("loja")
    assert after.installed_at > row.installed_at
    assert cache.get(f"merchant_token:{row.pk}") is None
    link = ReconnectLink.objects.get()
    assert (link.made_by, link.replaced) == ("ana", True)
    assert link.begun_at is not None
    assert link.used_at is not None
    assert "install.credentials_replaced" in caplog.text


def test_replaced_and_refused_credentials_are_counted_for_the_alerts(row: Installation, live_server: Any) -> None:
    outcomes = ("replaced", "replacement refused", "refused")

    def counted() -> list[float]:
        name = "checkout_install_credentials_total"
        return [REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0 for outcome in outcomes]

    before = counted()
    walk_through(link_to(row, live_server.url))
    strange = {"app_id": "4242", "client_id": "strange", "client_secret": "strange"}
    for external_key in ("loja", "new"):
        Client().post(CALLBACK, {**strange, "external_key": external_key}, content_type="application/json")

    assert counted() == [number + 1 for number in before]


def test_a_token_of_the_old_credentials_that_comes_late_is_not_used(
    shop: Installation, simulator: SimulatorServer
) -> None:
    """A request that began before may keep its token only after the replaced credentials' token was forgotten."""
    began_before = clients.client_for(shop)
    other = simulator.state.merchant_credentials("another account")
    shop.confirm(Credentials(*other))
    clients.forget_token(shop)
    late = began_before.bearer_token()

    assert clients.client_for(shop).bearer_token() != late


def test_a_merchant_whose_secret_our_keys_no_longer_open_connects_again(
    row: Installation, live_server: Any, simulator: SimulatorServer, settings: Any
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x'")
    start = f"{live_server.url}/install/start?app_id={settings.APPMAX_APP_ID_UUID}&external_key=loja"
    assert requests.get(start, timeout=10).status_code == 409

    assert walk_through(link_to(row, live_server.url)).status_code == 200

    after = Installation.objects.get()
    assert (after.merchant_client_id, after.merchant_client_secret) == simulator.state.merchant_credentials("loja")


def test_opening_it_does_not_use_it_up(row: Installation, live_server: Any) -> None:
    """Messengers open links to show a preview."""
    link = link_to(row, live_server.url)
    for _ in range(3):
        assert requests.get(link, allow_redirects=False, timeout=10).status_code == 302

    assert walk_through(link).status_code == 200


def test_it_serves_one_installation(row: Installation, live_server: Any, simulator: SimulatorServer) -> None:
    link = link_to(row, live_server.url)
    with requests.Session() as one, requests.Session() as other:
        first, second = one.get(link).url, other.get(link).url
        other.cookies.set("merchant_account", "another")
        assert one.post(first).status_code == 200
        assert other.post(second).status_code == 502  # Appmax shows that we refused: 409

    assert requests.get(link, timeout=10).status_code == 409
    assert Installation.objects.get().merchant_client_id == simulator.state.merchant_credentials("loja")[0]


def test_two_that_come_back_at_once_are_one_installation(
    row: Installation, live_server: Any, simulator: SimulatorServer, race: Any
) -> None:
    simulator.state.switch(health_check="app_id")
    link = link_to(row, live_server.url)
    tokens = []
    for account in ("one", "other"):
        with requests.Session() as browser:
            browser.cookies.set("merchant_account", account)
            page = browser.get(link).url
            browser.post(page, allow_redirects=False)
        tokens.append(page.rpartition("/")[2])

    answers = race(lambda number: come_back(tokens[number]), times=2)

    assert {(answer.status_code, answer.json().get("code")) for answer in answers} == {
        (200, None),
        (409, "reconnect_link_spent"),
    }
    assert ReconnectLink.objects.filter(used_at__isnull=False).count() == 1


def come_back(token: str) -> Any:
    return Client().get(CALLBACK, {"token": token})


@pytest.mark.parametrize(("minutes", "status"), [(59, 302), (61, 409)])
def test_it_is_good_for_an_hour(
    row: Installation, live_server: Any, monkeypatch: pytest.MonkeyPatch, minutes: int, status: int
) -> None:
    link = link_to(row, live_server.url)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + minutes * 60)  # of the signature; PostgreSQL's clock goes on

    answer = requests.get(link, headers={"Accept": "text/html"}, allow_redirects=False, timeout=10)

    assert answer.status_code == status
    assert ("não pode mais ser usado" in answer.text) is (status == 409)


def test_when_appmax_does_not_generate_the_link_can_be_used_again(
    row: Installation, live_server: Any, simulator: SimulatorServer
) -> None:
    link = link_to(row, live_server.url)
    simulator.state.faults.append(Fault("/app/client/generate", status=504))

    assert walk_through(link).status_code == 502
    assert Installation.objects.get().merchant_client_id == row.merchant_client_id
    assert walk_through(link).status_code == 200


def test_without_redis_it_says_later_and_is_not_used_up(row: Installation, live_server: Any, settings: Any) -> None:
    caches, link = settings.CACHES, link_to(row, live_server.url)
    settings.CACHES = {"default": {**caches["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert requests.get(link, allow_redirects=False, timeout=10).status_code == 503
    settings.CACHES = caches

    assert walk_through(link).status_code == 200


# --- who makes them ---


def test_a_merchant_makes_one_with_its_own_api_key(row: Installation, simulator: SimulatorServer) -> None:
    key = api_key(row)

    answer = Client().post("/installations/loja/reconnect", headers={"Authorization": f"Api-Key {key}"})

    assert (answer.status_code, answer.json()["expires_in"]) == (200, 3600)
    assert ReconnectLink.objects.get().made_by == f"API key {key.partition('.')[0]}"
    assert walk_through(answer.json()["url"]).status_code == 200


def test_a_key_of_the_whole_platform_makes_none(row: Installation) -> None:
    answer = Client().post("/installations/loja/reconnect", headers={"Authorization": f"Api-Key {api_key()}"})

    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "an API key of this installation's own is required",
    )
    assert not ReconnectLink.objects.exists()


def test_nobody_makes_one_without_a_key_even_where_none_is_required(row: Installation, settings: Any) -> None:
    assert Client().post("/installations/loja/reconnect").status_code == 401
    settings.API_KEYS_REQUIRED = False
    assert Client().post("/installations/loja/reconnect").status_code == 403
    assert not ReconnectLink.objects.exists()


def test_a_command_makes_one(row: Installation, live_server: Any) -> None:
    printed = StringIO()

    call_command("reconnect_link", "loja", stdout=printed)

    link = printed.getvalue().strip()
    assert urlsplit(link).path == "/install/start"
    assert walk_through(link).status_code == 200


def test_the_command_names_an_unknown_merchant() -> None:
    with pytest.raises(CommandError, match="no installation has the external_key 'nobody'"):
        call_command("reconnect_link", "nobody")


# --- the page that says what to do ---


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "ask support for a reconnect link"), ("pt-BR", "peça ao suporte um link de reconexão")],
)
def test_the_page_for_a_connected_shop_says_what_to_do(
    row: Installation, settings: Any, language: str, words: str
) -> None:
    page = Client().get(
        "/install/start",
        {"app_id": settings.APPMAX_APP_ID_UUID, "external_key": "loja"},
        headers={"Accept": "text/html", "Accept-Language": language},
    )

    assert page.status_code == 409
    assert words in page.content.decode()
