"""Which external_id Appmax is told, and which one is the installation's (contract, 4.1)."""

import threading
import uuid
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client
from django.utils import timezone

from installations import identities
from installations.models import GenerateCall, Identity, Installation
from simulator.server import SimulatorServer
from tests.installations.test_confirm_by_appmax import URL
from tests.support.factories import InstallationFactory, api_key

APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"

pytestmark = pytest.mark.django_db(transaction=True)


def told_by_the_route(row: Installation) -> str:
    """What GET /installations/{key} says."""
    answer = Client().get(f"/installations/{row.external_key}", headers={"Authorization": f"Api-Key {api_key(row)}"})
    return str(answer.json()["external_id"])


def test_the_external_key_alone_gets_a_fresh_id_each_time(post: Any) -> None:
    told = [post(URL, {"app_id": "4242", "external_key": "shop"}).json()["external_id"] for _ in range(3)]

    assert len(set(told)) == 3
    assert [str(row.external_id) for row in Identity.objects.order_by("pk")] == told
    assert not Installation.objects.exists()


def test_an_installation_keeps_its_id_whoever_asks_with_its_external_key(post: Any) -> None:
    row = InstallationFactory.create(external_key="shop")
    before = told_by_the_route(row)

    post(URL, {"app_id": "4242", "external_key": "shop"})

    assert told_by_the_route(row) == before


@pytest.mark.parametrize("says", ["credentials", "external_key", "app_id"])
def test_appmax_knows_the_store_by_what_the_route_says_whatever_its_health_check_has(
    simulator: SimulatorServer, live_server: Any, settings: Any, says: str
) -> None:
    settings.PUBLIC_URL = live_server.url
    simulator.state.switch(health_check=says)

    installed = walk_through(live_server.url)

    row = Installation.objects.get(external_key="loja")
    assert simulator.state.identities["loja"] == told_by_the_route(row) == installed["external_id"]


def test_a_second_installation_of_a_store_tells_an_id_that_appmax_has_not_seen(
    simulator: SimulatorServer, live_server: Any, settings: Any
) -> None:
    from installations import reconnect

    settings.PUBLIC_URL = live_server.url
    first = walk_through(live_server.url)["external_id"]
    row = Installation.objects.get(external_key="loja")

    second = walk_through(live_server.url, reconnect.make_link(row, made_by="ana", public_url=live_server.url))

    assert second["external_id"] != first
    assert simulator.state.identities["loja"] == told_by_the_route(row) == second["external_id"]
    assert simulator.state.is_known_store("loja")
    row.refresh_from_db()
    assert str(row.external_id) == first


def walk_through(url: str, link: str = "") -> Any:
    """From the start to the page after Salvar, as a browser goes; what our callback answers."""
    with requests.Session() as browser:
        page = browser.get(link or f"{url}/install/start?app_id={APP_ID}&external_key=loja")
        assert "Salvar" in page.text, page.text
        return browser.post(page.url).json()


def test_app_id_alone_is_about_the_installation_whose_credentials_are_being_generated(post: Any) -> None:
    with identities.generating("loja"):
        told = post(URL, {"app_id": "4242"}).json()["external_id"]

    assert Identity.objects.get(external_key="loja").external_id == uuid.UUID(told)
    assert not GenerateCall.objects.exists()


def test_app_id_alone_is_nobodys_while_two_installations_generate(post: Any) -> None:
    with identities.generating("loja"), identities.generating("other"):
        post(URL, {"app_id": "4242"})

    assert not Identity.objects.exists()


def test_a_call_of_a_process_that_died_counts_no_more(post: Any) -> None:
    GenerateCall.objects.create(external_key="old", opened_at=timezone.now() - identities.CALL_LASTS)
    with identities.generating("loja"):
        post(URL, {"app_id": "4242"})

    assert Identity.objects.get().external_key == "loja"


def test_two_that_generate_at_once_each_get_their_own_id(simulator: SimulatorServer, race: Any, settings: Any) -> None:
    """Appmax's health checks name the external_key; both calls are open when the first is answered."""
    both_open = threading.Barrier(2)

    def generate(number: int) -> uuid.UUID:
        key = f"loja-{number}"
        with identities.generating(key):
            both_open.wait(10)
            told = (
                Client()
                .post(URL, {"app_id": "4242", "external_key": key}, content_type="application/json")
                .json()["external_id"]
            )
            both_open.wait(10)
        return uuid.UUID(told)

    race(generate, times=2)

    assert sorted(Identity.objects.values_list("external_key", flat=True)) == ["loja-0", "loja-1"]


def test_what_nobody_brought_credentials_for_is_forgotten_after_a_day(post: Any) -> None:
    row = InstallationFactory.create(external_key="shop")
    yesterday = timezone.now() - timedelta(hours=25)
    kept = Identity.objects.create(external_key="shop", installation=row, told_at=yesterday)
    Identity.objects.create(external_key="shop", told_at=yesterday)
    new = Identity.objects.create(external_key="shop")

    assert identities.forget_those_in_vain() == 1
    assert set(Identity.objects.all()) == {kept, new}


def test_existing_installations_keep_what_they_were_told() -> None:
    row = InstallationFactory.create(external_key="shop")
    migration = import_module("installations.migrations.0004_what_was_told").Migration

    with connection.cursor() as cursor:
        cursor.execute(migration.operations[0].sql)

    told = Identity.objects.get()
    assert (told.external_id, told.external_key, told.installation) == (row.external_id, "shop", row)
    assert told_by_the_route(row) == str(row.external_id)
