"""What staff see and do of notifications to storefronts."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from notifications import delivery, endpoints, outbox
from notifications.models import DisabledWhy, Endpoint, EventType, Notification
from tests.support.factories import InstallationFactory, OrderFactory
from tests.support.listener import listening

pytestmark = pytest.mark.django_db(transaction=True)

LIST, ADD = "admin:notifications_endpoint_changelist", "admin:notifications_endpoint_add"
MESSAGES = "admin:notifications_notification_changelist"


@pytest.fixture
def endpoint() -> Endpoint:
    return endpoints.register(
        InstallationFactory.create(external_key="loja"), url="https://shop.example.com/told", event_types=[]
    )


def action(client: Client, row: Any, name: str) -> Any:
    """Press the button, and confirm."""
    url = f"{reverse(f'admin:notifications_{row._meta.model_name}_changelist')}{row.pk}/{name}/"
    asked = client.get(url)
    if asked.status_code != 200:
        return asked
    return client.post(url, follow=True)


def told(endpoint: Endpoint, number: int) -> Notification:
    with transaction.atomic():
        outbox.put(endpoint.installation_id, number, {EventType.ORDER_PAID: {}}, lambda: {"order_id": number})
    return Notification.objects.latest("pk")


def test_an_endpoint_is_registered_and_its_secret_shown_once(admin_client: Client) -> None:
    installation = InstallationFactory.create()
    body = {"installation": installation.pk, "url": "https://shop.example.com/told", "event_types": ["order.paid"]}
    shown = admin_client.post(reverse(ADD), body).content.decode()
    endpoint = Endpoint.objects.get()
    assert endpoint.secret in shown
    assert (endpoint.event_types, endpoint.installation_id) == (["order.paid"], installation.pk)
    for url in (reverse(LIST), reverse("admin:notifications_endpoint_change", args=[endpoint.pk])):
        page = admin_client.get(url).content.decode()
        assert "whsec_" not in page
        assert "https://shop.example.com/told" in page


def test_a_url_that_is_not_public_is_refused_in_the_readers_language(admin_client: Client) -> None:
    body = {"installation": InstallationFactory.create().pk, "url": "https://169.254.169.254/"}
    page = admin_client.post(reverse(ADD), body, headers={"Accept-Language": "pt-BR"}).content.decode()
    assert "não é público" in page
    assert not Endpoint.objects.exists()


def test_the_eleventh_endpoint_is_refused(admin_client: Client, endpoint: Endpoint) -> None:
    for number in range(9):
        endpoints.register(endpoint.installation, url=f"https://shop.example.com/{number}", event_types=[])
    body = {"installation": endpoint.installation_id, "url": "https://shop.example.com/more"}
    assert admin_client.post(reverse(ADD), body).status_code == 200
    assert Endpoint.objects.count() == 10


def test_of_two_who_register_the_tenth_at_once_one_is_refused(
    admin_client: Client, endpoint: Endpoint, race: Callable[..., list[Any]]
) -> None:
    for number in range(8):
        endpoints.register(endpoint.installation, url=f"https://shop.example.com/{number}", event_types=[])

    def register(number: int) -> str:
        client = Client()
        client.cookies = admin_client.cookies
        body = {"installation": endpoint.installation_id, "url": f"https://shop.example.com/tenth/{number}"}
        return str(client.post(reverse(ADD), body).content.decode())

    pages = race(register, times=2)

    assert sorted("whsec_" in page for page in pages) == [False, True]
    assert Endpoint.objects.count() == 10


def test_its_url_and_types_are_changed_also_if_there_are_ten(admin_client: Client, endpoint: Endpoint) -> None:
    for number in range(9):
        endpoints.register(endpoint.installation, url=f"https://shop.example.com/{number}", event_types=[])
    url = reverse("admin:notifications_endpoint_change", args=[endpoint.pk])
    body = {"url": "https://shop.example.com/new", "event_types": ["refund.completed", "order.paid"]}
    assert admin_client.post(url, body).status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.url == "https://shop.example.com/new"
    assert set(endpoint.event_types) == {"refund.completed", "order.paid"}


def test_it_is_switched_off_and_on_given_another_secret_and_deleted(admin_client: Client, endpoint: Endpoint) -> None:
    action(admin_client, endpoint, "switch-off")
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_why) == (False, DisabledWhy.BY_STAFF)
    action(admin_client, endpoint, "switch-on")
    old = endpoint.secret
    shown = action(admin_client, endpoint, "rotate-secret").content.decode()
    endpoint.refresh_from_db()
    assert endpoint.enabled
    assert endpoint.old_secret == old
    assert endpoint.secret in shown
    assert old not in shown
    action(admin_client, endpoint, "delete-endpoint")
    endpoint.refresh_from_db()
    assert endpoint.disabled_why == DisabledWhy.DELETED
    assert "shop.example.com" not in admin_client.get(reverse(LIST)).content.decode().partition("<main")[2]
    history = [str(entry) for entry in User.objects.get(username="admin").logentry_set.values_list("change_message")]
    assert len(history) == 4


def test_a_test_and_a_message_are_sent_again_and_shown_with_their_answer(admin_client: Client, settings: Any) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    order = OrderFactory.create()
    with listening() as listener:
        listener.text = b"thanks, we have it"
        endpoint = endpoints.register(order.installation, url=listener.url, event_types=[])
        assert action(admin_client, endpoint, "test").status_code == 200
        message = told(endpoint, order.appmax_order_id)
        delivery.deliver_due()
        assert action(admin_client, message, "send-again").status_code == 200
        delivery.deliver_due()
        assert [post.headers["webhook-id"] for post in listener.posts].count(message.message_id) == 2
    page = admin_client.get(reverse("admin:notifications_notification_change", args=[message.pk])).content.decode()
    assert "thanks, we have it" in page
    assert reverse("admin:orders_order_change", args=[order.pk]) in page
    found = admin_client.get(reverse(MESSAGES), {"q": f"#{order.appmax_order_id}"})
    assert found.context["cl"].result_count == 2


def test_the_filter_finds_endpoints_that_fail(admin_client: Client, endpoint: Endpoint) -> None:
    failing = endpoints.register(endpoint.installation, url="https://other.example.com/told", event_types=[])
    assert admin_client.get(reverse(LIST), {"failing": "yes"}).context["cl"].result_count == 0
    Endpoint.objects.filter(pk=failing.pk).update(failing_since="2026-01-01T00:00Z")
    assert admin_client.get(reverse(LIST), {"failing": "yes"}).context["cl"].result_count == 1


@pytest.mark.parametrize(("role", "may_manage"), [("Support", False), ("Finance", False), ("Administrator", True)])
def test_every_role_sends_again_and_only_administrators_manage(
    client: Client, endpoint: Endpoint, role: str, may_manage: bool
) -> None:
    user = User.objects.create_user("ana", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    message = told(endpoint, 1)
    assert client.get(reverse(LIST)).status_code == 200
    assert action(client, message, "send-again").status_code == 200
    assert action(client, endpoint, "test").status_code == 200
    assert Notification.objects.count() == 3
    expected = 200 if may_manage else 403
    for name in ("switch-off", "rotate-secret", "delete-endpoint"):
        assert client.get(f"{reverse(LIST)}{endpoint.pk}/{name}/").status_code == expected
    assert client.get(reverse(ADD)).status_code == expected
