"""The bytes of a webhook as an object: JSON in whatever charset, or a form as PHP posts it (contract, section 6)."""

import codecs
import re
from contextlib import suppress
from typing import IO, Any
from urllib.parse import parse_qsl

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from web.api import json_object, read_whole

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 5000  # of a form

_CHARSET = re.compile(r"""charset=["']?([\w.:-]+)""", re.IGNORECASE)
_OF_ONE_BYTE = re.compile(r"iso8859-\d+|cp\d+|mac-\w+")  # the names that Python gives to these codecs
_FIELD = re.compile(r"[^\[\]]+(?:\[[^\[\]]*\])*")  # data[products][0][sku]


class WebhookParser(BaseParser):
    """Reads JSON whatever the Content-Type says, and else a form, if the Content-Type says that it is one.

    An answer of 400 makes Appmax post the same again and in the end drop the event, so what can be understood for
    certain is taken.
    """

    media_type = "application/json"  # for the schema; AlwaysJSON looks at none

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Raises `BodyTooLarge` and `ParseError`."""
        raw = read_whole(stream)
        content_type = media_type or ""
        with suppress(ParseError):
            return json_object(raw)
        text = _text(raw, content_type)
        is_form = content_type.partition(";")[0].strip().lower() == FORM
        if is_form and not text.lstrip().startswith("{"):  # PHP says of all that it posts that it is a form
            return _form(raw, content_type)
        return json_object(text)


def _text(raw: bytes, content_type: str) -> str:
    """UTF-8 if it is that, as no text of another charset looks like it by chance; then the charset of one byte a
    character that the Content-Type declares; then Windows-1252, which Latin-1 texts are too."""
    for charset in ("utf-8-sig", _declared(content_type), "cp1252"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _declared(content_type: str) -> str:
    found = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(found[1]).name if found else ""
    except LookupError:
        name = ""
    return name if _OF_ONE_BYTE.fullmatch(name) else "utf-8"


def _form(raw: bytes, content_type: str) -> dict[str, Any]:
    """`event=…&data[order_id]=…` as an object. A list comes as an object whose names are its numbers.

    Raises ParseError if a name can't be read, or stands for two things, or nothing is in `data`.
    """
    try:
        pairs = parse_qsl(
            raw.decode("latin-1"),
            keep_blank_values=True,
            strict_parsing=True,
            encoding="latin-1",  # each byte as one character, so that _text sees the bytes
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise ParseError from None
    body: dict[str, Any] = {}
    for field in pairs:
        name, value = (_text(part.encode("latin-1"), content_type) for part in field)
        if not _FIELD.fullmatch(name):
            raise ParseError
        *outer, last = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        node = body
        for part in outer:
            node = node.setdefault(part or str(len(node)), {})
            if not isinstance(node, dict):
                raise ParseError
        if node.setdefault(last or str(len(node)), value) is not value:
            raise ParseError
    if isinstance(body.get("data"), str):
        body["data"] = json_object(body["data"])
    if not body.get("data"):
        raise ParseError
    return body
