"""What of a payload staff see who may not see personal data."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import assume, given
from hypothesis import strategies as st

from orders.models import Order
from tests.backoffice import conftest as back_office
from tests.backoffice.conftest import make_job, on, url
from tests.support.factories import OrderFactory, WebhookEventFactory
from webhooks.models import WebhookEvent
from webhooks.privacy import masked

staff = back_office.staff  # the fixture

PERSON = {
    "first name": "Beatriz",
    "last name": "Lima-Sobrinho",
    "whole name": "Beatriz Lima-Sobrinho",
    "e-mail": "beatriz.lima@correio.example",
    "phone": "11987654321",
    "CPF": "52998224725",
    "written CPF": "529.982.247-25",
    "birthday": "1987-06-05",
    "postcode": "01310-100",
    "street": "Avenida Paulista",
    "complement": "apto 141",
    "district": "Bela Vista",
    "city": "Guarulhos",
    "address": "203.0.113.77",
    "holder": "BEATRIZ L SOBRINHO",
    "card": "400000******0010",
}
CUSTOMER = {
    "id": 77,
    "firstname": PERSON["first name"],
    "lastname": PERSON["last name"],
    "email": PERSON["e-mail"],
    "telephone": PERSON["phone"],
    "cpf": PERSON["CPF"],
    "postcode": PERSON["postcode"],
    "address_street": PERSON["street"],
    "address_street_complement": PERSON["complement"],
    "address_street_district": PERSON["district"],
    "address_city": PERSON["city"],
    "ip": PERSON["address"],
    "created_at": "2026-11-25 10:00:00",
}

# The contract's models of payload, with a person in each.
PAYLOADS: dict[str, dict[str, Any]] = {
    "app store": {
        "event": "order_paid",
        "event_type": "order",
        "site_id": 4,
        "app_id": "4242",
        "client_key": "loja-azul",
        "external_key": "loja-azul",
        "partner_merchant": "parceiro",
        "data": {
            "order_id": 9001,
            "order": {"id": 9001, "status": "aprovado", "total": 12990, "created_at": "2026-11-25 10:00:00"},
            "customer": {
                "id": 77,
                "first_name": PERSON["first name"],
                "last_name": PERSON["last name"],
                "full_name": PERSON["whole name"],
                "email": PERSON["e-mail"],
                "phone": PERSON["phone"],
                "document_number": PERSON["written CPF"],
                "birth_date": PERSON["birthday"],
                "ip": PERSON["address"],
                "address": {
                    "postcode": PERSON["postcode"],
                    "street": PERSON["street"],
                    "number": "1578",
                    "complement": PERSON["complement"],
                    "district": PERSON["district"],
                    "city": PERSON["city"],
                    "state": "SP",
                },
            },
            "payment": {
                "method": "credit_card",
                "installments": 3,
                "card": {"number": PERSON["card"], "holder_name": PERSON["holder"], "brand": "visa"},
                "holder_document_number": PERSON["CPF"],
            },
        },
    },
    "old legacy": {"event": "order_paid", "event_type": "order", "data": {"order_id": 9001}},
    "standard": {
        "event": "OrderPaid",
        "data": {
            "id": 9001,
            "customer_id": 77,
            "status": "aprovado",
            "total": "129.90",
            "paid_at": "2026-11-25 10:00:00",
            "customer": CUSTOMER,
            "card_brand": "visa",
        },
    },
    "standard with meta": {
        "event": "OrderPaid",
        "event_type": "",
        "data": {
            "id": 9001,
            "customer_id": 77,
            "status": "aprovado",
            "customer": CUSTOMER,
            "meta": [{"key": "recado", "value": "para a Beatriz"}],
        },
    },
    "two-level flat, snake case": {
        "event": "OrderPaid",
        "data": {
            "order_id": 9001,
            "order_total_products": 129.9,
            "order_status": "aprovado",
            "order_payment_method": "pix",
            "customer_name": PERSON["whole name"],
            "customer_firstname": PERSON["first name"],
            "customer_email": PERSON["e-mail"],
            "customer_telephone": PERSON["phone"],
            "customer_cpf": PERSON["CPF"],
            "customer_zip_code": PERSON["postcode"],
            "customer_address": PERSON["street"],
            "customer_city": PERSON["city"],
            "customer_ip": PERSON["address"],
            "card_holder": PERSON["holder"],
        },
    },
    "custom content, camel case": {
        "event": "OrderPaid",
        "data": {
            "order_id": 9001,
            "orderStatus": "aprovado",
            "totalAmount": 129.9,
            "createdAt": "2026-11-25 10:00:00",
            "customerName": PERSON["whole name"],
            "firstName": PERSON["first name"],
            "customerEmail": PERSON["e-mail"],
            "customerPhone": PERSON["phone"],
            "documentNumber": PERSON["written CPF"],
            "birthDate": PERSON["birthday"],
            "zipCode": PERSON["postcode"],
            "streetAddress": PERSON["street"],
            "ipAddress": PERSON["address"],
            "cardHolderName": PERSON["holder"],
            "cardNumber": PERSON["card"],
        },
    },
}

PERSONAL_NAMES = (
    "name first_name last_name firstname lastname full_name firstName customerName customer_name email e_mail Email "
    "customerEmail phone phone_number telephone document document_number documentNumber cpf CPF cnpj customer_cpf "
    "birth_date birthday date_of_birth address address_street addressStreet street street_number zip zip_code zipCode "
    "postcode postal_code card card_number cardNumber card_brand holder holder_name holderName holder_document_number "
    "ip customer_ip ipAddress ip_address customerIp clientIP nome telefone celular cep endereco bairro cidade rg"
)
HARMLESS_NAMES = (
    "id order_id orderId customer_id status order_status payment_status total order_total totalAmount amount value "
    "unit_value price discount shipping_total freight quantity qty installments sku currency event event_type type "
    "method payment_method paymentMethod created_at createdAt paid_at updated_at date due_date client_key "
    "external_key partner_merchant site_id app_id"
)
AMOUNTS = (
    "total order_total totalAmount amount value unit_value price discount shipping_total freight quantity qty "
    "installments"
)
# No mask in it: a text that is its own hint can't be hidden.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="•\0"), min_size=4, max_size=60)


def texts_of(value: Any) -> list[str]:
    """All that the JSON value says beside its names."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_of(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    return [str(value)]


# --- the rule ---


@pytest.mark.parametrize("body", PAYLOADS.values(), ids=PAYLOADS)
def test_nothing_personal_stands_in_full_in_any_model(body: dict[str, Any]) -> None:
    shown = "\n".join(texts_of(masked(body)))

    for what, text in PERSON.items():
        assert text not in shown, what


@pytest.mark.parametrize("body", PAYLOADS.values(), ids=PAYLOADS)
def test_every_name_stays_where_it_was(body: dict[str, Any]) -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items()}
        return [shape(item) for item in value] if isinstance(value, list) else None

    assert shape(masked(body)) == shape(body)


@given(name=st.sampled_from(PERSONAL_NAMES.split()), text=TEXTS)
def test_whatever_stands_under_a_personal_name_is_never_shown_in_full(name: str, text: str) -> None:
    for value in (text, [text], [[text]], {"x": text}, [{name: text}]):
        assert not [shown for shown in texts_of(masked({name: value})) if text in shown], value


@given(name=st.sampled_from(PERSONAL_NAMES.split()), inner=st.sampled_from(HARMLESS_NAMES.split()), text=TEXTS)
def test_what_is_inside_something_personal_is_personal(name: str, inner: str, text: str) -> None:
    """`"document": {"type": "cpf", "value": "529..."}`."""
    assert not [shown for shown in texts_of(masked({name: {inner: text}})) if text in shown]


@given(name=st.sampled_from(PERSONAL_NAMES.split()), number=st.integers(10**5, 10**19))
def test_numbers_are_no_exception(name: str, number: int) -> None:
    assert str(number) not in texts_of(masked({name: number}))


@given(name=st.sampled_from(("remark", "recado", "x", "", "observation", "utm_source", "ñ", "梅")), text=TEXTS)
def test_a_name_that_nobody_knows_is_taken_for_personal(name: str, text: str) -> None:
    assert not [shown for shown in texts_of(masked({name: text})) if text in shown]


@given(
    name=st.sampled_from(HARMLESS_NAMES.split()),
    value=st.one_of(
        st.integers(-(10**9), 10**9),
        st.from_regex(r"[A-Za-z0-9_.:/+-]{1,10}", fullmatch=True),
        st.dates().map(str),
        st.booleans(),
        st.none(),
    ),
)
def test_what_is_about_the_order_stays_readable(name: str, value: Any) -> None:
    assume(not (isinstance(value, str) and name in AMOUNTS.split()))
    assert masked({name: value}) == {name: value}


@pytest.mark.parametrize("text", ["129.90", "129,90", "12990", "-5"])
def test_an_amount_may_come_as_a_text(text: str) -> None:
    assert masked({"total": text}) == {"total": text}


@pytest.mark.parametrize("value", [None, True, False, "", [], {}])
def test_that_there_is_nothing_may_be_seen(value: Any) -> None:
    assert masked({"email": value}) == {"email": value}


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("ana@example.com", "a•••@example.com"),
        ("Maria Souza", "M•••"),
        ("52998224725", "•••25"),
        ("529.982.247-25", "•••25"),
        (11987654321, "•••21"),
        ("12345", "•••"),
        ("Li", "•••"),
    ],
)
def test_a_hint_is_enough_to_compare_with_what_a_shopper_says(value: Any, hint: str) -> None:
    assert masked({"customer": {"anything": value}}) == {"customer": {"anything": hint}}


@given(mailbox=st.text("xyz.@", min_size=3, max_size=12))
def test_of_an_e_mail_address_only_the_host_is_seen(mailbox: str) -> None:
    shown = masked({"email": f"{mailbox}@correio.example"})["email"]

    assert mailbox[1:] not in shown
    assert "•••" in shown


# --- the pages ---

pages = pytest.mark.django_db


def payload_on(page: Any) -> Any:
    """The JSON that an event's page shows."""
    found = re.search(r'<pre class="payload">(.*?)</pre>', page.content.decode(), re.DOTALL)
    assert found is not None
    return json.loads(html.unescape(found[1]))


@pages
@pytest.mark.parametrize("body", PAYLOADS.values(), ids=PAYLOADS)
def test_an_events_page_hints_at_personal_data(staff: Callable[..., Client], body: dict[str, Any]) -> None:
    event = WebhookEventFactory.create(event=body["event"], appmax_order_id=9001, payload=body)

    page = staff("Finance").get(on(event))

    assert payload_on(page) == masked(body)
    for what, text in PERSON.items():
        assert text not in html.unescape(page.content.decode()), what


@pages
@pytest.mark.parametrize("body", PAYLOADS.values(), ids=PAYLOADS)
def test_an_administrators_page_shows_all(staff: Callable[..., Client], body: dict[str, Any]) -> None:
    event = WebhookEventFactory.create(event=body["event"], appmax_order_id=9001, payload=body)

    assert payload_on(staff("Administrator").get(on(event))) == body


@pages
def test_looking_changes_nothing_of_what_is_kept(staff: Callable[..., Client]) -> None:
    event = WebhookEventFactory.create(payload=PAYLOADS["app store"])

    staff("Support").get(on(event))

    event.refresh_from_db()
    assert event.payload == PAYLOADS["app store"]


@pages
def test_a_payload_is_text_and_no_markup(staff: Callable[..., Client]) -> None:
    body = {"event": "x", "</pre><script>alert(1)</script>": "<img src=x>", "status": "<b>bold</b>"}
    event = WebhookEventFactory.create(payload=body)

    page = staff("Administrator").get(on(event)).content.decode()

    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert "<b>bold" not in page


@pages
def test_lists_histories_and_files_show_nothing_of_a_payload(staff: Callable[..., Client]) -> None:
    order = OrderFactory.create(appmax_order_id=9001)
    event = WebhookEventFactory.create(event="order_paid", appmax_order_id=9001, payload=PAYLOADS["app store"])
    make_job()
    eva = staff("Administrator")

    for path in (
        url(WebhookEvent),
        url(WebhookEvent, "export", "csv"),
        on(event, "history"),
        on(event, "reprocess"),
        on(order),
        on(order, "history"),
        url(Order),
    ):
        answer = eva.get(path)
        assert answer.status_code == 200, path
        text = (answer.getvalue() if answer.streaming else answer.content).decode()
        for what, personal in PERSON.items():
            assert personal not in html.unescape(text), (path, what)
