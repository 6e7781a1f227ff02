"""What Appmax's errors become (contract 4.2): the kind of exception, the message, the trace."""

from typing import Any

import pytest

from appmax import wording
from appmax.client import AppmaxClient
from appmax.errors import Declined, OutcomeUnknown, Rejected, Unavailable
from tests.appmax.conftest import TOKEN_URL, URL


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "m"}, "m"),
        ({"errors": {"message": "m"}}, "m"),
        ({"errors": {"message": {"email": ["bad", "long"], "phone": ["short"]}}}, "email: bad, long; phone: short"),
        ({"errors": {"email": ["bad"]}}, "email: bad"),
        ({"error": {"message": "m"}}, "m"),
        ({"error": {"message": ["m", "n"]}}, "m, n"),
        ({"data": {"errors": {"message": "m"}}}, "m"),
        ({"error": "invalid_client", "error_description": "m"}, "m"),
        ({"error": "invalid_client"}, "invalid_client"),
        ({"success": False, "text": "m", "data": []}, "m"),
        ({"message": "Too many requests", "retryAfter": "5"}, "Too many requests"),
        ({"message": "m" * 2000}, "m" * 500),
        ({}, ""),
        ([], ""),
        (None, ""),
        ("text", ""),
        ({"message": 5, "errors": None, "error": []}, ""),
    ],
)
def test_the_message_is_found_in_every_shape(body: Any, message: str) -> None:
    assert wording.error_message(body) == message


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_request_at_fault_is_rejected_with_its_status_message_and_trace(
    client: AppmaxClient, appmax: Any, status: int
) -> None:
    trace = {"CF-Ray": "ray", "X-Request-Id": "req", "X-Trace-Id": "tr"}
    appmax.post(f"{URL}/v1/payments/pix", json={"message": "m"}, status=status, headers=trace)

    with pytest.raises(Rejected, match=r"^m$") as caught:
        client.create_pix(order_id=1, document_number="1")
    assert caught.value.status == status
    assert caught.value.trace == trace


@pytest.mark.parametrize(
    ("status", "message"), [(402, ""), (422, "Pagamento não autorizado"), (400, "recusado"), (403, "Declined by bank")]
)
def test_a_refused_payment_is_a_decline(client: AppmaxClient, appmax: Any, status: int, message: str) -> None:
    appmax.post(f"{URL}/v1/payments/pix", json={"message": message}, status=status)

    with pytest.raises(Declined, match=message or "payment declined"):
        client.create_pix(order_id=1, document_number="1")


def test_refused_credentials_are_unavailable(client: AppmaxClient, appmax: Any) -> None:
    appmax.replace("POST", TOKEN_URL, json={"error": "invalid_client"}, status=401)

    with pytest.raises(Unavailable) as caught:
        client.bearer_token()
    assert (caught.value.status, caught.value.retry_after) == (401, None)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_leaves_a_payment_unknown(client: AppmaxClient, appmax: Any, status: int) -> None:
    appmax.post(f"{URL}/v1/payments/pix", body="<html>Bad gateway</html>", status=status)

    with pytest.raises(OutcomeUnknown) as caught:
        client.create_pix(order_id=1, document_number="1")
    assert (caught.value.status, caught.value.timed_out) == (status, False)


def test_a_redirect_is_not_followed(client: AppmaxClient, appmax: Any) -> None:
    appmax.get(f"{URL}/v1/orders/1", status=302, headers={"Location": "https://elsewhere.test/"})
    appmax.get("https://elsewhere.test/", json={"data": {"order": {"id": 1, "status": "aprovado"}}})

    with pytest.raises(Unavailable):
        client.get_order(1)
