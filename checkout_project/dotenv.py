"""Reads `.env` as Docker Compose does, so that one file means the same under Compose and without it.

No library does: of the 90 bodies that tests/checkout_project/test_dotenv.py compares with Compose, python-dotenv 1.2
reads 73 alike and django-environ 0.14 reads 49. A line that can't be read ends the start, because leaving it out would
silently change a setting. The error names the line by its number and doesn't quote it, as it may hold a secret.
"""

import re
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from string import Template

from django.core.exceptions import ImproperlyConfigured

# This matches `export NAME = value # comment`. A value in single quotes is taken as it is. Elsewhere a $ begins a
# reference, and in double quotes a backslash begins an escape. Both kinds of quotes may hold line breaks.
_BLANK = r"[ \t\r\v\f\x85\xa0]*+"
_STATEMENT = re.compile(
    rf"""
    (?:export[ \t]++)?+ (?P<name>[A-Za-z_][A-Za-z0-9_]*) {_BLANK} [=:] {_BLANK}
    (?:
        '(?P<literal>(?:[^'\\]|\\.)*)' {_BLANK} (?:\#[^\n]*)?
      | "(?P<escaped>(?:[^"\\]|\\[^0])*)" {_BLANK} (?:\#[^\n]*)?
      | (?P<plain>(?!['"])[^\n]*)
    )
    (?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_BETWEEN = re.compile(r"(?:\s|#[^\n]*)*")
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1f\x7f]")
# An escaped $ becomes $$, which is no reference.
_ESCAPES = dict(zip('abfnrtv"\\', '\a\b\f\n\r\t\v"\\', strict=True)) | {"$": "$$"}


def read(path: Path, outside: Mapping[str, str]) -> dict[str, str]:
    """The file's variables, or none if there is no file. `$NAME` and `${NAME}` are replaced by the variable of
    `outside`, or else by the one that an earlier line of the file has set.

    Raises ImproperlyConfigured, which names the line, if the file isn't UTF-8 or a line can't be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ImproperlyConfigured(f"{path.name} can't be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(path, content.count(b"\n", 0, error.start), "is not UTF-8") from None
    if control := _CONTROL.search(text):
        raise _refusal(path, text.count("\n", 0, control.start()), "has a control character")

    values: dict[str, str] = {}
    known = ChainMap(dict(outside), values)
    at = 0
    while between := _BETWEEN.match(text, at):  # It always matches, if only the empty text.
        if (at := between.end()) == len(text):
            break
        line = text.count("\n", 0, at)
        statement = _STATEMENT.match(text, at)
        if not statement:
            hint = "is not NAME=value; quotes must be closed, with nothing but a comment behind them"
            raise _refusal(path, line, hint)
        try:
            values[statement["name"]] = _value(statement, known)
        except LookupError:
            hint = "has a $ that names no variable set before; if the $ belongs to the value, put it into single quotes"
            raise _refusal(path, line, hint) from None
        at = statement.end()
    return values


def _refusal(path: Path, lines_before: int, what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"line {lines_before + 1} of {path.name} {what}")


def _value(statement: re.Match[str], known: Mapping[str, str]) -> str:
    if (literal := statement["literal"]) is not None:
        return literal.replace("\\'", "'")
    if (escaped := statement["escaped"]) is not None:
        return _expanded(re.sub(r"\\(.)", _unescaped, escaped, flags=re.DOTALL), known)
    return _expanded(statement["plain"].partition(" #")[0].rstrip(), known)


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """The text with each reference replaced by its value, and `$$` by `$`. Raises LookupError for an unknown name, and
    for a `${` that begins no plain reference, such as `${NAME:-default}`."""

    def replaced(match: re.Match[str]) -> str:
        if name := match["named"] or match["braced"]:
            return known[name]
        if match["escaped"] is None and text.startswith("{", match.end()):
            raise LookupError
        return "$"

    return Template.pattern.sub(replaced, text)
