"""Sessions of staff are listed and ended, and all that staff do is in the team's log."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.models import StaffSession
from tests.backoffice.conftest import PASSWORD, on, url
from tests.backoffice.test_login import is_in, log_in

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
LIST = "/admin/backoffice/staffsession/"
NEW = "a-new-long-passphrase"


@pytest.fixture
def ana(db: None) -> User:
    user = User.objects.create_user("ana", password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name="Support"))
    return user


@pytest.fixture
def inside(ana: User) -> Client:
    """Her browser."""
    client = Client(headers={"Accept-Language": "en", "User-Agent": FIREFOX})
    log_in(client, name="ana")
    assert is_in(client)
    return client


def row(user: str = "ana") -> StaffSession:
    return StaffSession.objects.filter(user__username=user).latest("pk")


def test_a_login_is_kept_with_where_it_came_from(inside: Client) -> None:
    page = inside.get(LIST).content.decode()

    assert "Firefox · Linux" in page
    assert "127.0.0.1" in page
    assert "Open" in page


def test_the_session_key_is_on_no_page(inside: Client, eva: Client) -> None:
    key = row().session_key

    for path in (LIST, on(row())):
        for client in (inside, eva):
            assert str(key) not in client.get(path).content.decode()


def test_logging_out_ends_it(inside: Client, ana: User) -> None:
    inside.post("/admin/logout/")

    assert (row().session_key, row().ended_by) == (None, ana)


def test_one_sees_and_ends_only_the_own(inside: Client, root: User, browser: Client) -> None:
    log_in(browser)
    others = row("root")

    assert on(others) not in inside.get(LIST).content.decode()
    assert inside.post(on(others, "end")).status_code in (302, 403, 404)
    assert is_in(browser)


def test_an_administrator_ends_a_colleagues(inside: Client, eva: Client) -> None:
    answer = eva.post(on(row(), "end"), follow=True)

    assert "The session is over." in answer.content.decode()
    assert not is_in(inside)
    assert row().ended_by == User.objects.get(username="eva")
    assert LogEntry.objects.latest("pk").change_message == "Session ended: 127.0.0.1"


def test_an_administrator_does_not_end_a_superusers(eva: Client, root: User, browser: Client) -> None:
    log_in(browser)

    eva.post(on(row("root"), "end"))

    assert is_in(browser)


def test_one_ends_all_others_of_the_own(inside: Client, ana: User) -> None:
    elsewhere = Client()
    log_in(elsewhere, name="ana")

    inside.post(url(StaffSession, "end_others"))

    assert is_in(inside)
    assert not is_in(elsewhere)


def set_password(by: Client, user: User) -> Any:
    """On the page by which an administrator gives a user another password."""
    path = reverse("admin:auth_user_password_change", args=[user.pk])
    return by.post(path, {"password1": NEW, "password2": NEW, "usable_password": "true"})


def test_a_password_that_an_administrator_sets_ends_all_of_the_users_sessions(
    inside: Client, eva: Client, ana: User
) -> None:
    assert set_password(eva, ana).status_code == 302

    assert not is_in(inside)
    assert (row().session_key, row().ended_by) == (None, User.objects.get(username="eva"))


def test_an_administrator_who_sets_the_own_password_there_stays_in_and_is_out_everywhere_else(
    browser: Client, root: User
) -> None:
    log_in(browser)
    elsewhere = Client()
    log_in(elsewhere)

    assert set_password(browser, root).status_code == 302

    assert is_in(browser)
    assert not is_in(elsewhere)
    assert StaffSession.objects.filter(user=root, ended_at=None).count() == 1


def test_a_password_that_is_refused_ends_nothing(inside: Client, eva: Client, ana: User) -> None:
    path = reverse("admin:auth_user_password_change", args=[ana.pk])

    assert eva.post(path, {"password1": "short", "password2": "short", "usable_password": "true"}).status_code == 200

    assert is_in(inside)


def test_a_new_password_ends_the_others_and_keeps_this_one_endable(inside: Client, ana: User) -> None:
    elsewhere = Client()
    log_in(elsewhere, name="ana")

    inside.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})

    assert is_in(inside)
    assert not is_in(elsewhere)
    mine = StaffSession.objects.get(user=ana, ended_at=None)
    inside.post(on(mine, "end"))
    assert not is_in(inside)


def test_who_is_deactivated_is_out_at_once(inside: Client, eva: Client, ana: User) -> None:
    eva.post(on(ana), {"username": "ana", "is_staff": "on", "groups": [Group.objects.get(name="Support").pk]})

    assert not is_in(inside)
    assert not StaffSession.objects.filter(user=ana, ended_at=None).exists()


def test_a_session_that_has_expired_is_not_open(inside: Client, eva: Client, ana: User) -> None:
    Session.objects.filter(session_key=row().session_key).update(expire_date=timezone.now())

    assert "Expired" in eva.get(f"{LIST}?user__id__exact={ana.pk}").content.decode()
    assert on(row()) not in eva.get(f"{LIST}?open=yes").content.decode()


def test_last_seen_is_noted_once_a_minute_and_not_by_what_pages_ask_for_themselves(inside: Client) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    cache.clear()
    StaffSession.objects.update(seen_at=long_ago)

    inside.get("/admin/unprocessed/", headers={"Sec-Fetch-Mode": "cors"})
    assert row().seen_at == long_ago
    inside.get("/admin/")
    assert row().seen_at > long_ago
    StaffSession.objects.update(seen_at=long_ago)
    inside.get("/admin/")
    assert row().seen_at == long_ago


def test_the_list_of_users_says_when_each_was_last_seen(inside: Client, eva: Client) -> None:
    page = eva.get(url(User)).content.decode()

    assert "ana" in page
    assert "<time" in page


# --- the team's log ---


def test_the_log_says_who_did_what_and_is_exported(inside: Client, eva: Client) -> None:
    page = eva.get(url(LogEntry)).content.decode()
    assert "Logged in: 127.0.0.1" in page

    answer: Any = eva.get(url(LogEntry, "export", "csv"))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert any("Logged in: 127.0.0.1" in ",".join(line) for line in csv.reader(io.StringIO(text)))


def test_the_log_is_filtered_by_user(inside: Client, eva: Client, ana: User) -> None:
    LogEntry.objects.log_actions(User.objects.get(username="eva").pk, [ana], 2, "Something of hers", single_object=True)

    page = eva.get(f"{url(LogEntry)}?user__id__exact={ana.pk}").content.decode()

    assert "Logged in: 127.0.0.1" in page
    assert "Something of hers" not in page


@pytest.mark.parametrize("name", ["Support", "Finance"])
def test_only_administrators_see_the_log(staff: Callable[..., Client], name: str) -> None:
    client = staff(name, name="bob")

    assert client.get(url(LogEntry)).status_code == 403
    assert client.get(url(LogEntry, "export", "csv")).status_code == 403


def test_nobody_changes_the_log(root: User, browser: Client, inside: Client) -> None:
    log_in(browser)
    entry = LogEntry.objects.latest("pk")

    assert browser.post(on(entry, "delete"), {"post": "yes"}).status_code == 403
    assert LogEntry.objects.filter(pk=entry.pk).exists()
