"""A merchant's keys, managed by one of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from installations import keys
from installations.models import ApiKey, Installation
from tests.support.factories import InstallationFactory, api_key

URL = "/installations/shop/api-keys"

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Installation:
    row: Installation = InstallationFactory.create(external_key="shop")
    return row


@pytest.fixture
def key(merchant: Installation) -> str:
    return api_key(merchant)


def ask(key: str, method: str = "GET", url: str = URL, body: Any = None) -> Any:
    headers = {"Authorization": f"Api-Key {key}"}
    return Client().generic(method, url, body or "", content_type="application/json", headers=headers)


def prefix(text: str) -> str:
    return text.partition(".")[0]


def make(key: str, name: str = "storefront") -> Any:
    return ask(key, "POST", body=f'{{"name": "{name}"}}')


def test_a_new_key_is_shown_once_and_opens_the_shops_routes(key: str) -> None:
    answer = make(key)

    made = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert set(made) == {"prefix", "name", "created_at", "last_used_at", "expires_at", "key"}
    assert (made["name"], made["prefix"], made["last_used_at"]) == ("storefront", prefix(made["key"]), None)
    listed = ask(made["key"]).json()["api_keys"]
    assert [each["name"] for each in listed] == ["test", "storefront"]
    assert [set(each) for each in listed] == [set(made) - {"key"}] * 2


def test_the_list_tells_when_a_key_was_used(key: str) -> None:
    ask(key)

    [row] = ask(key).json()["api_keys"]
    assert row["last_used_at"].endswith("Z")
    assert row["created_at"] <= row["last_used_at"]


def test_keys_that_open_nothing_any_more_are_not_listed(merchant: Installation, key: str) -> None:
    ApiKey.objects.filter(prefix=prefix(api_key(merchant))).update(revoked=True)
    ApiKey.objects.filter(prefix=prefix(api_key(merchant))).update(expiry_date=timezone.now())

    assert [each["name"] for each in ask(key).json()["api_keys"]] == ["test"]


def test_a_key_revokes_another(key: str) -> None:
    other = make(key).json()["key"]

    answer = ask(key, "DELETE", f"{URL}/{prefix(other)}")

    assert [each["prefix"] for each in answer.json()["api_keys"]] == [prefix(key)]
    assert ask(other).status_code == 401
    assert ask(key, "DELETE", f"{URL}/{prefix(other)}").json()["code"] == "api_key_not_found"


def test_a_key_does_not_revoke_itself(key: str) -> None:
    answer = ask(key, "DELETE", f"{URL}/{prefix(key)}")

    assert (answer.status_code, answer.json()["code"]) == (409, "key_revokes_itself")
    assert ask(key).status_code == 200


@pytest.mark.parametrize("other", ["nobodys1", "a%00b", "x" * 300])
def test_a_key_that_is_not_there_is_404(key: str, other: str) -> None:
    answer = ask(key, "DELETE", f"{URL}/{other}")

    assert (answer.status_code, answer.json()["code"]) == (404, "api_key_not_found")


@pytest.mark.parametrize(
    "body",
    ["{}", '{"name": ""}', '{"name": null}', f'{{"name": "{"n" * 51}"}}', '{"name": "a\\u0000"}', '{"name": []}'],
)
def test_a_key_needs_a_name(key: str, body: str) -> None:
    answer = ask(key, "POST", body=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["name"])
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_key_of_the_whole_platform_manages_none(merchant: Installation, method: str) -> None:
    own = prefix(api_key(merchant))
    url = f"{URL}/{own}" if method == "DELETE" else URL

    answer = ask(api_key(), method, url, body='{"name": "left behind"}')

    assert (answer.status_code, answer.json()["code"]) == (403, "own_key_required")
    assert [(row.prefix, row.revoked) for row in ApiKey.objects.exclude(installation=None)] == [(own, False)]


def test_nobody_manages_keys_without_one(merchant: Installation, settings: Any) -> None:
    settings.API_KEYS_REQUIRED = False

    assert Client().get(URL).json()["code"] == "own_key_required"


@pytest.mark.django_db(transaction=True)
def test_there_are_twenty_at_most_also_when_two_ask_at_once(
    merchant: Installation, key: str, race: Callable[..., list[Any]]
) -> None:
    for number in range(keys.MOST - 2):
        keys.make(merchant, name=str(number), by=None)

    assert sorted(race(lambda _: make(key).status_code, 3)) == [200, 409, 409]
    refused = make(key).json()
    assert refused["code"] == "too_many_api_keys"
    assert f"has {keys.MOST} API keys" in refused["message"]


def test_a_key_that_has_expired_makes_room(merchant: Installation, key: str) -> None:
    for number in range(keys.MOST - 1):
        keys.make(merchant, name=str(number), by=None)
    assert make(key).status_code == 409

    ApiKey.objects.filter(name="0").update(expiry_date=timezone.now() - timedelta(seconds=1))
    assert make(key).status_code == 200
