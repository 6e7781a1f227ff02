"""The request log: what support needs, and never a secret."""

import logging
from typing import Any

import pytest

from appmax.client import AppmaxClient
from appmax.errors import AppmaxError
from appmax.messages import Customer
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
    assert "method=POST path=/v1/customers status=422" in text
    assert "CF-Ray=ray-1" in text
    for secret in SECRETS:
        assert secret not in text


def test_no_exception_of_the_http_library_rides_along(client_at: Any, appmax: Any) -> None:
    with pytest.raises(AppmaxError) as caught:
        client_at("https://appmax.test").get_order(1)

    assert caught.value.__suppress_context__
