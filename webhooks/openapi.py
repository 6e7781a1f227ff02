"""How the inbox looks in the OpenAPI schema: a decorator for each method of the viewset."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers

from web.api import MessageAnswer
from web.openapi import answer, errors, request_example

_EVENT = {"event": "order_paid", "event_type": "order", "data": {"order_id": 9001}}

setup_page = extend_schema(
    tags=["webhooks"],
    summary="Page: the URL to register at Appmax",
    responses={(200, "text/html"): OpenApiTypes.STR, **errors(405, 500)},
)

receive = extend_schema(
    tags=["webhooks"],
    summary="An event of Appmax's",
    parameters=[OpenApiParameter("token", OpenApiTypes.STR, description="WEBHOOK_SECRET, where one is set.")],
    description="Any JSON object with an `event` is kept and answered 200.",
    request=inline_serializer(
        "WebhookEvent",
        {
            "event": serializers.CharField(),
            "event_type": serializers.CharField(required=False),
            "data": serializers.JSONField(required=False),
        },
    ),
    examples=[request_example(_EVENT)],
    responses={
        200: answer(MessageAnswer, {"message": "ok"}),
        **errors(400, 403, 405, 413, 500, 503),
    },
)
