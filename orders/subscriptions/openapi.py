"""How the subscriptions' routes look in the OpenAPI schema: a decorator for each method of the viewset."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from orders.fields import Body
from orders.openapi import KEY_OF_ONCE, READS, WRITES
from orders.subscriptions.answers import SubscriptionAnswer, SubscriptionsAnswer
from orders.subscriptions.serializers import (
    NewSubscriptionSerializer,
    PauseSerializer,
    ReasonSerializer,
    SubscriptionsQuery,
)
from web.openapi import MERCHANT, answer, errors, request_example

F = TypeVar("F", bound=Callable[..., Any])

_TAGS = ["subscriptions"]
_NUMBER = OpenApiParameter("subscription_id", OpenApiTypes.INT, OpenApiParameter.PATH)
_ERRORS = errors(*READS, 409, 422)
_EXAMPLE = {
    "subscription_id": 10,
    "uuid": "6f1c0f1e-6a1c-4a2b-9f0e-3d5c7a9b1234",
    "status": "ACTIVE",
    "order_id": 9001,
    "interval": "month",
    "interval_count": 1,
    "max_cycles": 12,
    "completed_cycles": 1,
    "current_cycle": 2,
    "value": 19990,
    "freight_value": 1990,
    "next_charge_at": "2026-09-15T03:00:00Z",
    "paused_until": None,
    "cancelled_at": None,
    "card": {"brand": "visa", "last_digits": "1234"},
    "panel_url": "https://assinaturas.example.com/painel/6f1c0f1e",
    "products": [
        {"product_id": 55, "sku": "SKU-1", "name": "Camiseta Preta", "quantity": 1, "price": 19990},
    ],
    "charges": [
        {"cycle": 0, "order_id": 9001, "charged_at": "2026-07-15", "value": 20980, "status": "paid"},
        {"cycle": 1, "order_id": 9047, "charged_at": "2026-08-15", "value": 20980, "status": "paid"},
    ],
}


def _change(summary: str, serializer: type[Body] | None, *bodies: Any) -> Callable[[F], F]:
    """A POST that changes a subscription."""
    return extend_schema(
        tags=_TAGS,
        summary=summary,
        parameters=[MERCHANT, _NUMBER, KEY_OF_ONCE],
        request=serializer,
        responses={200: answer(SubscriptionAnswer, _EXAMPLE), **errors(*WRITES)},
        examples=[request_example(body, f"request {number}") for number, body in enumerate(bodies, start=1)],
    )


create = extend_schema(
    tags=_TAGS,
    summary="Renew a paid order from now on",
    parameters=[MERCHANT, KEY_OF_ONCE],
    request=NewSubscriptionSerializer,
    responses={200: answer(SubscriptionAnswer, _EXAMPLE), **errors(*WRITES)},
    examples=[
        request_example({"order_id": 9001, "interval": "month"}, "request 1"),
        request_example(
            {
                "order_id": 9001,
                "interval": "month",
                "interval_count": 1,
                "max_cycles": 12,
                "next_charge_at": "2026-08-15",
                "products": [{"product_id": 55, "quantity": 1}],
                "freight_value": 1990,
                "discount": 1000,
            },
            "request 2",
        ),
    ],
)

subscription_list = extend_schema(
    tags=_TAGS,
    operation_id="checkout_subscriptions_list",
    summary="A shopper's subscriptions, by e-mail",
    description="Appmax is asked; the e-mail is kept nowhere.",
    parameters=[MERCHANT, SubscriptionsQuery],
    responses={
        200: answer(SubscriptionsAnswer, {"subscriptions": [_EXAMPLE], "total": 1, "pages": 1}),
        **_ERRORS,
    },
)

retrieve = extend_schema(
    tags=_TAGS,
    summary="What is known of a subscription",
    description="From our own table. Appmax is asked about one that isn't there.",
    parameters=[MERCHANT, _NUMBER],
    responses={200: answer(SubscriptionAnswer, _EXAMPLE), **_ERRORS},
)

pause = _change(
    "Charge nothing for a while", PauseSerializer, {}, {"paused_until": "2026-09-01", "reason": "the shopper is away"}
)
reactivate = _change("Charge again", None)
cancel = _change("End it for good", ReasonSerializer, {"reason": "the shopper wants no more"})
