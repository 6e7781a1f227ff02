"""The common parts of all API routes. Bodies are JSON objects whatever their Content-Type says, and so are answers."""

import json
from collections.abc import Iterable
from datetime import UTC
from typing import IO, Any, ClassVar, NoReturn

from django.conf import settings
from gunicorn.http.errors import ParseException as MalformedHTTP
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.serializer_helpers import BindingDict


class BodyTooLarge(Exception):
    """The body has more than MAX_BODY_BYTES."""


class StrictJSONParser(BaseParser):
    """Reads a JSON object. Anything else is a `ParseError`, which is answered 400 `invalid request body`.

    The error never quotes the body, which may hold a card number.
    """

    media_type = "application/json"  # This is for the OpenAPI schema. AlwaysJSON ignores it.

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Raises `BodyTooLarge` and `ParseError`."""
        return json_object(read_whole(stream))


def read_whole(stream: IO[bytes]) -> bytes:
    """Raises `BodyTooLarge` and `ParseError`."""
    try:
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
    except (OSError, MalformedHTTP):  # The sender went away, or its chunks are malformed.
        raise ParseError from None
    if len(raw) > settings.MAX_BODY_BYTES:
        raise BodyTooLarge
    return raw


def json_object(raw: bytes | str) -> dict[str, Any]:
    """Raises `ParseError`. Bytes are read as UTF-8, or as UTF-16 or UTF-32 if they look like it."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant, parse_int=_whole_number)
    except (ValueError, RecursionError):
        raise ParseError from None
    if not isinstance(body, dict):
        raise ParseError
    return body


def _whole_number(text: str) -> int | float:
    """An integer of thousands of digits is valid JSON, but Python refuses to read it, so it becomes a float."""
    return int(text) if len(text) <= 1000 else float(text)


def _refuse_constant(name: str) -> NoReturn:
    """Python's parser would read NaN and Infinity, which aren't JSON."""
    raise ValueError(name)


class AlwaysJSON(BaseContentNegotiation):
    """Reads and writes JSON whatever Accept and Content-Type say. Callers get both wrong, and 406 or 415 would help
    nobody."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class TimeField(serializers.DateTimeField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class SharedFields(serializers.Serializer[Any]):
    """A serializer whose fields are made once for its class. REST framework copies each of them for each request, and
    nested ones again, which was a third of a payment's processor time. They keep nothing of a request: they are bound
    to an instance that never gets data."""

    _shared_fields: ClassVar[BindingDict]

    @property
    def fields(self) -> BindingDict:
        """The fields, by name."""
        kind = type(self)
        if "_shared_fields" not in kind.__dict__:  # A class above it has fields of its own.
            made = BindingDict(kind())
            for name, each in self.get_fields().items():
                made[name] = each
            kind._shared_fields = made
        return kind._shared_fields


class MessageAnswer(SharedFields):
    """The answer of a route that has nothing but a message to tell."""

    message = serializers.CharField()


def wants_page(request: Any) -> bool:
    """Whether the caller is a browser, which gets the page if the route has one (contract, section 4)."""
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


class WhoIsLoggedIn(BaseAuthentication):
    """Keeps the user whom Django's middleware has found, for pages that REST framework serves. It would ignore the user
    otherwise."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """None if the middleware hasn't looked for a user, as it doesn't for programs."""
        user = getattr(request._request, "user", None)
        return None if user is None else (user, None)
