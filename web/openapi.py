"""The common parts of the apps' OpenAPI descriptions: errors, answers, and the merchant in the path."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from web.codes import Code

MERCHANT = OpenApiParameter(
    "key",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="The merchant's external_key.",
    examples=[OpenApiExample("merchant", "loja-azul")],
)


# Some fields have names that Serializer uses for itself, so the class can't be declared and is made by a function.
_ERROR = inline_serializer(
    "Error",
    {
        "code": serializers.ChoiceField(
            [(code.value, code.message or "in words of its own") for code in Code],
            help_text="Fixed, for programs to compare.",
        ),
        "message": serializers.CharField(help_text="For people, in English; Appmax's own words are passed on."),
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


# The meaning of each status, and the one of its codes that serves as an example.
_MEANINGS = {
    400: ("Bad input.", Code.INVALID_REQUEST_BODY),
    401: ("No API key, or one that is unknown, revoked or expired.", Code.INVALID_API_KEY),
    403: ("A disabled merchant; or a webhook's URL without the token.", Code.INSTALLATION_DISABLED),
    404: ("No such merchant, or none of this key; no such order.", Code.INSTALLATION_NOT_FOUND),
    405: ("Another method is meant.", Code.METHOD_NOT_ALLOWED),
    409: ("It would be done twice, or contradicts what is there.", Code.ALREADY_PAID),
    413: ("More than 1 MiB.", Code.BODY_TOO_LARGE),
    422: ("Declined, or Appmax refuses the content.", Code.PAYMENT_DECLINED),
    429: (
        "Too many requests, or more than Appmax takes of this merchant: later (Retry-After).",
        Code.TOO_MANY_REQUESTS,
    ),
    500: ("A fault of ours.", Code.INTERNAL_ERROR),
    502: ("Appmax failed. With `outcome_unknown` it may have done what was asked for.", Code.APPMAX_UNAVAILABLE),
    503: (
        "Later: Appmax is slow or asks to slow down (Retry-After), the database is away, or credentials aren't there.",
        Code.APPMAX_RATE_LIMITED,
    ),
    504: ("Appmax did not answer in time.", Code.APPMAX_TIMEOUT),
}


def errors(*statuses: int, is_limited: bool = True) -> dict[int, OpenApiResponse]:
    """The answers with these statuses, each with its meaning, its codes and an example. A route that needs an API key
    also has 429, unless it isn't limited."""
    of_keys = {429} if is_limited and 401 in statuses else set()
    return {status: _error(status) for status in sorted({*statuses, *of_keys})}


def _error(status: int) -> OpenApiResponse:
    meaning, code = _MEANINGS[status]
    codes = ", ".join(f"`{each}`" for each in Code if status in each.statuses)
    example = {"code": code.value, "message": code.message or 'Method "PUT" not allowed.'}
    return OpenApiResponse(_ERROR, f"{meaning} {codes}", examples=[OpenApiExample(str(status), example)])


def answer(serializer: Any, example: Any) -> OpenApiResponse:
    """The 200 of a route that answers with this serializer, the one that its view uses."""
    return OpenApiResponse(serializer, examples=[OpenApiExample("answer", example)])


def request_example(body: Any, name: str = "request") -> OpenApiExample:
    """A body that works."""
    return OpenApiExample(name, body, request_only=True)
