"""Who may act for a merchant: API keys, and what the merchant token route hands out."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from installations.models import ApiKey, Installation
from simulator.server import SimulatorServer
from tests.support.factories import InstallationFactory, OrderFactory, api_key

URL = "/installations/shop/merchant/token"

pytestmark = pytest.mark.django_db(transaction=True)

UNAUTHORIZED = {"code": "invalid_api_key", "message": "invalid or missing API key"}
NOT_FOUND = {"code": "installation_not_found", "message": "installation not found"}


def get(key: str | None, url: str = URL, scheme: str = "Api-Key") -> Any:
    return Client().get(url, headers={"Authorization": f"{scheme} {key}"} if key is not None else {})


def test_the_storefront_gets_its_token_and_credentials(shop: Installation, simulator: SimulatorServer) -> None:
    answer = get(api_key(shop))

    body = answer.json()
    assert answer.status_code == 200
    assert simulator.state.owner_of(body.pop("merchant_bearer_token")) == "shop"
    assert body == {
        "external_key": "shop",
        "merchant_client_id": shop.merchant_client_id,
        "merchant_client_secret": shop.merchant_client_secret,
    }
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("key", [None, "", "x", "x.y", "\x80\xff.ä", "prefix only"])
def test_no_key_or_a_wrong_one_is_401(shop: Installation, key: str | None) -> None:
    answer = get(key)

    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
    assert answer["WWW-Authenticate"] == "Api-Key"


def test_another_scheme_is_401(shop: Installation) -> None:
    assert get(api_key(shop), scheme="Bearer").status_code == 401


def test_a_right_prefix_with_a_wrong_secret_is_401(shop: Installation) -> None:
    prefix = api_key(shop).partition(".")[0]

    assert get(f"{prefix}.{'x' * 32}").status_code == 401


def test_revoked_and_expired_keys_are_401(shop: Installation) -> None:
    revoked, expired = api_key(shop), api_key(shop)
    ApiKey.objects.filter(prefix=revoked.partition(".")[0]).update(revoked=True)
    yesterday = timezone.now() - timedelta(days=1)
    ApiKey.objects.filter(prefix=expired.partition(".")[0]).update(expiry_date=yesterday)

    assert [get(key).status_code for key in (revoked, expired)] == [401, 401]


def test_another_merchants_key_cannot_tell_this_merchant_from_an_unknown_one(shop: Installation) -> None:
    key = api_key(InstallationFactory.create())

    for url in (URL, URL.replace("shop", "nobody")):
        answer = get(key, url)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_platform_key_opens_every_merchant_and_only_merchants(shop: Installation) -> None:
    key = api_key()

    assert get(key).status_code == 200
    for unknown in ("nobody", "%00", "x" * 300, "%ED%A0%80"):
        assert get(key, URL.replace("shop", unknown)).json() == NOT_FOUND, unknown


def test_a_key_in_the_query_names_nobody(shop: Installation) -> None:
    other = InstallationFactory.create()

    assert get(api_key(shop), f"{URL}?key={other.external_key}").json()["external_key"] == "shop"


def test_a_secret_that_cannot_be_decrypted_fails_only_where_it_is_needed(shop: Installation) -> None:
    order = OrderFactory.create(installation=shop)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x'")
    client = Client(headers={"Authorization": f"Api-Key {api_key(shop)}"}, raise_request_exception=False)

    assert client.get(f"/checkout/shop/status/{order.appmax_order_id}").status_code == 200
    assert client.get(URL).json()["code"] == "credentials_unreadable"


def test_keys_can_be_switched_off_and_a_wrong_one_is_wrong_all_the_same(shop: Installation, settings: Any) -> None:
    settings.API_KEYS_REQUIRED = False

    assert get(None).status_code == 200
    assert get("wrong").status_code == 401


def test_without_redis_the_token_is_fetched_each_time(shop: Installation, redis_away: None) -> None:
    tokens = {get(api_key(shop)).json()["merchant_bearer_token"] for _ in range(2)}

    assert len(tokens) == 2


def test_the_command_prints_the_key_alone(shop: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", "--installation", "shop", "--name", "loja")

    key = capsys.readouterr().out.removesuffix("\n")
    assert get(key).status_code == 200
    assert ApiKey.objects.get().installation == shop
    assert key not in ApiKey.objects.get().hashed_key


def test_the_command_refuses_an_unknown_installation() -> None:
    with pytest.raises(CommandError, match="no installation"):
        call_command("create_api_key", "--installation", "nobody", "--name", "loja")
