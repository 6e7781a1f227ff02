"""What Appmax's errors become (contract 4.2): the kind of exception, the message, the trace."""

from typing import Any

import pytest

from appmax import wording
from appmax.client import AppmaxClient
from appmax.errors import AppmaxError, CredentialsRefused, Declined, OutcomeUnknown, Rejected, Unavailable
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
        ({"success": False, "error": "Forbidden", "data": {"errorCode": "E1", "message": "m"}}, "m"),
        ({"success": False, "error": "Forbidden", "data": []}, "Forbidden"),
        ({"message": "The given data failed to pass validation.", "errors": {"message": {"ip": ["m"]}}}, "ip: m"),
        ({"message": "n&atilde;o &lt;m&gt;"}, "não <m>"),
        ({"message": "&nbsp;", "error": "m"}, "m"),
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


OAUTH = {"error": "invalid_client", "error_description": "Client authentication failed"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, OAUTH),
        (401, {}),
        (401, "<html>"),
        (400, OAUTH),
        (403, {"error": "access_denied"}),
        (403, {"error": "invalid_scope", "error_description": "no"}),
    ],
)
def test_credentials_that_get_no_token_are_refused(client: AppmaxClient, appmax: Any, status: int, body: Any) -> None:
    appmax.replace("POST", TOKEN_URL, status=status, **({"body": body} if isinstance(body, str) else {"json": body}))

    with pytest.raises(CredentialsRefused) as caught:
        client.bearer_token()
    assert (caught.value.status, caught.value.retry_after, caught.value.timed_out) == (status, None, False)


@pytest.mark.parametrize("answer", [{"body": "<html>"}, {"json": {"message": "Forbidden"}}])
def test_a_firewall_before_the_auth_server_says_nothing_of_the_credentials(
    client: AppmaxClient, appmax: Any, answer: Any
) -> None:
    appmax.replace("POST", TOKEN_URL, status=403, **answer)

    with pytest.raises(Unavailable) as caught:
        client.bearer_token()
    assert not isinstance(caught.value, CredentialsRefused)


def everything(client: AppmaxClient, appmax: Any, status: int, body: Any) -> list[type[AppmaxError]]:
    """What becomes of this answer to each kind of call: a payment, another change, a read."""
    answer = {"body": body} if isinstance(body, str) else {"json": body}
    appmax.post(f"{URL}/v1/payments/pix", status=status, **answer)
    appmax.post(f"{URL}/v1/orders/refund-request", status=status, **answer)
    appmax.get(f"{URL}/v1/orders/1", status=status, **answer)
    raised = []
    for call in (
        lambda: client.create_pix(order_id=1, document_number="1"),
        lambda: client.request_refund(order_id=1, value=None),
        lambda: client.get_order(1),
    ):
        with pytest.raises(AppmaxError) as caught:
            call()
        raised.append(type(caught.value))
    return raised


def test_a_403_with_a_message_of_appmaxs_is_about_the_request(client: AppmaxClient, appmax: Any) -> None:
    body = {"success": False, "error": "Forbidden", "data": {"errorCode": "E1", "message": "CPF em lista restritiva"}}

    assert everything(client, appmax, 403, body) == [Rejected, Rejected, Rejected]
    with pytest.raises(Rejected, match=r"^CPF em lista restritiva$") as caught:
        client.create_pix(order_id=1, document_number="1")
    assert caught.value.status == 422


def test_a_403_that_is_a_firewalls_page_is_an_unknown_outcome_of_what_changes_something(
    client: AppmaxClient, appmax: Any
) -> None:
    assert everything(client, appmax, 403, "<html>blocked</html>") == [OutcomeUnknown, OutcomeUnknown, Unavailable]


def test_a_403_that_is_an_oauth_error_is_about_the_credentials(client: AppmaxClient, appmax: Any) -> None:
    assert everything(client, appmax, 403, OAUTH) == [CredentialsRefused] * 3


def test_a_401_for_a_fresh_token_is_about_the_credentials(client: AppmaxClient, appmax: Any) -> None:
    assert everything(client, appmax, 401, {"message": "Unauthenticated."}) == [CredentialsRefused] * 3


# --- how a body is written -------------------------------------------------------------------------------------------

BOM = b"\xef\xbb\xbf"
CONTENT_TYPES = ["application/json", "text/html", "text/plain; charset=iso-8859-1", "application/json; charset=latin1"]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("start", [b"", BOM, BOM + BOM, b"\n "])
def test_a_body_is_utf_8_with_or_without_a_byte_order_mark(
    client: AppmaxClient, appmax: Any, content_type: str, start: bytes
) -> None:
    body = start + '{"data": {"order": {"id": 1, "status": "em tratação"}}}'.encode()
    appmax.get(f"{URL}/v1/orders/1", body=body, content_type=content_type)

    assert client.get_order(1).status == "em tratação"


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_message_is_utf_8_whatever_the_content_type(client: AppmaxClient, appmax: Any, content_type: str) -> None:
    appmax.post(
        f"{URL}/v1/payments/pix",
        body=BOM + '{"message": "Pagamento não autorizado"}'.encode(),
        status=400,
        content_type=content_type,
    )

    with pytest.raises(Declined, match=r"^Pagamento não autorizado$"):
        client.create_pix(order_id=1, document_number="1")


def test_a_body_in_another_encoding_is_read_as_far_as_it_goes(client: AppmaxClient, appmax: Any) -> None:
    body = '{"data": {"order": {"id": 1, "status": "aprovado", "note": "não"}}}'.encode("latin-1")
    appmax.get(f"{URL}/v1/orders/1", body=body, content_type="application/json")

    assert client.get_order(1).status == "aprovado"


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
