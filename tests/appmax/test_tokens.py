"""Tokens: cached with a margin, renewed once when Appmax refuses a cached one."""

from typing import Any

import pytest

from appmax.client import AppmaxClient
from appmax.errors import CredentialsRefused, Unavailable
from tests.appmax.conftest import TOKEN_URL, URL, MemoryCache

ORDER = f"{URL}/v1/orders/1"
ANSWER = {"data": {"order": {"id": 1, "status": "aprovado"}}}


def tokens_fetched(appmax: Any) -> int:
    return sum(call.request.url == TOKEN_URL for call in appmax.calls)


def test_a_token_is_asked_for_with_client_credentials_in_a_form(client: AppmaxClient, appmax: Any) -> None:
    assert client.bearer_token() == "t1"

    request = appmax.calls[0].request
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == "grant_type=client_credentials&client_id=merchant-1&client_secret=s3cret-of-merchant"


def test_a_token_is_cached_until_a_minute_before_it_expires(
    client: AppmaxClient, appmax: Any, memory: MemoryCache
) -> None:
    assert [client.bearer_token(), client.bearer_token()] == ["t1", "t1"]
    assert tokens_fetched(appmax) == 1
    assert memory.timeouts == {"merchant_token:1": 3540}


def test_a_token_that_lives_a_minute_or_less_is_not_cached(
    client: AppmaxClient, appmax: Any, memory: MemoryCache
) -> None:
    appmax.replace("POST", TOKEN_URL, json={"access_token": "short", "expires_in": 60})

    assert client.bearer_token() == "short"
    assert memory.values == {}


def test_a_refused_cached_token_is_renewed_once_and_the_call_repeated(
    client: AppmaxClient, appmax: Any, memory: MemoryCache
) -> None:
    memory.values["merchant_token:1"] = "revoked"
    appmax.get(ORDER, status=401)
    appmax.get(ORDER, json=ANSWER)

    assert client.get_order(1).status == "aprovado"
    assert tokens_fetched(appmax) == 1
    assert appmax.calls[-1].request.headers["Authorization"] == "Bearer t1"
    assert memory.values == {"merchant_token:1": "t1"}


def test_a_second_refusal_is_final(client: AppmaxClient, appmax: Any, memory: MemoryCache) -> None:
    memory.values["merchant_token:1"] = "revoked"
    appmax.get(ORDER, status=401)

    with pytest.raises(CredentialsRefused) as caught:
        client.get_order(1)
    assert caught.value.status == 401
    assert sum(call.request.url == ORDER for call in appmax.calls) == 2


def test_a_refused_fresh_token_is_final_at_once(client: AppmaxClient, appmax: Any) -> None:
    appmax.get(ORDER, status=401)

    with pytest.raises(Unavailable):
        client.get_order(1)
    assert tokens_fetched(appmax) == 1
    assert sum(call.request.url == ORDER for call in appmax.calls) == 1


@pytest.mark.parametrize(
    ("said", "kept_for"),
    [
        ({"expires_in": 3600}, 3540),
        ({"expires_in": 3600.0}, 3540),
        ({"expires_in": "3600.0"}, 3540),
        ({"expires_in": "3600"}, 3540),
        ({"expires_in": 7200.9}, 7140),
        ({}, 3540),
        ({"expires_in": None}, 3540),
        ({"expires_in": "one hour"}, 3540),
        ({"expires_in": []}, 3540),
        ({"expires_in": -5}, 3540),
        ({"expires_in": "NaN"}, 3540),
        ({"expires_in": 1e300}, 3540),
        ({"expires_in": 10**400}, 3540),
        ({"expires_in": 0}, None),
        ({"expires_in": "60.0"}, None),
    ],
)
def test_how_long_a_token_is_kept(
    client: AppmaxClient, appmax: Any, memory: MemoryCache, said: Any, kept_for: int | None
) -> None:
    appmax.replace("POST", TOKEN_URL, json={"access_token": "t", "token_type": "Bearer", **said})

    assert client.bearer_token() == "t"
    assert memory.timeouts.get("merchant_token:1") == kept_for


@pytest.mark.parametrize("body", [{}, {"expires_in": 5}, [], {"access_token": "", "expires_in": 5}])
def test_a_token_answer_nobody_understands_is_unavailable(client: AppmaxClient, appmax: Any, body: Any) -> None:
    appmax.replace("POST", TOKEN_URL, json=body)

    with pytest.raises(Unavailable):
        client.bearer_token()
