"""Payloads as staff see them who may not see personal data: what is about an order is shown, the rest hinted at."""

import re
from typing import Any

MASK = "•••"

# A value is shown if its name says that it is harmless, and doesn't say that it is personal.
_HARMLESS = re.compile(
    r"(^|_)(id|at|date|status|type|event|method|model|total|value|price|amount|discount|freight|quantity|qty"
    r"|installments|sku|currency|stripped)(_|$)|^(client_key|external_key|partner_merchant)$"
)
_PERSONAL = re.compile(r"name|mail|phone|document|cpf|cnpj|birth|address|street|zip|post|card|holder|(^|_)ip(_|$)")
_EMAIL = re.compile(r"([^@\s])[^@\s]*@(\S+)")


def masked(value: Any, name: str = "") -> Any:
    """The JSON value with personal data hinted at: `a•••@example.com`, `M•••`, `•••25`."""
    if isinstance(value, dict):
        return {key: masked(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, name) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if _HARMLESS.search(plain) and not _PERSONAL.search(plain):
        return value
    return _hint(value)


def _hint(value: Any) -> str:
    text = str(value)
    if found := _EMAIL.fullmatch(text):
        return f"{found[1]}{MASK}@{found[2]}"
    if sum(map(str.isdigit, text)) > len(text) / 2:
        return MASK + text[-2:] if len(text) > 5 else MASK
    return text[0] + MASK if len(text) > 2 else MASK
