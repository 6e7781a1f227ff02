"""The pages: for browsers only, in both languages, without another host."""

from typing import Any

import pytest
from django.test import Client

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGES = ["/", "/health", "/webhooks/appmax", "/install/start"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "lang"), [("pt-BR", "pt-br"), ("en", "en"), ("de", "pt-br")])
def test_pages_speak_the_browsers_language(client: Client, path: str, language: str, lang: str) -> None:
    page = client.get(path, headers={**HTML, "Accept-Language": language})

    assert page.status_code == 200
    assert f'<html lang="{lang}">' in page.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_nothing_from_other_hosts(client: Client, path: str, settings: Any) -> None:
    text = client.get(path, headers=HTML).content.decode()

    for attribute in ('src="http', 'stylesheet" href="http', "@import"):
        assert attribute not in text


def test_health_is_json_for_machines(client: Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_the_home_page_names_what_is_missing(client: Client, settings: Any) -> None:
    settings.APPMAX_APP_ID_NUMERIC = ""

    text = client.get("/").content.decode()

    assert "APPMAX_APP_ID_NUMERIC" in text
    assert "APPMAX_CLIENT_SECRET" not in text
    assert "app-secret" not in text


def test_the_webhook_page_shows_the_public_url(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://pay.shop.com"
    settings.APPMAX_ADMIN_URL = "https://admin.appmax.test"

    text = client.get("/webhooks/appmax", headers={"Host": "localhost", **HTML}).content.decode()

    assert "https://pay.shop.com/webhooks/appmax" in text
    assert "https://admin.appmax.test/v2/apphook" in text


def test_a_forged_host_is_refused(client: Client) -> None:
    answer = client.get("/health", headers={"Host": "evil.com"})

    assert (answer.status_code, answer.json()) == (400, {"message": "bad request"})


def test_unknown_routes_are_json_or_a_page(client: Client) -> None:
    assert client.get("/nowhere").json() == {"message": "not found"}
    assert "<h1>" in client.get("/nowhere", headers=HTML).content.decode()


def test_wrong_methods_say_so(client: Client) -> None:
    answer = client.put("/webhooks/appmax")

    assert answer.status_code == 405
    assert "PUT" in answer.json()["message"]


def test_an_error_is_a_page_for_a_browser(client: Client) -> None:
    page = client.get("/integrations/appmax/callback/install", headers=HTML)

    assert page.status_code == 400
    assert "token is required" in page.content.decode()
