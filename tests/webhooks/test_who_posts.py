"""Who may post: the token in the URL, and the merchant that an envelope names."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.support.factories import InstallationFactory, OrderFactory, api_key
from tests.webhooks.conftest import URL, body, send
from webhooks import inbox, urls_to_register
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def post(token: str | None) -> Any:
    query = "" if token is None else f"?token={token}"
    return Client().post(URL + query, json.dumps(body("order_paid", 1)), content_type="application/json")


@pytest.mark.parametrize("token", [None, "", "wrong", "s3cret", "s3cret-ã", "s3cret-tokens", "s3cret-token-"])
def test_without_the_token_it_is_403_and_nothing_is_stored(settings: Any, token: str | None) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]

    answer = post(token)

    assert (answer.status_code, answer.json()) == (
        403,
        {"code": "invalid_webhook_token", "message": "invalid or missing token"},
    )
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("token", ["new-token", "old-token"])
def test_each_of_several_tokens_counts(settings: Any, token: str) -> None:
    settings.WEBHOOK_SECRET = ["new-token", "old-token"]

    assert post(token).status_code == 200


def test_the_token_is_never_logged(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]
    caplog.set_level(logging.DEBUG)

    post("s3cret-token")
    post("s3cret-tokem")
    Client().post(f"{URL}?token=s3cret-token", "{", content_type="application/json")

    assert "webhook.received" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_set_up_page_shows_the_token_to_staff_only(settings: Any, admin_client: Client) -> None:
    settings.WEBHOOK_SECRET = ["s3cret token", "old"]

    stranger, staff = (client.get(URL).content.decode() for client in (Client(), admin_client))

    assert "s3cret" not in stranger
    assert "/admin/login/?next=/webhooks/appmax" in stranger
    assert "http://localhost:8080/webhooks/appmax?token=s3cret%20token" in staff


def test_the_set_up_page_sends_a_merchant_to_support(settings: Any, admin_client: Client) -> None:
    settings.WEBHOOK_SECRET, settings.SUPPORT_EMAIL = ["s3cret-token"], "help@example.com"

    merchant, staff = (client.get(URL).content.decode() for client in (Client(), admin_client))

    for words in ("ask support for it", "mailto:help@example.com"):
        assert words in merchant
        assert words not in staff


# --- slips of whoever wrote the URL into a panel ---


@pytest.mark.parametrize(
    "address",
    [
        "/webhooks/appmax/?token=s3/t?k",
        "//webhooks/appmax?token=s3/t?k",
        "/webhooks//appmax//?token=s3/t?k",
        "/Webhooks/Appmax?token=s3/t?k",
        "/webhooks/appmax%20?token=s3/t?k",
        "/webhooks/appmax%0D%0A?token=s3/t?k",
        "/webhooks/appmax?token=s3%2Ft%3Fk",
        "/webhooks/appmax?token=s3%2Ft%3Fk?x=1",
        "/webhooks/appmax?token=s3%2Ft%3Fk/",
        "/webhooks/appmax?token=s3%2Ft%3Fk%20",
        "/webhooks/appmax?token=+s3%2Ft%3Fk",
        "/webhooks/appmax?token=s3%2Ft%3Fk&token=s3%2Ft%3Fk",
        "/webhooks/appmax?token=s3%2Ft%3Fk&token=",
        "/webhooks/appmax?token=&token=s3%2Ft%3Fk",
        "/webhooks/appmax?token=s3%2Ft%3Fk?token=s3%2Ft%3Fk",
        "/webhooks/appmax?x=1?token=s3%2Ft%3Fk",
        "/webhooks/appmax?x=1&amp;token=s3%2Ft%3Fk",
        "/webhooks/appmax??token=s3%2Ft%3Fk",
        "/webhooks/appmax?Token=s3%2Ft%3Fk",
        "/webhooks/appmax?token=https://shop.com/webhooks/appmax?token=s3%2Ft%3Fk",
        "/webhooks/appmax?token=s3%2Ft%3Fk#appmax",
    ],
)
def test_a_slip_of_the_url_loses_no_event(settings: Any, address: str) -> None:
    settings.WEBHOOK_SECRET = ["s3/t?k"]

    assert post_to(address, 1).json() == {"message": "ok"}
    assert WebhookEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/webhooks/appmax?token=s3", 403),
        ("/webhooks/appmax?token=s3cret-toke?token=n", 403),
        ("/webhooks/appmax?token=s3cret&token=-token", 403),
        ("/webhooks/appmax?token=xs3cret-token", 403),
        ("/webhooks/appmax?token=s3cret-token.", 403),
        ("/webhooks/appmax?tokens=s3cret-token", 403),
        ("/webhooks/appmax?my_token=s3cret-token", 403),
        ("/webhooks/appmax?s3cret-token", 403),
        ("/webhooks/appmax?" + "token=x&" * 5 + "token=s3cret-token", 403),  # no place to try many
        ("/webhooks/appmax/s3cret-token", 404),
        ("/webhooks/appmax&token=s3cret-token", 404),
        ("/webhook/appmax?token=s3cret-token", 404),
        ("/x/webhooks/appmax?token=s3cret-token", 404),
        ("/webhooks/../webhooks/appmax?token=s3cret-token", 404),
    ],
)
def test_but_the_token_must_be_there_whole(settings: Any, address: str, status: int) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]

    assert post_to(address, 1).status_code == status
    assert not WebhookEvent.objects.exists()


def test_a_slip_in_a_merchants_own_url_leaves_it_the_merchants(own_url: Callable[[str], str]) -> None:
    mine, theirs = OrderFactory.create(), OrderFactory.create()
    path = own_url(mine.installation.external_key).replace("/webhooks/appmax", "//webhooks/appmax/") + "?x=1"

    assert post_to(path, theirs.appmax_order_id).status_code == 200
    assert post_to(path, mine.appmax_order_id).status_code == 200

    for order in (mine, theirs):
        order.refresh_from_db()
    assert (mine.status, theirs.status) == ("aprovado", "pendente")


def test_the_installation_callback_forgives_the_same_slips() -> None:
    path = "http://testserver//integrations/appmax/callback/install/"

    answer = Client().post(path, {"app_id": "4242"}, content_type="application/json")

    assert answer.status_code == 200


def test_a_merchants_key_keeps_its_slashes_and_capitals() -> None:
    order = OrderFactory.create(installation=InstallationFactory.create(external_key="/Webhooks/"))

    path = f"/checkout/%2FWebhooks%2F/status/{order.appmax_order_id}"
    assert Client().get(path, headers={"Authorization": f"Api-Key {api_key(order.installation)}"}).status_code == 200


# --- an installation's own URL ---


@pytest.fixture
def own_url(settings: Any) -> Callable[[str], str]:
    """The path of a merchant's URL, with its token."""
    settings.WEBHOOK_SECRET = ["s3cret-token"]
    return lambda external_key: urls_to_register.of_installation("", external_key)


def post_to(path: str, order_id: int, **envelope: Any) -> Any:
    text = json.dumps(body("order_paid", order_id, **envelope))
    return Client().post(f"http://testserver{path}", text, content_type="application/json")


def test_a_merchants_own_url_moves_its_own_orders(own_url: Callable[[str], str]) -> None:
    order = OrderFactory.create()

    assert post_to(own_url(order.installation.external_key), order.appmax_order_id).status_code == 200

    order.refresh_from_db()
    assert order.status == "aprovado"


@pytest.mark.parametrize("key", ["", "client_key", "external_key"])
def test_a_merchants_own_url_moves_nobody_elses_whatever_the_envelope_says(
    own_url: Callable[[str], str], key: str
) -> None:
    order, other = OrderFactory.create(), InstallationFactory.create()
    envelope = {key: order.installation.external_key} if key else {}

    assert post_to(own_url(other.external_key), order.appmax_order_id, **envelope).status_code == 200

    order.refresh_from_db()
    assert order.status == "pendente"
    assert WebhookEvent.objects.get().outcome == Outcome.REFUSED


def test_nor_an_order_of_somebody_elses_that_comes_later(own_url: Callable[[str], str]) -> None:
    mine, theirs = InstallationFactory.create(), InstallationFactory.create()
    post_to(own_url(mine.external_key), 4711, external_key=theirs.external_key)

    order = OrderFactory.create(installation=theirs, appmax_order_id=4711)
    inbox.handle_again(WebhookEvent.objects.get().pk)

    order.refresh_from_db()
    assert order.status == "pendente"


def test_an_installations_token_is_good_for_no_other_and_dies_with_the_secret(
    settings: Any, own_url: Callable[[str], str]
) -> None:
    order = OrderFactory.create()
    path = own_url("somebody")
    forged = path.replace("somebody", order.installation.external_key)

    assert post_to(forged, order.appmax_order_id).status_code == 403
    settings.WEBHOOK_SECRET = ["new", "s3cret-token"]
    assert post_to(path, 1).status_code == 200
    settings.WEBHOOK_SECRET = ["new"]
    assert post_to(path, 1).status_code == 403


@pytest.mark.parametrize("key", ["loja-1", "minha/loja", "loja:ção?x=1&token=y"])
def test_any_external_key_has_a_url_that_works(own_url: Callable[[str], str], key: str) -> None:
    order = OrderFactory.create(installation=InstallationFactory.create(external_key=key))

    post_to(own_url(key), order.appmax_order_id)

    order.refresh_from_db()
    assert order.status == "aprovado"


def test_the_command_prints_what_to_register(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]
    InstallationFactory.create(external_key="loja-1")

    call_command("webhook_url")
    call_command("webhook_url", "loja-1")

    of_app, of_installation = capsys.readouterr().out.splitlines()
    assert of_app == "http://localhost:8080/webhooks/appmax?token=s3cret-token"
    assert of_installation.startswith("http://localhost:8080/webhooks/appmax?token=loja-1%3A")
    with pytest.raises(CommandError, match="no installation"):
        call_command("webhook_url", "nobody")


@pytest.mark.parametrize("key", ["client_key", "external_key"])
def test_an_event_that_names_another_merchant_than_the_orders_is_refused_and_kept(key: str) -> None:
    order = OrderFactory.create()
    other = InstallationFactory.create()

    assert send("order_paid", order.appmax_order_id, **{key: other.external_key}).status_code == 200

    order.refresh_from_db()
    assert order.status == "pendente"
    row = WebhookEvent.objects.get()
    assert row.processed
    assert row.outcome == "refused"


def test_a_refused_event_does_not_stand_in_the_way_of_the_true_one() -> None:
    order = OrderFactory.create()
    send("order_paid", order.appmax_order_id, client_key=InstallationFactory.create().external_key)

    assert send("order_paid", order.appmax_order_id).json() == {"message": "ok"}
    order.refresh_from_db()
    assert order.status == "aprovado"


@pytest.mark.parametrize("keys", [{}, {"client_key": "?"}, {"client_key": None}, {"client_key": 5, "external_key": []}])
def test_an_envelope_that_names_no_merchant_of_ours_says_nothing(keys: Any) -> None:
    order = OrderFactory.create()

    send("order_paid", order.appmax_order_id, **keys)

    order.refresh_from_db()
    assert order.status == "aprovado"
