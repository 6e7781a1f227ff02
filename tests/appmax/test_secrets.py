"""No error repeats what was sent in confidence, even if Appmax does."""

from typing import Any

import pytest

from appmax import wording
from appmax.client import AppmaxClient
from appmax.errors import AppmaxError
from appmax.messages import Card, CardCharge, Customer
from tests.appmax.conftest import TOKEN_URL, URL, MemoryCache

CARD = Card("4000000000000010", "987", "12", "2031", "Ana Souza")
CHARGE = CardCharge(card=CARD, holder_document_number="52998224725", upsell_hash="hash-of-upsell")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("number 4000000000000010 is bad", "number ••• is bad"),
        ("number 4000 0000 0000 0010 is bad", "number ••• is bad"),
        ("number 4000-0000-0000-0010.", "number •••."),
        ("number:4000000000000010x", "number:•••x"),
        ("another 5555 5555 5555 4444, 5555-5555-5555-4444 and 4111111111111111", "another •••, ••• and •••"),
        ("13 digits 4222222222222, 19 digits 6304000000000000000", "13 digits •••, 19 digits •••"),
        ("12 digits 123456789012 and 20 digits 12345678901234567890", None),
        ("cvv 987 is bad, 1987 and 9870 are not, (987)", "cvv ••• is bad, 1987 and 9870 are not, (•••)"),
        ("ANA SOUZA has no limit", "••• has no limit"),
        ("Mariana Souzas has", "Mari•••s has"),
        ("document 52998224725 or 529.982.247-25", "document ••• or •••"),
        ("hash hash-of-upsell is used", "hash ••• is used"),
        ("token bearer-1 is bad", "token ••• is bad"),
        ("order 1234567 is paid, R$ 1.234,56", None),
    ],
)
def test_what_a_charge_sent_is_hidden(
    client: AppmaxClient, appmax: Any, memory: MemoryCache, text: str, hidden: str | None
) -> None:
    memory.values["merchant_token:1"] = "bearer-1"
    appmax.post(f"{URL}/v1/payments/credit-card", json={"message": text}, status=422)

    with pytest.raises(AppmaxError) as caught:
        client.charge_card(order_id=9, customer_id=7, charge=CHARGE)
    assert caught.value.message == str(caught.value) == (hidden or text)


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 402, 403, 404, 408, 409, 418, 422, 429, 500, 503])
@pytest.mark.parametrize("shape", ["message", "error", "errors", "text"])
def test_it_is_hidden_in_every_error(client: AppmaxClient, appmax: Any, status: int, shape: str) -> None:
    said = "declined: 4000000000000010 987 Ana Souza 52998224725"
    body = {"success": False, shape: {"message": [said]} if shape.startswith("error") else said}
    appmax.post(f"{URL}/v1/payments/credit-card", json=body, status=status)

    with pytest.raises(AppmaxError) as caught:
        client.charge_card(order_id=9, customer_id=7, charge=CHARGE)
    assert caught.value.message == "declined: ••• ••• ••• •••"


def test_a_token_is_hidden(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/payments/credit-card", json={"message": "token 422146c7523a is used"}, status=422)

    with pytest.raises(AppmaxError, match=r"^token ••• is used$"):
        client.charge_card(order_id=9, customer_id=7, charge=CardCharge(token="422146c7523a"))


def test_a_tokenization_hides_the_card(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/payments/tokenize", json={"message": "987 of 4000000000000010"}, status=500)

    with pytest.raises(AppmaxError, match=r"^••• of •••$"):
        client.tokenize_card(CARD)


@pytest.mark.parametrize("pay", ["create_pix", "create_boleto"])
def test_a_document_number_is_hidden(client: AppmaxClient, appmax: Any, pay: str) -> None:
    for path in ("pix", "boleto"):
        appmax.post(f"{URL}/v1/payments/{path}", json={"message": "52998224725 is bad"}, status=422)

    with pytest.raises(AppmaxError, match=r"^••• is bad$"):
        getattr(client, pay)(order_id=9, document_number="52998224725")


def test_a_customer_is_hidden(client: AppmaxClient, appmax: Any) -> None:
    said = {"errors": {"message": {"email": ["ana@example.com is taken"], "phone": ["11987654321 is too long"]}}}
    appmax.post(f"{URL}/v1/customers", json=said, status=422)

    with pytest.raises(AppmaxError, match=r"^email: ••• is taken; phone: ••• is too long$"):
        client.create_customer(Customer("Ana", "Souza", "ana@example.com", "11987654321"))


def test_a_client_secret_is_hidden(client: AppmaxClient, appmax: Any) -> None:
    appmax.replace("POST", TOKEN_URL, json={"error_description": "s3cret-of-merchant is wrong"}, status=401)

    with pytest.raises(AppmaxError, match=r"^••• is wrong$"):
        client.bearer_token()


def test_a_card_number_at_the_end_of_what_is_kept_is_hidden_before_the_message_is_cut() -> None:
    text = "x" * 490 + " 4000000000000010"

    assert wording.error_message({"message": text}) == "x" * 490 + " •••"


def test_of_two_secrets_the_longer_is_hidden_whole() -> None:
    for secrets in (["Ana Souza", "Ana Souza Lima"], ["Ana Souza Lima", "Ana Souza"]):
        assert wording.error_message({"message": "Ana Souza Lima"}, secrets) == "•••"


def test_a_name_is_not_found_across_words() -> None:
    assert wording.error_message({"message": "an alias of anali"}, ["Anali"]) == "an alias of •••"


@pytest.mark.parametrize("card", ["credit_card", "a_card_of_tomorrow"])
def test_any_cards_number_is_secret_and_a_houses_is_not(card: str) -> None:
    sent = {"address": {"number": "1000"}, "payment_data": {card: {"number": "4000"}}}

    assert wording.secrets_in(sent) == {"4000"}


@pytest.mark.parametrize("value", ["", "  ", None, 5])
def test_what_is_blank_hides_nothing(value: Any) -> None:
    assert wording.secrets_in({"document_number": value}) == set()
