"""Each API key may ask so often, and every answer says how often it still may."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from installations.limits import header_fields
from installations.models import Installation
from tests.support.factories import InstallationFactory, OrderFactory, api_key
from web.limits import Limit, Taken

pytestmark = pytest.mark.django_db

SHOP = "/installations/shop"


@pytest.fixture
def row() -> Installation:
    installation: Installation = InstallationFactory.create(external_key="shop")
    return installation


@pytest.fixture
def store(row: Installation, settings: Any) -> Client:
    """Sends the shop's API key, which may be used five times at once."""
    settings.API_KEY_RATE = 1
    return with_key(api_key(row))


def with_key(key: str) -> Client:
    return Client(headers={"Authorization": f"Api-Key {key}"})


def test_a_loop_is_told_to_come_later(store: Client) -> None:
    answers = [store.get(SHOP) for _ in range(6)]

    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    assert (answers[5].status_code, answers[5].json()["code"]) == (429, "too_many_requests")
    assert answers[5]["Retry-After"] == "1"


def test_every_answer_says_what_is_left(store: Client) -> None:
    first, second = store.get(SHOP), store.get(f"{SHOP}/webhook-endpoints/7")

    assert first["RateLimit-Policy"] == second["RateLimit-Policy"] == '"key";q=5;w=5'
    assert first["RateLimit"] == '"key";r=4;t=1'
    assert (second.status_code, second["RateLimit"]) == (404, '"key";r=3;t=2')


def test_who_is_refused_has_nothing_left_until_he_may_come_again(store: Client) -> None:
    refused = [store.get(SHOP) for _ in range(6)][-1]

    assert refused["RateLimit"] == f'"key";r=0;t={refused["Retry-After"]}'


@pytest.mark.parametrize(
    ("limit", "answer", "policy", "left"),
    [
        (Limit("", 100, 60), Taken(True, 0, 60, 57.2), '"basic";q=100;w=60', '"basic";r=60;t=58'),
        (Limit("", 100, 60), Taken(False, 4.1, 0, 60), '"basic";q=100;w=60', '"basic";r=0;t=5'),
    ],
)
def test_the_fields_are_written_as_in_the_drafts_examples(limit: Limit, answer: Taken, policy: str, left: str) -> None:
    """draft-ietf-httpapi-ratelimit-headers-11, B.1.3 and B.1.4 (there the policy is called default)."""
    assert header_fields("basic", limit, answer) == {"RateLimit-Policy": policy, "RateLimit": left}


def test_each_key_has_a_limit_of_its_own(store: Client, row: Installation) -> None:
    for _ in range(6):
        store.get(SHOP)

    assert with_key(api_key(row)).get(SHOP).status_code == 200


def test_a_key_of_the_platform_has_one_for_each_merchant(store: Client) -> None:
    InstallationFactory.create(external_key="other")
    platform = with_key(api_key())

    assert [platform.get(SHOP).status_code for _ in range(6)][-1] == 429
    assert platform.get("/installations/other").status_code == 200


def test_a_wrong_key_takes_nothing_of_a_right_one(store: Client) -> None:
    for _ in range(6):
        assert with_key("guessed.key").get(SHOP).status_code == 401

    assert store.get(SHOP)["RateLimit"].startswith('"key";r=4;')


def test_a_status_is_read_without_a_limit_and_without_redis(store: Client, row: Installation) -> None:
    order = OrderFactory.create(installation=row)
    path = f"/checkout/shop/status/{order.appmax_order_id}"

    answers = [store.get(path) for _ in range(30)]

    assert {answer.status_code for answer in answers} == {200}
    assert not answers[0].has_header("RateLimit")
    assert cache.keys("limit:*") == []  # type: ignore[attr-defined] # django-redis


def test_it_can_be_switched_off(store: Client, settings: Any) -> None:
    settings.API_KEY_RATE = 0

    answers = [store.get(SHOP) for _ in range(10)]

    assert {answer.status_code for answer in answers} == {200}
    assert not answers[0].has_header("RateLimit")


def test_without_redis_no_key_is_limited(store: Client, redis_away: None) -> None:
    assert {store.get(SHOP).status_code for _ in range(10)} == {200}


def test_the_schema_says_which_routes_answer_429() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]
    of_keys = {path for path, each in paths.items() for route in each.values() if "401" in route["responses"]}
    limited = {path for path, each in paths.items() for route in each.values() if "429" in route["responses"]}

    assert of_keys - limited == {"/checkout/{key}/status/{order_id}"}
