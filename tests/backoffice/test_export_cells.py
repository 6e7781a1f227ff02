"""A list's CSV and XLSX hold the same, as the reader's language writes it; LibreOffice reads numbers and dates."""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from orders.models import Order, Refund
from tests.backoffice.conftest import url
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

SOFFICE = shutil.which("soffice")
# 23:30 of 25 November and 00:10 of 26 November in São Paulo
LATE, NEXT_DAY = datetime(2026, 11, 26, 2, 30, tzinfo=UTC), datetime(2026, 11, 26, 3, 10, tzinfo=UTC)

DELIMITERS = {"pt-BR": ";", "en": ","}
MOMENTS = {"pt-BR": "%d/%m/%Y %H:%M", "en": "%Y-%m-%d %H:%M"}
POINTS = {"pt-BR": ",", "en": "."}


@pytest.fixture
def some() -> list[Order]:
    """Orders of two merchants: kept, partly and wholly paid back, lost, disputed, reserved, pending, the next day's."""
    bakery = InstallationFactory.create(external_key="loja-7", name="Padaria São João")
    plain = InstallationFactory.create(external_key="loja-8")
    orders = [
        OrderFactory.create(installation=bakery, status=status, payment_method=method, total_cents=cents)
        for status, method, cents in (
            ("aprovado", "pix", 123456),
            ("integrado", "credit_card", 10000),
            ("estornado", "pix", 500),
            ("chargeback_perdido", "credit_card", 7000),
            ("chargeback_em_disputa", "credit_card", 900),
            ("autorizado", "credit_card", 4000),
            ("pendente", None, 3000),
        )
    ]
    orders.append(OrderFactory.create(installation=plain, status="aprovado", payment_method="boleto", total_cents=1))
    Refund.objects.create(order=orders[1], amount_cents=2550, state="confirmed", settled_at=timezone.now())
    Refund.objects.create(order=orders[3], amount_cents=1000, state="confirmed", settled_at=timezone.now())
    Refund.objects.create(order=orders[0], amount_cents=1000, state="asked")
    Order.objects.update(created_at=LATE, paid_at=LATE)
    Order.objects.filter(pk=orders[-1].pk).update(created_at=NEXT_DAY)
    Order.objects.filter(status="pendente").update(paid_at=None)
    return orders


def as_csv(client: Client, model: Any, query: Any = None) -> bytes:
    content: bytes = client.get(url(model, "export", "csv"), query).getvalue()
    return content


def as_xlsx(client: Client, model: Any, query: Any = None) -> Any:
    return load_workbook(io.BytesIO(client.get(url(model, "export", "xlsx"), query).getvalue()))


def cells(content: bytes, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def as_text(cell: Any, language: str) -> str:
    """What the cell of an XLSX shows, in the form that a CSV has."""
    if isinstance(cell.value, datetime):
        assert cell.number_format == {"pt-BR": "dd/mm/yyyy hh:mm", "en": "yyyy-mm-dd hh:mm"}[language]
        return cell.value.strftime(MOMENTS[language])
    if cell.number_format == "[$R$-416] #,##0.00":
        return f"{cell.value:.2f}".replace(".", POINTS[language])
    return "" if cell.value is None else str(cell.value)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("model", [Order, WebhookEvent])
def test_both_files_hold_the_same_in_each_cell(staff: Callable[..., Client], model: Any, language: str) -> None:
    WebhookEventFactory.create(processed=True, processed_at=LATE, error_message="=1+1")
    WebhookEventFactory.create(installation=InstallationFactory.create(name="Loja"), appmax_order_id=None)
    rui = staff("Finance", language=language)

    lines = cells(as_csv(rui, model), DELIMITERS[language])
    sheet = as_xlsx(rui, model).worksheets[0]

    assert [[as_text(cell, language) for cell in line] for line in sheet.iter_rows()] == lines
    assert len(lines) == model.objects.count() + 1


@pytest.mark.usefixtures("some")
def test_brazilians_get_semicolons_commas_their_dates_and_words(staff: Callable[..., Client]) -> None:
    content = as_csv(staff("Finance", language="pt-BR"), Order)
    headings, *lines = cells(content, ";")
    paid = dict(zip(headings, lines[-1], strict=True))

    assert content.startswith(b"\xef\xbb\xbf")
    assert (paid["Valor (R$)"], paid["Pago (R$)"], paid["Estornado (R$)"]) == ("1234,56", "1234,56", "0,00")
    assert (paid["Criado em"], paid["Pago em"]) == ("25/11/2026 23:30", "25/11/2026 23:30")
    assert (paid["Status"], paid["Lojista"], paid["Chave do lojista"]) == ("Aprovado", "Padaria São João", "loja-7")
    assert ("aprovado" in content.decode(), "Pix" in content.decode()) == (False, True)


@pytest.mark.usefixtures("some")
def test_others_get_commas_points_and_dates_that_sort(staff: Callable[..., Client]) -> None:
    headings, *lines = cells(as_csv(staff("Finance"), Order), ",")
    paid = dict(zip(headings, lines[-1], strict=True))

    assert (paid["Amount (R$)"], paid["Net (R$)"]) == ("1234.56", "1234.56")
    assert (paid["Created at"], paid["Status"]) == ("2026-11-25 23:30", "Approved")


@pytest.mark.usefixtures("some")
def test_an_order_of_half_past_eleven_at_night_is_of_that_day_everywhere(staff: Callable[..., Client]) -> None:
    rui = staff("Finance", language="pt-BR")
    day = {"created_at_from": "25/11/2026", "created_at_to": "25/11/2026"}
    listed = {order.appmax_order_id for order in rui.get(url(Order), day).context["cl"].result_list}

    headings, *lines = cells(as_csv(rui, Order, day), ";")
    rows = list(as_xlsx(rui, Order, day).worksheets[0].iter_rows(min_row=2, values_only=True))

    created = headings.index("Criado em")
    assert len(listed) == 7
    assert {int(line[0]) for line in lines} == {row[0] for row in rows} == listed
    assert {line[created][:10] for line in lines} == {"25/11/2026"}
    assert {row[created].date().isoformat() for row in rows} == {"2026-11-25"}


@pytest.mark.usefixtures("some")
def test_of_each_order_what_was_paid_is_where_its_columns_say(staff: Callable[..., Client]) -> None:
    headings, *lines = cells(as_csv(staff("Finance"), Order), ",")
    names = ["Status", "Amount (R$)", "Paid (R$)", "Paid back (R$)", "In chargeback (R$)", "Net (R$)"]

    assert [[line[headings.index(name)] for name in names] for line in reversed(lines)] == [
        ["Approved", "1234.56", "1234.56", "0.00", "0.00", "1234.56"],
        ["Integrated", "100.00", "100.00", "25.50", "0.00", "74.50"],
        ["Refunded", "5.00", "5.00", "5.00", "0.00", "0.00"],
        ["Chargeback lost", "70.00", "70.00", "10.00", "60.00", "0.00"],
        ["Chargeback in dispute", "9.00", "9.00", "0.00", "9.00", "0.00"],
        ["Authorised", "40.00", "0.00", "0.00", "0.00", "0.00"],
        ["Pending", "30.00", "0.00", "0.00", "0.00", "0.00"],
        ["Approved", "0.01", "0.01", "0.00", "0.00", "0.01"],
    ]


@pytest.mark.usefixtures("some")
def test_an_xlsx_sums_its_orders_up(staff: Callable[..., Client]) -> None:
    book = as_xlsx(staff("Finance", language="pt-BR"), Order)
    orders, summary = book.worksheets
    lines = [[cell for cell in line if cell is not None] for line in summary.iter_rows(values_only=True)]
    blocks = [list(map(str, line)) for line in lines]

    assert (orders.title, summary.title) == ("Pedidos", "Resumo")
    assert orders.freeze_panes == "A2"
    assert orders["A1"].font.bold
    assert orders.column_dimensions["D"].width == 28
    money = ["Valor (R$)", "Pago (R$)", "Estornado (R$)", "Em chargeback (R$)", "Líquido (R$)"]
    assert [line for line in blocks if line and line[-1] == "Líquido (R$)"] == [
        [heading, "Número", *money] for heading in (orders["G1"].value, "Status", "Lojista")
    ]
    assert [line for line in blocks if line and line[0] == "Total"] == [
        ["Total", "8", "1488.57", "1418.57", "40.5", "69", "1309.07"]
    ] * 3
    assert ["Pix", "2", "1239.56", "1239.56", "5", "0", "1234.56"] in blocks
    assert ["-", "1", "30", "0", "0", "0", "0"] in blocks  # no method yet
    assert ["Padaria São João", "7", "1488.56", "1418.56", "40.5", "69", "1309.06"] in blocks
    assert ["Aprovado", "2", "1234.57", "1234.57", "0", "0", "1234.57"] in blocks
    assert summary["C2"].number_format == "[$R$-416] #,##0.00"


# --- opened by a spreadsheet ---

BRAZILIAN = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>pt-BR</value></prop></item></oor:items>
"""
# Separated by 59 (;), quoted by 34 ("), UTF-8, from line 1 on, in the language of the settings (0), with dates noticed.
AS_SHOWN_FIRST = "CSV:59,34,UTF8,1,,0,false,true"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


def opened(path: Path, *options: str) -> list[list[tuple[str, str]]]:
    """The first sheet's cells as a LibreOffice with Brazilian settings understands them: kind, and value."""
    profile = path.parent / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(BRAZILIAN)
    command = [SOFFICE or "soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", *options]
    command += ["--convert-to", "fods", "--outdir", str(path.parent), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    sheet = ElementTree.parse(path.with_suffix(".fods")).find(f".//{TABLE}table")  # noqa: S314 - LibreOffice wrote it
    assert sheet is not None
    lines = []
    for row in sheet.iter(f"{TABLE}table-row"):
        cells = []
        for cell in row.iter(f"{TABLE}table-cell"):
            kind = cell.get(f"{OFFICE}value-type", "")
            value = cell.get(f"{OFFICE}date-value") or cell.get(f"{OFFICE}value") or "".join(cell.itertext()).strip()
            cells += [(kind, value)] * min(int(cell.get(f"{TABLE}number-columns-repeated", 1)), 20)
        lines.append(cells)
    return lines


@pytest.mark.skipif(SOFFICE is None and not os.environ.get("CI"), reason="LibreOffice is not installed")
@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_brazilian_spreadsheet_reads_numbers_and_dates(
    staff: Callable[..., Client], tmp_path: Path, form: str
) -> None:
    InstallationFactory.create()
    path = tmp_path / f"pedidos.{form}"
    rui = staff("Finance", language="pt-BR")
    path.write_bytes(rui.get(url(Order, "export", form)).getvalue())

    headings, *lines = opened(path, *([f"--infilter={AS_SHOWN_FIRST}"] if form == "csv" else []))

    columns = {heading: [line[place] for line in lines[:8]] for place, (_kind, heading) in enumerate(headings)}
    net = columns["Líquido (R$)"]
    assert {kind for kind, _value in net} <= {"float", "currency"}
    assert sum(Decimal(value) for _kind, value in net) == Decimal("1309.07")
    assert {kind for kind, _value in columns["Criado em"]} == {"date"}
    assert {value[:16] for _kind, value in columns["Criado em"]} == {"2026-11-25T23:30", "2026-11-26T00:10"}
    assert [kind for kind, _value in columns["Pago em"]].count("date") == 7
    assert {kind for kind, _value in columns["Lojista"]} == {"string"}
    assert ("string", "Padaria São João") in columns["Lojista"]
