"""The overview: each figure, the list behind it, and who sees it."""

import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import timezone, translation

from backoffice.overview.figures import Figures
from backoffice.overview.figures import collect as of_period
from backoffice.overview.period import Period
from installations.models import Installation
from orders.models import OPEN, AttemptState, Order, PaymentAttempt
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 3, 11, 15, 30, tzinfo=SAO_PAULO)  # a Wednesday
MIDNIGHT = NOW.replace(hour=0, minute=0)
PAGE = reverse("admin:index")
MICROSECOND = timedelta(microseconds=1)


def order(at: datetime = NOW, **columns: Any) -> Order:
    row: Order = OrderFactory.create(created_at=at, updated_at=at, **columns)
    return row


def attempt(
    of: Order, state: AttemptState = AttemptState.SUCCEEDED, *, method: str = "credit_card", seconds: int = 2
) -> PaymentAttempt:
    settled_at = None if state in OPEN else of.created_at + timedelta(seconds=seconds)
    return PaymentAttempt.objects.create(
        order=of, method=method, state=state, fingerprint="", started_at=of.created_at, settled_at=settled_at
    )


def event(at: datetime = NOW, *, processed: bool = True, **columns: Any) -> WebhookEvent:
    row: WebhookEvent = WebhookEventFactory.create(
        created_at=at,
        processed=processed,
        processed_at=at if processed else None,
        **{"appmax_order_id": None, **columns},
    )
    return row


def told(of: Order, seconds: float, name: str = "order_paid_by_pix", **columns: Any) -> WebhookEvent:
    """An event about an order, this long after it."""
    at = of.created_at + timedelta(seconds=seconds)
    return event(at, event=name, appmax_order_id=of.appmax_order_id, **columns)


def page(client: Client, language: str = "en", **query: Any) -> Any:
    answer = client.get(PAGE, query, headers={"accept-language": language})
    assert answer.status_code == 200
    return answer


def cards(answer: Any) -> dict[str, Any]:
    return {card.title: card for card in answer.context["cards"]}


def charts(answer: Any) -> dict[str, Any]:
    return {chart.title: chart for chart in answer.context["charts"]}


def rows(part: Any) -> dict[str, str]:
    return {row.label: row.text for row in part.rows}


def spans() -> dict[str, tuple[float, int]]:
    return {span["method"]: (span["median"], span["payments"]) for span in collect(7, NOW)["spans"]}


def collect(days: int, now: datetime, merchant: int | None = None) -> Figures:
    """The figures of the last days."""
    today = timezone.localdate(now)
    return of_period(Period(today - timedelta(days=days - 1), today), now, merchant)


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture
def trade() -> None:
    """Some of everything, today and before."""
    now = timezone.now()
    shop = InstallationFactory.create()
    for days, method, status, state in (
        (0, "credit_card", "aprovado", "succeeded"),
        (0, "credit_card", "integrado", "succeeded"),
        (0, "credit_card", "cancelado", "declined"),
        (0, "pix", "aprovado", "succeeded"),
        (1, "pix", "pendente", "succeeded"),
        (2, "pix", "estornado", "succeeded"),
        (3, "boleto", "pendente_integracao", "succeeded"),
        (20, "boleto", "aprovado", "succeeded"),
        (40, "boleto", "aprovado", "succeeded"),
    ):
        row = order(
            now - timedelta(days=days),
            installation=shop,
            payment_method=method,
            status=status,
            total_cents=10_000 + 100 * days,
        )
        attempt(row, AttemptState(state), method=method)
    told(Order.objects.filter(payment_method="pix", status="aprovado").get(), 0.5)
    for hours in (1, 2, 30):
        at = now - timedelta(hours=hours)
        event(at)
        event(at, outcome="ignored")
        event(at, outcome="duplicate")
        event(at, processed=False, outcome="failed")
        event(at, processed=False, outcome="waiting")
    event(now - timedelta(hours=3), outcome="duplicate")
    sunday = timezone.localtime(now) - timedelta(days=timezone.localtime(now).weekday() + 1)
    InstallationFactory.create(installed_at=sunday - timedelta(weeks=3))


def test_cards_say_it_in_words(admin_client: Client, trade: None) -> None:
    shown = cards(page(admin_client))

    assert {title: card.main and re.sub("<.*?>", "", str(card.main.text)) for title, card in shown.items()} == {
        "Orders": "7",
        "Net revenue": "R$403.00",
        "Pix conversion": "66.7%",
        "Boleto conversion": "100%",
        "Card approval": "66.7%",
        "From order to payment": None,
        "Money in doubt now": None,
        "Oldest unprocessed event": "1 hour ago",
    }
    assert rows(shown["Orders"]) == {"Paid": "5"}
    assert rows(shown["Net revenue"]) == {
        "Total paid": "R$505.00",
        "Refunded in full or lost": "R$102.00",
        "Refunded in part": "R$0.00",
        "In a chargeback": "R$0.00",
    }
    assert rows(shown["Card approval"]) == {"Approved": "2", "Declined": "1"}
    assert rows(shown["From order to payment"]) == {
        "Credit card": "2 seconds",
        "Credit card, 9 of 10 within": "2 seconds",
        "Pix": "< 1 s",
        "Pix, 9 of 10 within": "< 1 s",
    }
    assert shown["From order to payment"].note == "Median of the newest 3 payments."


def test_without_rows_there_is_nothing_to_divide_by(admin_client: Client) -> None:
    shown = cards(page(admin_client))

    assert shown["Orders"].main.text == "0"
    assert shown["Pix conversion"].main.text == shown["Card approval"].main.text == "–"
    assert shown["Oldest unprocessed event"].main.text == "None waits"
    assert shown["From order to payment"].note == "No payments yet."


def test_charts_say_it_beside_and_below(admin_client: Client, trade: None) -> None:
    answer = page(admin_client)
    text = answer.content.decode()

    for chart in answer.context["charts"]:
        data = json.loads(chart.data)
        numbers = [[int(re.sub(r"\D", "", figure.text)) for figure in line] for _, line in reversed(chart.table)]
        scale = 100 if chart.is_money else 1
        assert len(data["labels"]) == len(numbers)
        for place, dataset in enumerate(data["datasets"]):
            assert [round(value * scale) for value in dataset["data"]] == [line[place] for line in numbers]
        assert json.loads(chart.options)["locale"] == "en"
    assert rows(charts(answer)["Orders per day"]).items() >= {"Credit card": "3", "Pix": "3", "Boleto": "1"}.items()
    assert rows(charts(answer)["Orders per day"])["Most"].startswith("4 (")
    assert rows(charts(answer)["Events per hour, last 24 hours"])["Most"].startswith("5 (")
    assert text.count('role="img" aria-label="') == len(answer.context["charts"]) == 4
    assert 'aria-label="Orders per day. Credit card: 3. Pix: 3.' in text


def test_money_in_charts_is_in_reais(admin_client: Client, trade: None) -> None:
    chart = charts(page(admin_client))["Net revenue per day"]

    assert json.loads(chart.data)["datasets"][0]["data"][-1] == 200
    assert rows(chart)["Credit card"] == "R$200.00"


def test_each_language_writes_the_same_figures_its_own_way(admin_client: Client) -> None:
    order(timezone.now(), status="aprovado", total_cents=123456)

    assert cards(page(admin_client, "en"))["Net revenue"].main.text == "R$1,234.56"
    assert "R$\u00a01.234,56" in page(admin_client, "pt-BR").content.decode()


def test_pages_hold_no_inline_script(admin_client: Client, trade: None) -> None:
    scripts = re.findall(r"<script(.*?)>(.*?)</script>", page(admin_client).content.decode(), re.DOTALL)

    assert scripts
    assert all("src=" in attributes and not body.strip() for attributes, body in scripts)


# --- links -----------------------------------------------------------------------------------------------------------


def listed(client: Client, url: str, language: str = "en") -> Any:
    """The rows of the list behind a link. The list's page is not drawn, which takes 60 ms and is test_lists.py's."""
    request = RequestFactory().get(url)
    request.user = User.objects.get(pk=client.session["_auth_user_id"])
    with translation.override(language):
        return resolve(request.path).func.model_admin.get_changelist_instance(request).queryset  # type: ignore[attr-defined]


@pytest.mark.parametrize(("period", "language"), [("today", "en"), ("7", "pt-BR"), ("30", "en"), ("long", "pt-BR")])
@pytest.mark.parametrize("of_merchant", [False, True])
def test_counts_lead_to_as_many_rows(
    admin_client: Client, trade: None, period: str, language: str, of_merchant: bool
) -> None:
    today = timezone.localdate()
    query: dict[str, Any] = {"period": period}
    if period == "long":
        query = {"from": today - timedelta(days=100), "to": today}
    if of_merchant:
        query["merchant"] = Order.objects.values_list("installation", flat=True)[0]
        order(timezone.now(), payment_method="pix", status="aprovado")
    answer = page(admin_client, language, **query)
    parts = [*answer.context["cards"], *answer.context["charts"]]
    shown = [figure for part in parts for figure in part.rows]
    shown += [figure for table in answer.context["tables"] for _, line in table.rows for figure in line]
    shown += [figure for chart in answer.context["charts"] for _, line in chart.table for figure in line]
    shown += [card.main for card in parts if getattr(card, "main", None)]
    counts = {figure.url: int(match[1]) for figure in shown if (match := re.fullmatch(r"(\d+)( \(.*\))?", figure.text))}

    assert len(counts) > 40
    for url, count in counts.items():
        assert listed(admin_client, url, language).count() == count, url


@pytest.mark.parametrize("period", ["today", "7", "30"])
def test_amounts_lead_to_orders_that_add_up_to_them(admin_client: Client, trade: None, period: str) -> None:
    answer = page(admin_client, period=period)
    [chart] = [chart for chart in answer.context["charts"] if chart.is_money]
    shown = [*chart.rows, *(figure for _, line in chart.table for figure in line)]
    shown.append(cards(answer)["Net revenue"].main)

    assert len(shown) > 6
    for figure in shown:
        cents = int(re.sub(r"\D", "", figure.text.partition(" (")[0]))
        assert sum(row.net_cents for row in listed(admin_client, figure.url)) == cents, figure


def test_rates_lead_to_what_they_are_rates_of(admin_client: Client, trade: None) -> None:
    shown = cards(page(admin_client))

    assert listed(admin_client, shown["Card approval"].main.url).count() == 3
    assert listed(admin_client, shown["Pix conversion"].main.url).count() == 3
    spans = shown["From order to payment"]
    assert [listed(admin_client, row.url).count() for row in spans.rows] == [2, 2, 2, 2]


def test_a_wallets_card_counts_as_a_card_and_a_wallet_is_shown_once_it_has_sold(admin_client: Client) -> None:
    now = timezone.now()
    assert [row.label for row in charts(page(admin_client))["Orders per day"].rows] == ["Credit card", "Pix", "Boleto"]
    for method, state in (("google_pay", "succeeded"), ("apple_pay", "declined"), ("pix", "declined")):
        attempt(order(now, payment_method=method, status="aprovado"), AttemptState(state), method=method)
    cache.clear()

    shown = page(admin_client)

    approval = cards(shown)["Card approval"]
    assert approval.main.text == "50%"
    assert [listed(admin_client, figure.url).count() for figure in (approval.main, *approval.rows)] == [2, 1, 1]
    labels = [row.label for row in charts(shown)["Orders per day"].rows]
    assert labels[:5] == ["Credit card", "Pix", "Boleto", "Google Pay", "Apple Pay"]
    spans = cards(shown)["From order to payment"]
    assert "Google Pay" in [row.label for row in spans.rows]


def test_orders_without_a_method_lead_to_their_list(admin_client: Client) -> None:
    order(timezone.now(), payment_method="pix", status="aprovado")
    order(timezone.now(), status="aprovado")
    order(timezone.now())
    shown = charts(page(admin_client))

    for title, wanted in (("Orders per day", 2), ("Net revenue per day", 1)):
        [none] = [row for row in shown[title].rows if row.label == "No method"]
        assert listed(admin_client, none.url).count() == wanted


def test_the_oldest_event_leads_to_its_page(admin_client: Client, trade: None) -> None:
    oldest = WebhookEvent.objects.filter(processed=False).order_by("pk")[0]
    card = cards(page(admin_client))["Oldest unprocessed event"]

    assert card.main.url == reverse("admin:webhooks_webhookevent_change", args=[oldest.pk])
    assert listed(admin_client, card.rows[-1].url).count() == 6


# --- the cache -------------------------------------------------------------------------------------------------------

TABLES = ('"orders"', '"refunds"', "webhook_events", "payment_attempts", "installations")


def key() -> str:
    """What the figures of the last 7 days are kept under."""
    today = timezone.localdate()
    return f"overview:2:{today - timedelta(days=6)}:{today}:"


def figure_queries(client: Client) -> list[str]:
    """The menu's badge counts unprocessed events for itself."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(client)
    statements = [query["sql"] for query in queries.captured_queries]
    return [sql for sql in statements if any(table in sql for table in TABLES) and "LIMIT 1000) subquery" not in sql]


def test_figures_are_kept_for_a_minute(admin_client: Client, trade: None) -> None:
    assert len(figure_queries(admin_client)) == 7
    assert figure_queries(admin_client) == []
    assert 0 < cache.ttl(key()) <= 60  # type: ignore[attr-defined] # django-redis's

    cache.delete(key())

    assert len(figure_queries(admin_client)) == 7


def test_each_period_is_kept_by_itself(admin_client: Client, trade: None) -> None:
    shown = [cards(page(admin_client, period=period))["Orders"].main.text for period in ("7", "30", "7")]

    assert shown == ["7", "8", "7"]


def test_the_page_works_without_redis(admin_client: Client, trade: None, redis_away: None) -> None:
    for _ in range(2):
        assert cards(page(admin_client))["Orders"].main.text == "7"


def test_the_page_costs_few_queries(admin_client: Client, trade: None, django_assert_max_num_queries: Any) -> None:
    merchant = Order.objects.values_list("installation", flat=True)[0]
    for query in ({"period": "30"}, {"period": "30", "merchant": merchant}):
        with django_assert_max_num_queries(15):
            page(admin_client, **query)


# --- permissions -----------------------------------------------------------------------------------------------------

ORDERS = {"Orders", "Net revenue", "Pix conversion", "Boleto conversion", "From order to payment"}
ORDERS_CHARTS = {"Orders per day", "Net revenue per day"}


@pytest.mark.parametrize(
    ("permissions", "titles", "methods"),
    [
        ("", set(), set()),
        ("view_order", ORDERS | ORDERS_CHARTS, set()),
        ("view_paymentattempt", {"Card approval"}, set()),
        ("view_webhookevent", {"Oldest unprocessed event", "Events per hour, last 24 hours"}, set()),
        ("view_installation", {"Installations per week"}, set()),
        (
            "view_order view_paymentattempt",
            ORDERS | ORDERS_CHARTS | {"Card approval", "Money in doubt now"},
            {"Credit card", "Credit card, 9 of 10 within"},
        ),
    ],
)
def test_staff_see_figures_of_what_they_may_see(
    client: Client, trade: None, permissions: str, titles: set[str], methods: set[str]
) -> None:
    user = User.objects.create_user("ana", password="a long one", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions.split()))
    client.force_login(user)

    answer = page(client)

    assert cards(answer).keys() | charts(answer).keys() == titles
    if "From order to payment" in titles:
        assert rows(cards(answer)["From order to payment"]).keys() == methods
    hrefs = re.findall(r'href="(/admin/[^"?]+/)\?[^"]*(?:created_at|started_at|installed_at)', answer.content.decode())
    for path in {urlsplit(href).path for href in hrefs}:
        assert client.get(path).status_code == 200, path
    assert ("You have no permission" in answer.content.decode()) == (not titles)


def test_pix_and_boleto_spans_need_the_events_permission(client: Client, trade: None) -> None:
    user = User.objects.create_user("ana", password="a long one", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_order", "view_webhookevent"]))
    client.force_login(user)

    assert rows(cards(page(client))["From order to payment"]).keys() == {"Pix", "Pix, 9 of 10 within"}


def test_strangers_see_nothing(client: Client) -> None:
    Installation.objects.all().delete()
    assert client.get(PAGE).status_code == 302
    assert cache.get(key()) is None
