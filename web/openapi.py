"""What the apps' descriptions for the OpenAPI schema share: the errors, the API key, the merchant in the path."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

API_KEY: Any = [{"ApiKey": []}]
NO_KEY: list[str] = []

MERCHANT = OpenApiParameter(
    "key",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="The merchant's external_key.",
    examples=[OpenApiExample("merchant", "loja-azul")],
)


# Its fields have names that Serializer uses for itself, so it is made, not declared.
_ERROR = inline_serializer(
    "Error",
    {
        "message": serializers.CharField(),
        "errors": serializers.DictField(
            child=serializers.ListField(child=serializers.CharField()),
            required=False,
            help_text="By field, with its path: `order.products.0.sku`.",
        ),
        "reason": serializers.CharField(required=False, help_text="Appmax's words for a declined payment."),
        "order_id": serializers.IntegerField(
            required=False,
            help_text="The order that this request made before it failed: ask for its status, or pay it.",
        ),
    },
)


_MEANINGS = {
    400: ("Bad input.", {"message": "invalid request body"}),
    401: ("No API key, or one that is unknown, revoked or expired.", {"message": "invalid or missing API key"}),
    403: ("A disabled merchant; or a webhook's URL without the token.", {"message": "installation disabled"}),
    404: ("No such merchant, or none of this key; no such order.", {"message": "installation not found"}),
    405: ("Another method is meant.", {"message": 'Method "PUT" not allowed.'}),
    409: ("It would be done twice, or contradicts what is there.", {"message": "the order is already paid: aprovado"}),
    413: ("More than 1 MiB.", {"message": "request body is too large"}),
    422: ("Declined, or Appmax refuses the content.", {"message": "payment declined", "reason": "Not authorized"}),
    429: (
        "Too many requests from one address: later (Retry-After).",
        {"message": "too many requests, try again later"},
    ),
    500: ("A fault of ours.", {"message": "internal server error"}),
    502: (
        "Appmax failed. Where the message says so, the outcome isn't known yet.",
        {"message": "Appmax is not available"},
    ),
    503: (
        "Later: Appmax is slow or asks to slow down (Retry-After), the database is away, or credentials aren't there.",
        {"message": "Appmax asks to slow down, try again later"},
    ),
    504: ("Appmax did not answer in time.", {"message": "Appmax did not answer in time"}),
}


def errors(*codes: int) -> dict[int, OpenApiResponse]:
    """The answers with these status codes, each with its meaning and an example."""
    return {
        code: OpenApiResponse(_ERROR, _MEANINGS[code][0], examples=[OpenApiExample(str(code), _MEANINGS[code][1])])
        for code in sorted(codes)
    }


def answer(
    name: str, example: Any, /, *, many: bool = False, **fields: serializers.Field[Any, Any, Any, Any]
) -> OpenApiResponse:
    """The 200 of a route: an object with these fields, or a list of them."""
    body: Any = inline_serializer(name, dict(fields), many=many)
    return OpenApiResponse(body, examples=[OpenApiExample("answer", example)])


def request_example(body: Any, name: str = "request") -> OpenApiExample:
    """A body that works."""
    return OpenApiExample(name, body, request_only=True)
