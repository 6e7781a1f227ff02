"""The list of merchants, ordered by what fails today, by silence and by volume. The worker keeps its figures."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice import merchant_figures
from backoffice.models import MerchantFigures
from backoffice.tasks import refresh_merchants
from installations.models import Installation
from orders.models import AttemptState, Order, PaymentAttempt, Refund
from orders.status import PAID_AND_KEPT, OrderStatus, RefundState
from tests.backoffice.conftest import url
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=timezone.get_default_timezone())


def order(shop: Installation, at: datetime = NOW, **columns: Any) -> Order:
    row: Order = OrderFactory.create(installation=shop, **{"status": "aprovado", "total_cents": 10_050, **columns})
    Order.objects.filter(pk=row.pk).update(created_at=at)
    return row


def attempt(of: Order, state: AttemptState, at: datetime = NOW) -> None:
    settled_at = None if state in (AttemptState.STARTED, AttemptState.UNKNOWN) else at
    PaymentAttempt.objects.create(
        order=of, method="credit_card", state=state, fingerprint="", started_at=at, settled_at=settled_at
    )


def event(shop: Installation | None, at: datetime, name: str = "customer_contacted", **columns: Any) -> WebhookEvent:
    row: WebhookEvent = WebhookEventFactory.create(
        installation=shop, created_at=at, event=name, processed=True, processed_at=at, **columns
    )
    return row


def daily(shop: Installation, number: int, *, until: datetime, hour: int = 12, **columns: Any) -> None:
    """So many events at this hour of each of 28 days, up to the day of `until`."""
    for back in range(28):
        at = (until - timedelta(days=back)).replace(hour=hour, minute=0)
        for _ in range(number):
            event(shop, at, **columns)


def figures(shop: Installation, now: datetime = NOW) -> MerchantFigures:
    merchant_figures.refresh(now)
    return MerchantFigures.objects.get(installation=shop)


def keys(client: Client, **query: str) -> list[str]:
    return [row.external_key for row in client.get(url(Installation), query).context["cl"].result_list]


def link(client: Client, title: str) -> str:
    """The URL of the link that orders the list so."""
    orders = client.get(url(Installation)).context["cl"].orders
    return {text: str(query) for text, query, _ in orders}[title]


# --- what is kept ---


def test_failing_are_todays_attempts_after_which_nobody_has_paid() -> None:
    shop = InstallationFactory.create()
    for state in AttemptState:
        attempt(order(shop), state)
    attempt(order(shop), AttemptState.DECLINED, NOW.replace(hour=0, minute=0))
    attempt(order(shop), AttemptState.DECLINED, NOW.replace(hour=0, minute=0) - timedelta(microseconds=1))
    attempt(order(InstallationFactory.create()), AttemptState.FAILED)

    kept = figures(shop)

    assert (kept.failed_today, kept.tried_today) == (4, 6)


@pytest.mark.parametrize("status", OrderStatus.values)
def test_volume_is_what_the_months_shoppers_paid_and_nobody_took_back(status: str) -> None:
    shop = InstallationFactory.create()
    row = order(shop, status=status)
    order(shop, NOW.replace(day=1, hour=0) - timedelta(microseconds=1))
    Refund.objects.create(order=row, amount_cents=50, state=RefundState.CONFIRMED, settled_at=NOW)
    Refund.objects.create(order=row, amount_cents=7, state=RefundState.ASKED)

    assert figures(shop).month_cents == (10_000 if status in PAID_AND_KEPT else 0)


def test_silence_is_measured_by_what_usually_comes() -> None:
    busy, sleepy, new = InstallationFactory.create_batch(3)
    daily(busy, 4, until=NOW - timedelta(days=1))
    daily(sleepy, 1, until=NOW - timedelta(days=1))
    event(new, NOW)

    assert figures(busy).missed_webhooks == pytest.approx(4 * 2, abs=0.5)  # yesterday at 12 o'clock, and today
    assert figures(sleepy).missed_webhooks == pytest.approx(2, abs=0.5)
    kept = figures(new)
    assert (kept.last_webhook_at, kept.missed_webhooks) == (NOW, None)


def test_a_payment_is_counted_once_although_it_is_told_twice() -> None:
    shop = InstallationFactory.create()
    at = NOW - timedelta(days=1)
    for name, outcome in (("order_paid_by_pix", "applied"), ("order_approved", "ignored"), ("order_paid", "duplicate")):
        event(shop, at, name, appmax_order_id=31, outcome=outcome)
    event(shop, at + timedelta(hours=1), "order_paid", appmax_order_id=32, outcome="refuted")

    kept = figures(shop)

    assert kept.payments is not None
    assert kept.payments.per_day == 1
    assert kept.last_payment_at == at


def test_a_payment_of_this_minute_is_the_last_one() -> None:
    shop = InstallationFactory.create()
    event(shop, NOW - timedelta(days=3), "order_paid", outcome="applied")
    assert figures(shop).last_payment_at == NOW - timedelta(days=3)

    event(shop, NOW + timedelta(seconds=30), "order_paid", outcome="applied")

    assert figures(shop, NOW + timedelta(minutes=1)).last_payment_at == NOW + timedelta(seconds=30)
    assert figures(shop, NOW + timedelta(hours=1)).last_payment_at == NOW + timedelta(seconds=30)


def test_a_payment_while_the_worker_was_away_is_not_missed() -> None:
    shop = InstallationFactory.create()
    figures(shop)
    event(shop, NOW + timedelta(minutes=5), "order_paid", outcome="applied")

    assert figures(shop, NOW + timedelta(hours=5)).last_payment_at == NOW + timedelta(minutes=5)


def test_the_rhythm_is_learnt_once_a_day() -> None:
    shop = InstallationFactory.create()
    daily(shop, 1, until=NOW - timedelta(days=1))
    assert figures(shop).webhooks is not None
    WebhookEvent.objects.all().delete()

    with CaptureQueriesContext(connection) as queries:
        assert figures(shop, NOW + timedelta(minutes=1)).webhooks is not None
    assert len(queries) < 10

    assert figures(shop, NOW + timedelta(days=1)).webhooks is None


def test_a_merchant_who_came_since_is_learnt_at_once() -> None:
    figures(InstallationFactory.create())
    shop = InstallationFactory.create()
    daily(shop, 2, until=NOW - timedelta(days=1))

    kept = figures(shop, NOW + timedelta(minutes=1))

    assert kept.webhooks is not None
    assert kept.webhooks.per_day == 2


def test_the_worker_refreshes_what_is_kept() -> None:
    shop = InstallationFactory.create()

    refresh_merchants(0)

    assert timezone.now() - MerchantFigures.objects.get(installation=shop).refreshed_at < timedelta(minutes=1)


def test_a_refresh_costs_the_same_queries_however_many_merchants() -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            merchant_figures.refresh(NOW)
        return len(queries)

    order(InstallationFactory.create())
    few = cost()
    for shop in InstallationFactory.create_batch(20):
        attempt(order(shop), AttemptState.DECLINED)

    assert cost() == few


# --- what is shown ---


def test_the_list_is_ordered_by_failures_silence_and_volume(eva: Client) -> None:
    now = timezone.now()
    names = ("calm", "failing", "silent", "rich")
    calm, failing, silent, rich = (InstallationFactory.create(external_key=name) for name in names)
    order(calm, now)
    for _ in range(2):
        attempt(order(failing, now, status="cancelado"), AttemptState.DECLINED, now)
    attempt(order(calm, now), AttemptState.SUCCEEDED, now)
    daily(silent, 3, until=now - timedelta(days=14))
    order(rich, now, total_cents=99_000_000)
    InstallationFactory.create(external_key="without figures")
    merchant_figures.refresh(now)
    MerchantFigures.objects.filter(installation__external_key="without figures").delete()

    first = {title: keys_at(eva, link(eva, title))[0] for title in ("Failing today", "Silent", "Volume", "Newest")}

    assert first == {"Failing today": "failing", "Silent": "silent", "Volume": "rich", "Newest": "without figures"}
    assert len(keys_at(eva, link(eva, "Volume"))) == 5


def keys_at(client: Client, query: str) -> list[str]:
    return [row.external_key for row in client.get(url(Installation) + query).context["cl"].result_list]


def test_a_row_says_what_fails_and_links_to_it(eva: Client) -> None:
    shop, now = InstallationFactory.create(), timezone.now()
    attempt(order(shop, now), AttemptState.DECLINED, now)
    attempt(order(shop, now), AttemptState.SUCCEEDED, now)
    merchant_figures.refresh(now)

    page = eva.get(url(Installation)).content.decode()

    assert ">1 of 2</a>" in page
    assert f"order__installation__id__exact={shop.pk}" in page


def test_an_unusual_silence_is_marked_and_a_usual_one_is_not(eva: Client) -> None:
    now = timezone.now()
    daily(InstallationFactory.create(external_key="silent"), 5, until=now - timedelta(days=14))
    daily(InstallationFactory.create(external_key="small"), 1, until=now - timedelta(days=2))
    merchant_figures.refresh(now)

    page = eva.get(url(Installation)).content.decode()

    assert page.count("unusual: ") == 1


def test_figures_of_yesterday_are_not_shown_as_todays(eva: Client) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    attempt(order(InstallationFactory.create(), yesterday), AttemptState.DECLINED, yesterday)
    merchant_figures.refresh(yesterday)

    page = eva.get(url(Installation)).content.decode()

    assert "1 of 1" not in page
    assert "R$100.50" not in page


def test_a_list_before_the_first_refresh_has_no_figures(eva: Client) -> None:
    OrderFactory.create(installation__external_key="loja")

    assert keys(eva) == ["loja"]
    assert keys(eva, o="-2") == ["loja"]


def test_the_list_costs_the_same_queries_however_long(eva: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert eva.get(url(Installation)).status_code == 200
        return len(queries)

    order(InstallationFactory.create())
    merchant_figures.refresh(timezone.now())
    eva.get(url(Installation))  # content types and the like are kept from now on
    few = cost()
    for shop in InstallationFactory.create_batch(27):
        order(shop)
    merchant_figures.refresh(timezone.now())

    assert cost() == few
