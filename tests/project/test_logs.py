"""The second line against secrets in logs: what looks like one is masked in the finished line."""

import logging

import pytest

from checkout_project.logs import ScrubbingFormatter, scrub


@pytest.mark.parametrize(
    "text",
    [
        "card 4000000000000010 refused",
        "card 4000 0000 0000 0010 refused",
        "card 4000-0000-0000-0010 refused",
        "amex 378282246310005",
    ],
)
def test_card_numbers_are_masked(text: str) -> None:
    assert scrub(text) in ("card •••• refused", "amex ••••")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"cvv": "123", "installments": 1}', '{"cvv": "••••", "installments": 1}'),
        ("{'cvv': 123}", "{'cvv': ••••}"),
        ("token=abc&x=1", "token=••••&x=1"),
        ('"client_secret": "s3cret"', '"client_secret": "••••"'),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ••••"),
        ("authorization: api-key Abc.123", "authorization: api-key ••••"),
    ],
)
def test_fields_and_credentials_are_masked(text: str, masked: str) -> None:
    assert scrub(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "webhook.received event=order_paid order=2147483647 outcome=applied ms=3.1",
        "appmax.call method=POST path=/v1/payments/tokenize status=504 ms=30012 CF-Ray=c5275091d1ab4653-GRU",
        "X-Request-Id=5b641ee0-48a6-40a7-81d7-bbbb35cf5028",
        "2026-11-24T20:11:39-0300 INFO orders.checkout order.created installation=107 order=95561900",
        "9000000001 9000000002 9000000003",
    ],
)
def test_what_support_needs_stays(text: str) -> None:
    assert scrub(text) == text


def test_arguments_and_tracebacks_are_covered() -> None:
    try:
        raise ValueError("number 4000000000000010")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "paid by %s", ("4000000000000010",), None)
        record.exc_info = (ValueError, error, error.__traceback__)

    text = ScrubbingFormatter("%(message)s").format(record)

    assert "ValueError" in text
    assert "4000000000000010" not in text
