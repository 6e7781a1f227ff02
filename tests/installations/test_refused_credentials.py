"""Appmax refuses a merchant's credentials: it is marked and told, Appmax is left alone, and tried now and then."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import responses
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from appmax.errors import AppmaxError, CredentialsRefused
from appmax.tokens import Credentials
from installations import clients, install
from installations.models import Installation
from tests.support.appmax_mock import ADAPTER
from tests.support.factories import InstallationFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)

APPMAX = "https://appmax.test"
TOKEN, ORDER, PRICE = f"{APPMAX}/oauth2/token", f"{APPMAX}/v1/orders/1", f"{APPMAX}/v1/payments/installments"
GOOD_TOKEN = {"access_token": "t", "expires_in": 3600}
GOOD_ORDER = {"data": {"order": {"id": 1, "status": "aprovado"}}}
ON_THE_HOUR = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


@pytest.fixture
def appmax(settings: Any) -> Iterator[responses.RequestsMock]:
    settings.APPMAX_AUTH_URL = settings.APPMAX_API_URL = APPMAX
    with responses.RequestsMock(assert_all_requests_are_fired=False, target=ADAPTER) as mock:
        yield mock


@pytest.fixture
def shop(db: None) -> Installation:
    return InstallationFactory.create()


def tokens_asked_for(appmax: responses.RequestsMock) -> int:
    return sum(call.request.url == TOKEN for call in appmax.calls)


def sell(shop: Installation) -> None:
    """Any call for this merchant, by a request of its own."""
    clients.client_for(Installation.objects.get(pk=shop.pk)).get_order(1)


def refused_since(shop: Installation) -> datetime | None:
    return Installation.objects.get(pk=shop.pk).refused_since


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": "invalid_client"}),
        (401, {}),
        (401, {"message": "Unauthenticated."}),
        (400, {"error": "invalid_client", "error_description": "Client authentication failed"}),
        (400, {"error": "unauthorized_client"}),
        (403, {"error": "invalid_client"}),
    ],
)
def test_each_call_is_502_and_the_merchant_and_staff_are_told_since_when(
    appmax: responses.RequestsMock, shop: Installation, admin_client: Client, status: int, body: Any
) -> None:
    appmax.post(TOKEN, status=status, json=body)
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    path = f"/installations/{shop.external_key}"
    assert Client().get(path, headers=headers).json()["credentials_refused_since"] is None

    answers = [Client().get(f"{path}/merchant/token", headers=headers) for _ in range(3)]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(502, "credentials_refused")}
    since = Client().get(path, headers=headers).json()["credentials_refused_since"]
    assert timezone.now() - datetime.fromisoformat(since) < timedelta(minutes=1)
    for page, words in (
        ("", "Credentials refused"),
        (f"{shop.pk}/change/", "Appmax has refused this shop's credentials"),
    ):
        answer = admin_client.get(f"/admin/installations/installation/{page}", headers={"Accept-Language": "en"})
        assert words in answer.content.decode().replace("&#x27;", "'")
    assert tokens_asked_for(appmax) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, ""), (503, ""), (429, "{}"), (403, "<html>Attention Required!</html>"), (404, ""), (400, "{}"), (200, "{}")],
)
def test_another_failure_of_the_auth_server_marks_nothing(
    appmax: responses.RequestsMock, shop: Installation, status: int, body: str
) -> None:
    appmax.post(TOKEN, status=status, body=body)

    for _ in range(2):
        with pytest.raises(AppmaxError):
            sell(shop)

    assert refused_since(shop) is None
    assert tokens_asked_for(appmax) >= 2


def test_a_refusal_holds_for_a_minute_from_the_first(appmax: responses.RequestsMock, shop: Installation) -> None:
    appmax.post(TOKEN, status=401)
    kept_for: list[int] = []
    redis = cache.client.get_client()  # type: ignore[attr-defined] # django-redis

    for _ in range(3):
        with pytest.raises(CredentialsRefused):
            sell(shop)
        kept_for.append(redis.ttl(cache.make_key(clients._refusal_key(shop))))

    assert all(45 < seconds <= 60 for seconds in kept_for)
    assert kept_for == sorted(kept_for, reverse=True)
    cache.delete(clients._refusal_key(shop))
    with pytest.raises(CredentialsRefused):
        sell(shop)
    assert tokens_asked_for(appmax) == 2


def test_without_redis_each_call_asks(appmax: responses.RequestsMock, shop: Installation, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    appmax.post(TOKEN, status=401)

    for _ in range(3):
        with pytest.raises(CredentialsRefused):
            sell(shop)

    assert tokens_asked_for(appmax) == 3
    assert refused_since(shop) is not None


def test_a_call_that_is_refused_with_a_good_token_asks_for_no_more_tokens_and_stops_no_other_call(
    appmax: responses.RequestsMock, shop: Installation
) -> None:
    """Appmax may answer 401 about one order: a stranger who makes us ask about it must not stop the shop's sales."""
    appmax.post(TOKEN, json=GOOD_TOKEN)
    appmax.get(ORDER, status=401)
    appmax.get(f"{APPMAX}/v1/orders/2", json={"data": {"order": {"id": 2, "status": "aprovado"}}})

    for _ in range(3):
        with pytest.raises(CredentialsRefused):
            sell(shop)
    assert refused_since(shop) is not None
    assert clients.client_for(Installation.objects.get()).get_order(2).status == "aprovado"

    assert tokens_asked_for(appmax) == 1
    assert refused_since(shop) is None


@pytest.mark.parametrize(
    ("status", "body", "is_marked"),
    [
        (200, GOOD_ORDER, False),
        (404, {"message": "not found"}, False),
        (422, {"message": "no"}, False),
        (403, {"message": "CPF na lista restritiva"}, False),
        (402, {"message": "no"}, False),
        (200, {"success": False, "text": "no"}, False),
        (500, {}, True),
        (403, {"error": "access_denied"}, True),
    ],
)
def test_the_first_answer_that_is_no_refusal_takes_the_mark_away(
    appmax: responses.RequestsMock, shop: Installation, status: int, body: Any, is_marked: bool
) -> None:
    Installation.objects.update(refused_since=timezone.now())
    appmax.post(TOKEN, json=GOOD_TOKEN)
    appmax.get(ORDER, status=status, json=body)

    with suppress(AppmaxError):
        sell(shop)

    assert (refused_since(shop) is not None) == is_marked


def test_other_credentials_are_tried_at_once(appmax: responses.RequestsMock, shop: Installation) -> None:
    appmax.post(TOKEN, status=401)
    with pytest.raises(CredentialsRefused):
        sell(shop)
    late = Installation.objects.get()  # a request that began with the old ones

    Installation.objects.get().confirm(Credentials("new", "new"))
    with pytest.raises(CredentialsRefused):
        clients.client_for(late).get_order(1)
    appmax.replace("POST", TOKEN, json=GOOD_TOKEN)
    appmax.get(ORDER, json=GOOD_ORDER)
    sell(shop)

    assert refused_since(shop) is None


def test_a_late_refusal_of_old_credentials_marks_no_new_ones(
    appmax: responses.RequestsMock, shop: Installation
) -> None:
    late = Installation.objects.get()
    Installation.objects.get().confirm(Credentials("new", "new"))
    appmax.post(TOKEN, status=401)

    with pytest.raises(CredentialsRefused):
        clients.client_for(late).get_order(1)

    assert refused_since(shop) is None


# --- the worker ---


def test_the_worker_takes_the_mark_away_when_appmax_accepts_them_again(
    appmax: responses.RequestsMock, shop: Installation
) -> None:
    appmax.post(TOKEN, status=401)
    with pytest.raises(CredentialsRefused):
        sell(shop)
    install.try_refused_credentials(ON_THE_HOUR)
    assert refused_since(shop) is not None

    appmax.replace("POST", TOKEN, json=GOOD_TOKEN)
    appmax.post(PRICE, json={"data": {"installments": {"1": {"total": 1000}}}})
    install.try_refused_credentials(ON_THE_HOUR)

    assert refused_since(shop) is None
    assert tokens_asked_for(appmax) == 3


def test_a_token_alone_does_not_take_it_away(appmax: responses.RequestsMock, shop: Installation) -> None:
    """An app that was uninstalled may well get tokens."""
    Installation.objects.update(refused_since=ON_THE_HOUR)
    appmax.post(TOKEN, json=GOOD_TOKEN)
    appmax.post(PRICE, status=401)

    install.try_refused_credentials(ON_THE_HOUR)

    assert refused_since(shop) == ON_THE_HOUR


@pytest.mark.parametrize(
    ("hours", "minute", "tries"),
    [(0.5, 5, 1), (0.5, 55, 1), (1.5, 5, 0), (2, 5, 0), (2, 55, 0), (2, 0, 1), (500, 0, 1), (500, 4, 1)],
)
def test_it_tries_every_five_minutes_and_later_once_an_hour(
    appmax: responses.RequestsMock, shop: Installation, hours: float, minute: int, tries: int
) -> None:
    at = ON_THE_HOUR + timedelta(minutes=minute)
    Installation.objects.update(refused_since=at - timedelta(hours=hours))
    appmax.post(TOKEN, status=401)

    install.try_refused_credentials(at)

    assert tokens_asked_for(appmax) == tries


def test_one_whose_secret_cannot_be_read_holds_up_no_other(
    appmax: responses.RequestsMock, shop: Installation, settings: Any
) -> None:
    Installation.objects.update(refused_since=ON_THE_HOUR)
    readable = InstallationFactory.create(refused_since=ON_THE_HOUR)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x' WHERE id = %s", [shop.pk])
    appmax.post(TOKEN, json=GOOD_TOKEN)
    appmax.post(PRICE, json={"data": {"installments": {"1": {"total": 1000}}}})

    install.try_refused_credentials(ON_THE_HOUR)

    assert list(Installation.objects.filter(refused_since=None).values_list("pk", flat=True)) == [readable.pk]


def test_a_shop_of_which_appmax_says_nothing_keeps_no_other_from_its_turn(appmax: responses.RequestsMock) -> None:
    """It ends the round, so the next round must not begin with it again and again."""
    silent, other = InstallationFactory.create_batch(2, refused_since=ON_THE_HOUR)

    def token(request: Any) -> tuple[int, dict[str, str], str]:
        if silent.merchant_client_id in str(request.body):
            raise requests.Timeout
        return 200, {}, json.dumps(GOOD_TOKEN)

    appmax.add_callback("POST", TOKEN, token)
    appmax.post(PRICE, json={"data": {"installments": {"1": {"total": 1000}}}})

    for _ in range(30):
        install.try_refused_credentials(ON_THE_HOUR)

    assert refused_since(other) is None


def test_nor_a_new_shop_whose_credentials_are_kept_until_appmax_knows_them(appmax: responses.RequestsMock) -> None:
    silent, other = InstallationFactory.create_batch(2, unverified_since=ON_THE_HOUR)

    def token(request: Any) -> tuple[int, dict[str, str], str]:
        if silent.merchant_client_id in str(request.body):
            raise requests.Timeout
        return 200, {}, json.dumps(GOOD_TOKEN)

    appmax.add_callback("POST", TOKEN, token)

    for _ in range(30):
        install.verify_kept_credentials()

    assert Installation.objects.get(pk=other.pk).is_confirmed


def test_nor_one_that_is_confirmed_while_the_worker_asks_about_it(appmax: responses.RequestsMock) -> None:
    InstallationFactory.create_batch(2, unverified_since=ON_THE_HOUR)

    def token(request: Any) -> tuple[int, dict[str, str], str]:
        if not appmax.calls:
            [asked] = [row for row in Installation.objects.all() if row.merchant_client_id in str(request.body)]
            Installation.objects.filter(pk=asked.pk).update(unverified_since=None)
        return 200, {}, json.dumps(GOOD_TOKEN)

    appmax.add_callback("POST", TOKEN, token)

    install.verify_kept_credentials()

    assert Installation.objects.filter(unverified_since=None).count() == 2


def test_nor_one_that_is_refused_again(appmax: responses.RequestsMock) -> None:
    InstallationFactory.create_batch(3, refused_since=ON_THE_HOUR)
    appmax.post(TOKEN, status=401)

    install.try_refused_credentials(ON_THE_HOUR)

    assert tokens_asked_for(appmax) == 3


def test_while_appmax_gives_no_answer_it_asks_for_one_shop_only(appmax: responses.RequestsMock) -> None:
    InstallationFactory.create_batch(3, refused_since=ON_THE_HOUR)
    appmax.post(TOKEN, body=requests.Timeout())

    install.try_refused_credentials(ON_THE_HOUR)

    assert tokens_asked_for(appmax) == 1
