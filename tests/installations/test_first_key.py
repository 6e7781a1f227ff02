"""The first API key, which the browser that has installed the app makes on the last page."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone

from installations.models import ApiKey, Installation
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import InstallationFactory, api_key

APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"
CALLBACK = "/integrations/appmax/callback/install"
FIRST_KEY = "/install/first-key"
HTML = {"Accept": "text/html", "Accept-Language": "en"}
OFFER = f'action="{FIRST_KEY}"'
REFUSED = (403, "first_key_refused")
MADE = (409, "first_key_made")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _appmax(simulator: SimulatorServer, live_server: Any, settings: Any) -> None:
    """Appmax's callback comes to a server of ours while the browser's request is open."""
    settings.PUBLIC_URL = live_server.url


def begin(browser: Client, external_key: str = "shop", **headers: str) -> str:
    """Open /install/start, and press Salvar in Appmax's panel; returns the hash."""
    query = {"app_id": APP_ID, "external_key": external_key}
    panel = browser.get("/install/start", query, headers=HTML | headers)["Location"]
    requests.post(panel, allow_redirects=False, timeout=10)
    return str(panel.rpartition("/")[2])


def come_back(browser: Client, token: str, **headers: str) -> Any:
    return browser.get(CALLBACK, {"token": token}, headers=HTML | headers)


def install(browser: Client, external_key: str = "shop") -> str:
    """The last page of an installation."""
    return str(come_back(browser, begin(browser, external_key)).content.decode())


def press(browser: Client, external_key: str = "shop", accept: str = "application/json") -> Any:
    return browser.post(FIRST_KEY, {"external_key": external_key}, headers=HTML | {"Accept": accept})


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def key_on(page: str) -> str:
    [text] = re.findall(r'<code id="api-key">([^<]+)</code>', page)
    return str(text)


def test_the_merchant_makes_a_key_that_opens_its_routes() -> None:
    browser = Client()
    assert OFFER in install(browser)

    answer = press(browser, accept="text/html")

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    key = key_on(answer.content.decode())
    opened = Client().get("/installations/shop", headers={"Authorization": f"Api-Key {key}"})
    assert opened.json()["external_key"] == "shop"
    [row] = ApiKey.objects.all()
    assert (row.name, row.installation, row.prefix) == ("first key", Installation.objects.get(), key.partition(".")[0])


def test_it_is_shown_once_and_made_once() -> None:
    browser = Client()
    install(browser)
    press(browser)

    assert refusal(press(browser)) == MADE
    assert ApiKey.objects.count() == 1


def test_two_presses_at_once_make_one_key(race: Callable[..., list[Any]]) -> None:
    browser = Client()
    install(browser)
    cookie = browser.cookies["installing"].value

    def press_it(_number: int) -> int:
        other_tab = Client()
        other_tab.cookies["installing"] = cookie
        return int(press(other_tab).status_code)

    assert sorted(race(press_it, 4)) == [200, 409, 409, 409]
    assert ApiKey.objects.count() == 1


def test_the_last_page_offers_it_when_it_is_loaded_again_and_not_after_it_was_made() -> None:
    browser = Client()
    token = begin(browser)

    assert [OFFER in come_back(browser, token).content.decode() for _ in range(2)] == [True, True]
    press(browser)
    page = come_back(browser, token).content.decode()
    assert OFFER not in page
    assert "Your shop has one already" in page


@pytest.mark.parametrize("revoked", [False, True])
def test_a_shop_that_has_had_a_key_gets_no_first_one(revoked: bool) -> None:
    browser = Client()
    install(browser)
    api_key(Installation.objects.get())
    ApiKey.objects.update(revoked=revoked)

    assert refusal(press(browser)) == MADE


def test_a_key_of_the_whole_platform_is_not_the_shops() -> None:
    api_key()
    browser = Client()

    assert OFFER in install(browser)
    assert press(browser).status_code == 200


def test_it_can_be_made_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Client()
    install(browser)
    late = (timezone.now() + timedelta(hours=1, seconds=2)).timestamp()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: late)
        assert refusal(press(browser)) == REFUSED

    assert press(browser).status_code == 200


def test_once_another_appmax_account_has_the_shop_the_browser_of_before_makes_none() -> None:
    browser = Client()
    install(browser)
    Installation.objects.update(merchant_client_id="the-new-account")

    assert refusal(press(browser)) == REFUSED
    assert not ApiKey.objects.exists()


def test_a_form_of_another_sites_page_makes_none() -> None:
    browser = Client(enforce_csrf_checks=True)
    install(browser)

    assert refusal(press(browser)) == (403, "form_expired")
    assert not ApiKey.objects.exists()


def test_the_pages_own_form_makes_one() -> None:
    browser = Client(enforce_csrf_checks=True)
    page = install(browser)
    [form] = re.findall(rf"<form {OFFER}.*?</form>", page, re.DOTALL)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', form))

    assert set(fields) == {"csrfmiddlewaretoken", "external_key"}
    assert browser.post(FIRST_KEY, fields, headers=HTML).status_code == 200


def test_a_program_that_installs_gets_no_key() -> None:
    program = Client()
    token = begin(program, Accept="*/*")

    assert "external_id" in come_back(program, token, Accept="*/*").json()
    assert "installing" not in program.cookies
    assert refusal(press(program)) == REFUSED


def test_a_browser_whose_way_back_a_program_has_gone_gets_no_key() -> None:
    browser = Client()
    token = begin(browser)
    assert "external_id" in come_back(browser, token, Accept="*/*").json()

    assert OFFER not in come_back(browser, token).content.decode()
    assert refusal(press(browser)) == REFUSED


def test_credentials_that_came_by_the_callback_alone_prove_no_browser(simulator: SimulatorServer) -> None:
    """Appmax gave up on our call, so nobody knows whether this browser's Salvar brought the credentials."""
    browser = Client()
    simulator.state.faults.append(Fault("/app/client/generate", status=504, work=True))

    page = install(browser)

    assert "The app is installed" in page
    assert OFFER not in page
    assert refusal(press(browser)) == REFUSED


def test_two_shops_installed_in_one_browser_are_told_apart() -> None:
    browser = Client()
    install(browser, "first")
    install(browser, "second")

    assert refusal(press(browser, "first")) == REFUSED
    assert press(browser, "second").status_code == 200
    assert ApiKey.objects.get().installation == Installation.objects.get(external_key="second")


@pytest.mark.parametrize("external_key", ["nobody's", "", "\0"])
def test_a_shop_that_is_not_there_gets_none(external_key: str) -> None:
    browser = Client()
    install(browser)

    assert refusal(press(browser, external_key)) == REFUSED


@pytest.mark.parametrize("value", ["", "1", "1:2:3", "é"])
def test_a_cookie_that_is_made_up_is_none(value: str) -> None:
    InstallationFactory.create(external_key="shop")
    browser = Client()
    browser.cookies["installing"] = value

    assert refusal(press(browser)) == REFUSED


def test_the_cookie_is_for_the_server_alone() -> None:
    browser = Client()
    begin(browser)

    cookie = browser.cookies["installing"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 3600)
    assert bool(cookie["secure"]) is configured.SESSION_COOKIE_SECURE


def test_in_production_it_comes_by_https_alone(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    browser = Client()
    begin(browser)

    assert browser.cookies["installing"]["secure"] is True


def test_with_redis_lost_on_the_last_page_the_key_is_made_all_the_same(settings: Any) -> None:
    browser = Client()
    install(browser)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}

    assert press(browser).status_code == 200


@pytest.mark.usefixtures("redis_away")
def test_with_redis_away_from_the_start_support_makes_the_key() -> None:
    """Nothing tells then which hash the credentials are of."""
    browser = Client()

    page = install(browser)

    assert OFFER not in page
    assert "Ask support for an API key" in page
    assert refusal(press(browser)) == REFUSED


@pytest.mark.parametrize(("language", "title"), [("en", "Your shop's API key"), ("pt-BR", "Chave de API da sua loja")])
def test_the_key_has_a_page_in_both_languages(language: str, title: str) -> None:
    browser = Client()
    install(browser)

    page = browser.post(
        FIRST_KEY, {"external_key": "shop"}, headers={"Accept": "text/html", "Accept-Language": language}
    )

    assert title in page.content.decode()
    assert 'data-copy="api-key"' in page.content.decode()


def test_a_refusal_is_a_page_that_says_whom_to_ask() -> None:
    page = press(Client(), accept="text/html")

    assert page.status_code == 403
    assert "ask support for a key" in page.content.decode()


def test_the_pages_address_by_itself_leads_to_the_first_page() -> None:
    page = Client().get(FIRST_KEY, headers=HTML)

    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert "start again from the first page" in page.content.decode()
