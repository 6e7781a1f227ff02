"""Who may do what in the back office: three roles, and the fence around superusers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice import roles
from installations.models import ApiKey, Installation, Suspension
from orders.models import Order, PaymentAttempt, Question
from tests.backoffice.conftest import PASSWORD, make_job, on, url
from tests.support.factories import OrderFactory, QuestionFactory, WebhookEventFactory, api_key
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

SEEN = [Installation, ApiKey, Order, PaymentAttempt, Question, WebhookEvent, ProcrastinateJob]
EMAIL = "bia.lima@example.com"


@pytest.fixture
def rows() -> dict[type, Any]:
    """One of each that all roles see; the event's payload holds personal data."""
    order = OrderFactory.create(status="aprovado")
    WebhookEventFactory.create(
        appmax_order_id=order.appmax_order_id,
        payload={"event": "order_paid", "data": {"order_id": order.appmax_order_id, "customer": {"email": EMAIL}}},
    )
    api_key(order.installation)
    PaymentAttempt.objects.create(order=order, method="pix", fingerprint="")
    QuestionFactory.create(appmax_order_id=order.appmax_order_id, installation=order.installation)
    make_job()
    return {model: model._default_manager.get() for model in SEEN}


def permissions_of(group: Group) -> set[str]:
    found = group.permissions.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}" for each in found}


# --- the roles ---


def test_migrating_makes_three_roles_that_may_do_exactly_what_is_written() -> None:
    Group.objects.all().delete()
    call_command("migrate", "backoffice", "zero", verbosity=0)

    call_command("migrate", "backoffice", verbosity=0)

    assert {group.name: permissions_of(group) for group in Group.objects.all()} == {
        name: set(permissions) for name, permissions in roles.ROLES.items()
    }


def test_each_role_may_do_all_that_the_one_below_may() -> None:
    support, finance, administrator = (set(roles.ROLES[name]) for name in ("Support", "Finance", "Administrator"))

    assert support < finance < administrator


def test_nobody_may_add_change_or_delete_evidence() -> None:
    evidence = ("installation", "order", "paymentattempt", "question", "webhookevent", "procrastinatejob")
    forbidden = {f"{verb}_{model}" for verb in ("add", "change", "delete") for model in evidence}

    assert not {name.partition(".")[2] for name in roles.ROLES["Administrator"]} & forbidden


def test_a_role_that_was_changed_stays_as_the_administrators_want_it(staff: Callable[..., Client]) -> None:
    support = Group.objects.get(name="Support")
    support.permissions.set(Permission.objects.filter(codename="view_order"))

    roles.make()

    assert permissions_of(support) == {"orders.view_order"}


def test_a_role_of_the_administrators_own_is_left_alone(staff: Callable[..., Client]) -> None:
    own = Group.objects.create(name="Auditors")
    own.permissions.set(Permission.objects.filter(codename="view_order"))

    roles.make()

    assert permissions_of(own) == {"orders.view_order"}
    assert Group.objects.count() == 4


def test_a_role_that_was_deleted_is_made_anew(staff: Callable[..., Client]) -> None:
    Group.objects.get(name="Support").delete()

    roles.make()

    assert permissions_of(Group.objects.get(name="Support")) == set(roles.ROLES["Support"])


def test_a_permission_that_no_model_has_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"orders\.fly_order"):
        roles._permissions(["orders.view_order", "orders.fly_order"])


# --- support ---


@pytest.mark.parametrize("model", SEEN)
def test_support_sees_every_list_and_page_of_the_business(
    staff: Callable[..., Client], rows: dict[type, Any], model: Any
) -> None:
    ana = staff("Support")

    assert ana.get(url(model)).status_code == 200
    assert ana.get(on(rows[model])).status_code == 200
    assert ana.get(on(rows[model], "history")).status_code == 200


@pytest.mark.parametrize(
    "name", ["auth_user", "auth_group", "otp_totp_totpdevice", "axes_accessattempt"], ids=lambda name: name
)
def test_only_administrators_see_staff_and_how_they_log_in(staff: Callable[..., Client], name: str) -> None:
    lists = reverse(f"admin:{name}_changelist")

    assert staff("Support", name="ana").get(lists).status_code == 403
    assert staff("Finance", name="rui").get(lists).status_code == 403
    assert staff("Administrator", name="eva").get(lists).status_code == 200


def actions(rows: dict[type, Any], *wanted: str) -> list[str]:
    """URLs of these actions: "orders.order/refund"."""
    by_label = {row._meta.label_lower: row for row in rows.values()}
    return [on(by_label[label], action) for label, _, action in (each.partition("/") for each in wanted)]


SUPPORTS = ("orders.order/reconcile", "orders.order/panel", "webhooks.webhookevent/reprocess")
FINANCES = ("orders.order/refund", "orders.order/tracking")
ADMINISTRATORS = tuple(
    f"installations.installation/{each}" for each in ("check", "issue-key", "reconnect", "disable", "enable")
)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("Support", SUPPORTS, FINANCES + ADMINISTRATORS),
        ("Finance", SUPPORTS + FINANCES, ADMINISTRATORS),
        ("Administrator", SUPPORTS + FINANCES + ADMINISTRATORS, ()),
    ],
)
def test_each_role_has_its_actions_and_no_others(
    staff: Callable[..., Client], rows: dict[type, Any], role: str, may: tuple[str, ...], may_not: tuple[str, ...]
) -> None:
    ana = staff(role)

    for path in actions(rows, *may):
        assert ana.get(path).status_code == 200, path
    for path in actions(rows, *may_not):
        assert ana.get(path).status_code == 403, path
        form = {"kind": "total", "once": "x", "code": "x", "name": "x", "reason": "x"}
        assert ana.post(path, form).status_code == 403, path
    if may_not:
        assert ApiKey.objects.count() == 1
        assert not Suspension.objects.exists()


@pytest.mark.parametrize("role", ["Support", "Finance", "Administrator"])
def test_a_page_offers_what_its_reader_may_do_and_nothing_else(
    staff: Callable[..., Client], rows: dict[type, Any], role: str
) -> None:
    ana = staff(role)
    pages = "".join(ana.get(on(rows[model])).content.decode() for model in (Order, Installation, WebhookEvent))

    for path in actions(rows, *SUPPORTS):
        assert f'href="{path}"' in pages
    for path in actions(rows, *FINANCES):
        assert (f'href="{path}"' in pages) == (role != "Support"), path
    for path in actions(rows, *ADMINISTRATORS[:4]):
        assert (f'href="{path}"' in pages) == (role == "Administrator"), path


@pytest.mark.parametrize("model", [Order, WebhookEvent])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_support_may_not_take_lists_away(
    staff: Callable[..., Client], rows: dict[type, Any], model: Any, form: str
) -> None:
    path = url(model, "export", form)

    assert staff("Support", name="ana").get(path).status_code == 403
    answer = staff("Finance", name="rui").get(path)
    assert (answer.status_code, bool(answer.getvalue())) == (200, True)


def test_a_list_offers_files_only_to_those_who_may_have_them(
    staff: Callable[..., Client], rows: dict[type, Any]
) -> None:
    path = url(Order, "export", "csv")

    assert path not in staff("Support", name="ana").get(url(Order)).content.decode()
    assert path in staff("Finance", name="rui").get(url(Order)).content.decode()


@pytest.mark.parametrize("role", ["Support", "Finance"])
def test_keys_are_the_administrators_to_make_change_and_delete(
    staff: Callable[..., Client], rows: dict[type, Any], role: str
) -> None:
    ana, key = staff(role), rows[ApiKey]

    assert ana.get(url(ApiKey, "add")).status_code == 403
    assert ana.post(url(ApiKey, "add"), {"name": "x"}).status_code == 403
    assert ana.post(on(key), {"name": "other", "revoked": "on"}).status_code == 403
    assert ana.post(on(key, "delete"), {"post": "yes"}).status_code == 403
    assert list(ApiKey.objects.values_list("name", "revoked")) == [("test", False)]


@pytest.mark.parametrize(("role", "in_full"), [("Support", False), ("Finance", False), ("Administrator", True)])
def test_only_administrators_see_personal_data_in_full(
    staff: Callable[..., Client], rows: dict[type, Any], role: str, in_full: bool
) -> None:
    page = staff(role).get(on(rows[WebhookEvent])).content.decode()

    assert (EMAIL in page) == in_full
    assert "order_paid" in page


def test_staff_without_a_role_get_in_and_see_nothing(staff: Callable[..., Client], rows: dict[type, Any]) -> None:
    ana = staff()

    assert ana.get(reverse("admin:index")).status_code == 200
    for model in SEEN:
        assert ana.get(url(model)).status_code == 403
        assert ana.get(on(rows[model])).status_code == 403


@pytest.mark.parametrize("column", ["is_staff", "is_active"])
def test_a_role_alone_lets_nobody_in(staff: Callable[..., Client], column: str) -> None:
    ana = staff("Administrator")
    User.objects.update(**{column: False})

    answer = ana.get(url(Order))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))


# --- superusers ---


@pytest.fixture
def eva(staff: Callable[..., Client]) -> Client:
    """An administrator who is no superuser."""
    return staff("Administrator", name="eva")


@pytest.fixture
def root() -> User:
    """A superuser."""
    return User.objects.create_superuser("root", password=PASSWORD)


def user_form(user: User, **changes: Any) -> dict[str, Any]:
    """What the user's page posts."""
    joined = user.date_joined
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
        **changes,
    }


def test_an_administrator_looks_after_staff(eva: Client) -> None:
    support = Group.objects.get(name="Support")
    form = {"email": "novo@b.com", "first_name": "Novo", "role": Group.objects.get(name="Finance").pk}
    assert eva.post(url(User, "add"), form).status_code == 200  # It shows the link.
    new = User.objects.get(username="novo@b.com")

    assert eva.post(on(new), user_form(new, groups=[support.pk])).status_code == 302

    new.refresh_from_db()
    assert (new.is_staff, new.is_superuser, list(new.groups.all())) == (True, False, [support])


@pytest.mark.parametrize("name", ["eva", "novo"])
def test_an_administrator_makes_nobody_a_superuser(eva: Client, name: str) -> None:
    user = User.objects.filter(username=name).first() or User.objects.create_user(name, is_staff=True)

    groups = list(user.groups.values_list("pk", flat=True))
    answer = eva.post(on(user), user_form(user, is_superuser="on", first_name="Changed", groups=groups))

    user.refresh_from_db()
    assert answer.status_code == 302
    assert (user.first_name, user.is_superuser) == ("Changed", False)


def test_a_new_user_is_no_superuser_whatever_the_form_says(eva: Client) -> None:
    form = {"email": "novo@b.com", "first_name": "Novo", "role": Group.objects.get(name="Support").pk}

    eva.post(url(User, "add"), {**form, "is_superuser": "on", "is_staff": "on"})

    assert not User.objects.get(username="novo@b.com").is_superuser


def test_an_administrator_may_not_change_a_superuser(eva: Client, root: User) -> None:
    assert eva.post(on(root), user_form(root, first_name="Changed")).status_code == 403

    root.refresh_from_db()
    assert root.first_name == ""


def test_an_administrator_may_not_set_a_superusers_password(eva: Client, root: User) -> None:
    path = reverse("admin:auth_user_password_change", args=[root.pk])
    new = {"password1": "another horse battery", "password2": "another horse battery", "usable_password": "true"}

    assert eva.get(path).status_code == 403
    assert eva.post(path, new).status_code == 403

    root.refresh_from_db()
    assert root.check_password(PASSWORD)


def test_an_administrator_may_not_delete_a_superuser_from_the_page_or_the_list(eva: Client, root: User) -> None:
    assert eva.post(on(root, "delete"), {"post": "yes"}).status_code == 403
    eva.post(url(User), {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"})

    assert User.objects.filter(pk=root.pk).exists()


def test_an_administrator_may_not_take_a_superusers_second_factor_away(eva: Client, root: User) -> None:
    device = TOTPDevice.objects.create(user=root, name="app", confirmed=True)
    mine = TOTPDevice.objects.create(user=User.objects.get(username="eva"), name="app", confirmed=False)

    assert eva.post(on(device, "delete"), {"post": "yes"}).status_code == 403
    eva.post(url(TOTPDevice), {"action": "delete_selected", "_selected_action": [device.pk], "post": "yes"})
    assert eva.post(on(mine, "delete"), {"post": "yes"}).status_code == 302

    assert list(TOTPDevice.objects.all()) == [device]


def test_a_superuser_may(root: User, client: Client) -> None:
    client.force_login(root)
    other = User.objects.create_superuser("other", password=PASSWORD)

    client.post(on(other), user_form(other, first_name="Changed", is_superuser="on"))

    other.refresh_from_db()
    assert (other.first_name, other.is_superuser) == ("Changed", True)


def test_a_users_page_shows_no_hash(eva: Client) -> None:
    user = User.objects.get(username="eva")

    page = eva.get(on(user)).content.decode()

    assert user.password.rpartition("$")[2] not in page
