"""Reads the checkout's form. What is wrong is told by field. A card's number and CVV never come here."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import abort
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from stdnum.br import cnpj, cpf

from examples.storefront.catalogue import CUSTOMER
from examples.storefront.language import text as _


@dataclass(frozen=True)
class Method:
    """A way to pay. `route`: the product's, under pay/. `about`: what the form says of it; empty: it isn't in the form,
    and has a button of its own. `by_card`: the form asks for a card, of which Appmax's script makes a token."""

    route: str
    name: LazyString | str
    about: LazyString | str = ""
    by_card: bool = False


CARD, PIX, BOLETO, GOOGLE_PAY, APPLE_PAY = "card", "pix", "boleto", "google_pay", "apple_pay"
METHODS: dict[str, Method] = {
    CARD: Method("credit-card", lazy_gettext("Credit card"), lazy_gettext("in up to 12 instalments"), by_card=True),
    PIX: Method("pix", "Pix", lazy_gettext("approved within seconds")),
    BOLETO: Method("boleto", lazy_gettext("Boleto"), lazy_gettext("to be paid within 3 days")),
    GOOGLE_PAY: Method("google-pay", "Google Pay"),
    APPLE_PAY: Method("apple-pay", "Apple Pay"),
}
PAID_LATER = (PIX, BOLETO)
MOST_INSTALMENTS = 12
LONGEST = 255
OPTIONAL = ("complement",)
ADDRESS = ("postcode", "street", "number", "complement", "district", "city", "state")
_ATTEMPT = re.compile("[0-9a-f]{32}")

Errors = dict[str, str]


@dataclass(frozen=True)
class Payment:
    """How the shopper wants to pay. `token`: the fields of the product's `payment` that stand for the card; empty for
    Pix and boleto."""

    method: str
    token: Mapping[str, Any] = field(default_factory=dict, repr=False)
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
    """How the shopper wants to pay, and what is wrong with it. Of a card there is a token only, which Appmax's script
    made in the browser; a wallet's token comes as JSON, in the form that the wallet gave it."""
    method = form.get("method", "")
    count = form.get("installments", "1")
    if not re.fullmatch("[1-9][0-9]?", count) or int(count) > MOST_INSTALMENTS:
        return Payment(method), {"installments": _("Please choose one of these.")}
    if form.get("wallet_token"):
        return _read_wallet(form["wallet_token"], int(count))
    if method not in METHODS or not METHODS[method].about:
        return Payment(""), {"method": _("Please choose how to pay.")}
    if not METHODS[method].by_card:
        return Payment(method), {}
    token = form.get("card_token", "")
    if not 0 < len(token) <= LONGEST:
        return Payment(method), {"method": _("The card couldn't be checked just now. Nothing was charged.")}
    return Payment(method, {"token": token}, int(count)), {}


def _read_wallet(text: str, count: int) -> tuple[Payment, Errors]:
    try:
        token = json.loads(text)
    except ValueError:
        token = None
    match token:
        case {"tokenizationData": _}:
            return Payment(GOOGLE_PAY, {"payment_data": token}, count), {}
        case {"paymentData": data, "paymentMethod": method, "transactionIdentifier": identifier}:
            parts = {"payment_data": data, "payment_method": method, "transaction_identifier": identifier}
            return Payment(APPLE_PAY, parts, count), {}
    return Payment(""), {"method": _("Please choose how to pay.")}
