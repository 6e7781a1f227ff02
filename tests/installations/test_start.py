"""GET /install/start: from a merchant's browser to Appmax's authorisation page."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from simulator.server import SimulatorServer
from simulator.state import Fault

APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"

pytestmark = pytest.mark.django_db(transaction=True)


def start(client: Client, **query: str) -> Any:
    return client.get("/install/start", query)


def test_the_browser_is_sent_to_appmax_and_the_state_is_kept_for_an_hour(
    client: Client, simulator: SimulatorServer, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://pay.shop.com"

    answer = start(client, app_id=APP_ID, external_key="shop")

    [authorization] = simulator.state.authorizations.values()
    assert answer.status_code == 302
    assert answer["Location"] == f"{simulator.url}/appstore/integration/{authorization.token}"
    assert authorization.external_key == "shop"
    assert authorization.callback_url == "https://pay.shop.com/integrations/appmax/callback/install"
    key = f"install:{authorization.token}"
    assert cache.get(key) == {"app_id": APP_ID, "external_key": "shop"}
    for each in (key, "install_under_way:shop"):
        assert 3590 < cache.ttl(each) <= 3600  # type: ignore[attr-defined] # django-redis


def test_any_hash_of_appmaxs_is_one_piece_of_the_address(client: Client, simulator: SimulatorServer) -> None:
    simulator.state.faults.append(Fault("/app/authorize", status=200, body={"data": {"token": "a/b?c"}}))

    answer = start(client, app_id=APP_ID, external_key="shop")

    assert answer["Location"] == f"{simulator.url}/appstore/integration/a%2Fb%3Fc"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "app_id is required"),
        ({"app_id": ""}, "app_id is required"),
        ({"app_id": APP_ID}, "external_key is required"),
        ({"app_id": APP_ID, "external_key": " "}, "external_key is required"),
        ({"app_id": "wrong", "external_key": "shop"}, "invalid app_id"),
    ],
)
def test_wrong_parameters_are_400(client: Client, query: dict[str, str], message: str) -> None:
    answer = start(client, **query)

    assert answer.status_code == 400
    assert answer.json()["message"] == message


def test_the_numeric_id_is_named_for_what_it_is(client: Client) -> None:
    answer = start(client, app_id="4242", external_key="shop").json()

    assert answer["message"] == "invalid app_id"
    hint = "this is the app's numeric id; the installation starts with its UUID (APPMAX_APP_ID_UUID)"
    assert answer["errors"]["app_id"][1] == hint


@pytest.mark.parametrize("name", ["APPMAX_CLIENT_ID", "APPMAX_CLIENT_SECRET", "APPMAX_APP_ID_UUID"])
def test_a_missing_variable_is_503_and_named(client: Client, settings: Any, name: str) -> None:
    setattr(settings, name, "")

    answer = start(client, app_id=APP_ID, external_key="shop")

    assert (answer.status_code, answer.json()) == (503, {"code": "not_configured", "message": f"{name} not configured"})


def test_appmax_refusal_is_502_with_its_message(client: Client, simulator: SimulatorServer) -> None:
    simulator.state.faults.append(Fault("/app/authorize", status=422, body={"errors": {"message": "App is paused"}}))

    answer = start(client, app_id=APP_ID, external_key="shop")

    assert (answer.status_code, answer.json()) == (502, {"code": "initiation_failed", "message": "App is paused"})


def test_appmax_failing_is_502(client: Client, simulator: SimulatorServer) -> None:
    simulator.state.faults.append(Fault("/app/authorize", status=500, times=9))

    answer = start(client, app_id=APP_ID, external_key="shop")

    assert (answer.status_code, answer.json()) == (
        502,
        {"code": "initiation_failed", "message": "failed to initiate installation"},
    )


def test_without_redis_the_browser_is_sent_on_all_the_same(
    client: Client, simulator: SimulatorServer, redis_away: None
) -> None:
    assert start(client, app_id=APP_ID, external_key="shop").status_code == 302


def test_without_redis_no_address_is_limited(client: Client, redis_away: None) -> None:
    assert {start(client, app_id="wrong", external_key="shop").status_code for _ in range(25)} == {400}


def test_a_browser_without_parameters_gets_the_button(client: Client) -> None:
    page = client.get("/install/start", headers={"Accept": "text/html,*/*"})

    assert page.status_code == 200
    assert f'name="app_id" value="{APP_ID}"' in page.content.decode()
    assert 'name="external_key" value="' in page.content.decode()
