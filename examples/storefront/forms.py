"""Reads the checkout's form. What is wrong is told by field, and never repeats a card's number or CVV."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flask import abort
from stdnum.br import cnpj, cpf

from examples.storefront.catalogue import CUSTOMER
from examples.storefront.language import text as _

CARD, PIX, BOLETO = METHODS = ("card", "pix", "boleto")
MOST_INSTALMENTS = 12
LONGEST = 255
OPTIONAL = ("complement",)
ADDRESS = ("postcode", "street", "number", "complement", "district", "city", "state")
_ATTEMPT = re.compile("[0-9a-f]{32}")

Errors = dict[str, str]


@dataclass(frozen=True)
class Payment:
    """How the shopper wants to pay. `card`: what the product's POST tokenize takes; empty for Pix and boleto."""

    method: str
    card: Mapping[str, str] = field(default_factory=dict, repr=False)
    installments: int = 1


def new_attempt() -> str:
    """The Idempotency-Key of the payment that a form asks for, however often the form is sent."""
    return secrets.token_hex(16)


def read_attempt(form: Mapping[str, str]) -> str:
    """The form's attempt; 400 ends the request if it isn't one of ours."""
    attempt = form.get("attempt", "")
    if not _ATTEMPT.fullmatch(attempt):
        abort(400)
    return attempt


def read_customer(form: Mapping[str, str]) -> tuple[dict[str, str], Errors]:
    """The customer's fields as they were typed, and what is wrong with them."""
    values = {name: form.get(name, "").strip() for name in CUSTOMER}
    errors = {}
    for name, value in values.items():
        if not value and name not in OPTIONAL:
            errors[name] = _("Please fill in this field.")
        elif len(value) > LONGEST:
            errors[name] = _("This is too long.")
    for name, is_right in (
        ("email", re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", values["email"])),
        ("phone", 10 <= len(re.sub(r"\D", "", values["phone"])) <= 11),
        ("document_number", _is_document(values["document_number"])),
        ("postcode", len(re.sub(r"\D", "", values["postcode"])) == 8),
    ):
        if not is_right:
            errors.setdefault(name, _("Please check this field."))
    return values, errors


def _is_document(text: str) -> bool:
    """Whether this is a CPF or CNPJ whose check digits are right."""
    return cpf.is_valid(text) or cnpj.is_valid(text)


def customer(values: Mapping[str, str], ip: str) -> dict[str, object]:
    """What the product's POST order takes as `customer`. `ip` is the shopper's, which Appmax requires."""
    plain = {name: value for name, value in values.items() if name not in ADDRESS}
    return {**plain, "ip": ip, "address": {name: values[name] for name in ADDRESS}}


def read_document(form: Mapping[str, str]) -> tuple[str, Errors]:
    """The payer's CPF or CNPJ."""
    document = form.get("document_number", "").strip()
    return document, {} if _is_document(document) else {"document_number": _("Please check this field.")}


def read_payment(form: Mapping[str, str]) -> tuple[Payment, Errors]:
    """How the shopper wants to pay, and what is wrong with it."""
    method = form.get("method", "")
    if method not in METHODS:
        return Payment(""), {"method": _("Please choose how to pay.")}
    if method != CARD:
        return Payment(method), {}
    errors = {}
    number = re.sub(r"[\s-]", "", form.get("card_number", ""))
    if not re.fullmatch("[0-9]{13,19}", number):
        errors["card_number"] = _("A card number has 13 to 19 digits.")
    cvv = form.get("cvv", "").strip()
    if not re.fullmatch("[0-9]{3,4}", cvv):
        errors["cvv"] = _("The security code has 3 or 4 digits.")
    expiry = re.fullmatch("(0?[1-9]|1[0-2]) ?/ ?(?:20)?([0-9]{2})", form.get("expiry", "").strip())
    month, year = expiry.groups() if expiry else ("0", "0")
    if not expiry:
        errors["expiry"] = _("Write the date as MM/YY.")
    elif (2000 + int(year), int(month)) < ((today := datetime.now(UTC)).year, today.month):
        errors["expiry"] = _("This card has expired.")
    holder = form.get("holder_name", "").strip()
    if not 0 < len(holder) <= LONGEST:
        errors["holder_name"] = _("Please write the name as on the card.")
    count = form.get("installments", "1")
    if not re.fullmatch("[1-9][0-9]?", count) or int(count) > MOST_INSTALMENTS:
        count, errors["installments"] = "1", _("Please choose one of these.")
    card = {
        "number": number,
        "cvv": cvv,
        "expiration_month": month.zfill(2),
        "expiration_year": year,
        "holder_name": holder,
    }
    return Payment(method, card, int(count)), errors
