"""Masks payloads for staff who may not see personal data. What is about an order is shown, and the rest is masked."""

import re
from typing import Any

from orders.masks import hint

# A value is shown if its name is that of something harmless or of an amount, and not that of something personal.
_HARMLESS = re.compile(
    r"(^|_)(id|at|date|status|type|event|method|model|sku|currency|stripped)(_|$)"
    r"|^(client_key|external_key|partner_merchant)$"
)
_AMOUNT = re.compile(r"(^|_)(total|value|price|amount|discount|freight|quantity|qty|installments)(_|$)")
# The value must also look like what its name says, because `status_message`, `national_id` or `user_id` may hold
# anything.
_DATE = re.compile(r"(\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4})([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_WORD = re.compile(r"[\w.:/+-]{1,64}")
_LONGEST_ID = 10  # digits; a CPF and a mobile telephone number have eleven
_NUMBER = re.compile(r"-?\d{1,9}([.,]\d{1,4})?")
_PERSONAL = re.compile(
    r"name|mail|phone|document|cpf|cnpj|birth|address|street|zip|post|card|holder|tax|(^|_)ip(_|$)"
    r"|nome|telefone|celular|cep|endereco|bairro|cidade|(^|_)rg(_|$)"
)


def masked(value: Any, name: str = "", *, is_personal: bool = False) -> Any:
    """The JSON value with personal data masked: `a•••@example.com`, `M•••`, `•••25`. Everything inside a personal
    object is personal."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if isinstance(value, dict):
        inside = is_personal or bool(_PERSONAL.search(plain))
        return {key: masked(item, key, is_personal=inside) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, name, is_personal=is_personal) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    if is_personal or _PERSONAL.search(plain):
        return hint(str(value))
    is_amount = _AMOUNT.search(plain) and (not isinstance(value, str) or _NUMBER.fullmatch(value))
    if is_amount or (_HARMLESS.search(plain) and _looks_harmless(value)):
        return value
    return hint(str(value))


def _looks_harmless(value: Any) -> bool:
    """Whether the value is an id, a date or a single word, and no sentence, e-mail address, telephone number, CPF or
    CNPJ."""
    text = str(value)
    if _DATE.fullmatch(text):
        return True
    digits = re.sub(r"[-+./() ]", "", text)
    is_long_number = digits.isdigit() and len(digits) > _LONGEST_ID
    return not is_long_number and _WORD.fullmatch(text) is not None
