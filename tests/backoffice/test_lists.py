"""Lists: their filters, how far they count, what a strange query string does, and the frame around them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice.alerts.models import Alert, AlertRule
from backoffice.kit.lists import BoundedPaginator
from installations.models import ApiKey, Installation
from notifications.models import Endpoint, Notification
from orders.models import Order, PaymentAttempt, Question, Subscription
from orders.status import OrderStatus
from tests.backoffice.conftest import make_job, on, url
from tests.support.factories import InstallationFactory, OrderFactory, QuestionFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

LISTS = [
    *(Order, WebhookEvent, PaymentAttempt, Installation, ApiKey, Question),
    *(Endpoint, Notification, ProcrastinateJob),
]
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def found(client: Client, model: Any, query: Any = None) -> list[Any]:
    """The rows on the list's first page."""
    answer = client.get(url(model), query)
    assert answer.status_code == 200, answer.headers
    return list(answer.context["cl"].result_list)


def at(row: Any, moment: datetime, column: str = "created_at") -> Any:
    """The row as if it had come then."""
    type(row).objects.filter(pk=row.pk).update(**{column: moment})
    return row


# --- orders ---


def test_the_newest_order_comes_first(eva: Client) -> None:
    now = timezone.now()
    old, new = OrderFactory.create_batch(2)
    at(old, now - timedelta(days=1))

    assert found(eva, Order) == [new, old]


def test_orders_by_one_status_or_several(eva: Client) -> None:
    orders = {status: OrderFactory.create(status=status) for status in OrderStatus}

    assert found(eva, Order, {"status__exact": "aprovado"}) == [orders[OrderStatus.APROVADO]]
    both = found(eva, Order, {"status__exact": ["aprovado", "estornado"]})
    assert {order.status for order in both} == {"aprovado", "estornado"}


def test_orders_by_method(eva: Client) -> None:
    pix = OrderFactory.create(payment_method="pix")
    OrderFactory.create(payment_method="boleto")
    OrderFactory.create()

    assert found(eva, Order, {"payment_method__exact": "pix"}) == [pix]


def test_orders_of_a_merchant(eva: Client) -> None:
    order, _ = OrderFactory.create_batch(2)

    assert found(eva, Order, {"installation__id__exact": order.installation_id}) == [order]


@pytest.mark.parametrize(
    ("language", "first", "last"), [("pt-BR", "24/11/2026", "25/11/2026"), ("en", "2026-11-24", "11/25/2026")]
)
def test_days_are_local_and_the_last_one_is_included(
    staff: Callable[..., Client], language: str, first: str, last: str
) -> None:
    ana = staff("Support", language=language)
    for day in (23, 24, 25, 26):
        for hour, minute in ((0, 0), (23, 59)):
            at(OrderFactory.create(), datetime(2026, 11, day, hour, minute, tzinfo=SAO_PAULO))

    between = found(ana, Order, {"created_at_from": first, "created_at_to": last})
    since = found(ana, Order, {"created_at_from": first})
    until = found(ana, Order, {"created_at_to": last})

    def days(orders: list[Any]) -> list[int]:
        return [order.created_at.astimezone(SAO_PAULO).day for order in orders]

    assert days(between) == [25, 25, 24, 24]
    assert days(since) == [26, 26, 25, 25, 24, 24]
    assert days(until) == [25, 25, 24, 24, 23, 23]


def test_the_typed_days_stay_in_the_boxes(staff: Callable[..., Client]) -> None:
    page = staff("Support", language="pt-BR").get(url(Order), {"created_at_from": "25/11/2026"}).content.decode()

    assert 'value="25/11/2026"' in page


def test_orders_that_wait_for_over_an_hour(eva: Client) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    waits = at(OrderFactory.create(), hour_ago - timedelta(minutes=1))
    at(OrderFactory.create(), hour_ago + timedelta(minutes=1))
    at(OrderFactory.create(status="aprovado"), hour_ago - timedelta(minutes=1))

    assert found(eva, Order, {"pending": "hour"}) == [waits]


def test_filters_and_the_search_narrow_together(eva: Client) -> None:
    shop = InstallationFactory.create(external_key="loja")
    wanted = OrderFactory.create(installation=shop, status="aprovado", payment_method="pix")
    OrderFactory.create(installation=shop, status="aprovado", payment_method="boleto")
    OrderFactory.create(status="aprovado", payment_method="pix")

    assert found(eva, Order, {"q": "loja", "status__exact": "aprovado", "payment_method__exact": "pix"}) == [wanted]


# --- other lists ---


def test_questions_that_want_a_look(eva: Client) -> None:
    in_vain = QuestionFactory.create()
    QuestionFactory.create(due_at=None)
    QuestionFactory.create(times=0)

    assert found(eva, Question, {"in_vain": "yes"}) == [in_vain]


def test_attempts_by_state_method_and_order(eva: Client) -> None:
    order = OrderFactory.create()
    attempts = [
        PaymentAttempt.objects.create(
            order=order, method=method, state=state, settled_at=timezone.now(), fingerprint="", idempotency_key=method
        )
        for method, state in (("pix", "failed"), ("boleto", "failed"), ("pix", "succeeded"))
    ]

    assert found(eva, PaymentAttempt, {"state__exact": "succeeded"}) == attempts[2:]
    assert found(eva, PaymentAttempt, {"method__exact": "boleto"}) == attempts[1:2]
    assert len(found(eva, PaymentAttempt, {"q": order.appmax_order_id})) == 3
    assert found(eva, PaymentAttempt, {"q": "boleto"}) == attempts[1:2]
    assert found(eva, PaymentAttempt, {"q": "bol"}) == []


def test_jobs_by_status(eva: Client) -> None:
    make_job()
    failed = make_job(status="failed")

    assert [job.id for job in found(eva, ProcrastinateJob, {"status": "failed"})] == [failed]


# --- how far a list counts ---


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists count to 60 only."""
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 60)


@pytest.mark.usefixtures("few")
def test_a_list_that_is_longer_says_so_and_pages_no_further(eva: Client) -> None:
    OrderFactory.create_batch(61, installation=InstallationFactory.create())

    page = eva.get(url(Order))
    last = eva.get(url(Order), {"p": 2})
    beyond = eva.get(url(Order), {"p": 3})

    assert "more than 60 orders; narrow the list to see older ones" in page.content.decode()
    assert len(last.context["cl"].result_list) == 10
    assert beyond.status_code == 302


@pytest.mark.usefixtures("few")
def test_a_list_that_is_just_as_long_tells_its_number(eva: Client) -> None:
    OrderFactory.create_batch(60, installation=InstallationFactory.create())

    page = eva.get(url(Order)).content.decode()

    assert "60 orders" in page
    assert "more than" not in page


def test_nobody_gets_a_whole_table_on_one_page(eva: Client) -> None:
    OrderFactory.create_batch(51, installation=InstallationFactory.create())

    assert len(found(eva, Order, {"all": ""})) == 50


# --- the calendar ---


def calendar_of(page: Any) -> list[dict[str, str]]:
    """The parameters of the calendar's links, beside those that stay."""
    links = re.findall(r'href="\?([^"]*created_at__[^"]*)"', page.content.decode())
    return [dict(re.findall(r"created_at__(year|month|day)=(\d+)", link)) for link in links]


@pytest.fixture
def three_years(eva: Client) -> None:
    """Orders from 30 October 2024 to 2 March 2026, local time."""
    at(OrderFactory.create(), datetime(2024, 10, 31, 2, 0, tzinfo=UTC))  # the 30th in São Paulo
    at(OrderFactory.create(), datetime(2025, 5, 5, 12, 0, tzinfo=UTC))
    at(OrderFactory.create(), datetime(2026, 3, 3, 2, 0, tzinfo=UTC))  # the 2nd


@pytest.mark.usefixtures("three_years")
def test_the_calendar_offers_years_then_months_then_days_between_the_first_and_the_last(eva: Client) -> None:
    years = calendar_of(eva.get(url(Order)))
    months = calendar_of(eva.get(url(Order), {"created_at__year": 2024}))
    days = calendar_of(eva.get(url(Order), {"created_at__year": 2026, "created_at__month": 3}))

    assert [each["year"] for each in years] == ["2024", "2025", "2026"]
    assert [each["month"] for each in months if "month" in each] == ["10", "11", "12"]
    assert [each["day"] for each in days if "day" in each] == ["1", "2"]


@pytest.mark.usefixtures("three_years")
def test_the_calendars_links_narrow_the_list_by_local_days(eva: Client) -> None:
    assert len(found(eva, Order, {"created_at__year": 2024})) == 1
    assert len(found(eva, Order, {"created_at__year": 2024, "created_at__month": 10, "created_at__day": 30})) == 1
    assert len(found(eva, Order, {"created_at__year": 2024, "created_at__month": 10, "created_at__day": 31})) == 0


@pytest.mark.usefixtures("three_years")
def test_the_calendar_keeps_the_other_filters(eva: Client) -> None:
    page = eva.get(url(Order), {"status__exact": "pendente"}).content.decode()

    assert re.search(r'href="\?[^"]*created_at__year=2024[^"]*status__exact=pendente', page) or re.search(
        r'href="\?[^"]*status__exact=pendente[^"]*created_at__year=2024', page
    )


def test_an_empty_table_has_no_calendar(eva: Client) -> None:
    assert calendar_of(eva.get(url(Order))) == []


# --- the frame ---


def menu(client: Client) -> set[str]:
    """The paths that the menu leads to."""
    navigation = client.get(reverse("admin:index")).context["sidebar_navigation"]
    return {
        urlsplit(str(item["link"])).path for group in navigation for item in group["items"] if item["has_permission"]
    }


def test_the_menu_has_what_one_may_see_and_nothing_else(staff: Callable[..., Client]) -> None:
    business = {url(model) for model in (*LISTS, Subscription, Alert, AlertRule)} | {reverse("admin:index")}
    people = {
        reverse(f"admin:{name}_changelist")
        for name in (
            "auth_user",
            "auth_group",
            "otp_totp_totpdevice",
            "axes_accessattempt",
            "backoffice_staffsession",
            "admin_logentry",
        )
    }

    assert menu(staff("Support", name="ana")) == business
    assert menu(staff("Administrator", name="eva")) == business | people
    assert menu(staff("", "orders.view_order", name="rui")) == {reverse("admin:index"), url(Order)}


def test_what_the_menu_does_not_have_is_not_on_the_page_either(staff: Callable[..., Client]) -> None:
    page = staff("", "orders.view_order").get(url(Order)).content.decode()

    for model in (WebhookEvent, ApiKey, Installation):
        assert f'href="{url(model)}' not in page


@pytest.mark.parametrize(
    ("environment", "language", "text"),
    [
        ("production", "en", "Production: real money"),
        ("sandbox", "en", "Sandbox: no real money"),
        ("simulator", "en", "Simulator: no real money"),
        ("production", "pt-BR", "Produção"),
    ],
)
def test_every_page_says_whether_money_is_real(
    staff: Callable[..., Client], settings: Any, environment: str, language: str, text: str
) -> None:
    settings.APPMAX_ENVIRONMENT = environment
    ana = staff("Support", language=language)

    for path in (reverse("admin:index"), url(Order), on(OrderFactory.create())):
        assert text in ana.get(path).content.decode(), path


def policy(answer: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in answer["Content-Security-Policy"].split(";") if part.strip())
    return {name: sources for name, *sources in parts}


PUBLIC = ["/", "/health", "/install/start", "/webhooks/appmax", "/api/docs", "/api/redoc", "/admin/login/", "/nowhere"]


def test_nothing_is_fetched_from_another_host(eva: Client) -> None:
    order = OrderFactory.create(status="aprovado", pix_emv="00020126")
    paths = [*PUBLIC, reverse("admin:index"), url(Order), on(order), on(order, "refund"), "/admin/two-factor/"]
    own = {"'self'", "'none'", "data:", "blob:", "'unsafe-inline'", "'unsafe-eval'"}

    for path in paths:
        client = Client() if path in PUBLIC else eva
        answer = client.get(path, headers={"Accept": "text/html"})
        rules = policy(answer)
        assert rules["default-src"] == ["'self'"], path
        assert rules["frame-ancestors"] == rules["object-src"] == ["'none'"], path
        for name, sources in rules.items():
            if name != "form-action":  # a button leads to Appmax
                assert set(sources) <= own, (path, name)
        assert "'unsafe-inline'" not in rules.get("script-src", []), path
        fetched = re.findall(r'<(?:script|img|link|iframe)[^>]*\s(?:src|href)="([^"]+)"', answer.content.decode())
        assert not [each for each in fetched if urlsplit(each).netloc], path


def test_scripts_are_evaluated_on_the_back_offices_pages_only(eva: Client) -> None:
    assert "'unsafe-eval'" in policy(eva.get(url(Order)))["script-src"]
    for path in ("/", "/health", "/install/start", "/webhooks/appmax"):
        answer = Client().get(path, headers={"Accept": "text/html"})
        assert "unsafe-eval" not in answer["Content-Security-Policy"], path


def test_pages_hold_no_scripts_of_their_own(eva: Client) -> None:
    """The policy would not let them run."""
    order = OrderFactory.create(status="aprovado", pix_emv="00020126")
    for path in (reverse("admin:index"), url(Order), on(order), on(order, "refund"), "/admin/two-factor/"):
        page = eva.get(path).content.decode()
        inline = re.findall(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)[^>]*>([^<]+)", page)
        assert not [text for text in inline if text.strip()], path
        assert not re.findall(r'\son(?:click|load|change|submit)="', page), path
