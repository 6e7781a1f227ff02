"""Where Apple Pay shall work: told to Appmax at the beginning of an installation, and kept until the next one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.test import Client

from installations import domains, reconnect
from installations.models import Domain, Installation
from simulator.server import SimulatorServer
from tests.support.factories import InstallationFactory, api_key

APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def row(simulator: SimulatorServer, live_server: Any, settings: Any) -> Installation:
    settings.PUBLIC_URL = live_server.url
    installation: Installation = InstallationFactory.create(external_key="loja", app_id="4242")
    return installation


@pytest.fixture
def store(row: Installation) -> Client:
    return Client(headers={"Authorization": f"Api-Key {api_key(row)}"})


def put(store: Client, names: Any) -> Any:
    return store.put("/installations/loja/domain-names", {"domain_names": names}, content_type="application/json")


def names(rows: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    """Each name, and whether Appmax was told."""
    return [(each["name"], each["told_at"] is not None) for each in rows]


def walk_through(url: str) -> None:
    """Open the link, press Salvar, come back."""
    with requests.Session() as browser:
        assert browser.post(browser.get(url, timeout=9).url, timeout=9).status_code == 200


def told_to_appmax(simulator: SimulatorServer) -> tuple[str, ...]:
    return tuple(simulator.state.latest_authorizations()[0].domain_names)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", ()),
        ("&domain_name=", ()),
        ("&domain_name=Loja.Example.com.", ("loja.example.com",)),
        (
            "&domain_name=loja.example.com&domain_name=caf%C3%A9.example.com&domain_name=loja.example.com",
            ("loja.example.com", "xn--caf-dma.example.com"),
        ),
    ],
)
def test_an_installation_tells_the_names_that_it_is_begun_with(
    live_server: Any, simulator: SimulatorServer, settings: Any, query: str, told: tuple[str, ...]
) -> None:
    settings.PUBLIC_URL = live_server.url

    walk_through(f"{live_server.url}/install/start?app_id={APP_ID}&external_key=loja{query}")

    assert tuple(sorted(told_to_appmax(simulator))) == told
    kept = domains.of(Installation.objects.get())
    assert tuple(each.name for each in kept) == told
    assert all(each.told_at for each in kept)


@pytest.mark.parametrize("given", [["a.example.com"], ["a.example.com", "b.example.com"]])
def test_one_name_and_several_have_fields_of_their_own(
    client: Client, simulator: SimulatorServer, given: list[str]
) -> None:
    client.get("/install/start", {"app_id": APP_ID, "external_key": "loja", "domain_name": given})

    calls = requests.get(f"{simulator.url}/simulator/api/log", {"route": "/app/authorize"}, timeout=5).json()
    told = {name: calls[0]["request"].get(name) for name in ("domain_name", "domain_names")}
    assert told == (
        {"domain_name": given[0], "domain_names": None}
        if len(given) == 1
        else {"domain_name": None, "domain_names": given}
    )


def test_names_that_come_later_are_told_by_the_next_reconnect_link(
    row: Installation, store: Client, live_server: Any, simulator: SimulatorServer
) -> None:
    domains.told(row, ["old.example.com", "gone.example.com"])

    kept = put(store, ["old.example.com", "new.example.com"]).json()["domain_names"]

    assert names(kept) == [("new.example.com", False), ("old.example.com", True)]
    walk_through(reconnect.make_link(row, made_by="ana", public_url=live_server.url, keeps_access=True))
    assert told_to_appmax(simulator) == ("new.example.com", "old.example.com")
    told = store.get("/installations/loja").json()["domain_names"]
    assert names(told) == [("new.example.com", True), ("old.example.com", True)]


def test_a_name_that_comes_while_an_installation_is_under_way_waits_for_the_next(
    row: Installation, store: Client, live_server: Any
) -> None:
    put(store, ["first.example.com"])
    with requests.Session() as browser:
        panel = browser.get(
            reconnect.make_link(row, made_by="ana", public_url=live_server.url, keeps_access=True), timeout=9
        ).url
        put(store, ["first.example.com", "second.example.com"])
        browser.post(panel, timeout=9)

    told = store.get("/installations/loja").json()["domain_names"]
    assert names(told) == [("first.example.com", True), ("second.example.com", False)]


def test_of_two_lists_at_once_one_is_kept_whole(row: Installation, race: Callable[..., list[Any]]) -> None:
    lists = [[f"{letter}{number}.example.com" for number in range(20)] for letter in "abcd"]

    race(lambda number: domains.replace(row, lists[number]), times=4)

    assert sorted(Domain.objects.values_list("name", flat=True)) in [sorted(each) for each in lists]


WRONG = [
    "localhost",
    "203.0.113.7",
    "https://loja.example.com",
    "loja.example.com:443",
    "*.example.com",
    "loja_1.example.com",
    "a..example.com",
    f"{'x' * 64}.example.com",
    f"{'x.' * 130}com",
    "loja.example.com/pay",
    "-loja.example.com",
]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_public_host_name_is_400(
    store: Client, client: Client, simulator: SimulatorServer, name: str
) -> None:
    later = put(store, ["loja.example.com", name])
    at_first = client.get(
        "/install/start",
        {"app_id": APP_ID, "external_key": "new", "domain_name": name},
        headers={"Accept": "text/html"},
    )

    assert (later.status_code, list(later.json()["errors"])) == (400, ["domain_names.1"])
    assert at_first.status_code == 400
    assert not Domain.objects.exists()
    assert not simulator.state.authorizations


@pytest.mark.parametrize(
    "body", [{}, [], {"domain_names": None}, {"domain_names": "a.example.com"}, {"domain_names": [1]}]
)
def test_a_wrong_body_is_400(store: Client, body: Any) -> None:
    answer = store.put("/installations/loja/domain-names", json.dumps(body), content_type="application/json")

    assert answer.status_code == 400


def test_an_empty_list_takes_all_away_and_there_may_not_be_too_many(row: Installation, store: Client) -> None:
    domains.told(row, ["a.example.com"])

    assert put(store, []).json() == {"domain_names": []}
    assert put(store, [f"s{number}.example.com" for number in range(domains.MOST + 1)]).status_code == 400


def test_only_a_key_of_the_installations_own_may_change_them(row: Installation) -> None:
    platform = Client(headers={"Authorization": f"Api-Key {api_key(None)}"})
    stranger = Client(headers={"Authorization": f"Api-Key {api_key(InstallationFactory.create())}"})

    assert [put(each, ["a.example.com"]).status_code for each in (Client(), platform, stranger)] == [401, 403, 404]
    assert not Domain.objects.exists()
