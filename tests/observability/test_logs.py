"""What a line of the log looks like, and the second line against secrets in it: what looks like one is masked."""

import io
import json
import logging
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog

from observability.logs import bound, formatter, scrub


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


def written(form: str, event: str, **values: Any) -> str:
    """What a line of ours looks like in the end."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(form))
    logger = logging.getLogger("tests.logs")
    logger.addHandler(handler)
    try:
        structlog.stdlib.get_logger("tests.logs").error(event, **values)
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


def test_a_line_is_an_object_whose_numbers_stay_numbers() -> None:
    with bound(request_id="abc"):
        line = json.loads(written("json", "webhook.received", order=2147483647, ms=3.1, name="order_paid", note=None))

    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta()
    assert line == {
        "event": "webhook.received",
        "level": "error",
        "logger": "tests.logs",
        "request_id": "abc",
        "order": 2147483647,
        "ms": 3.1,
        "name": "order_paid",
        "note": None,
    }


@pytest.mark.parametrize("form", ["json", "text"])
def test_secrets_are_masked_however_deep_they_lie(form: str) -> None:
    card = {"number": 4000000000000010, "cvv": "cvv-of-ana", "list": ["Bearer abc.def", ("4000 0000 0000 0010",)]}

    with bound(request_id="r"):
        line = written(form, "paid by 4000000000000010", card=card, seen=4000000000000010, holder_name="Ana")
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "", line)  # Its digits may be any.

    assert "paid by" in line
    for secret in ("4000", "cvv-of-ana", "abc.def", "Ana"):
        assert secret not in line


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_is_kept_and_masked(form: str) -> None:
    try:
        raise ValueError("number 4000000000000010")
    except ValueError:
        line = written(form, "bug", exc_info=True)

    assert "ValueError: number" in line
    assert "test_logs.py" in line
    assert "4000000000000010" not in line


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_strangers_text_stays_on_its_line(form: str) -> None:
    line = written(form, "webhook.received", name='x\nERROR forged=1\x1b[2J"\ud800')

    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert line.encode()


def test_lines_of_libraries_look_like_ours() -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "x", 1, "Not Found: %s", ("/ 4000000000000010",), None
    )

    line = json.loads(formatter("json").format(record))

    assert (line["event"], line["level"], line["logger"]) == ("Not Found: / ••••", "warning", "django.request")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "UniqueViolation: duplicate key\nDETAIL:  Key (email)=(ana@x.com)\n\n again.\n\nThe above exception was",
            "UniqueViolation: duplicate key\nDETAIL: ••••\n\nThe above exception was",
        ),
        ("not-null constraint\nDETAIL:  Failing row contains (3, Ana, null).", "not-null constraint\nDETAIL: ••••"),
        ('invalid input syntax for type bigint: "Ana "S" x"\nLINE 1: WHERE x = \'Ana\'', "LINE 1: ••••"),
    ],
)
def test_what_postgresql_quotes_of_a_row_is_masked(text: str, masked: str) -> None:
    assert scrub(text).endswith(masked)
    assert "Ana" not in scrub(text)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("Ana")


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("value", [Unprintable(), [[]]], ids=["no text", "endless"])
def test_a_line_that_cannot_be_written_says_so_and_fails_nothing(
    form: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    if isinstance(value, list):
        value[0].append(value)

    line = written(form, "payment.settled", name="Ana", value=value)

    assert line.count("\n") == 1
    assert "log.unprintable" in line
    assert "in a line of tests.logs" in line
    assert "Ana" not in line + capsys.readouterr().err


@pytest.mark.parametrize("share", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_text(share: float) -> None:
    line = json.loads(written("json", "x", share=share), parse_constant=lambda name: pytest.fail(name))

    assert line["share"] == str(share)
