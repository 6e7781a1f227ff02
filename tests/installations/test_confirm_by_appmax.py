"""POST callback: Appmax's "health check". Nobody proves who they are here (contract, 4.1)."""

import threading
import time
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from installations import install
from installations.models import Identity, Installation
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import InstallationFactory, OrderFactory
from tests.support.meanwhile import meanwhile
from tests.support.processes import wait_until

URL = "/integrations/appmax/callback/install"
BODY = {
    "app_id": "4242",
    "external_key": "shop",
    "client_key": "shop",
    "client_id": "id-1",
    "client_secret": "secret-1",
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def body(simulator: SimulatorServer) -> dict[str, str]:
    """What Appmax posts for "shop": credentials that its auth server accepts."""
    client_id, client_secret = simulator.state.merchant_credentials("shop")
    return {**BODY, "client_id": client_id, "client_secret": client_secret}


def test_with_credentials_it_completes_an_installation_alone(post: Any, body: dict[str, str]) -> None:
    answer = post(URL, body)

    row = Installation.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"external_id": str(row.external_id)})
    assert (row.external_key, row.app_id, row.is_confirmed) == ("shop", "4242", True)
    assert (row.merchant_client_id, row.merchant_client_secret) == (body["client_id"], body["client_secret"])


def test_the_same_credentials_again_get_the_same_answer(post: Any, body: dict[str, str]) -> None:
    first = post(URL, body).json()

    assert post(URL, body).json() == first
    assert (Installation.objects.count(), Identity.objects.count()) == (1, 1)


def test_an_app_id_may_be_a_number(post: Any, body: dict[str, str]) -> None:
    assert post(URL, {**body, "app_id": 4242}).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "app_id is required"),
        ({**BODY, "app_id": None}, "app_id is required"),
        ({**BODY, "app_id": "1"}, "invalid app_id"),
        ({**BODY, "client_key": "other"}, "invalid client_key"),
        ({**BODY, "external_key": "a/../b", "client_key": None}, "external_key can't be used in a URL's path"),
        ("{", "invalid request body"),
        ("[]", "invalid request body"),
        (b"\xff", "invalid request body"),
    ],
)
def test_wrong_bodies_are_400(post: Any, wrong: Any, message: str) -> None:
    answer = post(URL, wrong)

    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert not Installation.objects.exists()


@pytest.mark.parametrize("field", ["external_key", "client_id", "client_secret", "client_key"])
@pytest.mark.parametrize("value", [["x"], {"a": 1}, True, "x" * 600, "\0", "\ud800"])
def test_odd_values_are_400_and_never_repeated(post: Any, field: str, value: Any) -> None:
    body = {**BODY, field: value}
    if field == "client_key":
        body.pop("external_key")
    answer = post(URL, body)

    assert answer.status_code == 400
    assert "secret-1" not in answer.content.decode()


def test_the_uuid_is_named_for_what_it_is(post: Any, settings: Any) -> None:
    answer = post(URL, {**BODY, "app_id": settings.APPMAX_APP_ID_UUID}).json()

    assert answer["message"] == "invalid app_id"
    hint = "this is the app's UUID; the callback carries its numeric id (APPMAX_APP_ID_NUMERIC)"
    assert answer["errors"]["app_id"][1] == hint


@pytest.mark.parametrize("body", [{"app_id": "4242"}, {**BODY, "app_id": "DEMO_APP_ID"}])
def test_probes_get_a_fresh_id_and_nothing_is_stored(post: Any, body: Any) -> None:
    first, second = (post(URL, body).json()["external_id"] for _ in range(2))

    assert uuid.UUID(first) != uuid.UUID(second)
    assert not Installation.objects.exists()
    assert not Identity.objects.exists()


def test_before_the_numeric_id_is_known_everything_is_a_probe(post: Any, settings: Any) -> None:
    settings.APPMAX_APP_ID_NUMERIC = ""

    assert post(URL, BODY).status_code == 200
    assert not Installation.objects.exists()


def test_the_same_credentials_are_fine_at_any_time_without_redis_too(
    post: Any, body: dict[str, str], redis_away: None
) -> None:
    first = post(URL, body)

    assert first.status_code == 200
    assert post(URL, body).json() == first.json()


# --- first credentials are tried at Appmax's auth server ---


def test_credentials_that_appmax_refuses_make_no_row(
    post: Any, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    answer = post(URL, BODY)

    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "Appmax refuses client_id and client_secret",
    )
    assert not Installation.objects.exists()
    assert "install.credentials_refused" in caplog.text


def test_while_the_installation_is_under_way_appmax_is_told_an_id_all_the_same(
    client: Client, post: Any, simulator: SimulatorServer, settings: Any
) -> None:
    """Appmax may post credentials before its auth server knows them; any answer but 200 would end the installation."""
    client.get("/install/start", {"app_id": settings.APPMAX_APP_ID_UUID, "external_key": "shop"})

    answer = post(URL, BODY)

    assert answer.json() == {"external_id": str(Identity.objects.get(external_key="shop").external_id)}
    assert not Installation.objects.exists()


def test_when_the_auth_server_does_not_answer_they_are_kept_unverified(
    post: Any, body: dict[str, str], simulator: SimulatorServer
) -> None:
    simulator.state.faults.append(Fault("/oauth2/token", status=503))

    assert post(URL, body).status_code == 200
    assert not Installation.objects.get().is_confirmed


def test_a_slow_auth_server_does_not_hold_up_the_answer(
    post: Any, body: dict[str, str], simulator: SimulatorServer
) -> None:
    simulator.state.faults.append(Fault("/oauth2/token", hang=6))
    started = time.monotonic()

    assert post(URL, body).status_code == 200
    assert time.monotonic() - started < 3.5
    assert not Installation.objects.get().is_confirmed


def test_the_worker_confirms_kept_credentials_once_they_are_accepted(
    post: Any, body: dict[str, str], simulator: SimulatorServer
) -> None:
    simulator.state.faults.append(Fault("/oauth2/token", status=503, times=2))
    told = post(URL, body).json()

    install.verify_kept_credentials()
    assert not Installation.objects.get().is_confirmed
    install.verify_kept_credentials()

    assert Installation.objects.get().is_confirmed
    assert post(URL, body).json() == told


def test_the_worker_asks_about_all_kept_credentials_in_one_round(simulator: SimulatorServer) -> None:
    for number in range(4):
        client_id, client_secret = simulator.state.merchant_credentials(f"shop-{number}")
        credentials = {"merchant_client_id": client_id, "merchant_client_secret": client_secret}
        InstallationFactory.create(unverified_since=timezone.now(), **credentials)
    refused = InstallationFactory.create(unverified_since=timezone.now())

    install.verify_kept_credentials()

    assert Installation.objects.filter(unverified_since=None).count() == 4
    assert not Installation.objects.filter(pk=refused.pk).exists()


@pytest.mark.parametrize("has_orders", [False, True])
def test_the_worker_removes_kept_credentials_that_are_refused_unless_orders_belong_to_them(
    simulator: SimulatorServer, has_orders: bool
) -> None:
    row = InstallationFactory.create(external_key="shop", unverified_since=timezone.now())
    if has_orders:
        OrderFactory.create(installation=row)

    install.verify_kept_credentials()

    assert Installation.objects.exists() is has_orders
    assert not Installation.objects.filter(unverified_since=None).exists()


@pytest.mark.parametrize("other", [{}, {"merchant_client_id": "other"}], ids=["the same", "others"])
def test_the_worker_removes_no_installation_that_was_confirmed_while_it_asked(
    simulator: SimulatorServer, other: dict[str, str]
) -> None:
    InstallationFactory.create(external_key="shop", unverified_since=timezone.now())

    def confirm() -> None:
        Installation.objects.update(unverified_since=None, **other)

    with meanwhile(simulator, "/oauth2/token", confirm):
        install.verify_kept_credentials()

    assert Installation.objects.get().is_confirmed


def test_credentials_that_are_repeated_while_the_worker_removes_them_are_not_confirmed(
    post: Any, simulator: SimulatorServer
) -> None:
    refused = {"merchant_client_id": BODY["client_id"], "merchant_client_secret": BODY["client_secret"]}
    InstallationFactory.create(external_key="shop", unverified_since=timezone.now(), **refused)
    answers: list[int] = []

    def repeat() -> None:
        answers.append(post(URL, BODY).status_code)
        connection.close()

    repeating = threading.Thread(target=repeat)
    with transaction.atomic():  # as the worker, once Appmax has refused them
        Installation.objects.all().delete()
        repeating.start()
        wait_until(somebody_waits_for_a_lock)
    repeating.join(timeout=20)

    assert answers == [200]
    assert not Installation.objects.get().is_confirmed


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None


def test_unverified_credentials_give_way_to_accepted_ones(post: Any, body: dict[str, str]) -> None:
    row = InstallationFactory.create(external_key="shop", unverified_since=timezone.now())

    told = post(URL, body).json()["external_id"]

    row.refresh_from_db()
    assert (row.merchant_client_id, row.is_confirmed) == (body["client_id"], True)
    assert told != str(row.external_id)


# --- at once ---


def test_thirty_at_once_make_one_row_and_thirty_answers(race: Any, body: dict[str, str]) -> None:
    def send(_: int) -> tuple[int, str]:
        answer = Client().post(URL, body, content_type="application/json")
        return answer.status_code, answer.json()["external_id"]

    answers = race(send, times=30)

    row = Installation.objects.get()
    assert answers == [(200, str(row.external_id))] * 30
    assert Identity.objects.get().installation == row


def test_strangers_at_once_with_credentials_of_their_own_get_one_in(race: Any, simulator: SimulatorServer) -> None:
    def send(number: int) -> int:
        client_id, client_secret = simulator.state.merchant_credentials(f"stranger-{number}")
        body = {**BODY, "client_id": client_id, "client_secret": client_secret}
        return Client().post(URL, body, content_type="application/json").status_code

    assert sorted(race(send, times=8)) == [200] + [409] * 7
    assert Identity.objects.count() == 1


def test_the_secret_is_in_no_log(post: Any, body: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    post(URL, body)
    post(URL, {**body, "client_secret": "secret-2"})

    assert body["client_secret"] not in caplog.text
    assert "secret-2" not in caplog.text
