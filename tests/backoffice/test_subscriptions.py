"""What staff see and do of subscriptions."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from orders.models import Order, Subscription
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.backoffice.conftest import history_of, messages_of, on, url
from tests.orders.conftest import store
from tests.orders.test_renewals import about, renew, send, work
from tests.orders.test_subscriptions import made, paid
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["made", "paid", "store"]


@pytest.fixture
def subscription(made: int) -> Subscription:
    return Subscription.objects.get(appmax_subscription_id=made)


@pytest.fixture
def fin(staff: Callable[..., Client]) -> Client:
    return staff("Finance", name="fin")


def test_the_list_says_what_is_charged_how_often_and_when(admin_client: Client, subscription: Subscription) -> None:
    Subscription.objects.update(value_cents=12990, completed_cycles=3, max_cycles=12, interval_count=2)
    page = admin_client.get(url(Subscription), headers={"Accept-Language": "en"}).content.decode()

    assert "R$" in page
    assert "129.90" in page
    for text in ("every 2 months", "3 of 12", "Active", str(subscription.first_order)):
        assert text in page


@pytest.mark.parametrize(
    ("query", "count"),
    [("status__exact=ACTIVE", 1), ("status__exact=PAUSED", 0), ("installation__id__exact=0", 0), ("q=no", 0)],
)
def test_the_list_is_filtered(admin_client: Client, subscription: Subscription, query: str, count: int) -> None:
    answer = admin_client.get(f"{url(Subscription)}?{query}")

    assert answer.context["cl"].result_count == count


def test_a_subscription_is_found_by_its_number_and_by_those_of_its_orders(
    admin_client: Client, subscription: Subscription, paid: int
) -> None:
    OrderFactory.create(appmax_order_id=paid + 5000)

    for term, count in ((subscription, 1), (paid, 1), (f"#{paid}", 1), (paid + 5000, 0)):
        assert admin_client.get(url(Subscription), {"q": str(term)}).context["cl"].result_count == count


def test_a_renewal_stands_beside_its_subscription_and_its_order_names_it(
    admin_client: Client, subscription: Subscription, paid: int, simulator: SimulatorServer
) -> None:
    number = renew(simulator, subscription.appmax_subscription_id)
    renew(simulator, subscription.appmax_subscription_id, declined=True)
    send("subscription_charge_success", about(subscription.appmax_subscription_id))
    work()
    renewal, first = (Order.objects.get(appmax_order_id=each) for each in (number, paid))

    page = admin_client.get(on(subscription), headers={"Accept-Language": "en"}).content.decode()

    assert f'<a href="{on(renewal)}" class="text-link">Order {number}</a>' in page
    assert f'<a href="{on(first)}" class="text-link">Order {paid}</a>' in page
    for text in ("Renewal 1: Paid", "Renewal 2: Failed", "First order: Paid", "Camiseta"):
        assert text in page
    for order, text in ((renewal, "renewal of"), (first, "first order of")):
        page = admin_client.get(on(order), headers={"Accept-Language": "en"}).content.decode()
        assert f'<a href="{on(subscription)}" class="text-link">{text} {subscription}</a>' in page


def test_an_order_without_a_subscription_says_nothing_of_one(admin_client: Client) -> None:
    assert "Subscription:" not in admin_client.get(on(OrderFactory.create())).content.decode()


def test_staff_pause_reactivate_and_cancel_as_the_api_does(
    fin: Client, subscription: Subscription, simulator: SimulatorServer
) -> None:
    def press(name: str, **form: str) -> Any:
        assert fin.get(on(subscription, name)).status_code == 200
        answer = fin.post(on(subscription, name), form, follow=True)
        subscription.refresh_from_db()
        return answer

    paused = press("pause", until="2040-09-01", reason="away")
    assert messages_of(paused) == "Appmax did it: the subscription is Paused."
    assert f"{subscription.paused_until:%Y-%m-%d}" == "2040-09-01"
    press("reactivate")
    assert (subscription.status, subscription.paused_until) == ("ACTIVE", None)
    press("cancel", reason="no more")
    assert subscription.status == "CANCELLED"
    remote = simulator.state.subscription(subscription.appmax_subscription_id)
    assert remote is not None
    assert remote.status == "CANCELLED"
    assert history_of(subscription) == ["Subscription paused", "Subscription reactivated", "Subscription cancelled"]


@pytest.mark.parametrize(
    ("status", "names"),
    [("ACTIVE", {"pause", "cancel"}), ("PAUSED", {"reactivate", "cancel"}), ("CANCELLED", set())],
)
def test_only_the_buttons_that_suit_the_status_are_there(
    fin: Client, subscription: Subscription, status: str, names: set[str]
) -> None:
    Subscription.objects.update(status=status)

    page = fin.get(on(subscription)).content.decode()

    assert {name for name in ("pause", "reactivate", "cancel") if on(subscription, name) in page} == names


def test_what_was_cancelled_meanwhile_is_told(fin: Client, subscription: Subscription) -> None:
    Subscription.objects.update(status="CANCELLED")

    assert "for good" in messages_of(fin.post(on(subscription, "pause"), {"reason": ""}, follow=True))


def test_a_pause_ends_on_a_day_that_is_still_to_come(fin: Client, subscription: Subscription) -> None:
    page = fin.post(on(subscription, "pause"), {"until": "2020-01-01"}).content.decode()

    assert "A day that is still to come." in page
    assert not history_of(subscription)


def test_what_appmax_refuses_is_told_and_noted(
    fin: Client, subscription: Subscription, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/subscriptions/", "PATCH", status=422, body={"message": "Agora não."}))

    answer = fin.post(on(subscription, "reactivate"), follow=True)

    assert "Agora não." in messages_of(answer)
    assert history_of(subscription) == ["Subscription not changed: Rejected"]


def test_support_sees_subscriptions_and_changes_none(staff: Callable[..., Client], subscription: Subscription) -> None:
    ana = staff("Support")

    page = ana.get(on(subscription))

    assert page.status_code == 200
    assert on(subscription, "cancel") not in page.content.decode()
    assert ana.post(on(subscription, "cancel")).status_code == 403
    subscription.refresh_from_db()
    assert subscription.status == "ACTIVE"
    may = Group.objects.filter(permissions__codename="manage_subscription").values_list("name", flat=True)
    assert set(may) == {"Finance", "Administrator"}


def test_the_pages_are_in_portuguese(admin_client: Client, subscription: Subscription) -> None:
    page = admin_client.get(on(subscription), headers={"Accept-Language": "pt-BR"}).content.decode()

    for text in ("Ativa", "todo mês", "Cobranças e seus pedidos", "Primeiro pedido: Paga", "Cancelar a assinatura"):
        assert text in page
