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

# docs.appmax.com.br/api-reference/subscriptions: criar-assinatura
NEW_SUBSCRIPTION: dict[str, Any] = {
    "order_id": 12345,
    "interval": "month",
    "interval_count": 1,
    "max_cycles": 12,
    "products": [{"product_id": 55, "quantity": 1}],
    "freight_value": 19.9,
    "discount": 10,
}
SUBSCRIBER: dict[str, Any] = {
    "name": "Maria Silva",
    "email": "cliente@exemplo.com",
    "document": "12345678909",
    "phone": "11999999999",
    "address": {
        "street": "Rua São Bento",
        "number": "111",
        "complement": "Bloco 7",
        "district": "Centro",
        "city": "São Paulo",
        "state": "SP",
        "postcode": "01010000",
    },
}
SUBSCRIPTION_MADE: dict[str, Any] = {
    "id": 10,
    "uuid": "6f1c0f1e-6a1c-4a2b-9f0e-3d5c7a9b1234",
    "status": "active",
    "subscription_status_id": 1,
    "interval": "month",
    "interval_count": 1,
    "interval_name": "Mensal",
    "charge_day": 15,
    "fail_max_tries": 3,
    "fail_interval_hours": 24,
    "max_cycles": 12,
    "completed_cycles": 0,
    "current_cycle": 1,
    "next_charge_at": "2026-08-15 00:00:00",
    "created_at": "2026-07-15 10:00:00",
    "freight_value": 19.9,
    "products": [
        {
            "name": "Camiseta Preta",
            "price": 199.9,
            "quantity": 1,
            "product_id": 55,
            "shopify_product_id": None,
            "variant_id": None,
            "sku": "SKU-1",
            "image_url": None,
            "compare_at_price": None,
        }
    ],
    "customer": SUBSCRIBER,
    "payment": {"payment_info": {"brand": "visa", "final": "1234", "expiration": "12/2029"}},
    "charges": [
        {
            "cycle": 0,
            "order_id": 12345,
            "shopify_order_id": None,
            "charged_at": "15/07/2026",
            "value": 209.8,
            "status": "paid",
        }
    ],
    "panel_url": "https://assinaturas.appmax.com.br/painel/6f1c0f1e-6a1c-4a2b-9f0e-3d5c7a9b1234",
}

# consultar-assinatura
SUBSCRIPTION: dict[str, Any] = {
    "subscription_id": 10,
    "status": "ACTIVE",
    "products": SUBSCRIPTION_MADE["products"],
    "value": 199.9,
    "freight_value": 19.9,
    "interval": "month",
    "interval_count": 1,
    "current_cycle": 3,
    "completed_cycles": 2,
    "max_cycles": 12,
    "customer": SUBSCRIBER,
    "payment": {"payment_info": {"brand": "visa", "final": "1234", "expiration": "12/2029"}},
    "next_charge_at": "2026-08-15 00:00:00",
    "last_charge_at": "15/07/2026",
    "charges": [
        {
            "cycle": 2,
            "order_id": 12347,
            "shopify_order_id": None,
            "charged_at": "15/07/2026",
            "value": 199.9,
            "status": "paid",
        }
    ],
    "created_at": "2026-06-15 10:00:00",
    "canceled_at": None,
    "paused_from": None,
    "paused_until": None,
}

# listar-assinaturas
SUBSCRIPTIONS: dict[str, Any] = {
    "subscriptions": [
        {
            "subscription_id": 10,
            "status": "ACTIVE",
            "products": [  # here without `sku`
                {
                    "name": "Camiseta Preta",
                    "price": 199.9,
                    "quantity": 1,
                    "shopify_product_id": None,
                    "variant_id": None,
                    "product_id": 55,
                    "image_url": None,
                    "compare_at_price": None,
                }
            ],
            "value": 199.9,
            "freight_value": 19.9,
            "current_cycle": 3,
            "customer": SUBSCRIBER,
            "payment": {"payment_info": {"brand": "visa", "final": "1234", "expiration": None}},
            "charges": [
                {
                    "cycle": 1,
                    "order_id": 12346,
                    "shopify_order_id": None,
                    "charged_at": "15/07/2026",
                    "value": 199.9,
                    "status": "paid",
                }
            ],
            "next_charge_at": "15/08/2026",
        }
    ],
    "pagination": {"total": 1, "per_page": 10, "current_page": 1, "last_page": 1},
}

# docs.appmax.com.br/guides/webhooks
SUBSCRIPTION_EVENT: dict[str, Any] = {
    "event": "subscription_created",
    "event_type": "subscription",
    "site_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "app_id": "f9e8d7c6-b5a4-3210-fedc-ba0987654321",
    "client_key": "merchant-key-123",
    "external_key": None,
    "data": {
        "subscription_id": 501,
        "subscription_name": "Plano Mensal Premium",
        "total": 4990,
        "customer_id": 2023,
        "created_at": "2025-03-15 14:30:00",
        "updated_at": "2025-03-15 14:30:00",
    },
    "partner_merchant": {
        "merchant_email": "loja@exemplo.com",
        "merchant_document_number": "12345678000199",
        "merchant_phone": "11999999999",
    },
}
