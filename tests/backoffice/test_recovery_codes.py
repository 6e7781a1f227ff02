"""Recovery codes: for who has lost the phone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.backoffice.conftest import history_of, on
from tests.backoffice.test_login import INDEX, TWO_FACTOR, is_in, log_in, set_up, token, type_code

pytestmark = pytest.mark.django_db

RECOVERY, CODES, REPLACE = (f"{TWO_FACTOR}{name}/" for name in ("recovery", "codes", "replace"))


@pytest.fixture
def codes(browser: Client) -> list[str]:
    """What was shown when `root` set up an app; the browser is logged out again."""
    log_in(browser)
    browser.get(TWO_FACTOR)
    shown: list[str] = type_code(browser, token(TOTPDevice.objects.get())).context["codes"]
    browser.post("/admin/logout/")
    return shown


def recover(browser: Client, code: str) -> Any:
    return browser.post(RECOVERY, {"code": code})


def test_ten_are_shown_once_and_only_hashes_are_kept(browser: Client, codes: list[str]) -> None:
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    kept = list(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == 10
    assert not {code.replace("-", "") for code in codes} & set(kept)


def test_one_opens_the_back_office_instead_of_the_app_and_counts_down(browser: Client, codes: list[str]) -> None:
    log_in(browser)
    assert not is_in(browser)

    answer = browser.post(RECOVERY, {"code": codes[0]}, follow=True)

    assert is_in(browser)
    assert "9 recovery codes are left." in answer.content.decode()


@pytest.mark.parametrize("spelled", [str.upper, lambda code: code.replace("-", " "), lambda code: f" {code} "])
def test_it_may_be_typed_as_people_do(browser: Client, codes: list[str], spelled: Callable[[str], str]) -> None:
    log_in(browser)

    recover(browser, spelled(codes[3]))

    assert is_in(browser)


@pytest.mark.parametrize("code", ["", "aaaa-aaaa-aaaa-aaaa", "\0", "é" * 16])
def test_another_text_opens_nothing(browser: Client, codes: list[str], code: str) -> None:
    log_in(browser)

    assert recover(browser, code).status_code == 200
    assert not is_in(browser)


def test_what_the_database_keeps_opens_nothing(browser: Client, codes: list[str]) -> None:
    log_in(browser)

    recover(browser, StaticToken.objects.earliest("pk").token)

    assert not is_in(browser)


def test_a_code_without_the_password_opens_nothing(browser: Client, codes: list[str]) -> None:
    assert recover(browser, codes[0])["Location"].startswith("/admin/login/")
    assert StaticToken.objects.count() == 10


def test_guessing_is_slowed_down(browser: Client, codes: list[str]) -> None:
    log_in(browser)
    recover(browser, "wrong")

    answer = recover(browser, codes[0])

    assert "Too many wrong codes; wait a little and try again." in answer.content.decode()
    assert not is_in(browser)


@pytest.mark.django_db(transaction=True)
def test_a_code_serves_once_even_in_a_race(browser: Client, codes: list[str], race: Callable[..., list[Any]]) -> None:
    browsers = [Client() for _ in range(5)]
    for each in browsers:
        log_in(each)

    race(lambda number: recover(browsers[number], codes[0]).status_code, 5)

    assert sum(map(is_in, browsers)) == 1
    assert StaticToken.objects.count() == 9


def test_new_ones_take_the_old_ones_place(browser: Client, codes: list[str]) -> None:
    log_in(browser)
    recover(browser, codes[0])

    fresh = browser.post(CODES).context["codes"]

    assert not set(fresh) & set(codes)
    browser.post("/admin/logout/")
    log_in(browser)
    recover(browser, codes[1])
    assert not is_in(browser)


def test_they_are_not_made_by_following_a_link(browser: Client, codes: list[str]) -> None:
    log_in(browser)
    recover(browser, codes[0])

    assert browser.get(CODES).status_code == 302
    assert StaticToken.objects.count() == 9


def test_after_a_code_another_app_may_be_set_up(browser: Client, codes: list[str]) -> None:
    log_in(browser)
    recover(browser, codes[0])
    old = TOTPDevice.objects.get()

    page = browser.post(REPLACE, follow=True)

    assert 'src="data:image/svg+xml' in page.content.decode()
    assert TOTPDevice.objects.get().pk != old.pk


def test_an_open_session_alone_does_not_replace_the_app(browser: Client, root: User) -> None:
    device = set_up(root)
    log_in(browser)
    type_code(browser, token(device))

    browser.post(REPLACE)

    assert TOTPDevice.objects.filter(pk=device.pk).exists()


def test_an_administrator_who_deletes_the_app_deletes_the_codes_too(
    browser: Client, codes: list[str], root: User
) -> None:
    device = TOTPDevice.objects.get()
    other = Client()
    User.objects.create_superuser("other", password="correct horse battery")
    log_in(other, name="other")

    other.post(on(device, "delete"), {"post": "yes"})

    assert not StaticDevice.objects.exists()


def test_the_history_says_what_was_done_and_no_code(browser: Client, codes: list[str], root: User) -> None:
    log_in(browser)
    recover(browser, codes[0])

    lines = history_of(root)

    assert lines[1:3] == ["Authenticator app set up", "Recovery codes made"]
    assert lines[-1] == "Logged in with a recovery code"
    assert not [code for code in codes for line in lines if code in line]
    assert browser.get(INDEX).status_code == 200
