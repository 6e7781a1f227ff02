"""Lists: their filters, how far they count, what a strange query string does, and the frame around them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin import site
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from checkout_project.backoffice import BoundedPaginator
from installations.models import ApiKey, Installation, Suspension
from orders.models import Order, PaymentAttempt, StatusCheck
from orders.status import OrderStatus
from tests.admin.conftest import make_job, on, url
from tests.factories import InstallationFactory, OrderFactory, WebhookEventFactory, api_key
from tests.webhooks.test_privacy import PAYLOADS
from webhooks import payload
from webhooks.models import Outcome, WebhookEvent

pytestmark = pytest.mark.django_db

LISTS = [Order, WebhookEvent, PaymentAttempt, Installation, ApiKey, StatusCheck, ProcrastinateJob]
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
def eva(staff: Callable[..., Client]) -> Client:
    """An administrator."""
    return staff("Administrator", name="eva")


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


def test_status_checks_that_want_a_look(eva: Client) -> None:
    orders = OrderFactory.create_batch(2)
    times = {"asked_at": timezone.now(), "next_at": timezone.now(), "times": 1}
    flagged = StatusCheck.objects.create(order=orders[0], error_message="a webhook is not confirmed yet", **times)
    StatusCheck.objects.create(order=orders[1], **times)

    assert found(eva, StatusCheck, {"flagged": "yes"}) == [flagged]


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


# --- events ---

# An event of each kind: outcome, name, processed, note.
EVENTS: list[tuple[Outcome, str, bool, str | None]] = [
    (Outcome.APPLIED, "order_paid", True, None),
    (Outcome.APPLIED, "OrderPaid", True, None),
    (Outcome.IGNORED, "order_paid", True, "ignored: the order is aprovado already"),
    (Outcome.ACKNOWLEDGED, "customer_created", True, None),
    (Outcome.ACKNOWLEDGED, "CustomerCreated", True, None),
    (Outcome.ACKNOWLEDGED, "order_teleported", True, "unknown event"),
    (Outcome.ACKNOWLEDGED, "customer_created", True, "not an order id: 'x'"),
    (Outcome.DUPLICATE, "order_paid", True, "duplicate"),
    (Outcome.DUPLICATE, "customer_created", True, "duplicate"),
    (Outcome.REFUSED, "order_paid", True, "not believed: Appmax says pendente"),
    (Outcome.WAITING, "order_paid", False, "the order is not there yet"),
    (Outcome.WAITING, "order_paid", False, None),
    (Outcome.CLOSED, "order_paid", True, "order not found"),
    (Outcome.FAILED, "order_paid", False, "processing failed: OperationalError"),
]


@pytest.fixture
def events() -> dict[int, Outcome]:
    """One of each kind."""
    now = timezone.now()
    return {
        WebhookEventFactory.create(
            event=event, processed=processed, processed_at=now if processed else None, error_message=note
        ).pk: outcome
        for outcome, event, processed, note in EVENTS
    }


def test_an_event_says_what_became_of_it(events: dict[int, Outcome]) -> None:
    assert {event.pk: event.outcome for event in WebhookEvent.objects.all()} == events


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.ACKNOWLEDGED])
def test_events_by_outcome_are_those_that_say_so(eva: Client, events: dict[int, Outcome], outcome: Outcome) -> None:
    wanted = {pk for pk, its in events.items() if its is outcome}

    assert {event.pk for event in found(eva, WebhookEvent, {"outcome": outcome.value})} == wanted
    assert {event.pk for event in WebhookEvent.objects.with_outcome(outcome)} == wanted


def test_of_the_acknowledged_events_those_that_nobody_knows(events: dict[int, Outcome]) -> None:
    [event] = WebhookEvent.objects.with_outcome(Outcome.ACKNOWLEDGED)

    assert event.event == "order_teleported"


def test_unprocessed_events_are_those_that_wait_or_failed(eva: Client, events: dict[int, Outcome]) -> None:
    wanted = {pk for pk, its in events.items() if its in (Outcome.WAITING, Outcome.FAILED)}

    assert {event.pk for event in found(eva, WebhookEvent, {"outcome": "unprocessed"})} == wanted


@pytest.mark.parametrize("name", payload.known_names())
def test_events_by_name_are_found_in_every_spelling(eva: Client, name: str) -> None:
    for spelling in payload.spellings(name):
        WebhookEventFactory.create(event=spelling)
    WebhookEventFactory.create(event="order_teleported")

    assert {event.event for event in found(eva, WebhookEvent, {"event": name})} == set(payload.spellings(name))
    assert len(payload.spellings(name)) >= 2


def test_an_event_that_nobody_knows_is_found_by_its_very_name(eva: Client) -> None:
    event = WebhookEventFactory.create(event="order_teleported")
    WebhookEventFactory.create(event="OrderTeleported")

    assert found(eva, WebhookEvent, {"q": "order_teleported"}) == [event]


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (PAYLOADS["app store"], "app store"),
        (PAYLOADS["old legacy"], "old legacy"),
        (PAYLOADS["standard"], "standard"),
        (PAYLOADS["standard with meta"], "standard with meta"),
        (PAYLOADS["two-level flat, snake case"], "two level flat"),
        (PAYLOADS["custom content, camel case"], "custom content"),
        ({"event": "x", "data": []}, "other"),
        ({"event": "x"}, "other"),
        ({"event": "x", "data": "text"}, "other"),
        ({"event": "x", "data": {}}, "other"),
        ({"event": "x", "stripped": True}, "-"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_model_of_payload_is_told_on_the_list_and_on_the_page(
    eva: Client, body: dict[str, Any], model: str
) -> None:
    event = WebhookEventFactory.create(payload=body, event_type=body.get("event_type", ""))
    [row] = found(eva, WebhookEvent)
    admin = site._registry[WebhookEvent]

    assert admin.payload_model(row) == model  # type: ignore[attr-defined]
    assert f">{model}<" in re.sub(r"\s*([<>])\s*", r"\1", eva.get(on(event)).content.decode())


def test_the_list_reads_no_payload(eva: Client) -> None:
    WebhookEventFactory.create_batch(3, payload=PAYLOADS["app store"])
    WebhookEventFactory.create_batch(3, payload={"event": "x", "data": {}})

    with CaptureQueriesContext(connection) as queries:
        found(eva, WebhookEvent)

    texts = [query["sql"] for query in queries]
    assert not [sql for sql in texts if re.search(r'"payload"(, "| FROM|::)', sql)]
    assert len([sql for sql in texts if "webhook_events" in sql]) <= 6


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


# --- strange query strings ---

STRANGE = [
    "q=%00",
    "q=" + "9" * 400,
    "q=-1",
    "q=2147483648",
    "q=%F0%9F%A4%B7",
    "q='",
    "q=%25_",
    "p=99999999",
    "p=0",
    "p=-1",
    "p=abc",
    "p=%00",
    "p=" + "9" * 400,
    "all=",
    "o=99",
    "o=abc",
    "o=-1.-2",
    "o=%00",
    "o=" + "9" * 400,
    "e=1",
    "_popup=1",
    "_to_field=x",
    "_facets=True",
    "nonsense=1",
    "%00=1",
    "id=abc",
    "pk__in=1,x",
    "id__exact=" + "9" * 400,
    "id__exact=%00",
    "created_at__year=abc",
    "created_at__year=0",
    "created_at__year=9999",
    "created_at__year=10000",
    "created_at__year=" + "9" * 30,
    "created_at__year=" + "9" * 5000,
    "created_at__year=-5",
    "created_at__year=%00",
    "created_at__year=",
    "created_at__year=2026&created_at__month=13",
    "created_at__year=2026&created_at__month=0",
    "created_at__year=2026&created_at__month=abc",
    "created_at__year=2026&created_at__month=" + "9" * 30,
    "created_at__year=9999&created_at__month=12",
    "created_at__year=9999&created_at__month=12&created_at__day=31",
    "created_at__year=2026&created_at__month=2&created_at__day=30",
    "created_at__year=2026&created_at__month=2&created_at__day=x",
    "created_at__year=2026&created_at__day=5",
    "created_at__month=5",
    "created_at__day=99",
    "created_at__year=2026&created_at__year=abc",
    "created_at__gte=rubbish",
    "created_at__gte=%00",
    "created_at__gte=2026-13-45",
    "created_at__gte=99999-01-01",
    "created_at__date=2026-01-01",
    *(
        f"created_at_{end}={day}"
        for end in ("from", "to")
        for day in ("rubbish", "", "%00", "99/99/9999", "01/01/0001", "0001-01-01", "31/12/9999", "9" * 400)
    ),
    "created_at_from=25/11/2026&created_at_from=x",
    "status__exact=%00",
    "status__exact=nonsense",
    "status__exact=",
    "status__in=a,%00",
    "status__isnull=abc",
    "status=%00",
    "status=nonsense",
    "state__exact=%00",
    "state__exact=nonsense",
    "method__exact=%00",
    "payment_method__exact=%00",
    "payment_method__exact=nonsense",
    "payment_method__isnull=maybe",
    "installation__id__exact=abc",
    "installation__id__exact=%00",
    "installation__id__exact=" + "9" * 400,
    "installation__id__exact=9223372036854775808",
    "installation__id__exact=-1",
    "installation__id__exact=",
    "installation__external_key=x",
    "installation__merchant_client_secret__startswith=x",
    "installation__id__exact=1&installation__id__exact=abc",
    "outcome=nonsense",
    "outcome=%00",
    "outcome=acknowledged",
    "event=nonsense",
    "event=%00",
    "event=%C3%A9",
    "pending=nonsense",
    "disabled=nonsense",
    "flagged=nonsense",
    "revoked__exact=abc",
    "revoked__exact=%00",
]


@pytest.fixture
def some() -> None:
    """A few rows in every list."""
    for order in OrderFactory.create_batch(2):
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
        api_key(order.installation)
        PaymentAttempt.objects.create(order=order, method="pix", fingerprint="")
        StatusCheck.objects.create(order=order, asked_at=order.created_at, next_at=order.created_at, times=1)
    Suspension.objects.create(installation=InstallationFactory.create(), reason="x")
    make_job()


def broken(client: Client, path: str, model: Any) -> list[str]:
    """The query strings that the page can't stand, and how it fails."""
    date = {Installation: "installed_at", PaymentAttempt: "started_at", ApiKey: "created"}.get(model, "created_at")
    failures = []
    asked = [f"{path}?{query.replace('created_at', date)}" for query in STRANGE]
    for address in asked:
        try:
            with transaction.atomic():
                answer = client.get(address)
                if answer.streaming:
                    answer.getvalue()
        except Exception as error:
            failures.append(f"{address[:150]}: {type(error).__name__} {error}")
        else:
            if answer.status_code == 302 and answer["Location"] not in asked:  # most lead to the same page
                asked.append(answer["Location"])
    return failures


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("model", LISTS)
def test_no_query_string_breaks_a_list(staff: Callable[..., Client], model: Any) -> None:
    failures = broken(staff("Administrator", language="pt-BR"), url(model), model)

    assert not failures, "\n".join(failures)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("model", [Order, WebhookEvent])
def test_no_query_string_breaks_a_file(staff: Callable[..., Client], model: Any) -> None:
    failures = broken(staff("Administrator", language="pt-BR"), url(model, "export", "csv"), model)

    assert not failures, "\n".join(failures)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("model", "column"),
    [
        (Installation, "merchant_client_secret"),
        (Order, "installation__merchant_client_secret"),
        (ApiKey, "hashed_key"),
        (ApiKey, "installation__merchant_client_secret"),
    ],
)
def test_secrets_cannot_be_guessed_by_filters(eva: Client, model: Any, column: str) -> None:
    """A list that is empty or isn't would tell a letter at a time."""
    for lookup in ("__startswith", "__gt", "__regex", ""):
        assert eva.get(url(model), {column + lookup: "x"}).status_code in (302, 400), lookup


# --- the badge ---


def badge(client: Client) -> Any:
    return client.get(reverse("admin:unprocessed"))


def test_the_badge_tells_how_many_events_wait(eva: Client, events: dict[int, Outcome]) -> None:
    answer = badge(eva)

    assert (answer.status_code, answer.content.decode()) == (200, "3")
    assert answer["Content-Type"].startswith("text/plain")


def test_the_badge_counts_to_999_only(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkout_project.site.MANY_EVENTS", 3)
    WebhookEventFactory.create_batch(3)
    assert badge(eva).content == b"3"
    WebhookEventFactory.create()

    assert badge(eva).content == b"3+"


def test_the_badge_is_for_those_who_may_see_events(staff: Callable[..., Client]) -> None:
    assert badge(staff("", "orders.view_order")).status_code == 403
    assert badge(Client()).status_code == 302


# --- the frame ---


def menu(client: Client) -> set[str]:
    """The paths that the menu leads to."""
    navigation = client.get(reverse("admin:index")).context["sidebar_navigation"]
    return {
        urlsplit(str(item["link"])).path for group in navigation for item in group["items"] if item["has_permission"]
    }


def test_the_menu_has_what_one_may_see_and_nothing_else(staff: Callable[..., Client]) -> None:
    business = {url(model) for model in LISTS} | {reverse("admin:index")}
    people = {
        reverse(f"admin:{name}_changelist")
        for name in ("auth_user", "auth_group", "otp_totp_totpdevice", "axes_accessattempt")
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
