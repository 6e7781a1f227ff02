"""Merchants in the back office: their figures, credentials and keys, and what disabling one means."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from installations import domains
from installations.models import ApiKey, Identity, Installation, ReconnectLink, Suspension
from orders.models import Order
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.backoffice.conftest import history_of, messages_of, on, url
from tests.support.factories import InstallationFactory, OrderFactory, api_key
from tests.webhooks.conftest import send
from webhooks.models import WebhookEvent

database = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)

DISABLED = (403, {"code": "installation_disabled", "message": "installation disabled"})


@database
def test_a_disabled_merchant_is_told_with_the_reason_and_can_be_filtered_for(eva: Client) -> None:
    InstallationFactory.create(external_key="open")
    Suspension.objects.create(
        installation=InstallationFactory.create(external_key="shut"), reason="unpaid <b>bills</b>"
    )

    page = eva.get(url(Installation), {"disabled": "yes"})

    assert [row.external_key for row in page.context["cl"].result_list] == ["shut"]
    assert "Disabled: unpaid &lt;b&gt;bills&lt;/b&gt;" in page.content.decode()


@database
def test_a_merchants_page_tells_where_apple_pay_works(eva: Client) -> None:
    shop = InstallationFactory.create()
    domains.told(shop, ["loja.example.com"])
    domains.replace(shop, ["loja.example.com", "nova.example.com"])

    page = eva.get(on(shop)).content.decode()

    assert "loja.example.com, nova.example.com (Appmax has not been told yet)" in page


# --- credentials ---


@database
def test_credentials_are_on_no_page(eva: Client) -> None:
    shop = InstallationFactory.create(
        merchant_client_id="client-identifier-1234", merchant_client_secret="the-merchants-secret"
    )
    order = OrderFactory.create(installation=shop)
    api_key(shop)
    paths = [on(shop, page) for page in ("change", "history", "check", "issue-key", "reconnect", "disable", "enable")]

    for path in [*paths, url(Installation), url(ApiKey), on(order), url(Order), "/admin/"]:
        page = eva.get(path).content.decode()
        assert "the-merchants-secret" not in page, path
        assert "client-identifier" not in page, path


@database
def test_a_merchants_page_does_not_even_read_the_secret(eva: Client) -> None:
    shop = InstallationFactory.create()

    with CaptureQueriesContext(connection) as queries:
        eva.get(on(shop))
        eva.get(url(Installation))
        eva.get(on(OrderFactory.create(installation=shop)))

    selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert selects
    assert not [sql for sql in selects if "merchant_client_secret" in sql]


@committing
def test_good_credentials_are_told_and_kept_in_the_history(eva: Client, shop: Installation) -> None:
    answer = eva.post(on(shop, "check"), follow=True)

    assert "Appmax accepts the credentials." in messages_of(answer)
    assert history_of(shop) == ["Credentials checked with Appmax: ok"]


@committing
def test_a_check_is_asked_first(eva: Client, shop: Installation, simulator: SimulatorServer) -> None:
    assert eva.get(on(shop, "check")).status_code == 200

    assert history_of(shop) == []


@committing
def test_refused_credentials_are_told(eva: Client, simulator: SimulatorServer) -> None:
    shop = InstallationFactory.create(merchant_client_id="unknown")

    answer = eva.post(on(shop, "check"), follow=True)

    assert answer.status_code == 200
    assert "refused" in messages_of(answer)
    assert history_of(shop)[0].startswith("Credentials checked with Appmax: ")
    assert "ok" not in history_of(shop)[0]


@committing
def test_that_appmax_is_away_is_told_and_says_nothing_of_the_credentials(
    eva: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/oauth2/token", status=503, times=9))

    answer = eva.post(on(shop, "check"), follow=True)

    assert "Appmax is not available" in messages_of(answer)


@committing
def test_credentials_that_cannot_be_decrypted_are_told(eva: Client, shop: Installation) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x'")

    answer = eva.post(on(shop, "check"), follow=True)

    assert "FIELD_ENCRYPTION_KEYS" in messages_of(answer)


# --- what Appmax knows it by, and who may reconnect it ---


@database
def test_a_merchants_page_shows_both_external_ids(eva: Client) -> None:
    shop = InstallationFactory.create()
    newest = Identity.objects.create(external_key=shop.external_key, installation=shop)
    Identity.objects.create(external_key=shop.external_key)  # which anybody may have asked for

    page = eva.get(on(shop)).content.decode()

    assert str(Installation.objects.get().external_id) in page
    assert str(newest.external_id) in page


@database
def test_unverified_credentials_are_told(eva: Client) -> None:
    InstallationFactory.create(external_key="loja", unverified_since=timezone.now())

    assert "Credentials not verified yet" in eva.get(url(Installation)).content.decode()


@database
def test_a_reconnect_link_is_asked_first_shown_once_and_in_the_history(eva: Client, settings: Any) -> None:
    shop = InstallationFactory.create()

    assert eva.get(on(shop, "reconnect")).status_code == 200
    assert not ReconnectLink.objects.exists()
    answer = eva.post(on(shop, "reconnect"))

    link = answer.context["text"]
    assert link.startswith(f"{settings.PUBLIC_URL}/install/start?")
    assert "no-store" in answer["Cache-Control"]
    assert history_of(shop) == ["Reconnect link made"]
    made = ReconnectLink.objects.get()
    assert (made.made_by, made.keeps_access) == ("eva", False)
    token = link.rpartition("reconnect=")[2]
    for path in (on(shop), on(shop, "history")):
        assert token not in eva.get(path).content.decode(), path


@database
def test_staff_who_know_whose_the_keys_are_may_leave_them(eva: Client) -> None:
    eva.post(on(InstallationFactory.create(), "reconnect"), {"keeps_access": "on"})

    assert ReconnectLink.objects.get().keeps_access


@database
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "not used"),
        ({"used_at": "2026-11-29T06:00Z"}, "connected with the same credentials"),
        ({"used_at": "2026-11-29T06:00Z", "replaced": True}, "credentials replaced"),
    ],
)
def test_a_merchants_page_tells_what_became_of_its_links(eva: Client, state: dict[str, Any], words: str) -> None:
    shop = InstallationFactory.create()
    ReconnectLink.objects.create(installation=shop, made_by="<ana>", **state)

    page = eva.get(on(shop)).content.decode()

    assert "&lt;ana&gt;" in page
    assert words in page


# --- keys ---


def key_on(page: Any) -> str:
    """The new key's text."""
    text: str = page.context["text"]
    assert page.content.decode().count(text) == 1
    return text


def issue(client: Client, shop: Installation) -> Any:
    return client.post(on(shop, "issue-key"), {"name": "storefront"})


def add(client: Client, **form: Any) -> Any:
    return client.post(url(ApiKey, "add"), {"name": "platform", "expiry_date_0": "", "expiry_date_1": "", **form})


def opens(key: str, order: Order) -> int:
    """What the order's status route answers to the key."""
    path = f"/checkout/{order.installation.external_key}/status/{order.appmax_order_id}"
    return int(Client().get(path, headers={"Authorization": f"Api-Key {key}"}).status_code)


@database
def test_an_issued_key_opens_its_merchants_routes_and_no_others(eva: Client) -> None:
    order, other = OrderFactory.create(), OrderFactory.create()

    key = key_on(issue(eva, order.installation))

    assert (opens(key, order), opens(key, other)) == (200, 404)
    assert history_of(order.installation) == [f"API key issued: storefront ({key.partition('.')[0]})"]


@database
def test_a_platform_key_opens_every_merchants_routes(eva: Client) -> None:
    order, other = OrderFactory.create(), OrderFactory.create()

    key = key_on(add(eva))

    assert (opens(key, order), opens(key, other)) == (200, 200)


@database
def test_a_key_can_be_made_for_one_merchant_in_the_form_too(eva: Client) -> None:
    order, other = OrderFactory.create(), OrderFactory.create()

    key = key_on(add(eva, installation=order.installation.pk))

    assert (opens(key, order), opens(key, other)) == (200, 404)


@database
@pytest.mark.parametrize("how", ["issued", "added", "added, and another", "added in a window"])
def test_a_key_is_in_the_answer_and_nowhere_else(eva: Client, caplog: pytest.LogCaptureFixture, how: str) -> None:
    caplog.set_level(logging.DEBUG)
    shop = InstallationFactory.create()
    more: dict[str, Any] = {"added, and another": {"_addanother": "1"}, "added in a window": {"_popup": "1"}}

    answer = issue(eva, shop) if how == "issued" else add(eva, **more.get(how, {}))

    secret = key_on(answer).partition(".")[2]
    assert answer.status_code == 200
    assert secret not in "".join(f"{name}{cookie}" for name, cookie in eva.cookies.items())
    assert secret not in str([session.get_decoded() for session in Session.objects.all()])
    assert secret not in str(list(LogEntry.objects.values()))
    assert secret not in str(list(ApiKey.objects.values()))
    assert secret not in caplog.text
    row = ApiKey.objects.get()
    for path in (url(ApiKey), on(row), on(row, "history"), on(shop), on(shop, "history"), "/admin/"):
        page = eva.get(path)
        assert page.status_code == 200, path
        assert secret not in page.content.decode(), path


@database
def test_no_browser_or_proxy_keeps_the_page_with_a_key(eva: Client) -> None:
    for answer in (issue(eva, InstallationFactory.create()), add(eva)):
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]


@database
def test_issuing_is_asked_first(eva: Client) -> None:
    shop = InstallationFactory.create()

    assert eva.get(on(shop, "issue-key")).status_code == 200
    for name in ("", " ", "x" * 51, "\0"):
        assert eva.post(on(shop, "issue-key"), {"name": name}).context["form"].errors, name

    assert not ApiKey.objects.exists()


@database
def test_a_revoked_key_opens_nothing_and_stays_revoked(eva: Client) -> None:
    order = OrderFactory.create()
    key = key_on(issue(eva, order.installation))
    row = ApiKey.objects.get()

    eva.post(on(row), {"name": "storefront", "revoked": "on", "expiry_date_0": "", "expiry_date_1": ""})
    eva.post(on(row), {"name": "other", "expiry_date_0": "", "expiry_date_1": ""})

    row.refresh_from_db()
    assert (row.revoked, row.name) == (True, "storefront")
    assert opens(key, order) == 401


@database
def test_a_key_is_never_deleted(admin_client: Client) -> None:
    """A shop that has had a key gets no first one."""
    prefix = api_key().partition(".")[0]
    page = f"/admin/installations/apikey/{prefix}/delete/"

    assert admin_client.post(page, {"post": "yes"}).status_code == 403
    assert ApiKey.objects.filter(prefix=prefix).exists()


def test_a_key_does_not_change_hands(eva: Client) -> None:
    shop, other = InstallationFactory.create_batch(2)
    issue(eva, shop)
    row = ApiKey.objects.get()

    eva.post(on(row), {"name": "new", "installation": other.pk, "expiry_date_0": "", "expiry_date_1": ""})
    eva.post(on(row), {"name": "new", "installation": "", "expiry_date_0": "", "expiry_date_1": ""})

    row.refresh_from_db()
    assert (row.name, row.installation) == ("new", shop)


# --- disabling ---


def disable(client: Client, shop: Installation, reason: str = "does not pay us") -> Any:
    return client.post(on(shop, "disable"), {"reason": reason}, follow=True)


POSTED = "order pay/credit-card pay/pix pay/boleto refund tokenize tracking upsell"
ROUTES = [
    ("GET", "/installations/shop/merchant/token"),
    ("GET", "/checkout/shop/status/31"),
    ("GET", "/checkout/shop/installments?total_value=100"),
    *(("POST", f"/checkout/shop/{name}") for name in POSTED.split()),
]


def ask(method: str, path: str, key: str | None) -> tuple[int, Any]:
    headers = {} if key is None else {"Authorization": f"Api-Key {key}"}
    answer = Client().generic(method, path, "{}", content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


@database
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_of_a_disabled_merchant_is_403_and_only_for_who_holds_its_key(
    eva: Client, method: str, path: str
) -> None:
    shop, other = InstallationFactory.create(external_key="shop"), InstallationFactory.create()
    OrderFactory.create(installation=shop, appmax_order_id=31)
    own, platform, another = api_key(shop), api_key(), api_key(other)
    guessed = f"{own.partition('.')[0]}.{'x' * 32}"
    strangers = (None, "wrong.key", guessed, another)
    before = [ask(method, path, key) for key in strangers]

    disable(eva, shop)

    assert ask(method, path, own) == DISABLED
    assert ask(method, path, platform) == DISABLED
    assert [ask(method, path, key) for key in strangers] == before
    assert [code for code, _ in before] == [401, 401, 401, 404]


@database
def test_without_keys_a_disabled_merchant_is_closed_too(eva: Client, settings: Any) -> None:
    settings.API_KEYS_REQUIRED = False
    disable(eva, InstallationFactory.create(external_key="shop"))

    assert ask("POST", "/checkout/shop/order", None) == DISABLED


@database
def test_other_merchants_go_on_selling(eva: Client) -> None:
    order = OrderFactory.create()

    disable(eva, InstallationFactory.create())

    assert opens(api_key(order.installation), order) == 200


@committing
def test_what_appmax_says_of_a_disabled_merchants_orders_still_counts(eva: Client) -> None:
    order = OrderFactory.create()
    disable(eva, order.installation)

    assert send("order_paid", order.appmax_order_id).status_code == 200

    order.refresh_from_db()
    assert order.status == "aprovado"
    assert WebhookEvent.objects.get().processed


@committing
def test_installing_again_enables_nothing(eva: Client, shop: Installation, settings: Any) -> None:
    disable(eva, shop)
    callback = {
        "app_id": settings.APPMAX_APP_ID_NUMERIC,
        "external_key": "shop",
        "client_id": shop.merchant_client_id,
        "client_secret": shop.merchant_client_secret,
    }

    answer = Client().post("/integrations/appmax/callback/install", callback, content_type="application/json")

    assert answer.status_code == 200
    assert ask("GET", "/checkout/shop/status/31", api_key(shop)) == DISABLED


@database
def test_enabling_opens_the_routes_again(eva: Client) -> None:
    order = OrderFactory.create()
    key = api_key(order.installation)
    disable(eva, order.installation)

    answer = eva.post(on(order.installation, "enable"), follow=True)

    assert opens(key, order) == 200
    assert "Enabled." in messages_of(answer)
    assert history_of(order.installation) == ["Disabled: does not pay us", "Enabled"]


@database
def test_the_reason_is_on_the_merchants_page(eva: Client) -> None:
    shop = InstallationFactory.create()

    answer = disable(eva, shop, "did <i>this</i>")

    assert "Disabled." in messages_of(answer)
    assert "Reason: did &lt;i&gt;this&lt;/i&gt;" in answer.content.decode()


@database
@pytest.mark.parametrize("reason", ["", "  ", "x" * 256, "\0"])
def test_a_reason_is_needed(eva: Client, reason: str) -> None:
    shop = InstallationFactory.create()

    answer = disable(eva, shop, reason)

    assert answer.context["form"].errors["reason"]
    assert not Suspension.objects.exists()


@database
def test_both_are_asked_first(eva: Client) -> None:
    shop = InstallationFactory.create()
    assert eva.get(on(shop, "disable")).status_code == 200
    assert not Suspension.objects.exists()
    disable(eva, shop)

    assert eva.get(on(shop, "enable")).status_code == 200
    assert Suspension.objects.exists()


@database
def test_a_page_offers_that_of_the_two_which_makes_sense(eva: Client) -> None:
    shop = InstallationFactory.create()

    before = eva.get(on(shop)).content.decode()
    after = disable(eva, shop).content.decode()

    assert (on(shop, "disable") in before, on(shop, "enable") in before) == (True, False)
    assert (on(shop, "disable") in after, on(shop, "enable") in after) == (False, True)


@database
def test_doing_either_twice_is_told_and_changes_nothing(eva: Client) -> None:
    shop = InstallationFactory.create()
    disable(eva, shop, "first")

    second = disable(eva, shop, "second")
    assert "This merchant is disabled already." in messages_of(second)
    assert Suspension.objects.get().reason == "first"

    eva.post(on(shop, "enable"))
    assert "This merchant isn't disabled." in messages_of(eva.post(on(shop, "enable"), follow=True))
    assert history_of(shop) == ["Disabled: first", "Enabled"]


@committing
def test_two_who_disable_at_once_disable_once(eva: Client, race: Callable[..., list[Any]]) -> None:
    shop = InstallationFactory.create()

    def press(number: int) -> int:
        client = Client()
        client.cookies["sessionid"] = eva.cookies["sessionid"].value
        return int(disable(client, shop, f"reason {number}").status_code)

    assert race(press, 4) == [200] * 4
    assert Suspension.objects.count() == 1
    assert len(history_of(shop)) == 1


# --- names ---


def rename(client: Client, shop: Installation, name: str) -> Any:
    return client.post(on(shop, "rename"), {"name": name}, follow=True)


@database
def test_a_merchant_has_the_name_that_staff_give_it(eva: Client) -> None:
    shop = InstallationFactory.create(external_key="loja-7")

    assert "What is this merchant called?" in eva.get(on(shop, "rename")).content.decode()
    page = rename(eva, shop, "  Padaria <b>São João</b> ").content.decode()

    shop.refresh_from_db()
    assert shop.name == "Padaria <b>São João</b>"
    assert "Padaria &lt;b&gt;São João&lt;/b&gt;" in page
    assert "<b>São João" not in page
    assert history_of(shop) == ["Named: Padaria <b>São João</b>"]
    assert "Padaria &lt;b&gt;São João" in eva.get(url(Installation), {"q": "padaria"}).content.decode()


@database
def test_the_history_has_a_name_and_a_reason_as_they_were_typed(eva: Client) -> None:
    shop = InstallationFactory.create()
    rename(eva, shop, "Rejected")
    disable(eva, shop, "closed")

    page = eva.get(on(shop, "history")).content.decode()

    assert "Named: Rejected" in page
    assert "Disabled: closed" in page


@database
def test_a_merchant_without_a_name_is_shown_by_its_external_key(eva: Client) -> None:
    shop = InstallationFactory.create(external_key="loja-7", name="Padaria")

    rename(eva, shop, "")

    shop.refresh_from_db()
    assert (shop.name, str(shop)) == ("", "loja-7")


@database
@pytest.mark.parametrize("name", ["x" * 101, "\0"])
def test_a_name_that_cannot_be_kept_is_refused(eva: Client, name: str) -> None:
    shop = InstallationFactory.create()

    assert rename(eva, shop, name).context["form"].errors

    assert history_of(shop) == []


@database
@pytest.mark.parametrize("role", ["Support", "Finance", "Administrator"])
def test_every_role_may_name_merchants(staff: Callable[..., Client], role: str) -> None:
    shop = InstallationFactory.create()

    rename(staff(role), shop, "Padaria")

    shop.refresh_from_db()
    assert shop.name == "Padaria"


@database
def test_who_may_only_look_cannot_name_merchants(staff: Callable[..., Client]) -> None:
    shop = InstallationFactory.create()

    assert rename(staff("", "installations.view_installation"), shop, "Padaria").status_code == 403
