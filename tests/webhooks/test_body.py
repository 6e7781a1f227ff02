"""The bytes of a webhook: other charsets than UTF-8, and forms as PHP posts them."""

import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.factories import OrderFactory
from tests.webhooks.conftest import URL
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
TEXT = '{"event": "order_paid", "event_type": "order", "data": {"order_id": 95922354, "name": "João Conceição"}}'
PHP = "event=order_paid&event_type=order&data[order_id]=95922354&data[customer][name]=Jo%C3%A3o"


@pytest.fixture
def order(db: None) -> Any:
    return OrderFactory.create(appmax_order_id=95922354)


def kept() -> Any:
    return WebhookEvent.objects.get().payload


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8", "application/json; charset=iso-8859-1"),  # the declaration is wrong, the bytes are not
        ("utf-8-sig", "application/json"),
        ("utf-16", "application/json"),
        ("utf-16-le", "application/json; charset=utf-16le"),
        ("utf-32", "application/json"),
        ("latin-1", "application/json; charset=ISO-8859-1"),
        ("latin-1", "application/json"),
        ("latin-1", "application/json; charset=utf-8"),
        ("latin-1", ""),
        ("latin-1", "application/x-www-form-urlencoded"),  # as PHP and curl say unless they are told
        ("latin-1", "application/json; charset=klingon"),
        ("latin-1", "application/json; charset=unicode_escape"),
        ("cp1252", 'application/json; charset="windows-1252"'),
        ("cp850", "application/json; charset=cp850"),
    ],
)
def test_the_text_is_read_in_its_charset(post: Any, order: Any, charset: str, content_type: str) -> None:
    answer = post(URL, TEXT.encode(charset), content_type=content_type)

    order.refresh_from_db()
    assert (answer.status_code, order.status) == (200, "aprovado")
    assert kept() == json.loads(TEXT)


def test_bytes_that_are_no_windows_1252_either_are_kept_all_the_same(post: Any) -> None:
    post(URL, b'{"event": "x\x81\xe3"}')

    assert kept() == {"event": "x\x81ã"}


@pytest.mark.parametrize(
    "text",
    [
        PHP,
        PHP.replace("[", "%5B").replace("]", "%5D"),
        PHP.replace("%C3%A3", "%E3"),  # Latin-1
        PHP.replace("95922354", "+95922354+"),
        PHP.replace("event=order_paid", "event=OrderPaid"),
        PHP.replace("data[order_id]", "data[order][id]"),
        PHP.replace("data[order_id]=95922354", "data[id]=95922354&data[customer_id]=3"),
        "event=order_paid&event_type=order&data=" + quote('{"order_id": 95922354, "customer": {"name": "João"}}'),
        PHP + "&data[products][0][sku]=a&data[products][1][sku]=b",
        PHP + "&data[tags][]=a&data[tags][]=b",
        PHP + "&data[empty]=",
    ],
)
def test_a_form_is_read_as_php_reads_it(post: Any, order: Any, text: str) -> None:
    answer = post(URL, text, content_type=f"{FORM}; charset=utf-8")

    order.refresh_from_db()
    assert (answer.status_code, order.status) == (200, "aprovado")
    assert kept()["data"]["customer"]["name"] == "João"


def test_a_forms_lists_are_kept_by_their_numbers(post: Any) -> None:
    post(URL, PHP + "&data[tags][]=a&data[tags][]=b&data[products][0][sku]=c", content_type=FORM)

    data = kept()["data"]
    assert (data["tags"], data["products"]) == ({"0": "a", "1": "b"}, {"0": {"sku": "c"}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "event=order_paid",
        "event=order_paid&order_id=95922354",
        "event=order_paid&data=95922354",
        "event=order_paid&data[]",
        "event=order_paid&data[order_id=95922354",
        "event=order_paid&data[order_id]x=95922354",
        "data[order_id]=95922354",
        PHP + "&data[order_id]=1",  # which of the two?
        PHP + "&data[order_id][x]=1",
        PHP + "&data=1",
        PHP + "&event=order_refund",
        PHP + "&a" * 5000,
        "event=x&data" + "[a]" * 100_000 + "=1",
    ],
    ids=lambda text: text[:60],
)
def test_a_form_whose_meaning_is_uncertain_is_refused(post: Any, text: str) -> None:
    answer = post(URL, text, content_type=FORM)

    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "invalid_request_body", "message": "invalid request body"},
    )
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_a_form_that_is_not_said_to_be_one_is_refused(post: Any, content_type: str) -> None:
    assert post(URL, PHP, content_type=content_type).status_code == 400


def test_a_compressed_body_is_refused(post: Any) -> None:
    assert post(URL, gzip.compress(TEXT.encode()), headers={"Content-Encoding": "gzip"}).status_code == 400
