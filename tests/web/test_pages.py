"""The pages: for browsers only, in both languages, without another host."""

import re
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.core.management import call_command
from django.db import InternalError, OperationalError
from django.test import Client

from installations import registration
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import WebhookEventFactory

pytestmark = pytest.mark.django_db
asks_appmax = pytest.mark.django_db(transaction=True)  # which must not be asked inside a transaction

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
IN_ENGLISH = {**HTML, "Accept-Language": "en"}
PAGES = ["/", "/health", "/webhooks/appmax", "/install/start"]
APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"
START = f"/install/start?app_id={APP_ID}&external_key=shop"


def text_of(client: Client, path: str, **headers: str) -> str:
    """The page's visible text, with single spaces, in English."""
    page = client.get(path, headers={**IN_ENGLISH, **headers}).content.decode()
    return " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL).split())


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "lang"), [("pt-BR", "pt-br"), ("pt", "pt-br"), ("en", "en"), ("de", "pt-br")])
def test_pages_speak_the_browsers_language(client: Client, path: str, language: str, lang: str) -> None:
    page = client.get(path, headers={**HTML, "Accept-Language": language})

    assert page.status_code == 200
    assert f'<html lang="{lang}">' in page.content.decode()


def test_a_language_that_was_chosen_wins(client: Client) -> None:
    answer = client.post("/language", {"language": "en", "next": "/health"})

    assert (answer.status_code, answer["Location"]) == (302, "/health")
    assert '<html lang="en">' in client.get("/", headers={**HTML, "Accept-Language": "pt-BR"}).content.decode()


def test_choosing_a_language_leads_to_no_other_host(client: Client) -> None:
    assert client.post("/language", {"language": "en", "next": "https://evil.com/"})["Location"] == "/"


@pytest.mark.parametrize("path", [*PAGES, "/nowhere"])
def test_pages_load_nothing_from_other_hosts(client: Client, path: str) -> None:
    text = client.get(path, headers=HTML).content.decode()

    for attribute in ('src="http', 'stylesheet" href="http', "@import"):
        assert attribute not in text


def test_health_is_json_for_machines(client: Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}


# --- the first start -------------------------------------------------------------------------------------------------


def test_the_home_page_says_what_to_register_and_what_is_missing(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://pay.shop.com"
    settings.APPMAX_APP_ID_NUMERIC = ""

    text = text_of(client, "/")

    assert "Host where an installation begins https://pay.shop.com/install/start" in text
    assert "URL do sistema the app's first page https://pay.shop.com/ " in text.replace("&#x27;", "'")
    assert "URL de validação where Appmax confirms it https://pay.shop.com/integrations/appmax/callback/install" in text
    assert "APPMAX_APP_ID_NUMERIC missing" in text
    assert "APPMAX_CLIENT_SECRET set" in text
    assert "app-secret" not in text


def test_a_complete_home_page_leads_to_the_installation(client: Client) -> None:
    text = text_of(client, "/")

    assert "Everything that Appmax needs is set." in text
    assert "missing" not in text


@pytest.mark.parametrize(
    ("url", "environment", "warned"),
    [
        ("http://localhost:8080", "production", True),
        ("http://127.0.0.1", "sandbox", True),
        ("http://localhost:8080", "simulator", False),
        ("https://localhost.shop.com", "production", False),
    ],
)
def test_an_address_that_appmax_cannot_reach_is_pointed_out(
    client: Client, settings: Any, url: str, environment: str, warned: bool
) -> None:
    settings.PUBLIC_URL, settings.APPMAX_ENVIRONMENT, settings.APPMAX_CLIENT_ID = url, environment, ""

    assert ("Set APP_URL to the public address" in text_of(client, "/")) is warned


@pytest.mark.parametrize(
    ("environment", "words"),
    [("production", "Production Money is real."), ("sandbox", "no real money"), ("simulator", "no real money")],
)
def test_the_home_page_names_the_environment(client: Client, settings: Any, environment: str, words: str) -> None:
    settings.APPMAX_ENVIRONMENT = environment

    assert words in text_of(client, "/")


def test_the_command_prints_the_same(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.PUBLIC_URL = "https://pay.shop.com"
    settings.APPMAX_CLIENT_ID = ""
    settings.WEBHOOK_SECRET = ["hush"]

    call_command("show_urls_for_appmax", no_color=True)

    printed = capsys.readouterr().out
    for entry in registration.urls("https://pay.shop.com"):
        assert re.search(rf"{entry.field} +{re.escape(entry.url)} ", printed)
    assert "where an installation begins" in printed
    assert "https://pay.shop.com/webhooks/appmax?token=..." in printed
    assert re.search(r"APPMAX_CLIENT_ID +missing", printed)
    assert re.search(r"APPMAX_CLIENT_SECRET +set", printed)
    assert "app-secret" not in printed
    assert "hush" not in printed


def test_the_install_page_has_no_button_before_the_app_is_set_up(client: Client, settings: Any) -> None:
    settings.APPMAX_CLIENT_SECRET = ""

    page = client.get("/install/start", headers=HTML).content.decode()

    assert "APPMAX_CLIENT_SECRET" in page
    assert 'name="app_id"' not in page


# --- the public URL --------------------------------------------------------------------------------------------------


@pytest.fixture
def behind_a_proxy(settings: Any) -> None:
    """As TRUSTED_PROXIES=1 makes it, and nobody has named the public URL."""
    settings.TRUSTED_PROXIES = 1
    settings.USE_X_FORWARDED_HOST = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.IS_PUBLIC_URL_NAMED = False
    settings.ALLOWED_HOSTS = ["pay.shop.com", "localhost"]


FORWARDED = {"X-Forwarded-Host": "pay.shop.com", "X-Forwarded-Proto": "https"}


@asks_appmax
def test_a_trusted_proxy_tells_the_public_url(client: Client, behind_a_proxy: None, simulator: SimulatorServer) -> None:
    assert "https://pay.shop.com/webhooks/appmax" in text_of(client, "/webhooks/appmax", **FORWARDED)

    client.get(START, headers=FORWARDED)
    [authorization] = simulator.state.authorizations.values()
    assert authorization.callback_url == "https://pay.shop.com/integrations/appmax/callback/install"


def test_a_url_that_was_named_wins_over_the_proxys(client: Client, behind_a_proxy: None, settings: Any) -> None:
    settings.PUBLIC_URL, settings.IS_PUBLIC_URL_NAMED = "https://named.shop.com", True

    assert "https://named.shop.com/webhooks/appmax" in text_of(client, "/webhooks/appmax", **FORWARDED)


def test_a_forwarded_host_that_is_not_ours_is_refused(client: Client, behind_a_proxy: None) -> None:
    answer = client.get("/", headers={**FORWARDED, "X-Forwarded-Host": "evil.com"})

    assert (answer.status_code, answer.json()) == (400, {"code": "bad_request", "message": "bad request"})


def test_without_trusted_proxies_forwarded_headers_mean_nothing(client: Client, settings: Any) -> None:
    settings.IS_PUBLIC_URL_NAMED = False
    settings.ALLOWED_HOSTS = ["pay.shop.com", "testserver"]

    text = text_of(client, "/webhooks/appmax", **FORWARDED)

    assert "http://localhost:8080/webhooks/appmax" in text
    assert "pay.shop.com" not in text


def test_a_host_header_alone_never_makes_the_public_url(client: Client, behind_a_proxy: None) -> None:
    text = text_of(client, "/webhooks/appmax", Host="pay.shop.com")

    assert "http://localhost:8080/webhooks/appmax" in text


@pytest.mark.parametrize("path", ["/", "/webhooks/appmax", START])
def test_a_forged_host_is_refused(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.com"})

    assert (answer.status_code, answer.json()) == (400, {"code": "bad_request", "message": "bad request"})


# --- the webhook page ------------------------------------------------------------------------------------------------


def test_the_webhook_page_shows_the_public_url(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://pay.shop.com"
    settings.APPMAX_ADMIN_URL = "https://admin.appmax.test"

    text = client.get("/webhooks/appmax", headers={"Host": "localhost", **HTML}).content.decode()

    assert "https://pay.shop.com/webhooks/appmax" in text
    assert "https://admin.appmax.test/v2/apphook" in text


def test_the_webhook_page_says_what_each_event_means(client: Client) -> None:
    text = text_of(client, "/webhooks/appmax")

    assert "Refunded OrderRefund" in text
    assert "OrderPixExpired OrderBilletOverdue PaymentNotAuthorized" in text
    assert "Kept only; the status stays CustomerCreated" in text


def test_it_waits_for_the_first_event(client: Client) -> None:
    assert "None has ever come in." in text_of(client, "/webhooks/appmax")


def test_an_event_from_before_is_not_taken_for_the_test(client: Client) -> None:
    WebhookEventFactory.create(event="order_paid")

    text = text_of(client, "/webhooks/appmax")

    assert "The last one came before you opened this page: order_paid" in text
    assert "We have received your event." not in text


def test_an_event_that_comes_while_somebody_waits_is_shown(client: Client) -> None:
    before = WebhookEventFactory.create()
    client.post(
        "/webhooks/appmax", {"event": "OrderApproved", "data": {"order_id": 1}}, content_type="application/json"
    )

    text = text_of(client, f"/webhooks/appmax?since={before.pk}")

    assert "We have received your event. OrderApproved" in text
    assert "that is what the panel's test sends" in text.replace("&#x27;", "'")


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 30, "١"])
def test_an_odd_since_does_no_harm(client: Client, since: str) -> None:
    WebhookEventFactory.create()

    assert client.get("/webhooks/appmax", {"since": since}).status_code == 200


# --- errors ----------------------------------------------------------------------------------------------------------


def test_unknown_routes_are_json_or_a_page(client: Client) -> None:
    assert client.get("/nowhere").json() == {"code": "not_found", "message": "not found"}
    assert "There is no such page" in text_of(client, "/nowhere")


def test_wrong_methods_say_so(client: Client) -> None:
    answer = client.put("/webhooks/appmax")

    assert answer.status_code == 405
    assert "PUT" in answer.json()["message"]


def test_an_error_page_names_the_request(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    assert "Request number abc-123" in text_of(client, "/nowhere", **{"X-Request-ID": "abc-123"})


def test_the_callback_without_a_token_explains_itself(client: Client) -> None:
    page = client.get("/integrations/appmax/callback/install", headers=IN_ENGLISH)

    assert page.status_code == 400
    assert "This is where Appmax brings you back to" in page.content.decode()
    assert "token is required" in page.content.decode()


def test_a_used_link_does_not_claim_success(client: Client) -> None:
    text = text_of(client, "/integrations/appmax/callback/install?token=unknown")

    assert "This link has been used" in text
    assert "The app is installed" not in text


@asks_appmax
@pytest.mark.parametrize(
    ("fault", "code", "title"),
    [
        (Fault("/app/authorize", status=500, times=9), 502, "Appmax did not begin the installation"),
        (Fault("/oauth2/token", status=500, times=9), 502, "Appmax did not begin the installation"),
    ],
)
def test_appmax_failing_is_a_page_that_offers_another_try(
    client: Client, simulator: SimulatorServer, fault: Fault, code: int, title: str
) -> None:
    simulator.state.add_fault(fault)

    page = client.get(START, headers=IN_ENGLISH)

    assert page.status_code == code
    assert title in page.content.decode()
    assert f'href="{START.replace("&", "&amp;")}">Try again' in page.content.decode()


@asks_appmax
def test_an_installation_that_appmax_breaks_off_is_not_called_installed(
    client: Client, simulator: SimulatorServer
) -> None:
    client.get(START)
    [token] = simulator.state.authorizations
    simulator.state.add_fault(Fault("/app/client/generate", status=504))

    page = client.get("/integrations/appmax/callback/install", {"token": token}, headers=IN_ENGLISH)

    assert page.status_code == 502
    assert "The app is not installed yet" in page.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "title", "code", "message"),
    [
        (
            OperationalError("gone"),
            503,
            "We are not available just now",
            "database_unavailable",
            "the database is not available, try again",
        ),
        (RuntimeError("secret detail"), 500, "Something broke on our side", "internal_error", "internal server error"),
    ],
)
@pytest.mark.parametrize(
    ("path", "broken"),
    [("/", "installations.views.render"), ("/webhooks/appmax", "webhooks.views.render")],
)
def test_what_breaks_is_a_page_for_browsers_and_json_for_programs(
    error: Exception, status: int, title: str, code: str, message: str, path: str, broken: str
) -> None:
    client = Client(raise_request_exception=False)

    with patch(broken, side_effect=error):
        page, answer = client.get(path, headers=IN_ENGLISH), client.get(path)

    assert (page.status_code, answer.status_code) == (status, status)
    assert title in page.content.decode()
    assert answer.json() == {"code": code, "message": message}
    assert "secret detail" not in page.content.decode()


def test_the_database_away_says_when_to_come_back() -> None:
    with patch("installations.views.render", side_effect=OperationalError("gone")):
        answer = Client(raise_request_exception=False).get("/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json() == {"code": "database_unavailable", "message": "the database is not available, try again"}


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (psycopg.InternalError("received 2 results from command 'COMMIT'"), 503),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"), 503),
        (psycopg.errors.InFailedSqlTransaction("current transaction is aborted"), 500),
    ],
)
def test_a_database_that_ends_during_a_commit_is_away_and_our_own_fault_is_not(cause: Exception, status: int) -> None:
    """A drill has seen the first; the others are PostgreSQL's codes 25006 and 25P02
    (https://www.postgresql.org/docs/16/errcodes-appendix.html)."""
    error = InternalError(str(cause))
    error.__cause__ = cause  # as Django's wrapper sets it

    with patch("installations.views.render", side_effect=error):
        answer = Client(raise_request_exception=False).get("/")

    assert answer.status_code == status


def test_an_expired_form_is_a_page() -> None:
    client = Client(enforce_csrf_checks=True)

    page = client.post("/language", {"language": "en"}, headers=IN_ENGLISH)

    assert page.status_code == 403
    assert "The form has expired" in page.content.decode()
    assert client.post("/language").json() == {"code": "form_expired", "message": "the form has expired, load it again"}
