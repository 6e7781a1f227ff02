"""Reads the bytes of a webhook: JSON in any charset, or a form as PHP posts it (contract, section 6)."""

import codecs
import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest
from rest_framework.exceptions import ParseError

from web.api import json_object, read_whole

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 5000  # of a form

_CHARSET = re.compile(r"""charset=["']?([\w.:-]+)""", re.IGNORECASE)
_OF_ONE_BYTE = re.compile(r"iso8859-\d+|cp\d+|mac-\w+")  # the names that Python gives to these codecs
_FIELD = re.compile(r"[^\[\]]+(?:\[[^\[\]]*\])*")  # data[products][0][sku]


def read(request: HttpRequest) -> dict[str, Any]:
    """Reads JSON whatever the Content-Type says. If the body isn't JSON and the Content-Type is that of a form, it is
    read as a form. Raises `BodyTooLarge` and `ParseError`.

    If we answer 400, Appmax posts the same again and in the end drops the event, so everything is taken that can be
    understood for certain.
    """
    raw = read_whole(request)  # type: ignore[arg-type] # A request reads like a file.
    content_type = request.META.get("CONTENT_TYPE", "")
    with suppress(ParseError):
        return json_object(raw)
    text = _text(raw, content_type)
    is_form = content_type.partition(";")[0].strip().lower() == FORM
    if is_form and not text.lstrip().startswith("{"):  # PHP says of all that it posts that it is a form
        return _form(raw, content_type)
    return json_object(text)


def _text(raw: bytes, content_type: str) -> str:
    """The bytes as text, in the first of these charsets that fits.

    1. UTF-8, which texts of other charsets don't look like by chance.
    2. The charset that the Content-Type declares, if it has one byte a character.
    3. Windows-1252, which almost all Latin-1 texts are too.
    4. Latin-1, which always fits.
    """
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
    """The form `event=…&data[order_id]=…` as an object. A list becomes an object whose names are the indexes.

    Raises ParseError if a name can't be read or is used for two things, or if `data` is empty.
    """
    try:
        pairs = parse_qsl(
            raw.decode("latin-1"),
            keep_blank_values=True,
            strict_parsing=True,
            encoding="latin-1",  # This makes one character of each byte, so that _text gets the bytes.
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
