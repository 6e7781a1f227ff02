"""The tokens of Google Pay and Apple Pay: whether they look like real ones, and the card that one stands for.

Nothing is decrypted, so whatever has the documented shape is a good token, and its card is approved unless the switch
for cards says otherwise.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from simulator.cards import APPROVED_CARD, MOST_INSTALMENTS, Card
from simulator.reading import as_object, is_whole

MOST_DIGITS = 4  # of a card's number that a token tells


def google_pay_errors(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong beside the token, by field."""
    number = fields.get("installments")
    is_right = is_whole(number) and 1 <= number <= MOST_INSTALMENTS
    return _errors(fields, is_right=is_right, needed="an integer")


def apple_pay_errors(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong beside the token, by field. Here the instalments are a text."""
    is_right = fields.get("installments") in [str(number) for number in range(1, MOST_INSTALMENTS + 1)]
    return _errors(fields, is_right=is_right, needed="a string")


def _errors(fields: Mapping[str, Any], *, is_right: bool, needed: str) -> dict[str, str]:
    errors = {} if is_right else {"installments": f"The installments must be {needed} from 1 to {MOST_INSTALMENTS}."}
    if not _is_text(fields.get("holder_document_number")):
        errors["holder_document_number"] = "The holder_document_number field is required."
    return errors


def google_pay_card(fields: Mapping[str, Any]) -> Card | None:
    """The card of `payment_data`, which is Google's PaymentMethodData; None if that isn't what it looks like."""
    data = as_object(fields.get("payment_data"))
    info, token = as_object(data.get("info")), as_object(data.get("tokenizationData"))
    if data.get("type") != "CARD" or token.get("type") != "PAYMENT_GATEWAY":
        return None
    if not _is_text(token.get("token")) or not _is_text(info.get("cardNetwork")):
        return None
    return _card(info["cardNetwork"], str(info.get("cardDetails", "")))


def apple_pay_card(fields: Mapping[str, Any]) -> Card | None:
    """The card of an ApplePayPaymentToken's three parts; None if they don't look like one's."""
    data, method = as_object(fields.get("payment_data")), as_object(fields.get("payment_method"))
    header = as_object(data.get("header"))
    texts = [data.get(name) for name in ("version", "data", "signature")]
    texts += [header.get("transactionId"), method.get("network"), fields.get("transaction_identifier")]
    if not all(map(_is_text, texts)) or not (header.get("ephemeralPublicKey") or header.get("wrappedKey")):
        return None
    return _card(method["network"], str(method.get("displayName", "")))


def name_of(fields: Mapping[str, Any]) -> str:
    """A text that is the same for the same token and no other."""
    return hashlib.sha256(json.dumps(fields.get("payment_data"), sort_keys=True).encode()).hexdigest()


def _card(network: str, told: str) -> Card:
    last = told[-MOST_DIGITS:]
    return Card("", last if last.isdigit() else "", network.lower(), APPROVED_CARD)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
