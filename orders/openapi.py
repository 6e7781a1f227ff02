"""The checkout's part of the OpenAPI schema, with a decorator for each of the viewset's methods, under its name."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from orders.answers import (
    InstallmentAnswer,
    NewOrderAnswer,
    OrderAnswer,
    OrdersAnswer,
    OrdersQuery,
    PayBoletoAnswer,
    PayCardAnswer,
    PaymentLinkAnswer,
    PayPixAnswer,
    StatusAnswer,
    TokenAnswer,
    UpsellAnswer,
)
from orders.idempotency import HEADER
from orders.serializers import (
    CardSerializer,
    InstallmentsSerializer,
    NewOrderRequestSerializer,
    PayApplePaySerializer,
    PayBoletoSerializer,
    PayCardSerializer,
    PayGooglePaySerializer,
    PaymentLinkSerializer,
    PayPixSerializer,
    RefundSerializer,
    TrackingSerializer,
    UpsellSerializer,
)
from web.api import MessageAnswer
from web.openapi import MERCHANT, answer, errors, request_example

F = TypeVar("F", bound=Callable[..., Any])

_ALWAYS = (400, 401, 403, 404, 405, 500, 503)
READS = (*_ALWAYS, 502, 504)
WRITES = (*READS, 409, 413, 422)

_PRODUCTS = [{"sku": "CAM-01", "name": "Camiseta", "quantity": 1, "unit_value": 12990, "type": "physical"}]
_PURCHASE = {
    "customer": {
        "first_name": "Ana",
        "last_name": "Souza",
        "email": "ana.souza@example.com",
        "phone": "11987654321",
        "document_number": "529.982.247-25",
        "ip": "203.0.113.7",
        "address": {
            "postcode": "01310-100",
            "street": "Avenida Paulista",
            "number": "1000",
            "complement": "sala 12",
            "district": "Bela Vista",
            "city": "São Paulo",
            "state": "SP",
        },
    },
    "order": {"products_value": 12990, "discount_value": 1000, "shipping_value": 1500, "products": _PRODUCTS},
}
_CARD = {
    "number": "4000000000000010",
    "cvv": "123",
    "expiration_month": "12",
    "expiration_year": "2039",
    "holder_name": "ANA SOUZA",
}
_CARD_PAYMENT = {**_CARD, "holder_document_number": "52998224725", "installments": 3, "soft_descriptor": "LOJA AZUL"}
_TOKEN_PAYMENT = {"token": "6f2b7c1e9a", "installments": 1}
_GOOGLE_PAYMENT = {
    "holder_document_number": "52998224725",
    "installments": 1,
    "payment_data": {
        "type": "CARD",
        "description": "Visa •••• 1234",
        "info": {"cardNetwork": "VISA", "cardDetails": "1234"},
        "tokenizationData": {"type": "PAYMENT_GATEWAY", "token": "{...}"},
    },
}
_APPLE_PAYMENT = {
    "holder_document_number": "52998224725",
    "installments": 1,
    "payment_data": {
        "version": "EC_v1",
        "data": "...",
        "signature": "...",
        "header": {"ephemeralPublicKey": "...", "publicKeyHash": "...", "transactionId": "..."},
    },
    "payment_method": {"displayName": "Visa 1234", "network": "Visa", "type": "credit"},
    "transaction_identifier": "...",
}

KEY_OF_ONCE = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=(
        "Any text of your own, new for each thing you want done. The same key and body within 24 hours get the first "
        "answer again, with `Idempotent-Replayed: true`; another body gets 422, and 409 comes while the first request "
        "runs. Card data and wallets' tokens aren't compared: use a new key for another card."
    ),
)

_NUMBER = OpenApiParameter("order_id", OpenApiTypes.INT, OpenApiParameter.PATH)


def _post(
    summary: str, serializer: type[serializers.Serializer[Any]], ok: OpenApiResponse, *bodies: Any, once: bool
) -> Callable[[F], F]:
    """A POST of the checkout. With `once` it takes an Idempotency-Key."""
    return extend_schema(
        tags=["checkout"],
        summary=summary,
        parameters=[MERCHANT, *([KEY_OF_ONCE] if once else [])],
        request=serializer,
        responses={200: ok, **errors(*WRITES)},
        examples=[request_example(body, f"request {number}") for number, body in enumerate(bodies, start=1)],
    )


order = _post(
    "Create a customer and an order",
    NewOrderRequestSerializer,
    answer(
        NewOrderAnswer,
        {"customer_id": 5001, "order_id": 9001},
    ),
    _PURCHASE,
    once=True,
)

_PAID_BY_CARD = answer(PayCardAnswer, {"order_id": 9001, "status": "aprovado", "upsell_hash": "b1946ac9"})

pay_credit_card = _post(
    "Pay by credit card",
    PayCardSerializer,
    _PAID_BY_CARD,
    {**_PURCHASE, "payment": _CARD_PAYMENT},
    {"order_id": 9001, "payment": _TOKEN_PAYMENT},
    once=True,
)

pay_google_pay = _post(
    "Pay by Google Pay",
    PayGooglePaySerializer,
    _PAID_BY_CARD,
    {"order_id": 9001, "payment": _GOOGLE_PAYMENT},
    once=True,
)

pay_apple_pay = _post(
    "Pay by Apple Pay",
    PayApplePaySerializer,
    _PAID_BY_CARD,
    {"order_id": 9001, "payment": _APPLE_PAYMENT},
    once=True,
)

pay_pix = _post(
    "Pay by Pix",
    PayPixSerializer,
    answer(
        PayPixAnswer,
        {
            "order_id": 9001,
            "qr_code": "iVBORw0KGgo...",
            "emv": "00020101021226...",
            "expires_at": "2026-05-21T08:34:30Z",
        },
    ),
    {**_PURCHASE, "document_number": "529.982.247-25"},
    {"order_id": 9001, "document_number": "52998224725"},
    once=True,
)

pay_boleto = _post(
    "Pay by boleto",
    PayBoletoSerializer,
    answer(
        PayBoletoAnswer,
        {
            "order_id": 9001,
            "pdf_url": "https://example.com/boleto.pdf",
            "digitavel": "23793.38128 60000.000003 ...",
            "due_date": "2026-05-24",
        },
    ),
    {**_PURCHASE, "document_number": "529.982.247-25"},
    {"order_id": 9001, "document_number": "52998224725"},
    once=True,
)

upsell = _post(
    "Sell one more thing to a card that has just paid",
    UpsellSerializer,
    answer(
        UpsellAnswer,
        {"message": "Upsell approved", "redirect_url": "https://shop.example.com/thanks"},
    ),
    {"upsell_hash": "b1946ac9", "products_value": 12990, "products": _PRODUCTS},
    once=True,
)

refund = _post(
    "Ask for a refund, of all or of a part",
    RefundSerializer,
    answer(MessageAnswer, {"message": "Refund request accepted"}),
    {"order_id": 9001, "type": "total"},
    {"order_id": 9001, "type": "partial", "value": 500, "reason": "parcel lost"},
    once=True,
)

tracking = _post(
    "Tell the parcel's tracking code",
    TrackingSerializer,
    answer(MessageAnswer, {"message": "tracking accepted"}),
    {"order_id": 9001, "shipping_tracking_code": "BR123456789BR"},
    once=False,
)

tokenize = _post(
    "Make a card token, which serves once",
    CardSerializer,
    answer(TokenAnswer, {"token": "6f2b7c1e9a"}),
    _CARD,
    once=False,
)

payment_link = _post(
    "Make a page of Appmax's on which anybody can pay",
    PaymentLinkSerializer,
    answer(PaymentLinkAnswer, {"checkout_url": "https://pay.example.com/6f2b7c1e9a"}),
    {
        "name": "Curso de costura",
        "value": 12990,
        "description": "Doze aulas, para começar hoje",
        "payments": ["credit_card", "pix"],
        "max_installments": 3,
        "product_type": "digital",
    },
    once=True,
)

installments = extend_schema(
    tags=["checkout"],
    summary="What an amount costs in instalments",
    description="All values in cents; sorted by the number of instalments.",
    parameters=[
        MERCHANT,
        InstallmentsSerializer,
        OpenApiParameter(
            "Installment-Settings",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            response=[200],
            description=(
                "How the merchant offers instalments, if Appmax says so: a JSON object with `modality` (PP or AM), "
                "`max_installments`, `min_installment_value` (cents)."
            ),
        ),
    ],
    responses={
        200: answer(
            InstallmentAnswer(many=True),
            {"installments": 2, "value": 6560, "total_value": 13120},  # drf-spectacular makes a list of it
        ),
        **errors(*READS, 409, 422),
    },
)

order_status = extend_schema(
    tags=["checkout"],
    summary="The order's status",
    description="From our own table, which Appmax's webhooks and reconciliation keep: ask as often as you like.",
    parameters=[MERCHANT, _NUMBER],
    responses={
        200: answer(StatusAnswer, {"status": "aprovado"}),
        **errors(*_ALWAYS, is_limited=False),
    },
)

_SUMMARY = {
    "order_id": 9001,
    "customer_id": 5001,
    "status": "aprovado",
    "payment_method": "credit_card",
    "total_value": 13490,
    "refunded_value": 0,
    "paid_at": "2026-05-21T08:34:30Z",
    "created_at": "2026-05-21T08:30:11.120000Z",
    "updated_at": "2026-05-21T08:34:31.480000Z",
}
_REFUND = {
    "value": 500,
    "state": "asked",
    "reason": "parcel lost",
    "asked_at": "2026-05-22T10:00:00Z",
    "settled_at": None,
}

order_detail = extend_schema(
    tags=["checkout"],
    summary="All that we know of an order",
    description="From our own tables, like the status.",
    parameters=[MERCHANT, _NUMBER],
    responses={
        200: answer(
            OrderAnswer,
            {
                **_SUMMARY,
                "pix": None,
                "boleto": None,
                "card": {"brand": "visa", "last_digits": "0010", "installments": 3},
                "refunds": [_REFUND],
            },
        ),
        **errors(*_ALWAYS),
    },
)

order_list = extend_schema(
    tags=["checkout"],
    operation_id="checkout_orders_list",
    summary="The orders, newest first",
    parameters=[MERCHANT, OrdersQuery],
    responses={
        200: answer(
            OrdersAnswer,
            {"orders": [_SUMMARY], "next": 9001},
        ),
        **errors(*_ALWAYS),
    },
)
