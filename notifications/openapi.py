"""How the endpoints' routes look in the OpenAPI schema: a decorator for each method of the viewset."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from notifications.serializers import (
    DeliveriesAnswer,
    DeliveriesQuery,
    DeliveryAnswer,
    EndpointAnswer,
    EndpointsAnswer,
    EndpointSerializer,
    NewEndpointAnswer,
    NewSecretAnswer,
)
from web.openapi import MERCHANT, answer, errors, request_example

_TAGS = ["notifications"]
_ENDPOINT = OpenApiParameter("endpoint_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_DELIVERY = OpenApiParameter("delivery_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_EXAMPLE = {
    "id": 7,
    "url": "https://shop.example.com/appmax",
    "event_types": ["order.paid", "refund.completed"],
    "enabled": True,
    "disabled_why": "",
    "failing_since": None,
    "created_at": "2026-11-29T12:22:01.123456Z",
}
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's own example
_SENT = {
    "id": 4711,
    "message_id": "msg_1f0c9a7b5d3e4c1e9d0a2f0a4d1b7c11",
    "type": "order.paid",
    "order_id": 20001,
    "state": "waiting",
    "tries": 1,
    "created_at": "2026-11-29T12:22:01.123456Z",
    "tried_at": "2026-11-29T12:22:02.123456Z",
    "next_try_at": "2026-11-29T12:22:07.323456Z",
    "took_ms": 82,
    "answer_status": 503,
    "answer_text": "down for maintenance",
    "error": "",
}

endpoint_list = extend_schema(
    operation_id="installations_webhook_endpoints_list",
    tags=_TAGS,
    summary="The endpoints that are told what becomes of the installation's orders",
    parameters=[MERCHANT],
    responses={200: answer(EndpointsAnswer, {"endpoints": [_EXAMPLE]}), **errors(401, 403, 404, 405, 500, 503)},
)

create = extend_schema(
    tags=_TAGS,
    summary="Register an endpoint",
    description="Messages follow the Standard Webhooks specification. The secret is shown once.",
    parameters=[MERCHANT],
    request=EndpointSerializer,
    examples=[
        request_example({"url": "https://shop.example.com/appmax", "event_types": ["order.paid", "refund.completed"]})
    ],
    responses={
        200: answer(NewEndpointAnswer, {**_EXAMPLE, "secret": _SECRET}),
        **errors(400, 401, 403, 404, 405, 409, 413, 500, 503),
    },
)

retrieve = extend_schema(
    tags=_TAGS,
    summary="An endpoint",
    parameters=[MERCHANT, _ENDPOINT],
    responses={200: answer(EndpointAnswer, _EXAMPLE), **errors(401, 403, 404, 405, 500, 503)},
)

change = extend_schema(
    tags=_TAGS,
    summary="Change an endpoint, or switch it on or off",
    description="One that is switched on again is sent what still waits for it.",
    parameters=[MERCHANT, _ENDPOINT],
    request=EndpointSerializer,
    examples=[request_example({"enabled": True})],
    responses={200: answer(EndpointAnswer, _EXAMPLE), **errors(400, 401, 403, 404, 405, 413, 500, 503)},
)

delete = extend_schema(
    tags=_TAGS,
    summary="Delete an endpoint",
    description="The answer is those that are left.",
    parameters=[MERCHANT, _ENDPOINT],
    responses={200: answer(EndpointsAnswer, {"endpoints": []}), **errors(401, 403, 404, 405, 500, 503)},
)

rotate_secret = extend_schema(
    tags=_TAGS,
    summary="A new secret for an endpoint",
    description="It is shown once. For a day messages are signed with the secret before too.",
    parameters=[MERCHANT, _ENDPOINT],
    request=None,
    responses={
        200: answer(NewSecretAnswer, {"secret": _SECRET, "old_secret_until": "2026-11-30T12:22:01.123456Z"}),
        **errors(401, 403, 404, 405, 500, 503),
    },
)

test = extend_schema(
    tags=_TAGS,
    summary="Send a test message",
    description="Its type is `test`. It is sent whatever the endpoint subscribes to, and also to one switched off.",
    parameters=[MERCHANT, _ENDPOINT],
    request=None,
    responses={200: answer(DeliveryAnswer, _SENT), **errors(401, 403, 404, 405, 500, 503)},
)

deliveries = extend_schema(
    tags=_TAGS,
    summary="What was sent to an endpoint, and what it answered",
    parameters=[MERCHANT, _ENDPOINT, DeliveriesQuery],
    responses={
        200: answer(DeliveriesAnswer, {"deliveries": [_SENT], "next": None}),
        **errors(400, 401, 403, 404, 405, 500, 503),
    },
)

send_again = extend_schema(
    tags=_TAGS,
    summary="Send a message once more",
    description="With the same webhook-id. The answer is the new delivery.",
    parameters=[MERCHANT, _ENDPOINT, _DELIVERY],
    request=None,
    responses={200: answer(DeliveryAnswer, _SENT), **errors(401, 403, 404, 405, 500, 503)},
)
