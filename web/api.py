"""What every API route shares: bodies are JSON objects whatever their Content-Type says, answers are JSON."""

import json
from collections.abc import Iterable
from datetime import UTC
from typing import IO, Any, NoReturn

from django.conf import settings
from gunicorn.http.errors import ParseException as MalformedHTTP
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class BodyTooLarge(Exception):
    """More than MAX_BODY_BYTES."""


class StrictJSONParser(BaseParser):
    """Reads a JSON object; anything else is `ParseError`, answered as 400 `invalid request body`.

    The body's text never gets into the error: it may hold a card number.
    """

    media_type = "application/json"  # for the schema; AlwaysJSON looks at none

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Raises `BodyTooLarge` and `ParseError`."""
        return json_object(read_whole(stream))


def read_whole(stream: IO[bytes]) -> bytes:
    """Raises `BodyTooLarge` and `ParseError`."""
    try:
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
    except (OSError, MalformedHTTP):  # whoever sends it went away, or its chunks are none
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
    """Python refuses to read integers of thousands of digits, which are good JSON all the same."""
    return int(text) if len(text) <= 1000 else float(text)


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)


class AlwaysJSON(BaseContentNegotiation):
    """Whatever Accept and Content-Type say: callers of payment APIs get both wrong, and 406 or 415 helps none."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The only parser."""
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The only renderer."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class TimeField(serializers.DateTimeField):
    """A time in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class MessageAnswer(serializers.Serializer[Any]):
    """Words for people, where an answer has nothing else to say."""

    message = serializers.CharField()


def wants_page(request: Any) -> bool:
    """Whether the caller is a browser: contract section 4 gives it the page where there is one."""
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


class WhoIsLoggedIn(BaseAuthentication):
    """For a page that REST framework serves: the user whom the middleware has found, which it would forget."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """None where the middleware has looked for nobody, as for programs."""
        user = getattr(request._request, "user", None)
        return None if user is None else (user, None)
