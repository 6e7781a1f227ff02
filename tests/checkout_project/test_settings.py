"""What the settings make of the environment; each case in a process of its own."""

import importlib
import json
import secrets
import sys
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.support import fresh_process

PRODUCTION = {
    "APP_ENV": "production",
    "APP_URL": "https://a.com",
    "APP_KEY": secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "SEARCH_HASH_KEYS": secrets.token_urlsafe(32),
    "WEBHOOK_SECRET": secrets.token_urlsafe(24),
}


def settings_of(*names: str, **variables: str) -> dict[str, Any]:
    """The named settings in a fresh process with these variables only."""
    result = fresh_process.run(print_settings, *names, **{"DB_PASSWORD": "x", **variables})
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def print_settings(*names: str) -> None:
    settings = importlib.import_module("checkout_project.settings")
    sys.stdout.write(json.dumps({name: getattr(settings, name) for name in names}))


def test_defaults_are_the_seeds() -> None:
    database = settings_of("DATABASES")["DATABASES"]["default"]

    assert {name: database[name] for name in ("HOST", "PORT", "NAME", "USER", "TIME_ZONE")} == {
        "HOST": "localhost",
        "PORT": 5432,
        "NAME": "appmax_checkout",
        "USER": "appmax",
        "TIME_ZONE": "UTC",
    }
    assert database["OPTIONS"]["sslmode"] == "disable"
    assert 'search_path="public"' in database["OPTIONS"]["options"]


@pytest.mark.parametrize(("processes", "idle", "most"), [("1", 5, 18), ("2", 2, 9), ("4", 1, 4), ("18", 0, 1)])
def test_the_pool_is_shared_out_over_the_worker_processes(processes: str, idle: int, most: int) -> None:
    """Of 25 connections the job worker has seven."""
    pool = settings_of("DATABASES", WEB_CONCURRENCY=processes)["DATABASES"]["default"]["OPTIONS"]["pool"]

    assert (pool["min_size"], pool["max_size"], pool["max_lifetime"]) == (idle, most, 300)


@pytest.mark.parametrize(
    ("groups", "processes", "idle", "most"), [("2", "1", 2, 9), ("2", "2", 1, 4), ("3", "2", 0, 3)]
)
def test_the_pool_is_shared_out_over_the_processes_of_all_groups(
    groups: str, processes: str, idle: int, most: int
) -> None:
    found = settings_of("DATABASES", WEB_GROUPS=groups, WEB_CONCURRENCY=processes)
    pool = found["DATABASES"]["default"]["OPTIONS"]["pool"]

    assert (pool["min_size"], pool["max_size"]) == (idle, most)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"APP_URL": "https://pay.shop.com/"}, "https://pay.shop.com"),
        ({"APP_URL": "https://pay.shop.com", "NGROK_URL": "abc.ngrok.app/"}, "https://abc.ngrok.app"),
        ({"APP_URL": "https://pay.shop.com", "NGROK_URL": "http://abc.ngrok.app"}, "http://abc.ngrok.app"),
        ({}, "http://127.0.0.1:8080"),
        ({"APP_PORT": "9000"}, "http://127.0.0.1:9000"),
    ],
)
def test_the_public_url(variables: dict[str, str], url: str) -> None:
    assert settings_of("PUBLIC_URL", **variables)["PUBLIC_URL"] == url


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("https://pay.shop.com:8443/", "https://pay.shop.com:8443", "pay.shop.com"),
        ("https://Pay.Shop.com:443", "https://pay.shop.com", "pay.shop.com"),
        ("https://açaí.com.br", "https://xn--aa-4iaz.com.br", "xn--aa-4iaz.com.br"),
        ("https://AÇAÍ.com.br:8443", "https://xn--aa-4iaz.com.br:8443", "xn--aa-4iaz.com.br"),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]"),
        ("http://[2001:DB8:0:0::1]", "http://[2001:db8::1]", "[2001:db8::1]"),
    ],
)
def test_the_public_url_is_spelled_as_browsers_spell_it(url: str, origin: str, host: str) -> None:
    for name in ("APP_URL", "NGROK_URL"):
        made = settings_of("PUBLIC_URL", "CSRF_TRUSTED_ORIGINS", "ALLOWED_HOSTS", **{name: url})

        assert (made["PUBLIC_URL"], made["CSRF_TRUSTED_ORIGINS"], made["ALLOWED_HOSTS"][0]) == (origin, [origin], host)


def test_hosts_come_from_the_urls_and_the_list_and_local_adds_this_machine() -> None:
    hosts = settings_of("ALLOWED_HOSTS", APP_URL="https://a.com:1", NGROK_URL="b.app", ALLOWED_HOSTS="c.com, d.com")

    assert hosts["ALLOWED_HOSTS"] == ["b.app", "a.com", "c.com", "d.com", "localhost", "127.0.0.1", "[::1]"]


def test_production_does_not_add_this_machine() -> None:
    assert settings_of("ALLOWED_HOSTS", **PRODUCTION)["ALLOWED_HOSTS"] == ["a.com"]


def test_production_sends_browsers_to_https_once_a_proxy_tells_them_apart() -> None:
    names = ("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")

    assert settings_of(*names, **PRODUCTION, TRUSTED_PROXIES="1") == dict(
        zip(names, (True, 31536000, True, True), strict=True)
    )
    assert settings_of(*names, **PRODUCTION)["SECURE_SSL_REDIRECT"] is False
    assert settings_of(*names) == dict(zip(names, (False, 0, False, False), strict=True))


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://api.appmax.com.br", "production"),
        ("https://api.sandboxappmax.com.br", "sandbox"),
        ("http://127.0.0.1:9090", "simulator"),
    ],
)
def test_the_environment_is_told_by_the_apis_url(url: str, environment: str) -> None:
    assert settings_of("APPMAX_ENVIRONMENT", APPMAX_API_URL=url)["APPMAX_ENVIRONMENT"] == environment


@pytest.mark.parametrize(
    ("security", "expected"),
    [("starttls", [True, False, 587]), ("tls", [False, True, 465]), ("none", [False, False, 25])],
)
def test_the_way_to_the_smtp_server_is_one_variable(security: str, expected: list[Any]) -> None:
    names = ("EMAIL_USE_TLS", "EMAIL_USE_SSL", "EMAIL_PORT")
    variables = {"EMAIL_HOST": "mail.example.com", "EMAIL_FROM": "a@example.com", "EMAIL_SECURITY": security}

    assert list(settings_of(*names, **variables).values()) == expected


def test_an_smtp_server_needs_a_sender() -> None:
    result = fresh_process.run(print_settings, "EMAIL_HOST", DB_PASSWORD="x", EMAIL_HOST="mail.example.com")

    assert result.returncode == 1
    assert "EMAIL_FROM is not set" in result.stderr
    assert settings_of("EMAIL_HOST") == {"EMAIL_HOST": ""}
