"""The team: invitations, links to choose a password, roles that nobody can raise, and somebody who is always left."""

import gc
import re
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPAuthenticationError
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.tokens import default_token_generator as generator
from django.core import mail
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice import links
from backoffice.models import RoleSettings
from backoffice.tasks import mail_link
from tests.backoffice.conftest import PASSWORD, history_of, messages_of, on
from tests.backoffice.test_login import LOGIN, TWO_FACTOR, is_in, log_in
from tests.support.mail_server import receiving

pytestmark = pytest.mark.django_db

INVITE, FORGOT = "/admin/auth/user/add/", "/admin/forgot/"
NEW = "a-new-long-passphrase"


def role(name: str) -> Group:
    return Group.objects.get(name=name)


def invite(by: Client, name: str = "Support", **changes: Any) -> Any:
    data = {"email": "Maria@shop.example.com", "first_name": "Maria", "last_name": "Silva", "role": role(name).pk}
    return by.post(INVITE, {**data, **changes})


def link_in(answer: Any) -> str:
    """The link that the page shows, as a path."""
    found = re.search(r'<code id="new-link" class="code">([^<]+)</code>', answer.content.decode())
    assert found is not None
    assert found[1].startswith("http://")
    return urlsplit(found[1]).path


def choose(path: str, password: str = NEW, browser: Client | None = None) -> Any:
    """Open the link in a browser, and choose a password there."""
    browser = browser or Client(headers={"Accept-Language": "en"})
    page = browser.get(path, follow=True)
    if not page.redirect_chain:
        return page
    return browser.post(page.redirect_chain[-1][0], {"new_password1": password, "new_password2": password})


@pytest.fixture
def smtp(settings: Any) -> None:
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "smtp.example.com", "checkout@example.com"


# --- invitations ---


def test_without_smtp_the_inviter_is_shown_a_link_that_sets_a_password(eva: Client) -> None:
    path = link_in(invite(eva))
    maria = User.objects.get(username="maria@shop.example.com")
    assert (maria.is_staff, maria.is_superuser, maria.has_usable_password()) == (True, False, False)
    assert [group.name for group in maria.groups.all()] == ["Support"]

    answer = choose(path)

    assert (answer.status_code, answer["Location"]) == (302, LOGIN)
    browser = Client()
    log_in(browser, NEW, maria.username)
    assert is_in(browser)
    assert history_of(maria)[:3] == [
        "Invited: Support",
        "Link to choose a password shown",
        "Password chosen by a link",
    ]


def test_a_link_serves_once(eva: Client) -> None:
    path = link_in(invite(eva))
    choose(path)

    assert "doesn't work any more" in choose(path, "another-long-passphrase").content.decode()
    assert User.objects.get(first_name="Maria").check_password(NEW)


@pytest.mark.django_db(transaction=True)
def test_a_link_serves_once_even_in_a_race(eva: Client, race: Callable[..., list[Any]]) -> None:
    path = link_in(invite(eva))
    forms = [Client() for _ in range(4)]
    pages = [form.get(path, follow=True).redirect_chain[-1][0] for form in forms]

    def send(number: int) -> int:
        text = f"long-passphrase-of-{number}"
        return int(forms[number].post(pages[number], {"new_password1": text, "new_password2": text}).status_code)

    assert sorted(race(send, 4)) == [200, 200, 200, 302]
    assert history_of(User.objects.get(first_name="Maria")).count("Password chosen by a link") == 1


def test_a_link_ends_after_two_days(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = link_in(invite(eva))
    now = generator._now()
    monkeypatch.setattr(generator, "_now", lambda: now + timedelta(hours=48, seconds=1))  # as Django's own tests do

    assert "doesn't work any more" in choose(path).content.decode()


def test_a_new_link_ends_the_old_one(eva: Client) -> None:
    old = link_in(invite(eva))
    maria = User.objects.get(first_name="Maria")

    new = link_in(eva.post(on(maria, "new-link")))

    assert "doesn't work any more" in choose(old).content.decode()
    assert choose(new).status_code == 302


def test_who_is_deactivated_meanwhile_has_no_link(eva: Client) -> None:
    path = link_in(invite(eva))
    User.objects.filter(first_name="Maria").update(is_active=False)

    assert "doesn't work any more" in choose(path).content.decode()


def test_a_password_that_is_too_easy_is_refused_and_the_link_stays_good(eva: Client) -> None:
    path = link_in(invite(eva))

    assert choose(path, "12345678").status_code == 200
    assert choose(path).status_code == 302


def test_the_link_has_our_public_url_whatever_the_host_header_says(staff: Callable[..., Client], settings: Any) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "https://checkout.example.com", ["*"]
    eva = staff("Administrator", name="eva")

    page = eva.post(
        INVITE, {"email": "a@b.com", "first_name": "A", "role": role("Support").pk}, headers={"Host": "evil.example"}
    ).content.decode()

    assert "https://checkout.example.com/admin/password/" in page
    assert "evil.example" not in page


@pytest.mark.django_db(transaction=True)  # as no connection is held while the server is awaited
def test_a_mail_server_that_refuses_our_user_name_leaves_no_socket_open(settings: Any) -> None:
    ana = User.objects.create_user("ana", "ana@example.com", is_staff=True)
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = "checkout"

    with receiving(settings), pytest.raises(SMTPAuthenticationError):
        links.send(ana.pk, by=None, base="https://pay.example.com", language="pt-br")

    gc.collect()  # A socket that was left open warns here, and the test fails.


@pytest.mark.django_db(transaction=True)  # as no connection is held while the server is awaited
def test_with_smtp_the_worker_mails_the_link_and_the_inviter_does_not_see_it(smtp: None, eva: Client) -> None:
    answer = invite(eva)

    assert answer.status_code == 302
    [job] = ProcrastinateJob.objects.filter(task_name="backoffice.mail_link")
    assert "token" not in str(job.args)
    assert "shop.example.com" not in str(job.args)
    mail_link(**job.args)
    [sent] = mail.outbox
    assert sent.to == ["Maria@shop.example.com"]
    path = urlsplit(re.findall(r"http://\S+/admin/password/\S+", str(sent.body))[0]).path
    assert choose(path).status_code == 302


def test_two_who_invite_the_same_address_make_one_user(eva: Client) -> None:
    invite(eva)

    answer = invite(eva, email="maria@SHOP.example.com")

    assert "There is a user with this address already." in answer.content.decode()
    assert User.objects.filter(first_name="Maria").count() == 1


@pytest.mark.parametrize("email", ["", "maria", "maria@", "o'neil@shop.example.com", "a\0@b.com", "x" * 150 + "@b.com"])
def test_an_address_that_can_be_no_user_name_is_refused(eva: Client, email: str) -> None:
    answer = invite(eva, email=email)

    assert answer.status_code == 200
    assert not User.objects.filter(first_name="Maria").exists()


# --- roles that nobody can raise ---


@pytest.fixture
def higher(db: None) -> Group:
    """A role that may more than Administrators: delete webhook events."""
    group = Group.objects.create(name="Owner")
    group.permissions.set(Permission.objects.all())
    return group


def test_an_inviter_gives_no_role_above_the_own(eva: Client, higher: Group) -> None:
    assert "Owner" not in eva.get(INVITE).content.decode()

    answer = invite(eva, "Owner")

    assert answer.status_code == 200
    assert not User.objects.filter(first_name="Maria").exists()


def test_support_invites_nobody(staff: Callable[..., Client]) -> None:
    assert invite(staff("Support")).status_code == 403


def test_what_the_invitee_sends_beside_the_password_counts_for_nothing(eva: Client, higher: Group) -> None:
    browser = Client()
    page = browser.get(link_in(invite(eva)), follow=True)

    browser.post(
        page.redirect_chain[-1][0],
        {"new_password1": NEW, "new_password2": NEW, "role": higher.pk, "is_superuser": "on", "groups": higher.pk},
    )

    maria = User.objects.get(first_name="Maria")
    assert [group.name for group in maria.groups.all()] == ["Support"]
    assert not maria.is_superuser


def test_an_administrator_raises_neither_herself_nor_a_role(eva: Client, higher: Group) -> None:
    me = User.objects.get(username="eva")
    beyond = Permission.objects.get(content_type__app_label="webhooks", codename="delete_webhookevent")
    form = {"username": "eva", "is_active": "on", "is_staff": "on"}

    eva.post(on(me), {**form, "groups": [role("Administrator").pk, higher.pk]})
    eva.post(on(me), {**form, "groups": [role("Administrator").pk], "user_permissions": [beyond.pk]})
    eva.post(on(role("Administrator")), {"name": "Administrator", "permissions": [beyond.pk]})

    fresh = User.objects.get(username="eva")
    assert not fresh.has_perm("webhooks.delete_webhookevent")
    assert fresh.has_perm("auth.change_user")


def test_who_may_more_is_out_of_reach(eva: Client, higher: Group) -> None:
    boss = User.objects.create_user("boss", password=PASSWORD, is_staff=True)
    boss.groups.add(higher)

    assert eva.post(on(boss, "password"), {"password1": NEW, "password2": NEW}).status_code == 403
    assert eva.post(on(boss, "new-link")).status_code == 403
    assert eva.post(on(boss), {"username": "boss", "is_active": ""}).status_code == 403
    assert eva.post(on(higher), {"name": "Nobody"}).status_code == 403
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)


# --- somebody is always left ---


def test_the_last_who_looks_after_users_can_not_leave(eva: Client) -> None:
    me = User.objects.get(username="eva")

    for change in ({"is_active": ""}, {"is_staff": ""}, {"groups": [role("Finance").pk]}):
        form = {"username": "eva", "is_active": "on", "is_staff": "on", "groups": [role("Administrator").pk]}
        answer = eva.post(on(me), {name: value for name, value in {**form, **change}.items() if value}, follow=True)
        assert "Nobody would be left" in messages_of(answer)

    fresh = User.objects.get(username="eva")
    assert (fresh.is_active, fresh.is_staff, fresh.has_perm("auth.change_user")) == (True, True, True)


def test_the_last_role_that_looks_after_users_stays_as_it_is(eva: Client) -> None:
    group = role("Administrator")

    eva.post(on(group), {"name": "Administrator", "permissions": []})
    eva.post(on(group, "delete"), {"post": "yes"})

    assert User.objects.get(username="eva").has_perm("auth.change_user")


@pytest.mark.django_db(transaction=True)
def test_two_who_take_each_others_rights_away_leave_one(
    staff: Callable[..., Client], race: Callable[..., list[Any]]
) -> None:
    clients = [staff("Administrator", name=name) for name in ("eva", "eve")]
    users = [User.objects.get(username=name) for name in ("eva", "eve")]

    def demote(number: int) -> int:
        other = users[1 - number]
        form = {"username": other.username, "is_active": "on", "is_staff": "on", "groups": [role("Support").pk]}
        return int(clients[number].post(on(other), form).status_code)

    race(demote, 2)

    assert sum(User.objects.get(pk=user.pk).has_perm("auth.change_user") for user in users) == 1


# --- a second factor by role ---


def test_a_role_may_ask_for_a_second_factor(eva: Client, browser: Client) -> None:
    group = role("Support")
    kept = list(group.permissions.values_list("pk", flat=True))
    eva.post(on(group), {"name": "Support", "needs_second_factor": "on", "permissions": kept})
    assert RoleSettings.objects.get(group=group).needs_second_factor
    ana = User.objects.create_user("ana", password=PASSWORD, is_staff=True)
    ana.groups.add(group)

    log_in(browser, name="ana")

    assert not is_in(browser)
    assert browser.get("/admin/", follow=True).redirect_chain[-1][0].startswith(TWO_FACTOR)


def test_other_roles_are_not_asked(browser: Client) -> None:
    RoleSettings.objects.create(group=role("Administrator"), needs_second_factor=True)
    ana = User.objects.create_user("ana", password=PASSWORD, is_staff=True)
    ana.groups.add(role("Support"))

    log_in(browser, name="ana")

    assert is_in(browser)


# --- forgotten passwords ---


@pytest.fixture
def ana(db: None) -> User:
    user = User.objects.create_user("ana", "ana@shop.example.com", PASSWORD, is_staff=True)
    user.groups.add(role("Support"))
    return user


def jobs() -> list[dict[str, Any]]:
    rows = ProcrastinateJob.objects.filter(task_name="backoffice.mail_link").order_by("pk")
    return [dict(row.args) for row in rows]


@pytest.mark.parametrize("email", ["ana@shop.example.com", "ANA@shop.example.com", "nobody@shop.example.com"])
def test_the_answer_does_not_tell_whether_an_address_is_known(smtp: None, ana: User, email: str) -> None:
    browser = Client(headers={"Accept-Language": "en"})

    answer = browser.post(FORGOT, {"email": email})

    assert answer.status_code == 200
    assert "If a member of the team has this address" in answer.content.decode()
    assert email not in answer.content.decode()
    assert [job["user"] for job in jobs()] == [0 if "nobody" in email else ana.pk]


@pytest.mark.parametrize("columns", [{"is_active": False}, {"is_staff": False}])
def test_who_is_not_of_the_team_gets_no_mail(smtp: None, ana: User, columns: dict[str, bool]) -> None:
    User.objects.update(**columns)

    Client().post(FORGOT, {"email": ana.email})

    assert [job["user"] for job in jobs()] == [0]


@pytest.mark.django_db(transaction=True)  # as no connection is held while the server is awaited
def test_a_mailed_link_replaces_the_password_and_ends_all_sessions(smtp: None, ana: User) -> None:
    inside = Client()
    log_in(inside, name="ana")
    assert is_in(inside)
    Client().post(FORGOT, {"email": ana.email})
    [job] = jobs()
    mail_link(**job)
    path = urlsplit(re.findall(r"http://\S+/admin/password/\S+", str(mail.outbox[0].body))[0]).path

    choose(path)

    ana.refresh_from_db()
    assert ana.check_password(NEW)
    assert not is_in(inside)


def test_one_address_is_mailed_three_times_an_hour(smtp: None, ana: User) -> None:
    answers = [Client().post(FORGOT, {"email": ana.email}, REMOTE_ADDR=f"203.0.113.{each}") for each in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert [job["user"] for job in jobs()] == [ana.pk] * 3 + [0] * 2


def test_one_network_asks_ten_times_an_hour(smtp: None) -> None:
    codes = [Client().post(FORGOT, {"email": f"{each}@shop.example.com"}).status_code for each in range(11)]

    assert codes == [200] * 10 + [429]


def test_without_smtp_the_page_says_whom_to_ask(browser: Client, settings: Any, ana: User) -> None:
    settings.SUPPORT_EMAIL = "ajuda@shop.example.com"

    page = browser.post(FORGOT, {"email": ana.email}).content.decode()

    assert "Ask an administrator for a link" in page
    assert "ajuda@shop.example.com" in page
    assert jobs() == []
    assert f'href="{FORGOT}"' in browser.get(LOGIN).content.decode()
