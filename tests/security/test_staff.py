"""Somebody of the staff, or who has got hold of a colleague's password: he wants what his role doesn't open."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.backoffice.conftest import on, staff
from tests.support.factories import InstallationFactory

__all__ = ["staff"]  # the fixture

URL = "/webhooks/appmax"
TOKEN = "the-apps-own-webhook-token"


@pytest.fixture(autouse=True)
def _secret(settings: Any) -> None:
    settings.WEBHOOK_SECRET = [TOKEN]


@pytest.mark.parametrize(("role", "sees"), [("Support", False), ("Finance", False), ("Administrator", True)])
def test_he_reads_the_webhook_urls_token_off_the_set_up_page(
    staff: Callable[..., Client], role: str, sees: bool
) -> None:
    page = staff(role).get(URL).content.decode()

    assert (TOKEN in page) is sees
    assert "Sign in" not in page


def test_he_reads_a_merchants_own_token_off_its_page(staff: Callable[..., Client]) -> None:
    path = on(InstallationFactory.create(external_key="loja-1"))

    assert "token=loja-1%3A" not in staff("Support").get(path).content.decode()
    page = staff("Administrator", name="eva").get(path).content.decode()
    assert "token=loja-1%3A" in page
    assert TOKEN not in page


def test_he_has_the_password_of_an_administrator_and_not_her_phone(staff: Callable[..., Client]) -> None:
    eva = staff("Administrator", name="eva")
    TOTPDevice.objects.create(user_id=eva.session["_auth_user_id"], name="app", confirmed=True)

    page = eva.get(URL).content.decode()

    assert TOKEN not in page
    assert 'id="arrivals"' not in page


def test_he_has_the_password_of_an_administrator_who_has_set_up_no_phone_yet(
    staff: Callable[..., Client], settings: Any
) -> None:
    settings.ADMIN_OTP_REQUIRED = True  # as in production

    assert TOKEN not in staff("Administrator").get(URL).content.decode()
