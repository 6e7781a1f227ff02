"""Pages that tell people to ask for help say whom to ask."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from checkout_project.environment import Environment
from tests.backoffice.conftest import staff
from tests.web.test_pages import IN_ENGLISH

__all__ = ["staff"]  # the fixture

pytestmark = pytest.mark.django_db

EMAIL, URL = "ajuda@shop.example.com", "https://shop.example.com/ajuda"
BEYOND_HIS_ROLE = "/admin/auth/user/"


@pytest.fixture
def helped(settings: Any) -> None:
    settings.SUPPORT_EMAIL, settings.SUPPORT_URL = EMAIL, URL


@pytest.mark.usefixtures("helped")
@pytest.mark.parametrize(
    "path", ["/nothing-here", "/install/start", "/install/start?app_id=wrong&external_key=shop", "/integrations/x"]
)
def test_a_page_names_the_address_and_the_page(client: Client, path: str) -> None:
    page = client.get(path, headers=IN_ENGLISH).content.decode()

    assert f'href="mailto:{EMAIL}?subject=Appmax%20Checkout' in page
    assert f'href="{URL}"' in page


@pytest.mark.usefixtures("helped")
def test_the_mail_and_the_error_page_carry_the_requests_number(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    answer = client.get("/nothing-here", headers={**IN_ENGLISH, "X-Request-ID": "abc-123"})

    assert answer.status_code == 404
    assert f"mailto:{EMAIL}?subject=Appmax%20Checkout%20abc-123" in answer.content.decode()
    assert "<code>abc-123</code>" in answer.content.decode()


@pytest.mark.usefixtures("helped")
def test_a_number_that_is_made_up_changes_nothing_of_the_link(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    page = client.get("/nothing-here", headers={**IN_ENGLISH, "X-Request-ID": "a&cc=thief@example.com"})

    assert "thief" not in page.content.decode()


@pytest.mark.usefixtures("helped")
def test_staff_beyond_their_role_are_told_too(staff: Callable[..., Client]) -> None:
    answer = staff("Support").get(BEYOND_HIS_ROLE)

    assert answer.status_code == 403
    assert EMAIL in answer.content.decode()


@pytest.mark.usefixtures("helped")
def test_who_is_locked_out_is_told_too(client: Client) -> None:
    answer = None
    for _ in range(5):
        answer = client.post("/admin/login/", {"username": "ana", "password": "wrong"})

    assert answer is not None
    assert answer.status_code == 429
    assert EMAIL in answer.content.decode()


def test_nothing_is_shown_where_nobody_is_named(client: Client) -> None:
    assert "Need help?" not in client.get("/nothing-here", headers=IN_ENGLISH).content.decode()


@pytest.mark.parametrize("value", ["help", "help@", "Help <help@shop.example.com>", "a@b.c, d@e.f"])
def test_an_address_that_is_none_ends_the_start(value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SUPPORT_EMAIL", value)

    with pytest.raises(ImproperlyConfigured, match="SUPPORT_EMAIL"):
        Environment(tmp_path / ".env").email("SUPPORT_EMAIL")
