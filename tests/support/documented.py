"""Bodies of Appmax's documentation in its own words and numbers, each with its page beneath
https://appmax.readme.io/reference/ if no other is named. E-mail addresses are made up: the pages hide them."""

from typing import Any

# criar-ou-atualizar-cliente-na-appmax
CUSTOMER: dict[str, Any] = {
    "first_name": "Junior",
    "last_name": "Almeida",
    "email": "junior@example.com",
    "phone": "51983655100",
    "document_number": "25226493029",
    "address": {
        "postcode": "91520270",
        "street": "Rua Francisco Carneiro da Rocha",
        "number": "582",
        "complement": "Casa",
        "district": "Moinhos de Ventos",
        "city": "Porto Alegre",
        "state": "RS",
    },
    "ip": "127.0.0.1",
    "products": [
        {"sku": "9000010", "name": "Livro de receitas", "quantity": 1, "unit_value": 12300, "type": "digital"},
    ],
    "tracking": {"utm_source": "google", "utm_campaign": "teste"},
}

# consultar-dados-de-um-pedido
ORDER: dict[str, Any] = {
    "order": {
        "id": 3531,
        "status": "estornado",
        "total_paid": 8916,
        "amounts": {"sub_total": 4662, "shipping_value": 2738, "discount": 0, "installment_fee": 1516},
        "created_at": "2025-02-13 14:09:48",
        "updated_at": "2025-02-13 14:11:55",
    },
    "customer": {"id": 2023, "name": "Junior Almeida", "email": "junior@example.com", "document_number": "19100000000"},
    "payment": {
        "method": "creditcard",
        "installments": 12,
        "installments_amount": 743,
        "card": {"brand": "visa", "number": "400000****0010"},
        "paid_at": "2025-02-13 14:10:20",
    },
    "refund": {"refunded_at": "2025-02-13 14:11:55"},
}

# 421cálculo-de-parcelas: R$ 100,00 was asked about; the totals are in cents
INSTALLMENTS: dict[str, Any] = {
    "installments": {"1": {"total": 10000}, "2": {"total": 10200}, "10": {"total": 11600}},
    "settings": {"modality": "PP", "max_installments": 10, "min_installment_value": 500},
}

# github.com/appmaxbrasil/appstore-backend-example, docs/appmax/api-reference.md: the older shape, for R$ 100,00, too
PARCELS: dict[str, Any] = {"parcels": {"1": 10000.00, "2": 5050.00, "3": 3400.00}}

# developers.google.com/pay/api/web/reference/response-objects: PaymentMethodData, under Appmax's name
GOOGLE_PAY: dict[str, Any] = {
    "payment_data": {
        "type": "CARD",
        "description": "Visa •••• 1234",
        "info": {"cardNetwork": "VISA", "cardDetails": "1234"},
        "tokenizationData": {"type": "PAYMENT_GATEWAY", "token": "examplePaymentMethodToken"},
    }
}
# developers.google.com/pay/api/web/guides/resources/payment-data-cryptography: what such a token is, a text of JSON
GOOGLE_PAY_TOKEN = (
    r'{"protocolVersion":"ECv2","signature":"MEQCIH6Q4OwQ0jAceFEkGF0JID6sJNXxOEi4r+mA7biRxqBQAiAondqoUpU/bdsrAOpZIsrHQS9'
    r'nwiiNwOrr24RyPeHA0Q\u003d\u003d","intermediateSigningKey":{"signedKey":"{\"keyExpiration\":\"1542323393147\"}",'
    r'"signatures":["MEYCIQCO2EIi48s8VTH+ilMEpoXLFfkxAwHjfPSCVED/QDSHmQIhALLJmrUlNAY8hDQRV/y1iKZGsWpeNmIP+z+tCQHQxP0v"]},'
    r'"signedMessage":"{\"tag\":\"jpGz1F1Bcoi/fCNxI9n7Qrsw7i7KHrGtTf3NrRclt+U\\u003d\",'
    r'\"encryptedMessage\":\"mKOoXwi8OavZ\"}"}'
)
# docs.appmax.com.br/api-reference/payments/apple-pay: the parts of an Apple token under Appmax's names
APPLE_PAY: dict[str, Any] = {
    "payment_data": {
        "version": "EC_v1",
        "data": "exemplo",
        "signature": "signature",
        "header": {"ephemeralPublicKey": "MFk...==", "transactionId": "trx....wvu"},
    },
    "payment_method": {"displayName": "Visa •••• 3714", "network": "Visa", "type": "credit"},
    "transaction_identifier": "trx....wvu",
}

# The errors that the documentation's pages show, and what is told of each.
ERRORS: list[tuple[int, dict[str, Any], str]] = [
    # criar-ou-atualizar-cliente-na-appmax
    (
        422,
        {
            "message": "The given data failed to pass validation.",
            "errors": {
                "message": {
                    "phone": [
                        "The phone field must be a string.",
                        "The phone field must have a maximum of 11 characters.",
                    ],
                    "ip": ["The ip field is required."],
                }
            },
        },
        "phone: The phone field must be a string., The phone field must have a maximum of 11 characters.; "
        "ip: The ip field is required.",
    ),
    # criar-um-um-pedido-na-appmax
    (404, {"error": {"message": "Merchant not found"}}, "Merchant not found"),
    # estorno-na-appmax
    (400, {"error": {"message": "Error to refund"}}, "Error to refund"),
    (404, {"error": {"message": ["Order not found", "Site not found"]}}, "Order not found, Site not found"),
    # criar-um-upsell-na-appmax
    (404, {"data": {"errors": {"message": "Order not found"}}}, "Order not found"),
    # cadastrar-codigo-de-rastreio-na-appmax
    (
        400,
        {"errors": {"message": "Failed to store delivery tracking code."}},
        "Failed to store delivery tracking code.",
    ),
    (
        422,
        {
            "message": "The given data failed to pass validation.",
            "errors": {"message": "The delivery_tracking_code field is required."},
        },
        "The delivery_tracking_code field is required.",
    ),
]
