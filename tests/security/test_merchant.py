"""A merchant who installed the app: he wants what belongs to another merchant."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from installations import clients
from installations.models import ApiKey, Installation
from tests.support.factories import InstallationFactory, OrderFactory, api_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def his_key() -> str:
    """Of his own shop."""
    _, text = ApiKey.objects.create_key(name="shop", installation=InstallationFactory.create(external_key="his"))
    return text


@pytest.mark.parametrize(
    "path",
    [
        "/installations/other/merchant/token",
        "/installations/other/merchant/token?key=his",
        "/installations/other",
        "/installations/other/api-keys",
        "/checkout/other/status/4711",
        "/checkout/other/orders/4711",
        "/checkout/other/orders",
        "/checkout/his/status/4711",
        "/checkout/his/orders/4711",
    ],
)
def test_he_asks_with_his_key_for_what_is_another_merchants(client: Client, his_key: str, path: str) -> None:
    OrderFactory.create(appmax_order_id=4711, installation=InstallationFactory.create(external_key="other"))

    assert client.get(path, headers={"Authorization": f"Api-Key {his_key}"}).status_code == 404


@pytest.mark.parametrize("shop", ["his", "other"])
def test_he_revokes_another_merchants_key(client: Client, his_key: str, shop: str) -> None:
    prefix = api_key(InstallationFactory.create(external_key="other")).partition(".")[0]
    path = f"/installations/{shop}/api-keys/{prefix}"

    assert client.delete(path, headers={"Authorization": f"Api-Key {his_key}"}).status_code == 404
    assert not ApiKey.objects.get(prefix=prefix).revoked


def test_he_makes_a_key_for_another_merchant(client: Client, his_key: str) -> None:
    InstallationFactory.create(external_key="other")
    headers = {"Authorization": f"Api-Key {his_key}"}

    answer = client.post("/installations/other/api-keys", {"name": "x"}, "application/json", headers=headers)

    assert answer.status_code == 404
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_he_reads_redis_or_its_snapshot_for_the_others_tokens(shop: Installation, settings: Any) -> None:
    token = clients.client_for(shop).bearer_token()

    kept = cache.get(f"merchant_token:{shop.pk}")
    assert kept
    assert token not in kept
    assert clients.client_for(shop).bearer_token() == token  # we can read it


@pytest.mark.django_db(transaction=True)
def test_a_token_that_no_key_opens_any_more_is_fetched_anew(shop: Installation) -> None:
    cache.set(f"merchant_token:{shop.pk}", "plain, of an older version", 60)

    assert clients.client_for(shop).bearer_token() != "plain, of an older version"


def test_he_finds_a_keys_hash_in_a_url_or_in_the_staffs_history() -> None:
    text = api_key()

    [row] = ApiKey.objects.filter(prefix=text.partition(".")[0])
    assert row.pk == row.prefix
