"""Any external_key names its merchant in a path, percent-encoded, or is refused before anything is installed."""

from typing import Any
from urllib.parse import quote

import pytest
import requests
from django.test import Client

from installations.models import Installation
from tests.support.factories import InstallationFactory, OrderFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)

FIT = [
    "minha/loja",
    "https://loja.example.com/",
    "/",
    "a//b",
    "loja/status/5",
    "merchant/token/loja",
    "50% off?x=1#top",
    "%2F",
    "loja ação ☕",
    "a.b/..c/d..",
    "a;b,c+d&e=f",
    "\\loja\\",
    "K" * 255,
]
UNFIT = [".", "..", "a/../b", "../x", "x/.", "a\nb", "a\tb", "a\x7fb", "loja/merchant/token", "loja/reconnect"]
UNFIT += ["loja/api-keys", "loja/api-keys/x"]


@pytest.mark.parametrize("key", FIT)
def test_every_route_finds_its_merchant(live_server: Any, settings: Any, key: str) -> None:
    """Over HTTP, as Django's test client would unquote the path itself."""
    order = OrderFactory.create(installation=InstallationFactory.create(external_key=key), appmax_order_id=5)
    headers = {"Authorization": f"Api-Key {api_key(order.installation)}"}
    path = quote(key, safe="")

    def answer(url: str) -> requests.Response:
        return requests.get(f"{live_server.url}{url}", headers=headers, timeout=10)

    assert answer(f"/installations/{path}").json()["external_key"] == key
    assert answer(f"/checkout/{path}/status/5").json() == {"status": "pendente"}
    refund = requests.post(f"{live_server.url}/checkout/{path}/refund", json={}, headers=headers, timeout=10)
    assert refund.json()["message"] == "order_id is required"
    link = requests.post(f"{live_server.url}/installations/{path}/reconnect", headers=headers, timeout=10).json()["url"]
    assert f"external_key={quote(key, safe='').replace('%20', '+')}&" in link


@pytest.mark.parametrize("key", UNFIT)
def test_a_key_that_no_path_can_hold_is_refused_at_the_start(client: Client, settings: Any, key: str) -> None:
    query = {"app_id": settings.APPMAX_APP_ID_UUID, "external_key": key}

    answer = client.get("/install/start", query)

    assert (answer.status_code, answer.json()["message"]) == (400, "external_key can't be used in a URL's path")
    assert not Installation.objects.exists()
