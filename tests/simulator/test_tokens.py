"""Who may ask, and for how long."""

from collections.abc import Callable

import pytest

from tests.simulator.conftest import Appmax


def test_the_apps_credentials_are_worth_a_token(appmax: Appmax) -> None:
    answer = appmax.ask_token("app-client", "app-secret")
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 3600


@pytest.mark.parametrize("pair", [("app-client", "wrong"), ("nobody", "app-secret"), ("", ""), ("é", "ü")])
def test_wrong_credentials_are_refused(appmax: Appmax, pair: tuple[str, str]) -> None:
    answer = appmax.ask_token(*pair)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.json()["error_description"]


def test_another_grant_is_refused(appmax: Appmax) -> None:
    answer = appmax.call("POST", "/oauth2/token", data={"grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("token", ["", "made-up"])
def test_without_a_known_token_nothing_is_told(appmax: Appmax, token: str) -> None:
    answer = appmax.call("GET", "/v1/orders/1", token)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_a_token_expires(start: Callable[..., Appmax]) -> None:
    appmax = start(token_seconds=1e-6)
    assert appmax.call("GET", "/v1/orders/1", appmax.app_token()).status_code == 401


def test_tokens_can_be_revoked(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "tokens/revoke")
    assert appmax.customer(merchant).status_code == 401


def test_each_call_wants_its_own_kind_of_token(appmax: Appmax, merchant: str) -> None:
    assert appmax.customer(appmax.app_token()).status_code == 403
    assert appmax.call("POST", "/app/authorize", merchant, json={}).status_code == 403


def test_a_restarted_simulator_accepts_the_merchants_it_knew(start: Callable[..., Appmax]) -> None:
    pair = start().merchant_credentials("loja-ação")
    assert start().ask_token(*pair).status_code == 200


def test_another_seed_knows_none_of_them(start: Callable[..., Appmax]) -> None:
    pair = start().merchant_credentials()
    assert start(seed="other").ask_token(*pair).status_code == 401


def test_merchants_have_credentials_of_their_own(appmax: Appmax) -> None:
    one, other = appmax.merchant_credentials("one"), appmax.merchant_credentials("other")
    assert appmax.ask_token(one[0], other[1]).status_code == 401
    assert one[1] != other[1]


def test_every_answer_can_be_traced(appmax: Appmax) -> None:
    first, second = appmax.ask_token("a", "b").headers, appmax.ask_token("a", "b").headers
    assert first["X-Request-Id"] != second["X-Request-Id"]
    assert first["CF-Ray"] != second["CF-Ray"]
