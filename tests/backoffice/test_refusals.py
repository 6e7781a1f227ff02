"""Staff who open what they may not: the answer stays in the back office and says which roles may."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from orders.models import Order
from tests.backoffice.conftest import on, url
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db


def test_a_refused_page_has_the_menu_and_names_the_roles_that_may(staff: Callable[..., Client]) -> None:
    order = OrderFactory.create(status="aprovado")

    page = staff("Support").get(on(order, "refund"))

    text = page.content.decode()
    assert page.status_code == 403
    assert reverse("admin:orders_order_changelist") in text
    assert "This page needs one of these roles: Administrator, Finance." in text
    assert "You have the role Support." in text


def test_it_says_so_in_portuguese(staff: Callable[..., Client]) -> None:
    order = OrderFactory.create(status="aprovado")

    text = staff("Support", language="pt-BR").get(on(order, "refund")).content.decode()

    assert "Seu papel não dá acesso a esta página" in text
    assert "Esta página exige um destes papéis: Administrador, Financeiro." in text
    assert "Você tem o papel Suporte." in text


def test_roles_are_named_as_administrators_have_made_them(staff: Callable[..., Client]) -> None:
    Group.objects.get(name="Finance").permissions.remove(Permission.objects.get(codename="refund_order"))
    Group.objects.create(name="Refunds").permissions.add(Permission.objects.get(codename="refund_order"))

    text = staff("Support").get(on(OrderFactory.create(status="aprovado"), "refund")).content.decode()

    assert "these roles: Administrator, Refunds." in text


def test_one_role_is_one_role(staff: Callable[..., Client]) -> None:
    text = staff("Finance").get(url(User)).content.decode()

    assert "This page needs the role Administrator." in text


def test_to_see_a_list_the_permission_to_see_it_is_enough(staff: Callable[..., Client]) -> None:
    text = staff().get(url(Order)).content.decode()

    assert "these roles: Administrator, Finance, Support." in text
    assert "You have no role yet." in text


def test_a_refused_export_and_a_refused_form_are_explained_as_well(staff: Callable[..., Client]) -> None:
    order = OrderFactory.create(status="aprovado")
    ana = staff("Support")

    for answer in (ana.get(url(Order, "export", "csv")), ana.post(on(order, "refund"), {"amount": "1"})):
        assert answer.status_code == 403
        assert "these roles: Administrator, Finance." in answer.content.decode()


def test_what_no_role_may_is_promised_to_nobody(eva: Client, root: User) -> None:
    page = eva.post(on(root), {"username": "mine"})

    assert page.status_code == 403
    assert "No role opens this page." in page.content.decode()


def test_who_is_not_logged_in_is_asked_to_and_learns_nothing(client: Client) -> None:
    answer = client.get(url(Order))

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("admin:login"))


def test_remembering_a_refusal_lets_nobody_in(staff: Callable[..., Client]) -> None:
    user = User.objects.create_user("nobody", is_staff=True)

    assert not user.has_perm("orders.view_order")
    assert vars(user)["refused"] == ["orders.view_order"]


# --- the user menu ---


def menu(page: Any) -> list[tuple[str, str]]:
    return [(str(link["title"]), link["link"]) for link in page.context["account_links"]]


def test_the_user_menu_has_password_second_factor_language_and_the_way_out(staff: Callable[..., Client]) -> None:
    page = staff("Support").get(reverse("admin:index"))

    assert menu(page) == [
        ("Change password", reverse("admin:password_change")),
        ("Two-factor authentication", reverse("admin:two_factor")),
        ("Your sessions", f"{reverse('admin:backoffice_staffsession_changelist')}?open=yes"),
    ]
    text = page.content.decode()
    for expected in ('name="language" type="hidden" value="en"', 'value="pt-br"', 'id="logout-form"'):
        assert expected in text


def test_who_has_no_password_is_not_offered_to_change_it(staff: Callable[..., Client]) -> None:
    ana = staff("Support")
    user = User.objects.get(username="ana")
    user.set_unusable_password()
    user.save()
    ana.force_login(user)

    titles = [title for title, _link in menu(ana.get(reverse("admin:index")))]
    assert titles == ["Two-factor authentication", "Your sessions"]


def test_a_chosen_language_is_kept_for_a_year_and_wins_over_the_browsers(staff: Callable[..., Client]) -> None:
    ana = staff("Support", language="pt-BR")

    answer = ana.post(reverse("set_language"), {"language": "en", "next": reverse("admin:index")})

    assert answer["Location"] == reverse("admin:index")
    assert answer.cookies["django_language"]["max-age"] == 365 * 24 * 3600
    assert "Overview" in ana.get(reverse("admin:index")).content.decode()


# --- titles ---


@pytest.mark.parametrize("key", ["casa-do-cafe-01", "LOJA-azul"])
def test_a_key_keeps_its_spelling_in_the_title(admin_client: Client, key: str) -> None:
    order = OrderFactory.create(installation__external_key=key)

    text = admin_client.get(on(order.installation)).content.decode()

    assert f">{key}</a>" in text.partition("<h1")[2].partition("</h1>")[0]


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("axes_accessattempt", "Failed logins"),
        ("auth_group", "Roles"),
        ("otp_totp_totpdevice", "Authenticator apps"),
        ("backoffice_alert", "Alerts"),
        ("orders_order", "Orders"),
    ],
)
def test_a_list_is_called_as_in_the_menu(admin_client: Client, page: str, title: str) -> None:
    answer = admin_client.get(reverse(f"admin:{page}_changelist"), headers={"Accept-Language": "en"})
    text = answer.content.decode()

    heading = strip_tags("<h1" + text.partition("<h1")[2].partition("</h1>")[0])
    assert " ".join(heading.split()) == title
