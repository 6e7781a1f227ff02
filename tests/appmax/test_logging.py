"""The request log: what support needs, and never a secret."""

import logging
from typing import Any

import pytest

from appmax.client import AppmaxClient
from appmax.errors import AppmaxError
from appmax.messages import Card, CardCharge, Customer
from tests.appmax.conftest import URL

SECRETS = ("s3cret-of-merchant", "t1", "Ana", "ana@example.com", "11987654321", "52998224725")


def test_calls_are_logged_without_bodies_tokens_or_secrets(
    client: AppmaxClient, appmax: Any, caplog: pytest.LogCaptureFixture
) -> None:
    appmax.post(f"{URL}/v1/customers", json={"message": "Ana is bad"}, status=422, headers={"CF-Ray": "ray-1"})
    caplog.set_level(logging.DEBUG)

    with pytest.raises(AppmaxError):
        client.create_customer(Customer("Ana", "Souza", "ana@example.com", "11987654321", "52998224725"))

    text = "\n".join(record.getMessage() for record in caplog.records if record.name == "appmax")
    assert "'method': 'POST', 'path': '/v1/customers', 'status': 422" in text
    assert "'CF-Ray': 'ray-1'" in text
    for secret in SECRETS:
        assert secret not in text


def test_a_call_that_went_well_is_told_with_appmaxs_numbers(
    client: AppmaxClient, appmax: Any, caplog: pytest.LogCaptureFixture
) -> None:
    appmax.post(f"{URL}/v1/payments/tokenize", json={"data": {"token": "t"}}, headers={"X-Trace-Id": "trace-1"})
    caplog.set_level(logging.DEBUG)

    client.tokenize_card(Card("4000000000000010", "987", "12", "2031", "Ana Souza"))

    assert "'X-Trace-Id': 'trace-1'" in caplog.text


@pytest.mark.parametrize("status", [201, 402, 500])
def test_nothing_of_a_card_is_logged(
    client: AppmaxClient, appmax: Any, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    card = Card("4000000000000010", "987", "12", "2031", "Ana Souza")
    said = {"message": "4000000000000010 987 Ana Souza 52998224725", "data": {"token": "tok-of-card"}}
    appmax.post(f"{URL}/v1/payments/credit-card", json=said, status=status)
    appmax.post(f"{URL}/v1/payments/tokenize", json=said)
    caplog.set_level(logging.DEBUG)

    client.tokenize_card(card)
    with pytest.raises(AppmaxError):
        client.charge_card(
            order_id=1, customer_id=2, charge=CardCharge(card=card, holder_document_number="52998224725")
        )

    assert "/v1/payments/credit-card" in caplog.text
    for secret in ("4000000000000010", "Souza", "52998224725", "tok-of-card"):
        assert secret not in caplog.text


def test_no_exception_of_the_http_library_rides_along(client_at: Any, appmax: Any) -> None:
    with pytest.raises(AppmaxError) as caught:
        client_at("https://appmax.test").get_order(1)

    assert caught.value.__suppress_context__
