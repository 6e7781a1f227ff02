"""The second factor: setting it up, and proving it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from orders.models import Order
from tests.backoffice.conftest import on, url
from tests.backoffice.test_login import INDEX, LOGIN, TWO_FACTOR, is_in, log_in, set_up, token, type_code, wrong
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def required(settings: Any) -> None:
    """Everybody needs a second factor."""
    settings.ADMIN_OTP_REQUIRED = True


@pytest.mark.usefixtures("required")
def test_where_it_is_required_a_password_leads_to_setting_up_an_app(browser: Client) -> None:
    log_in(browser)

    page = browser.get(url(Order), follow=True)

    assert page.redirect_chain[-1][0].startswith(TWO_FACTOR)
    assert 'src="data:image/svg+xml' in page.content.decode()
    assert TOTPDevice.objects.get().confirmed is False


@pytest.mark.usefixtures("required")
def test_where_it_is_required_a_password_alone_opens_no_page(browser: Client) -> None:
    order = OrderFactory.create(status="aprovado")
    log_in(browser)

    for path in (INDEX, url(Order), on(order), on(order, "refund"), url(Order, "export", "csv"), "/admin/unprocessed/"):
        for answer in (browser.get(path), browser.post(path, {"kind": "total", "once": "x"})):
            assert answer.status_code == 302, path
            assert answer["Location"].startswith(LOGIN), path
    for name in ("jsi18n", "autocomplete", "password_change", "search"):
        assert browser.get(reverse(f"admin:{name}")).status_code == 302, name


@pytest.mark.usefixtures("required")
def test_the_first_right_code_sets_the_app_up_and_opens_what_was_wanted(browser: Client) -> None:
    log_in(browser)
    page = browser.get(url(Order), follow=True)
    device = TOTPDevice.objects.get()

    answer = type_code(browser, token(device), "?" + page.request["QUERY_STRING"])

    device.refresh_from_db()
    assert answer.status_code == 200
    assert f'href="{url(Order)}"' in answer.content.decode()
    assert device.confirmed
    assert is_in(browser)


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("code", ["", "wrong", "12345", "1234567", "12 456", "１２３４５６", "-00001", "\0"])
def test_a_wrong_code_sets_nothing_up_and_opens_nothing(browser: Client, code: str) -> None:
    log_in(browser)
    browser.get(TWO_FACTOR)
    device = TOTPDevice.objects.get()

    answer = type_code(browser, wrong(device) if code == "wrong" else code)

    device.refresh_from_db()
    assert answer.status_code == 200
    assert not device.confirmed
    assert not is_in(browser)


@pytest.mark.usefixtures("required")
def test_until_it_is_set_up_the_same_secret_is_shown(browser: Client) -> None:
    log_in(browser)
    first, second = (browser.get(TWO_FACTOR).context["secret"] for _ in range(2))

    assert first == second != ""


@pytest.mark.usefixtures("required")
def test_the_typed_key_is_the_scanned_one(browser: Client) -> None:
    log_in(browser)

    context = browser.get(TWO_FACTOR).context

    device = TOTPDevice.objects.get()
    assert f"secret={context['secret'].replace(' ', '')}" in device.config_url
    assert "issuer=Appmax" in device.config_url


def test_the_secret_is_never_shown_again(browser: Client, root: User) -> None:
    log_in(browser)
    secret = browser.get(TWO_FACTOR).context["secret"]
    device = TOTPDevice.objects.get()
    type_code(browser, token(device))

    pages = [TWO_FACTOR, on(device), url(TOTPDevice), on(device, "history"), on(root)]

    for path in pages:
        page = browser.get(path)
        assert page.status_code == 200, path
        for text in (secret, secret.replace(" ", ""), device.key, "data:image/svg"):
            assert text not in page.content.decode(), path


@pytest.mark.django_db(transaction=True)
def test_two_windows_at_once_make_one_secret(browser: Client, race: Callable[..., list[Any]]) -> None:
    log_in(browser)

    def open_page(number: int) -> int:
        window = Client()
        window.cookies["sessionid"] = browser.cookies["sessionid"].value
        return int(window.get(TWO_FACTOR).status_code)

    assert race(open_page, 5) == [200] * 5
    assert TOTPDevice.objects.count() == 1
    assert browser.get(TWO_FACTOR).status_code == 200


def test_who_has_one_is_asked_for_it_even_where_it_is_not_required(browser: Client, root: User) -> None:
    device = set_up(root)
    log_in(browser)
    assert not is_in(browser)

    type_code(browser, token(device))

    assert is_in(browser)


def test_who_has_none_is_not_asked_where_it_is_not_required(browser: Client, root: User) -> None:
    TOTPDevice.objects.create(user=root, name="app", confirmed=False)
    log_in(browser)

    assert is_in(browser)


def test_a_wrong_code_proves_nothing(browser: Client, root: User) -> None:
    device = set_up(root)
    log_in(browser)

    answer = type_code(browser, wrong(device))

    assert "This code is not right, or has been used." in answer.content.decode()
    assert not is_in(browser)


def test_another_users_code_proves_nothing(browser: Client, root: User) -> None:
    set_up(root)
    other = set_up(User.objects.create_superuser("other"))
    log_in(browser)

    type_code(browser, token(other))

    assert not is_in(browser)


def test_guessing_codes_is_slowed_down(browser: Client, root: User) -> None:
    device = set_up(root)
    log_in(browser)
    type_code(browser, wrong(device))

    answer = type_code(browser, token(device))

    assert "Too many wrong codes; wait a little and try again." in answer.content.decode()
    assert not is_in(browser)


def test_after_a_while_the_right_code_counts_again(browser: Client, root: User) -> None:
    device = set_up(root)
    log_in(browser)
    type_code(browser, wrong(device))
    TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(minutes=1))

    type_code(browser, token(device))

    assert is_in(browser)


def test_a_code_serves_once(browser: Client, root: User) -> None:
    device = set_up(root)
    code = token(device)
    log_in(browser)
    type_code(browser, code)
    second = Client()
    log_in(second)

    type_code(second, code)

    assert is_in(browser)
    assert not is_in(second)


@pytest.mark.django_db(transaction=True)
def test_a_code_serves_once_even_in_a_race(browser: Client, root: User, race: Callable[..., list[Any]]) -> None:
    device = set_up(root)
    code = token(device)
    browsers = [Client() for _ in range(5)]
    for each in browsers:
        log_in(each)

    race(lambda number: type_code(browsers[number], code), 5)

    assert sum(map(is_in, browsers)) == 1


@pytest.mark.django_db(transaction=True)
def test_guessing_in_parallel_is_slowed_down_too(browser: Client, root: User, race: Callable[..., list[Any]]) -> None:
    """Of guesses at one moment the first is compared, the others wait."""
    code = wrong(set_up(root))
    log_in(browser)

    def guess(number: int) -> str:
        window = Client(headers={"Accept-Language": "en"})
        window.cookies["sessionid"] = browser.cookies["sessionid"].value
        return str(type_code(window, code).content.decode())

    pages = race(guess, 8)

    assert sum("This code is not right" in page for page in pages) == 1


def test_the_second_factor_counts_for_this_session_only(browser: Client, root: User) -> None:
    device = set_up(root)
    log_in(browser)
    type_code(browser, token(device))
    browser.post(reverse("admin:logout"))
    log_in(browser)

    assert not is_in(browser)


def test_who_lost_the_phone_gets_in_again_when_the_device_is_deleted(browser: Client, root: User) -> None:
    device = set_up(root)
    log_in(browser)
    assert not is_in(browser)

    device.delete()

    assert is_in(browser)


def test_a_device_that_is_deleted_counts_no_more(browser: Client, root: User, settings: Any) -> None:
    settings.ADMIN_OTP_REQUIRED = True
    device = set_up(root)
    log_in(browser)
    type_code(browser, token(device))

    device.delete()

    assert not is_in(browser)


def test_without_a_password_there_is_no_second_factor(browser: Client, root: User) -> None:
    answers = browser.get(TWO_FACTOR), type_code(browser, token(set_up(root)))

    for answer in answers:
        assert answer.status_code == 302
        assert answer["Location"].startswith(LOGIN)
    assert not is_in(browser)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_second_factor_leads_nowhere_but_here(browser: Client, root: User, elsewhere: str) -> None:
    device = set_up(root)
    log_in(browser)

    answer = type_code(browser, token(device), f"?next={quote(elsewhere)}")

    assert (answer.status_code, answer["Location"]) == (302, INDEX)
