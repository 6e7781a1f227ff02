"""POST callback: Appmax's "health check". Nobody proves who they are here (contract, 4.1)."""

import json
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from installations.models import Installation, external_id_for
from simulator.server import SimulatorServer
from tests.factories import InstallationFactory

URL = "/integrations/appmax/callback/install"
BODY = {
    "app_id": "4242",
    "external_key": "shop",
    "client_key": "shop",
    "client_id": "id-1",
    "client_secret": "secret-1",
}

pytestmark = pytest.mark.django_db(transaction=True)


def test_with_credentials_it_completes_an_installation_alone(post: Any) -> None:
    answer = post(URL, BODY)

    row = Installation.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"external_id": str(row.external_id)})
    assert (row.external_key, row.app_id, row.merchant_client_id, row.merchant_client_secret) == (
        "shop",
        "4242",
        "id-1",
        "secret-1",
    )


def test_the_same_credentials_again_are_fine(post: Any) -> None:
    first = post(URL, BODY).json()

    assert post(URL, BODY).json() == first
    assert Installation.objects.count() == 1


def test_an_app_id_may_be_a_number(post: Any) -> None:
    assert post(URL, {**BODY, "app_id": 4242}).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "app_id is required"),
        ({**BODY, "app_id": None}, "app_id is required"),
        ({**BODY, "app_id": "1"}, "invalid app_id"),
        ({**BODY, "client_key": "other"}, "invalid client_key"),
        ("{", "invalid request body"),
        ("[]", "invalid request body"),
        (b"\xff", "invalid request body"),
    ],
)
def test_wrong_bodies_are_400(post: Any, body: Any, message: str) -> None:
    answer = post(URL, body)

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
    assert "APPMAX_APP_ID_NUMERIC" in answer["errors"]["app_id"][1]


def test_the_external_key_alone_gets_the_id_it_will_have(post: Any) -> None:
    promised = post(URL, {"app_id": "4242", "external_key": "shop"}).json()

    assert not Installation.objects.exists()
    assert post(URL, BODY).json() == promised


def test_the_external_key_of_an_installation_gets_its_id(post: Any) -> None:
    row = InstallationFactory.create(external_key="shop", external_id=uuid.uuid4())

    assert post(URL, {"app_id": "4242", "external_key": "shop"}).json() == {"external_id": str(row.external_id)}
    assert str(row.external_id) != str(external_id_for("shop"))


@pytest.mark.parametrize("body", [{"app_id": "4242"}, {**BODY, "app_id": "DEMO_APP_ID"}])
def test_probes_get_a_fresh_id_and_nothing_is_stored(post: Any, body: Any) -> None:
    first, second = (post(URL, body).json()["external_id"] for _ in range(2))

    assert uuid.UUID(first) != uuid.UUID(second)
    assert not Installation.objects.exists()


def test_before_the_numeric_id_is_known_everything_is_a_probe(post: Any, settings: Any) -> None:
    settings.APPMAX_APP_ID_NUMERIC = ""

    assert post(URL, BODY).status_code == 200
    assert not Installation.objects.exists()


# --- a stranger must not take over a merchant's payments ---


def replacement(simulator: SimulatorServer) -> dict[str, str]:
    """Other credentials for "shop" that Appmax's auth server accepts."""
    client_id, client_secret = simulator.state.merchant_credentials("shop")
    return {**BODY, "client_id": client_id, "client_secret": client_secret}


def test_other_credentials_are_refused_when_no_installation_is_under_way(
    post: Any, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    InstallationFactory.create(external_key="shop", merchant_client_id="old")

    answer = post(URL, replacement(simulator))

    assert (answer.status_code, answer.json()) == (409, {"message": "installation already confirmed"})
    assert Installation.objects.get().merchant_client_id == "old"
    assert "install.replacement_refused" in caplog.text


def test_other_credentials_count_while_an_installation_is_under_way(post: Any, simulator: SimulatorServer) -> None:
    row = InstallationFactory.create(external_key="shop", merchant_client_id="old")
    cache.set("install_under_way:shop", True, 60)
    cache.set(f"merchant_token:{row.pk}", "old token", 60)
    body = replacement(simulator)

    assert post(URL, body).json() == {"external_id": str(row.external_id)}
    row.refresh_from_db()
    assert row.merchant_client_id == body["client_id"]
    assert cache.get(f"merchant_token:{row.pk}") is None


def test_credentials_that_appmax_does_not_accept_never_count(post: Any, simulator: SimulatorServer) -> None:
    InstallationFactory.create(external_key="shop", merchant_client_id="old")
    cache.set("install_under_way:shop", True, 60)

    assert post(URL, BODY).status_code == 409
    assert Installation.objects.get().merchant_client_id == "old"


def test_without_redis_nothing_is_replaced_and_new_merchants_still_come(
    post: Any, simulator: SimulatorServer, redis_away: None
) -> None:
    InstallationFactory.create(external_key="shop", merchant_client_id="old")

    assert post(URL, replacement(simulator)).status_code == 409
    assert post(URL, {**BODY, "external_key": "new", "client_key": "new"}).status_code == 200


# --- at once ---


def test_thirty_at_once_make_one_row_and_thirty_answers(race: Any) -> None:
    def send(_: int) -> tuple[int, str]:
        answer = Client().post(URL, json.dumps(BODY), content_type="application/json")
        return answer.status_code, answer.json()["external_id"]

    answers = race(send, times=30)

    row = Installation.objects.get()
    assert answers == [(200, str(row.external_id))] * 30


def test_strangers_at_once_with_credentials_of_their_own_get_one_in(race: Any) -> None:
    def send(number: int) -> int:
        body = {**BODY, "client_secret": f"secret-{number}"}
        return Client().post(URL, json.dumps(body), content_type="application/json").status_code

    assert sorted(race(send, times=8)) == [200] + [409] * 7


def test_the_secret_is_in_no_log(post: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    post(URL, BODY)
    post(URL, {**BODY, "client_secret": "secret-2"})

    assert "secret-1" not in caplog.text
    assert "secret-2" not in caplog.text
