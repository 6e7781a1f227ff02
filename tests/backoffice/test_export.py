"""Lists as files: what is in them, who gets them, and that they cost little however long they are."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from backoffice import exports
from backoffice.kit import export, tables
from orders.models import Order, Refund
from tests.backoffice.conftest import messages_of, url
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from webhooks.models import WebhookEvent

database = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    """Works in finance."""
    return staff("Finance")


def file(client: Client, model: Any, form: str, query: Any = None) -> bytes:
    """The whole file."""
    answer = client.get(url(model, "export", form), query)
    assert answer.status_code == 200
    content: bytes = answer.getvalue()
    return content


def lines(client: Client, model: Any, form: str, query: Any = None, delimiter: str = ",") -> list[list[Any]]:
    """Its lines, the headers among them."""
    content = file(client, model, form, query)
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [["" if value is None else value for value in line] for line in sheet.iter_rows(values_only=True)]


def ids(client: Client, form: str, query: Any = None) -> list[int]:
    """The orders in the file."""
    return [int(line[0]) for line in lines(client, Order, form, query)[1:]]


both = pytest.mark.parametrize("form", ["csv", "xlsx"])


# --- what is in a file ---


@database
@both
def test_a_file_holds_every_order_the_newest_first(ana: Client, form: str) -> None:
    orders = OrderFactory.create_batch(3)

    assert ids(ana, form) == [order.appmax_order_id for order in orders[::-1]]


@database
@both
def test_a_file_holds_what_the_list_shows_and_nothing_else(ana: Client, form: str) -> None:
    shop = InstallationFactory.create(external_key="loja")
    old, wanted, pending = OrderFactory.create_batch(3, installation=shop, status="aprovado")
    OrderFactory.create(status="aprovado")
    Order.objects.filter(pk=pending.pk).update(status="pendente")
    for order, day in ((old, 20), (wanted, 25), (pending, 25)):
        moment = datetime(2026, 11, day, 23, 30, tzinfo=SAO_PAULO)
        Order.objects.filter(pk=order.pk).update(created_at=moment)
    query = {"status__exact": "aprovado", "created_at_from": "2026-11-24", "created_at_to": "2026-11-25", "q": "loja"}

    assert ids(ana, form, query) == [wanted.appmax_order_id]
    assert [order.pk for order in ana.get(url(Order), query).context["cl"].result_list] == [wanted.pk]


@database
def test_the_lists_links_keep_its_filters(ana: Client) -> None:
    page = ana.get(url(Order), {"status__exact": "aprovado"}).content.decode()

    assert f"{url(Order, 'export', 'csv')}?status__exact=aprovado" in page
    assert f"{url(Order, 'export', 'xlsx')}?status__exact=aprovado" in page


@database
@both
def test_a_file_holds_more_than_one_page_of_the_list(ana: Client, form: str) -> None:
    OrderFactory.create_batch(60, installation=InstallationFactory.create())

    assert len(ids(ana, form, {"p": "2"})) == 60


@database
@pytest.mark.parametrize(
    ("language", "headers"),
    [
        ("en", ["Appmax order id", "Paid at", "Merchant", "Status", "Method", "Paid back (R$)", "Net (R$)"]),
        ("pt-BR", ["Pago em", "Lojista", "Status", "Estornado (R$)", "Em chargeback (R$)", "Líquido (R$)"]),
    ],
)
@both
def test_headers_speak_the_language_at_hand(
    staff: Callable[..., Client], language: str, headers: list[str], form: str
) -> None:
    delimiter = ";" if language == "pt-BR" else ","
    [found] = lines(staff("Finance", language=language), Order, form, delimiter=delimiter)

    assert len(found) == 14
    for header in headers:
        assert header in found


@database
@both
def test_what_went_back_is_taken_off_the_net_amount(ana: Client, form: str) -> None:
    order = OrderFactory.create(total_cents=10000, status="aprovado")
    Refund.objects.create(order=order, amount_cents=2550, state="confirmed", settled_at=timezone.now())
    Refund.objects.create(order=order, amount_cents=1000, state="asked")
    OrderFactory.create(total_cents=500)
    headings, pending, paid = lines(ana, Order, form)
    column = headings.index("Net (R$)")

    assert [Decimal(str(line[column])) for line in (pending, paid)] == [Decimal(0), Decimal("74.5")]


@database
def test_what_is_not_there_is_an_empty_cell(ana: Client) -> None:
    OrderFactory.create()

    headers, line = lines(ana, Order, "csv")

    assert line[headers.index("Method")] == ""


@database
@both
def test_events_are_told_with_outcome_and_note_and_without_payload(ana: Client, form: str) -> None:
    WebhookEventFactory.create(event="order_paid", appmax_order_id=31, payload={"x": "Beatriz"})

    headers, line = lines(ana, WebhookEvent, form)

    row = dict(zip(headers, line, strict=True))
    assert (row["Event"], str(row["Appmax order id"]), row["Outcome"]) == ("order_paid", "31", "Waiting")
    assert row["Note"] == "It waits for its order, or for Appmax's confirmation"
    assert "Beatriz" not in str(line)


@database
def test_a_csv_is_read_as_utf_8_by_a_spreadsheet(ana: Client) -> None:
    OrderFactory.create(installation=InstallationFactory.create(external_key="pão"))

    content = file(ana, Order, "csv")

    assert content.startswith(b"\xef\xbb\xbf")
    assert "pão" in content.decode()


@database
def test_a_text_with_commas_quotes_and_lines_stays_one_cell(ana: Client) -> None:
    key = 'a,"b";c\nd'
    OrderFactory.create(installation=InstallationFactory.create(external_key=key))

    for language, delimiter in (("en", ","), ("pt-BR", ";")):
        ana.defaults["HTTP_ACCEPT_LANGUAGE"] = language
        assert key in lines(ana, Order, "csv", delimiter=delimiter)[1]


@database
@both
@pytest.mark.parametrize(
    ("language", "query", "name"),
    [
        (
            "pt-BR",
            {"created_at_from": "2026-11-01", "created_at_to": "30/11/2026"},
            "pedidos de 01-11-2026 a 30-11-2026",
        ),
        (
            "en",
            {"created_at_from": "2026-11-01", "created_at_to": "2026-11-30"},
            "orders from 2026-11-01 to 2026-11-30",
        ),
        ("en", {"created_at_from": "2026-11-01", "created_at_to": "2026-11-01"}, "orders of 2026-11-01"),
        ("en", {"created_at_to": "2026-11-03"}, "orders up to 2026-11-03"),
        ("en", {"created_at__year": "2024", "created_at__month": "2"}, "orders from 2024-02-01 to 2024-02-29"),
        ("pt-BR", {"created_at__year": "2024"}, "pedidos de 01-01-2024 a 31-12-2024"),
        ("pt-BR", {"status__exact": "aprovado"}, "pedidos até {today:%d-%m-%Y}"),
        ("en", {"created_at_from": "2026-11-01"}, "orders from 2026-11-01 to {today:%Y-%m-%d}"),
    ],
)
def test_a_file_is_named_by_its_list_and_days(
    staff: Callable[..., Client], language: str, query: dict[str, str], name: str, form: str
) -> None:
    answer = staff("Finance", language=language).get(url(Order, "export", form), query)
    answer.getvalue()

    expected = name.format(today=timezone.localdate())
    disposition = unquote(answer["Content-Disposition"].replace("utf-8''", ""))
    assert disposition.startswith("attachment; filename")
    assert f"{expected}.{form}" in disposition


# --- strangers' texts ---

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", '=HYPERLINK("https://evil.example","x")', "\x01=1+1"]


@database
@both
@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_looks_like_a_formula_stays_a_text(ana: Client, form: str, text: str) -> None:
    OrderFactory.create(installation=InstallationFactory.create(external_key=text, name=text))
    WebhookEventFactory.create(event=text)

    for model in (Order, WebhookEvent):
        cells = [str(cell) for cell in lines(ana, model, form)[1]]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], cells
        assert [cell for cell in cells if cell.startswith("'")], cells


@database
def test_in_an_xlsx_no_cell_is_a_formula(ana: Client) -> None:
    for text in FORMULAS:
        OrderFactory.create(installation=InstallationFactory.create(external_key=text))

    sheet = load_workbook(io.BytesIO(file(ana, Order, "xlsx"))).active

    assert sheet is not None
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@database
@both
def test_control_characters_do_not_break_a_file(ana: Client, form: str) -> None:
    text = "a" + "".join(map(chr, range(1, 32))) + "b"
    OrderFactory.create(installation=InstallationFactory.create(external_key=text))
    WebhookEventFactory.create(event=text, error_message=text)

    for model in (Order, WebhookEvent):
        assert len(lines(ana, model, form)) == 2


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("loja", "loja"),
        ("", ""),
        ("a=b", "a=b"),
    ],
)
def test_what_is_harmless_stays_as_it_is(value: Any, cell: Any) -> None:
    assert tables.harmless(value) == cell


# --- long ones ---


@database
@both
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
def test_batches_lose_and_repeat_nothing(ana: Client, monkeypatch: pytest.MonkeyPatch, form: str, rows: int) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    orders = OrderFactory.create_batch(rows, installation=InstallationFactory.create())

    assert ids(ana, form) == [order.appmax_order_id for order in orders[::-1]]


@database
def test_a_file_costs_a_query_a_batch(
    ana: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 10)
    OrderFactory.create_batch(20)

    with django_assert_max_num_queries(12):
        assert len(ids(ana, "csv")) == 20


def begun(client: Client) -> Iterator[bytes]:
    """The batches of a CSV, as they are taken; the headings are taken already."""
    answer: Any = client.get(url(Order, "export", "csv"))
    parts: Iterator[bytes] = iter(answer.streaming_content)
    assert b"Status" in next(parts)
    return parts


@committing
def test_between_two_batches_no_connection_is_held(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    OrderFactory.create_batch(6, installation=InstallationFactory.create())

    held = [connection.connection is not None for _batch in begun(ana)]

    assert held == [False] * 3


@committing
def test_an_order_that_comes_meanwhile_disturbs_nothing(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    shop = InstallationFactory.create()
    orders = OrderFactory.create_batch(5, installation=shop)
    parts = begun(ana)
    first = next(parts)

    OrderFactory.create_batch(2, installation=shop)

    numbers = [int(line.partition(b",")[0]) for batch in (first, *parts) for line in batch.splitlines()]
    assert numbers == [order.appmax_order_id for order in orders[::-1]]


@database
def test_an_xlsx_that_would_be_too_long_is_refused_and_the_csv_is_whole(
    ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(export.MOST, "xlsx", 3)
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    OrderFactory.create_batch(4, installation=InstallationFactory.create(external_key="loja"))

    answer = ana.get(url(Order, "export", "xlsx"), {"q": "loja"}, follow=True)

    assert answer.redirect_chain[-1][0] == f"{url(Order)}?q=loja"
    assert "3 rows" in messages_of(answer)
    assert len(ids(ana, "csv")) == 4


@database
def test_an_xlsx_that_is_just_as_long_is_made(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(export.MOST, "xlsx", 3)
    OrderFactory.create_batch(3, installation=InstallationFactory.create())

    assert len(ids(ana, "xlsx")) == 3


# --- who ---


@database
@pytest.mark.parametrize("model", [Order, WebhookEvent])
@both
def test_each_list_has_a_permission_of_its_own(staff: Callable[..., Client], model: Any, form: str) -> None:
    name = model._meta.model_name
    label = model._meta.app_label
    path = url(model, "export", form)

    sees, may, may_not_see = (
        staff("", *permissions, name=user)
        for user, permissions in (
            ("ana", [f"{label}.view_{name}"]),
            ("rui", [f"{label}.view_{name}", f"{label}.export_{name}"]),
            ("eva", [f"{label}.export_{name}"]),
        )
    )

    assert sees.get(path).status_code == 403
    assert may_not_see.get(path).status_code == 403
    answer = may.get(path)
    answer.getvalue()
    assert answer.status_code == 200


@database
def test_who_took_what_is_logged(ana: Client, caplog: pytest.LogCaptureFixture) -> None:
    file(ana, Order, "csv")

    assert "'model': 'order', 'form': 'csv', 'user': " in caplog.text


@database
@pytest.mark.parametrize("form", ["json", "html", "CSV", "csv.exe"])
def test_there_are_no_other_forms(ana: Client, form: str) -> None:
    assert ana.get(url(Order, "export", form)).status_code == 404


@database
def test_a_stranger_is_sent_to_the_login() -> None:
    assert Client().get(url(Order, "export", "csv")).status_code == 302
