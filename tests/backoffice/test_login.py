"""Getting into the back office: password, second factor, guessing, sessions."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from orders.models import Order
from tests.backoffice.conftest import PASSWORD, on, url
from tests.checkout_project.test_settings import PRODUCTION, settings_of
from tests.support import fresh_process

pytestmark = pytest.mark.django_db

SETTINGS = "checkout_project.settings"
LOGIN, INDEX, TWO_FACTOR = "/admin/login/", "/admin/", "/admin/two-factor/"


def log_in(browser: Client, password: str = PASSWORD, name: str = "root", **request: Any) -> Any:
    """Fill in the login form."""
    return browser.post(f"{LOGIN}?next={INDEX}", {"username": name, "password": password}, **request)


def token(device: TOTPDevice, steps: int = 0) -> str:
    """What the app shows now, or that many half minutes later."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = timezone.now().timestamp() + steps * device.step
    return f"{totp.token():06d}"


def wrong(device: TOTPDevice) -> str:
    """A code that isn't right, nor has been or will be about now."""
    near = {token(device, steps) for steps in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in near)


def set_up(user: User) -> TOTPDevice:
    """The user's app, proven once."""
    device: TOTPDevice = TOTPDevice.objects.create(user=user, name="app", confirmed=True)
    return device


def type_code(browser: Client, code: str, query: str = "") -> Any:
    return browser.post(TWO_FACTOR + query, {"token": code})


def is_in(browser: Client) -> bool:
    """Whether the admin's pages open."""
    return browser.get(url(Order)).status_code == 200


# --- password ---


def test_a_password_opens_the_back_office(browser: Client) -> None:
    answer = log_in(browser)

    assert (answer.status_code, answer["Location"]) == (302, INDEX)
    assert is_in(browser)


@pytest.mark.parametrize(("name", "password"), [("root", "wrong"), ("nobody", PASSWORD), ("root", ""), ("", "")])
def test_a_wrong_one_does_not(browser: Client, name: str, password: str) -> None:
    assert log_in(browser, password, name).status_code == 200
    assert not is_in(browser)


def test_a_shoppers_login_is_none(browser: Client) -> None:
    User.objects.create_user("shopper", password=PASSWORD)

    assert log_in(browser, name="shopper").status_code == 200
    assert not is_in(browser)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_login_leads_nowhere_but_here(browser: Client, elsewhere: str) -> None:
    answer = browser.post(f"{LOGIN}?next={quote(elsewhere)}", {"username": "root", "password": PASSWORD})

    assert answer.status_code == 302
    assert "evil" not in answer["Location"]
    assert "javascript" not in answer["Location"]


# --- guessing passwords ---


@pytest.fixture
def locked(browser: Client) -> Client:
    """Has guessed five times."""
    for _ in range(5):
        log_in(browser, "guess")
    return browser


def test_five_wrong_passwords_lock_the_name_for_this_address(locked: Client) -> None:
    answer = log_in(locked)

    assert answer.status_code == 429
    assert "Wait 15 minutes" in answer.content.decode()
    assert not is_in(locked)


def test_the_fifth_wrong_password_says_so_already(browser: Client) -> None:
    assert [log_in(browser, "guess").status_code for _ in range(5)] == [200] * 4 + [429]


def test_four_lock_nothing_and_a_success_forgets_them(browser: Client) -> None:
    for _ in range(2):
        for _ in range(4):
            log_in(browser, "guess")
        assert log_in(browser).status_code == 302


def test_another_address_and_another_name_are_not_locked(locked: Client) -> None:
    User.objects.create_superuser("other", password=PASSWORD)

    assert log_in(Client(), name="other").status_code == 302
    assert log_in(Client(), REMOTE_ADDR="198.51.100.9").status_code == 302


def test_another_spelling_of_the_name_is_the_same_name(locked: Client) -> None:
    assert log_in(locked, name="ROOT").status_code == 429


@pytest.fixture
def tried_by_many(browser: Client) -> Client:
    """Fifty wrong passwords for `root`, from as many networks."""
    for number in range(50):
        AccessAttempt.objects.create(
            username="root",
            ip_address=f"2001:db8:0:{number:x}::",
            user_agent="x",
            failures_since_start=1,
        )
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(seconds=40))
    return browser


def test_a_name_that_many_networks_try_may_be_tried_twice_a_minute(tried_by_many: Client) -> None:
    assert log_in(tried_by_many, "guess").status_code == 200  # it is looked at, and the wait begins
    assert AccessAttempt.objects.filter(ip_address="127.0.0.1").count() == 1
    assert log_in(tried_by_many, "guess", REMOTE_ADDR="198.51.100.9").status_code == 429
    assert log_in(tried_by_many, REMOTE_ADDR="198.51.100.10").status_code == 429
    assert log_in(tried_by_many, name="nobody").status_code == 200
    # What was refused doesn't count, or whoever goes on would lock the owner out.
    AccessAttempt.objects.filter(ip_address="127.0.0.1").update(attempt_time=timezone.now() - timedelta(seconds=31))
    assert log_in(tried_by_many).status_code == 302


def test_a_second_factor_lets_the_names_owner_in_at_any_time(tried_by_many: Client, root: User) -> None:
    set_up(root)
    AccessAttempt.objects.update(attempt_time=timezone.now())

    assert log_in(tried_by_many).status_code == 302


def test_another_browser_at_the_same_address_is_locked(locked: Client) -> None:
    assert log_in(Client(headers={"User-Agent": "other"})).status_code == 429


def test_after_a_quarter_of_an_hour_the_password_counts_again(locked: Client) -> None:
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=30))
    assert log_in(locked).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=30))

    assert log_in(locked).status_code == 302


def test_who_stops_trying_is_let_in_after_the_same_time(locked: Client) -> None:
    log_in(locked, "guess")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert log_in(locked).status_code == 302


def test_an_administrator_lets_somebody_in_sooner(locked: Client, staff: Callable[..., Client]) -> None:
    eva = staff("Administrator", name="eva")
    [attempt] = AccessAttempt.objects.all()
    assert "root" in eva.get(url(AccessAttempt)).content.decode()

    eva.post(on(attempt, "delete"), {"post": "yes"})

    assert log_in(locked).status_code == 302


def test_no_password_is_kept_or_logged(browser: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(6):
        log_in(browser, "s3cret-almost-right")

    kept = [str(row) for row in AccessAttempt.objects.values()]
    assert kept
    assert "s3cret" not in "".join(kept)
    assert "s3cret" not in caplog.text


def test_failed_logins_are_not_repeated_in_a_list_of_logins(browser: Client) -> None:
    from axes.models import AccessLog

    log_in(browser)

    assert not AccessLog.objects.exists()


# --- which address ---


def failing_address(browser: Client, **request: Any) -> str | None:
    """The address that a failed login is kept with."""
    AccessAttempt.objects.all().delete()
    log_in(browser, "guess", REMOTE_ADDR="10.0.0.1", **request)
    address: str | None = AccessAttempt.objects.get().ip_address
    return address


def test_without_a_proxy_of_ours_nobody_is_believed_who_they_are_for(browser: Client) -> None:
    assert failing_address(browser, HTTP_X_FORWARDED_FOR="203.0.113.5") == "10.0.0.1"
    for number in range(5):
        log_in(browser, "guess", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")

    assert log_in(browser, HTTP_X_FORWARDED_FOR="203.0.113.99").status_code == 429


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.5", "10.0.0.1"),
        (1, "203.0.113.5", "203.0.113.5"),
        (1, "", "10.0.0.1"),
        (2, "203.0.113.5, 198.51.100.7", "203.0.113.5"),
        # What stands before the addresses that our proxies appended is the client's own invention.
        (1, "9.9.9.9, 203.0.113.5", "203.0.113.5"),
        (1, "9.9.9.9, 8.8.8.8, 203.0.113.5", "203.0.113.5"),
        (1, "nonsense, 203.0.113.5", "203.0.113.5"),
        (2, "9.9.9.9, 203.0.113.5, 198.51.100.7", "203.0.113.5"),
        # Some proxies write the port, too, and IPv6 in brackets.
        (1, "203.0.113.5:4711", "203.0.113.5"),
        (1, "[2001:db8:1:2::5]:4711", "2001:db8:1:2::"),
        (1, "[2001:db8:1:2::5]", "2001:db8:1:2::"),
        (1, "2001:db8:1:2:a:b:c:d", "2001:db8:1:2::"),
        (1, "fe80::1%eth0", "fe80::"),
        (1, "::ffff:203.0.113.5", "203.0.113.5"),
        (1, "[nonsense]:1", "10.0.0.1"),
    ],
)
def test_of_the_forwarded_addresses_that_counts_which_our_outermost_proxy_wrote(
    proxies: int, forwarded: str, address: str
) -> None:
    variables = {"DB_PASSWORD": "x", "TRUSTED_PROXIES": str(proxies), "DJANGO_SETTINGS_MODULE": SETTINGS}
    result = fresh_process.run(fresh_process.print_client_ip, forwarded, **variables)

    assert (result.returncode, result.stdout) == (0, address), result.stderr


# --- the session ---


def test_a_session_lasts_eight_hours_from_login(browser: Client) -> None:
    answer = log_in(browser)

    assert answer.cookies["sessionid"]["max-age"] == 8 * 3600
    assert answer.cookies["sessionid"]["httponly"]
    ends_in = Session.objects.get().expire_date - timezone.now()
    assert timedelta(hours=7, minutes=59) < ends_in <= timedelta(hours=8)


def test_looking_at_pages_does_not_prolong_it(browser: Client) -> None:
    log_in(browser)
    ends = Session.objects.get().expire_date

    for path in (INDEX, url(Order), "/admin/unprocessed/", TWO_FACTOR):
        assert "sessionid" not in browser.get(path).cookies, path

    assert Session.objects.get().expire_date == ends


def test_a_session_that_is_over_opens_nothing(browser: Client) -> None:
    log_in(browser)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert not is_in(browser)


def test_hours_and_the_second_factor_come_from_the_environment() -> None:
    names = ("SESSION_COOKIE_AGE", "ADMIN_OTP_REQUIRED")

    assert settings_of(*names) == {"SESSION_COOKIE_AGE": 8 * 3600, "ADMIN_OTP_REQUIRED": False}
    assert settings_of("ADMIN_OTP_REQUIRED", **PRODUCTION) == {"ADMIN_OTP_REQUIRED": True}
    assert settings_of("ADMIN_OTP_REQUIRED", **PRODUCTION, ADMIN_OTP_REQUIRED="false") == {"ADMIN_OTP_REQUIRED": False}
    assert settings_of(*names, ADMIN_SESSION_HOURS="2", ADMIN_OTP_REQUIRED="true") == {
        "SESSION_COOKIE_AGE": 2 * 3600,
        "ADMIN_OTP_REQUIRED": True,
    }


def test_the_session_cookie_goes_over_https_only_in_production() -> None:
    assert settings_of("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", **PRODUCTION) == {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
    }
    assert django_settings.SESSION_COOKIE_SECURE is False
