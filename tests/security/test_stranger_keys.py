"""A stranger who knows a merchant's external_key, and every URL of its installation, wants the shop's first API key."""

from typing import Any

import pytest
import requests
from django.test import Client

from installations.models import ApiKey, Installation
from simulator.server import SimulatorServer
from simulator.state import Fault

APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"
KEY = "loja-azul"
HTML = {"Accept": "text/html", "Accept-Language": "en"}

pytestmark = pytest.mark.django_db(transaction=True)


class Browser(Client):
    """Of somebody who is signed in to Appmax's panel with an account of this name."""

    def __init__(self, account: str) -> None:
        super().__init__()
        self.account = account

    def begin(self, external_key: str = KEY) -> str:
        """Appmax's hash."""
        query = {"app_id": APP_ID, "external_key": external_key}
        self.panel: str = self.get("/install/start", query, headers=HTML)["Location"]
        return self.panel.rpartition("/")[2]

    def salvar(self, panel: str = "") -> None:
        requests.post(
            panel or self.panel, allow_redirects=False, timeout=10, cookies={"merchant_account": self.account}
        )

    def come_back(self, token: str) -> str:
        page = self.get("/integrations/appmax/callback/install", {"token": token}, headers=HTML)
        return str(page.content.decode())

    def gets_no_key(self, external_key: str = KEY) -> bool:
        before = ApiKey.objects.count()
        answer = self.post("/install/first-key", {"external_key": external_key}, headers=HTML)
        return answer.status_code == 403 and ApiKey.objects.count() == before


@pytest.fixture(autouse=True)
def _appmax(simulator: SimulatorServer, live_server: Any, settings: Any) -> None:
    settings.PUBLIC_URL = live_server.url


@pytest.fixture
def stranger() -> Browser:
    return Browser("stranger")


@pytest.fixture
def merchant() -> Browser:
    return Browser("merchant")


def install(browser: Browser, external_key: str = KEY) -> str:
    """The hash of an installation that is done."""
    token = browser.begin(external_key)
    browser.salvar()
    assert "Make the API key" in browser.come_back(token)
    return token


def test_he_posts_the_form(stranger: Browser, merchant: Browser) -> None:
    install(merchant)

    assert stranger.gets_no_key()


def test_he_opens_the_last_page_of_the_installation(stranger: Browser, merchant: Browser) -> None:
    token = install(merchant)

    assert "Make the API key" not in stranger.come_back(token)
    assert stranger.gets_no_key()


def test_he_has_a_shop_of_his_own(stranger: Browser, merchant: Browser) -> None:
    install(merchant)
    install(stranger, "his")

    assert stranger.gets_no_key()


def test_he_began_first_and_comes_back_when_the_merchant_has_installed(stranger: Browser, merchant: Browser) -> None:
    token = stranger.begin()
    install(merchant)

    assert "Make the API key" not in stranger.come_back(token)
    assert stranger.gets_no_key()


@pytest.mark.parametrize("says", ["credentials", "app_id"])
def test_he_began_first_and_authorises_it_with_his_own_account(
    stranger: Browser, merchant: Browser, simulator: SimulatorServer, says: str
) -> None:
    simulator.state.switch(health_check=says)
    token = stranger.begin()
    install(merchant)
    stranger.salvar()

    assert "Make the API key" not in stranger.come_back(token)
    assert stranger.gets_no_key()


def test_he_begins_and_has_the_merchant_authorise_it(stranger: Browser, merchant: Browser) -> None:
    """The way back leads to the merchant's browser, which uses the hash up; neither began and came back."""
    token = stranger.begin()
    merchant.salvar(stranger.panel)

    assert "Make the API key" not in merchant.come_back(token)
    assert "Make the API key" not in stranger.come_back(token)
    assert stranger.gets_no_key()
    assert merchant.gets_no_key()


def test_he_comes_back_before_the_merchant_has_authorised(
    stranger: Browser, merchant: Browser, simulator: SimulatorServer
) -> None:
    """Appmax gives no credentials yet, and the hash serves once."""
    token = stranger.begin()
    simulator.state.faults.append(Fault("/app/client/generate", status=422))
    stranger.come_back(token)
    merchant.salvar(stranger.panel)

    assert "Make the API key" not in stranger.come_back(token)
    assert stranger.gets_no_key()


def test_he_rewrites_the_cookie_of_an_installation_that_he_began(stranger: Browser, merchant: Browser) -> None:
    install(merchant)
    stranger.begin("his")
    _his_hash, _, signature = stranger.cookies["installing"].value.partition(":")
    stranger.cookies["installing"] = f"{Installation.objects.get(external_key=KEY).pk}:{signature}"

    assert stranger.gets_no_key()
