"""One search: the page and its box, the palette of Ctrl-K, and the box of the order list."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice import search
from installations.models import Installation
from orders.models import AttemptState, Order, OrderCode, PaymentAttempt, Refund, Shopper
from tests.backoffice.conftest import on, url
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory

pytestmark = pytest.mark.django_db

EMV = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal"
E2E = "E60746948202611291432AbCdEfGhIjK"
LINE = "23793381286008301935700123456789012340000012990"


@pytest.fixture
def order() -> Order:
    """Ana's order at the shop loja-azul, with one of each code."""
    shop = InstallationFactory.create(external_key="loja-azul", name="Loja Azul Calçados")
    row: Order = OrderFactory.create(
        installation=shop, appmax_customer_id=77001, appmax_order_id=95922354, request_id="req-of-order"
    )
    ana: Any = {"name": "Ana Conceição", "email": "ana@example.com", "document": "52998224725"}
    Shopper.objects.put([Shopper.of(shop.pk, 77001, **ana)], replaces=True)
    OrderCode.objects.put(row, pix=EMV, boleto=LINE, end_to_end=E2E, tracking="AA123456785BR", payer="11144477735")
    PaymentAttempt.objects.create(
        order=row,
        method="pix",
        state=AttemptState.STARTED,
        fingerprint="",
        idempotency_key="cart-9",
        request_id="req-of-payment",
    )
    Refund.objects.create(order=row, amount_cents=500, request_id="req-of-refund")
    return row


@pytest.fixture
def others(order: Order) -> None:
    """Other people's orders, which no search should find."""
    for number, name in enumerate(("Eva Lima", "Anabela", "Bruno Conceito")):
        other = OrderFactory.create()
        facts: Any = {"name": name, "email": f"{number}@example.com", "document": f"1234567890{number}"}
        Shopper.objects.put([Shopper.of(other.installation_id, other.appmax_customer_id, **facts)], replaces=True)
        OrderCode.objects.put(other, pix=f"{EMV}{number}", end_to_end=f"{E2E}{number}")


def look(client: Client, term: str) -> Any:
    return client.get(reverse("admin:search"), {"q": term})


def palette(client: Client, term: str) -> Any:
    return client.get(reverse("admin:search"), {"s": term, "extended": "1"})


ONE_ORDER = [
    "95922354",
    "#95922354",
    " # 95 922 354 ",
    "77001",
    "ana@example.com",
    " ANA@Example.COM",
    "52998224725",
    "529.982.247-25",
    "111.444.777-35",  # the payer's
    "Ana Conceição",
    "conceicao ANA",
    EMV,
    EMV.replace(" ", ""),
    LINE,
    "23793.38128 60083.019357 00123.456789 0 12340000012990",
    E2E,
    E2E.lower(),
    "AA123456785BR",
    "aa 123 456 785 br",
    "req-of-order",
]


@pytest.mark.parametrize("term", ONE_ORDER)
@pytest.mark.usefixtures("others")
def test_whatever_names_one_order_leads_there_at_once(order: Order, eva: Client, term: str) -> None:
    answer = look(eva, term)

    assert (answer.status_code, answer.headers.get("Location")) == (302, on(order))


@pytest.mark.parametrize("term", ONE_ORDER)
@pytest.mark.usefixtures("others")
def test_the_order_list_finds_the_same(order: Order, eva: Client, term: str) -> None:
    found = eva.get(url(Order), {"q": term}).context["cl"].result_list

    assert list(found) == [order]


@pytest.mark.parametrize("term", ["loja-azul", "AZUL", "calçad", "CALCADOS", "Loja Azul Calçados"])
@pytest.mark.usefixtures("others")
def test_a_part_of_a_merchants_key_or_name_leads_to_the_merchant(order: Order, eva: Client, term: str) -> None:
    assert look(eva, term).headers["Location"] == on(order.installation)
    assert list(eva.get(url(Order), {"q": term}).context["cl"].result_list) == [order]
    assert list(eva.get(url(Installation), {"q": term}).context["cl"].result_list) == [order.installation]


@pytest.mark.parametrize(("term", "kinds"), [("cart-9", ["Payment attempt"]), ("req-of-payment", ["Payment attempt"])])
def test_a_request_or_idempotency_key_finds_its_attempt(order: Order, eva: Client, term: str, kinds: list[str]) -> None:
    assert look(eva, term).headers["Location"] == on(PaymentAttempt.objects.get())


@pytest.mark.parametrize("header", ["CF-Ray", "X-Request-Id", "X-Trace-Id"])
def test_appmaxs_own_id_of_a_call_finds_its_attempt(order: Order, eva: Client, header: str) -> None:
    attempt = PaymentAttempt.objects.get()
    attempt.settle(AttemptState.SUCCEEDED, {"status": "", "trace": {header: "8c1d2e3f4a5b6c7d-GRU"}})
    PaymentAttempt.objects.create(
        order=order,
        method="pix",
        state=AttemptState.FAILED,
        fingerprint="",
        settled_at=timezone.now(),
        answer={"trace": {header: "9c1d2e3f4a5b6c7d-GRU"}, "message": "8c1d2e3f4a5b6c7d-GRU"},
    )

    assert look(eva, " 8c1d2e3f4a5b6c7d-GRU").headers["Location"] == on(attempt)


def test_appmaxs_ids_are_looked_up_by_an_index(order: Order) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = PaymentAttempt.objects.traced("8c1d2e3f4a5b6c7d-GRU").explain()

    assert plan.count("Index Scan on payment_attempts_trace") == 3


def test_a_refunds_request_leads_to_its_order(order: Order, eva: Client) -> None:
    assert look(eva, "req-of-refund").headers["Location"] == on(order)


def test_the_events_of_a_number_that_is_no_order_of_ours_are_found(eva: Client) -> None:
    event = WebhookEventFactory.create(appmax_order_id=424242)

    assert look(eva, "424242").headers["Location"] == on(event)


def test_several_results_are_one_list_that_says_what_each_is(order: Order, eva: Client) -> None:
    second = OrderFactory.create(installation=order.installation, appmax_customer_id=order.appmax_customer_id)
    InstallationFactory.create(external_key="ana")

    answer = look(eva, "ana")

    kinds = [(result.kind, result.link) for result in answer.context["results"]]
    assert kinds == [
        ("Order", on(second)),
        ("Order", on(order)),
        ("Shopper", f"{url(Order)}?q=77001"),
        ("Merchant", on(Installation.objects.get(external_key="ana"))),
    ]
    page = answer.content.decode()
    assert "Ana Conceição" in page
    assert "a•••@example.com" in page
    assert "ana@example.com" not in page
    assert len(eva.get(kinds[2][1]).context["cl"].result_list) == 2


@pytest.mark.parametrize(
    "term", ["", " ", "#", "\0", "%", "_", "'", "\\", "!&|", "a" * 5000, "9" * 40, "😀", "nobody@example.com"]
)
@pytest.mark.usefixtures("order", "others")
def test_nothing_is_found_by_other_texts(eva: Client, term: str) -> None:
    answer = look(eva, term)

    assert answer.status_code == 200
    assert answer.context["results"] == []
    assert palette(eva, term).status_code == 200


def test_the_page_says_in_portuguese_what_is_searched(staff: Callable[..., Client]) -> None:
    page = look(staff("Support", language="pt-BR"), "ninguém").content.decode()

    assert "Nada foi encontrado." in page
    assert "CPF ou CNPJ" in page


# --- the palette ---


def test_the_palette_shows_results_while_redis_keeps_none(order: Order, eva: Client) -> None:
    for _ in range(2):
        answer = palette(eva, "ana@example.com")
        assert answer.status_code == 200
        assert on(order) in answer.content.decode()

    assert cache.keys("*search*") == []  # type: ignore[attr-defined] # of django-redis


def test_the_palette_leads_to_pages_of_the_menu_too(eva: Client, staff: Callable[..., Client]) -> None:
    assert url(Order) in palette(eva, "orders").content.decode()
    assert url(Order) in palette(staff("Support", language="pt-BR"), "pedid").content.decode()


# --- who sees what, and what is left behind ---


@pytest.mark.parametrize(
    ("permission", "term", "is_found"),
    [
        ("orders.view_order", "ana@example.com", True),
        ("orders.view_order", "azul", False),
        ("orders.view_order", "cart-9", False),
        ("orders.view_order", "req-of-refund", True),
        ("installations.view_installation", "azul", True),
        ("installations.view_installation", "ana@example.com", False),
        ("installations.view_installation", "95922354", False),
        ("orders.view_paymentattempt", "cart-9", True),
        ("orders.view_paymentattempt", "52998224725", False),
        ("webhooks.view_webhookevent", "95922354", False),
    ],
)
@pytest.mark.usefixtures("order")
def test_staff_find_what_they_may_see(staff: Callable[..., Client], permission: str, term: str, is_found: bool) -> None:
    answer = look(staff("", permission), term)

    assert (answer.status_code == 302) is is_found


def test_strangers_are_sent_to_the_login(client: Client) -> None:
    assert look(client, "ana").headers["Location"].startswith(reverse("admin:login"))


def test_what_was_searched_for_is_in_no_log_line(order: Order, eva: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for term in ("ana@example.com", "529.982.247-25", "nobody@example.com"):
            look(eva, term)
            palette(eva, term)
            eva.get(url(Order), {"q": term})

    assert "request.finished" in caplog.text
    for part in ("ana@example", "ana%40example", "529.982", "nobody"):
        assert part not in caplog.text


@pytest.mark.parametrize("term", [*ONE_ORDER, "ana", "loja", "nobody@example.com", "1234567"])
@pytest.mark.usefixtures("order", "others")
def test_a_search_asks_at_most_15_queries(eva: Client, term: str) -> None:
    for ask in (look, palette):
        with CaptureQueriesContext(connection) as queries:
            ask(eva, term)
        assert len(queries) <= 15, [query["sql"] for query in queries]


def test_the_order_list_shows_the_shopper_and_a_hint_at_the_email(order: Order, eva: Client) -> None:
    page = eva.get(url(Order)).content.decode()

    assert "Ana Conceição" in page
    assert "a•••@example.com" in page
    assert "ana@example.com" not in page


def test_an_order_without_a_shopper_shows_appmaxs_number(eva: Client) -> None:
    OrderFactory.create(appmax_customer_id=5151)

    assert "#5151" in eva.get(url(Order)).content.decode()


def test_the_newest_of_many_namesakes_are_shown(eva: Client) -> None:
    shop = InstallationFactory.create()
    orders = [OrderFactory.create(installation=shop, appmax_customer_id=number) for number in range(1, search.MOST + 3)]
    now = timezone.now()
    for number, order in enumerate(orders):
        at = now + timedelta(seconds=number)
        Shopper.objects.put([Shopper.of(shop.pk, order.appmax_customer_id, name="Ana Lima", at=at)], replaces=True)

    answer = look(eva, "ana lima")

    assert len(answer.context["results"]) == search.MOST
    assert on(orders[-1]) in answer.content.decode()
    assert "See more in the list of orders" in answer.content.decode()


@pytest.mark.parametrize(("role", "sees"), [("Administrator", "ana@example.com"), ("Support", "a•••@example.com")])
def test_the_orders_page_shows_the_whole_to_those_who_may_see_it(
    order: Order, staff: Callable[..., Client], role: str, sees: str
) -> None:
    page = staff(role).get(on(order)).content.decode()

    assert sees in page
    assert "Ana Conceição" in page
    assert ("ana@example.com" in page) is (role == "Administrator")
    assert ("52998224725" in page) is (role == "Administrator")


def test_without_the_encryption_key_the_page_shows_hints(order: Order, eva: Client, settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert "a•••@example.com" in eva.get(on(order)).content.decode()
