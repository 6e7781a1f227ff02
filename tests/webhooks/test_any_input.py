"""Whatever is posted: kept and 200 if it is a JSON object with an event, 400 if not; never 500."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.webhooks.conftest import URL
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

FUZZ = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.text(st.characters(codec=None), min_size=1, max_size=100) | st.sampled_from(
    ["order_paid", "OrderRefund", "customer_created", " ", "\0", "|", "a | b"]
)


def send(raw: bytes, content_type: str = "application/json") -> Any:
    return Client(raise_request_exception=True).generic("POST", URL, raw, content_type=content_type)


@given(
    event=NAMES,
    rest=st.dictionaries(st.text(), JSON, max_size=3),
    data=JSON | st.fixed_dictionaries({"order_id": JSON, "order": JSON, "id": JSON, "customer_id": JSON}),
    content_type=st.sampled_from(["application/json", "text/plain", "", "x/y; charset=klingon"]),
)
@example(event="e", rest={"client_key": "\0", "external_key": "\ud800"}, data={"order_id": 7}, content_type="")
@FUZZ
def test_any_object_with_an_event_is_kept(
    db: Any, event: str, rest: dict[str, Any], data: Any, content_type: str
) -> None:
    before = WebhookEvent.objects.count()

    answer = send(json.dumps({**rest, "data": data, "event": event}).encode(), content_type)

    assert answer.status_code == 200, answer.content
    assert WebhookEvent.objects.count() == before + 1


@given(
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(["event", "data", "x"]), JSON, max_size=3).map(lambda v: json.dumps(v).encode())
)
@FUZZ
def test_anything_at_all_is_200_and_kept_or_400_and_not(db: Any, raw: bytes) -> None:
    before = WebhookEvent.objects.count()

    answer = send(raw)

    assert answer.status_code in (200, 400)
    assert WebhookEvent.objects.count() - before == (answer.status_code == 200)


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "9" * 4301, "1e999", "0." + "3" * 5000])
def test_numbers_beyond_reason_are_kept(number: str) -> None:
    assert send(f'{{"event": "order_paid", "data": {{"order_id": {number}}}}}'.encode()).status_code == 200
    assert WebhookEvent.objects.get().appmax_order_id is None


def test_a_whole_mebibyte_is_taken_and_a_byte_more_is_not() -> None:
    frame = len(b'{"event":"x","a":""}')

    assert send(b'{"event":"x","a":"' + b"y" * (1024 * 1024 - frame) + b'"}').status_code == 200
    assert send(b'{"event":"x","a":"' + b"y" * (1024 * 1024 - frame + 1) + b'"}').status_code == 413


def test_a_body_is_kept_or_refused_however_deeply_it_is_nested() -> None:
    """Somewhere Python stops to encode it, which must not happen later than to read it."""
    answers = [send(f'{{"event":"x","a":{"[" * depth}{"]" * depth}}}'.encode()) for depth in range(100, 1000, 3)]

    assert {answer.status_code for answer in answers} == {200, 400}
