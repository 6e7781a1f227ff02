"""What Google Pay and Apple Pay charges send, and what no error of theirs repeats."""

from typing import Any

import pytest

from appmax.client import AppmaxClient
from appmax.errors import Declined, OutcomeUnknown, Rejected
from appmax.messages import ApplePayCharge, Charge, GooglePayCharge
from tests.appmax.conftest import URL
from tests.appmax.test_cards import sent
from tests.support.documented import APPLE_PAY, GOOGLE_PAY, GOOGLE_PAY_TOKEN

CPF = "52998224725"
TOKENS = {"tokenizationData": {"type": "PAYMENT_GATEWAY", "token": GOOGLE_PAY_TOKEN}}
GOOGLE = GooglePayCharge(installments=2, holder_document_number=CPF, payment_data=GOOGLE_PAY["payment_data"] | TOKENS)
APPLE = ApplePayCharge(installments=2, holder_document_number=CPF, soft_descriptor="LOJA AZUL", **APPLE_PAY)
in_each_wallet = pytest.mark.parametrize(("charge", "path"), [(GOOGLE, "google-pay"), (APPLE, "apple-pay")])
PAID = {"data": {"payment": {"pay_reference": "r", "status": "aprovado", "upsell_hash": "h"}}}


@pytest.mark.parametrize(
    ("charge", "path", "payment_data"),
    [
        (
            GOOGLE,
            "google-pay",
            {
                "google_pay": {
                    "installments": 2,
                    "holder_document_number": CPF,
                    "payment_data": GOOGLE_PAY["payment_data"] | TOKENS,
                }
            },
        ),
        (
            APPLE,
            "apple-pay",
            {
                "apple_pay": {
                    "installments": "2",
                    "holder_document_number": CPF,
                    "soft_descriptor": "LOJA AZUL",
                    **APPLE_PAY,
                }
            },
        ),
    ],
)
def test_a_token_is_sent_as_it_came(
    client: AppmaxClient, appmax: Any, charge: Charge, path: str, payment_data: Any
) -> None:
    appmax.post(f"{URL}/v1/payments/{path}", json=PAID, status=201)

    paid = client.charge_card(order_id=9, customer_id=7, charge=charge)

    assert (paid.status, paid.pay_reference, paid.upsell_hash) == ("aprovado", "r", "h")
    assert sent(appmax) == {"order_id": 9, "customer_id": 7, "payment_data": payment_data}


@in_each_wallet
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"errors": {"message": "Invalid Google Pay token"}}, Rejected),
        (402, {"errors": {"message": "Payment not authorized"}}, Declined),
        (422, {"errors": {"message": "Transação não autorizada"}}, Declined),
        (500, {}, OutcomeUnknown),
    ],
)
def test_a_wallets_refusals_are_a_cards(
    client: AppmaxClient, appmax: Any, charge: Charge, path: str, status: int, body: Any, error: type[Exception]
) -> None:
    appmax.post(f"{URL}/v1/payments/{path}", json=body, status=status)

    with pytest.raises(error):
        client.charge_card(order_id=9, customer_id=7, charge=charge)


def test_no_error_repeats_a_token(client: AppmaxClient, appmax: Any) -> None:
    data = APPLE_PAY["payment_data"] | {"data": "bhZ2cOkuRmtK5yS2" * 9, "signature": "MIAGCSqGSIb3DQEH" * 300}
    apple = ApplePayCharge(1, CPF, data, APPLE_PAY["payment_method"], "id")
    for charge, path, secrets in (
        (GOOGLE, "google-pay", [GOOGLE_PAY_TOKEN]),
        (apple, "apple-pay", [data["data"], data["signature"]]),
    ):
        appmax.post(f"{URL}/v1/payments/{path}", json={"message": f"bad: {' '.join(secrets)}"}, status=400)
        with pytest.raises(Rejected) as caught:
            client.charge_card(order_id=9, customer_id=7, charge=charge)
        assert caught.value.message.startswith("bad: •••")
        assert not any(secret[:20] in caught.value.message for secret in secrets)


@pytest.mark.parametrize("charge", [GOOGLE, APPLE])
def test_no_charge_shows_its_token(charge: Charge) -> None:
    shown = repr(charge)

    for secret in (CPF, "MEQCIH6Q", "exemplo", "trx....wvu", "1234", "3714"):
        assert secret not in shown
