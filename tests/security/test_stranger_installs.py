"""A stranger who knows a merchant's external_key, and has an Appmax account of his own, wants the merchant's payments.

Whoever presses Salvar in Appmax's panel decides whose credentials the app gets. So the stranger walks through the whole
installation, signed in to Appmax as himself, and whatever he does nothing of the merchant's changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.core.cache import cache

from installations import reconnect
from installations.models import ApiKey, Installation
from notifications.models import Endpoint
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import api_key

CALLBACK = "/integrations/appmax/callback/install"
APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"
KEY = "loja-azul"

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Person:
    """Somebody with a browser, signed in to Appmax's panel with an account of this name."""

    account: str
    app: str
    appmax: SimulatorServer

    def start(self, url: str = "") -> requests.Response:
        """Open /install/start, or a link, and go where it leads."""
        with self._browser() as browser:
            return browser.get(url or f"{self.app}/install/start?app_id={APP_ID}&external_key={KEY}")

    def authorize(self) -> str:
        """The hash of an installation of the key, as it was before the shop was anybody's."""
        return self.start().url.rpartition("/")[2]

    def salvar(self, token: str, *, comes_back: bool = True) -> requests.Response:
        """Press Salvar, and come back with the hash or not."""
        with self._browser() as browser:
            return browser.post(f"{self.appmax.url}/appstore/integration/{token}", allow_redirects=comes_back)

    def come_back(self, token: str, **headers: str) -> requests.Response:
        with self._browser() as browser:
            return browser.get(f"{self.app}{CALLBACK}", params={"token": token}, headers=headers)

    def post(self, **changes: str) -> requests.Response:
        """What Appmax would post for this account."""
        client_id, client_secret = self.appmax.state.merchant_credentials(self.account)
        body = {"app_id": "4242", "external_key": KEY, "client_id": client_id, "client_secret": client_secret}
        with self._browser() as browser:
            return browser.post(f"{self.app}{CALLBACK}", json={**body, **changes})

    def _browser(self) -> requests.Session:
        session = requests.Session()
        session.cookies.set("merchant_account", self.account)
        return session


@pytest.fixture
def person(simulator: SimulatorServer, live_server: Any, settings: Any) -> Callable[[str], Person]:
    settings.PUBLIC_URL = live_server.url
    return lambda account: Person(account, live_server.url, simulator)


@pytest.fixture
def stranger(person: Callable[[str], Person]) -> Person:
    return person("stranger")


@pytest.fixture
def merchant(person: Callable[[str], Person]) -> Person:
    """Has installed the app."""
    merchant = person("merchant")
    assert "external_id" in merchant.salvar(merchant.authorize()).json()
    return merchant


@pytest.fixture
def untouched(merchant: Person) -> Callable[[], None]:
    """Fails if anything of the merchant's is another than it was."""
    before = seen(merchant)
    assert before["merchant_client_id"] == merchant.appmax.state.merchant_credentials("merchant")[0]

    def check() -> None:
        assert seen(merchant) == before

    return check


def seen(merchant: Person) -> dict[str, Any]:
    """The merchant's row, and what its storefront is told."""
    row = Installation.objects.get(external_key=KEY)
    headers = {"Authorization": f"Api-Key {api_key(row)}"}
    told = {
        name: requests.get(f"{merchant.app}/installations/{KEY}{path}", headers=headers, timeout=10).json()
        for name, path in {"installation": "", "token": "/merchant/token"}.items()
    }
    told["token"].pop("merchant_bearer_token")
    names = [field.attname for field in row._meta.concrete_fields]
    return {**{name: getattr(row, name) for name in names}, **told}


def test_he_begins_an_installation_of_the_merchants_key(stranger: Person, untouched: Callable[[], None]) -> None:
    answer = stranger.start()

    assert (answer.status_code, answer.json()["message"]) == (409, "installation already confirmed")
    untouched()


def test_he_posts_credentials_of_his_own(stranger: Person, untouched: Callable[[], None]) -> None:
    answer = stranger.post()

    assert (answer.status_code, answer.json()["message"]) == (409, "installation already confirmed")
    untouched()


def test_he_begins_first_and_posts(stranger: Person, untouched: Callable[[], None]) -> None:
    stranger.start()
    cache.set(f"install_under_way:{KEY}", True, 60)  # of whomever

    assert stranger.post().status_code == 409
    untouched()


@pytest.mark.parametrize("says", ["credentials", "external_key", "app_id"])
def test_he_began_before_the_merchant_had_installed_and_finishes_afterwards(
    person: Callable[[str], Person], simulator: SimulatorServer, says: str
) -> None:
    simulator.state.switch(health_check=says)
    stranger, merchant = person("stranger"), person("merchant")
    token = stranger.authorize()
    assert merchant.salvar(merchant.authorize()).status_code == 200
    before = seen(merchant)
    assert before["merchant_client_id"] == simulator.state.merchant_credentials("merchant")[0]

    stranger.salvar(token, comes_back=False)
    answer = stranger.come_back(token)

    # Without an error he is told of the merchant's installation, which isn't his.
    assert answer.json().get("code") in (None, "installation_already_confirmed")
    after = seen(merchant)
    assert after == before


def test_he_asks_for_an_external_id_of_the_merchants_key(stranger: Person, untouched: Callable[[], None]) -> None:
    client = {"client_id": "", "client_secret": ""}

    assert stranger.post(**client).status_code == 200
    assert stranger.post(**client, external_key="").status_code == 200
    untouched()


@pytest.mark.parametrize("token", ["made-up", "1:2:3", ""])
def test_he_makes_up_a_reconnect_link(stranger: Person, untouched: Callable[[], None], token: str) -> None:
    answer = stranger.start(f"{stranger.app}/install/start?app_id={APP_ID}&external_key={KEY}&reconnect={token}")

    assert answer.status_code == 409
    untouched()


def test_he_uses_a_reconnect_link_of_his_own_shop(
    person: Callable[[str], Person], stranger: Person, untouched: Callable[[], None]
) -> None:
    his = stranger.appmax.state.merchant_credentials("stranger")
    row = Installation.objects.create(
        external_key="his", app_id="4242", merchant_client_id=his[0], merchant_client_secret=his[1]
    )
    link = reconnect.make_link(row, made_by="stranger", public_url=stranger.app)

    answer = stranger.start(link.replace("external_key=his", f"external_key={KEY}"))

    assert answer.status_code == 409
    untouched()


def test_he_finds_a_reconnect_link_that_has_been_used(
    stranger: Person, merchant: Person, untouched: Callable[[], None]
) -> None:
    row = Installation.objects.get()
    link = reconnect.make_link(row, made_by="ana", public_url=merchant.app)
    merchant.salvar(merchant.start(link).url.rpartition("/")[2])
    before = seen(merchant)

    assert stranger.start(link).status_code == 409
    assert seen(merchant) == before


@pytest.mark.parametrize("keeps_access", [False, True])
def test_he_was_first_and_the_merchant_takes_over(stranger: Person, merchant: Person, keeps_access: bool) -> None:
    """What he made while the shop was his opens nothing of the merchant's, unless staff know whose it is."""
    row = Installation.objects.get()
    key = api_key(row)
    endpoint = Endpoint.objects.create(installation=row, url="https://his.example.com", secret="whsec_x")
    link = reconnect.make_link(row, made_by="ana", public_url=merchant.app, keeps_access=keeps_access)
    merchant.account = "merchants-own-account"

    merchant.salvar(merchant.start(link).url.rpartition("/")[2])

    endpoint.refresh_from_db()
    answer = requests.get(
        f"{merchant.app}/installations/{KEY}/merchant/token", headers={"Authorization": f"Api-Key {key}"}, timeout=9
    )
    assert (answer.status_code, endpoint.enabled) == ((200, True) if keeps_access else (401, False))
    assert endpoint.disabled_why == ("" if keeps_access else "handed_over")


def test_the_same_account_that_comes_again_keeps_its_keys(merchant: Person) -> None:
    row = Installation.objects.get()
    key = api_key(row)
    Installation.objects.update(merchant_client_secret="an-older-one")
    link = reconnect.make_link(row, made_by="ana", public_url=merchant.app)

    merchant.salvar(merchant.start(link).url.rpartition("/")[2])

    assert row.reconnect_links.get().replaced
    assert ApiKey.objects.get_from_key(key).revoked is False


def test_he_posts_while_the_merchant_reconnects(stranger: Person, merchant: Person) -> None:
    """What Appmax itself gives for the hash counts, not what a POST brings."""
    row = Installation.objects.get()
    link = reconnect.make_link(row, made_by="ana", public_url=merchant.app)
    merchant.account = "merchants-new-account"
    token = merchant.start(link).url.rpartition("/")[2]
    before = seen(merchant)

    assert stranger.post().status_code == 200
    assert seen(merchant) == before

    merchant.salvar(token, comes_back=False)
    assert stranger.post().status_code == 200
    assert merchant.come_back(token).status_code == 200

    row.refresh_from_db()
    assert row.merchant_client_id == merchant.appmax.state.merchant_credentials("merchants-new-account")[0]
    assert stranger.post().status_code == 409


def test_he_posts_and_the_merchants_reconnecting_fails(stranger: Person, merchant: Person) -> None:
    link = reconnect.make_link(Installation.objects.get(), made_by="ana", public_url=merchant.app)
    token = merchant.start(link).url.rpartition("/")[2]
    stranger.post()
    merchant.salvar(token, comes_back=False)
    merchant.appmax.state.faults.append(Fault("/app/client/generate", status=504))

    assert merchant.come_back(token).status_code == 502
    row = Installation.objects.get()
    assert (row.merchant_client_id, row.merchant_client_secret) == merchant.appmax.state.merchant_credentials(
        "merchant"
    )


def test_he_makes_up_credentials_for_a_shop_that_is_to_be(stranger: Person) -> None:
    assert stranger.post(client_id="made-up").status_code == 400
    assert not Installation.objects.exists()


def test_he_takes_a_key_while_appmax_cannot_be_asked_and_the_merchant_installs_all_the_same(
    person: Callable[[str], Person], stranger: Person, simulator: SimulatorServer
) -> None:
    simulator.state.faults.append(Fault("/oauth2/token", status=503))
    stranger.post(client_id="made-up")
    assert not Installation.objects.get().is_confirmed

    merchant = person("merchant")
    assert merchant.salvar(merchant.authorize()).status_code == 200

    assert seen(merchant)["merchant_client_id"] == simulator.state.merchant_credentials("merchant")[0]


def test_he_guesses_the_apps_numeric_id(stranger: Person) -> None:
    answers = [stranger.post(app_id=str(guess)) for guess in range(4230, 4243)]

    assert [answer.status_code for answer in answers] == [400] * 10 + [429] * 3  # the last guess was right
    assert answers[-1].headers["Retry-After"] == "360"
    assert not Installation.objects.exists()


def test_he_asks_for_many_hashes(stranger: Person) -> None:
    url = f"{stranger.app}/install/start?app_id=wrong&external_key={KEY}"

    codes = [stranger.start(url).status_code for _ in range(40)]

    assert codes[:20] == [400] * 20
    assert 429 in codes  # one more is allowed every three seconds


def test_he_says_that_each_request_comes_from_elsewhere(stranger: Person, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    url = f"{stranger.app}/install/start?app_id=wrong&external_key={KEY}"

    def asked(number: int) -> int:
        forwarded = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7", "X-Forwarded-Proto": "https"}
        return requests.get(url, headers=forwarded, timeout=10).status_code

    codes = [asked(number) for number in range(40)]

    assert codes[:20] == [400] * 20
    assert 429 in codes
