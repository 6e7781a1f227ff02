"""Cards: what each test number does, and what instalments cost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from simulator.orders import APPROVED, AT_RISK, AUTHORISED, CANCELLED
from simulator.records import BRAZIL

MOST_INSTALMENTS = 12
BRANDS = {"2": "mastercard", "3": "amex", "4": "visa", "5": "mastercard"}  # by a number's first digit
MONTHLY_INTEREST = Decimal("0.0199")  # from two instalments on

_DECLINED = ("payment_not_authorized",)


@dataclass(frozen=True)
class Outcome:
    """What comes of a card.

    `status`: the payment's and the order's afterwards; empty: nothing happens at all. `events`: told in this order.
    `refusal`: HTTP status and body of the answer; None: a 201. `referenced`: the answer has a pay_reference.
    """

    says: str
    status: str
    events: tuple[str, ...] = ()
    refusal: tuple[int, dict[str, Any]] | None = None
    referenced: bool = True


@dataclass(frozen=True)
class Card:
    """All that is kept of a card: the ends of its number, as Appmax tells them, never the whole, never its CVV."""

    first6: str
    last4: str
    brand: str
    outcome: Outcome


OUTCOMES: Mapping[str, Outcome] = {
    # Appmax's sandbox cards
    "4000000000000010": Outcome("approved", APPROVED, ("order_authorized", "order_approved", "order_paid")),
    "4000000000000028": Outcome(
        "not authorised (402)", CANCELLED, _DECLINED, (402, {"errors": {"message": "Payment not authorized"}})
    ),
    "4000000000000002": Outcome(
        "refused by the issuer (201 with an empty pay_reference)", CANCELLED, _DECLINED, referenced=False
    ),
    "4000000000000036": Outcome(
        "transaction error (422)", CANCELLED, _DECLINED, (422, {"error": {"message": "Transação não autorizada"}})
    ),
    "4000000000009999": Outcome(
        "gateway down (504): nothing is charged", "", (), (504, {"message": "Gateway Timeout"})
    ),
    # The simulator's own: Appmax has no such numbers
    "4000000000000044": Outcome("authorised, not captured (this simulator's own)", AUTHORISED, ("order_authorized",)),
    "4000000000000051": Outcome("refused by risk analysis (this simulator's own)", AT_RISK, ("order_refused_by_risk",)),
}
APPROVED_CARD = OUTCOMES["4000000000000010"]
ANY_OTHER = Outcome("not authorised (403)", CANCELLED, _DECLINED, (403, {"message": "Payment not authorized"}))


# What a switch makes of every card, whatever its number.
BY_NUMBER = "by_number"
_FORCED: Mapping[str, Outcome] = {
    "approved": APPROVED_CARD,
    "declined": OUTCOMES["4000000000000028"],
    "authorised": OUTCOMES["4000000000000044"],
    "at_risk": OUTCOMES["4000000000000051"],
    "gateway_down": OUTCOMES["4000000000009999"],
}
POLICIES = (BY_NUMBER, *_FORCED)


def under(policy: str, card: Card) -> Card:
    """The card with the outcome that the switch gives to all cards, or with its number's."""
    return replace(card, outcome=_FORCED.get(policy, card.outcome))


def card_of(number: str) -> Card:
    return Card(number[:6], number[-4:], BRANDS.get(number[0], "elo"), OUTCOMES.get(number, ANY_OTHER))


def card_errors(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with number, cvv, expiration_month, expiration_year, holder_name; by field, never the value."""
    errors = {}
    if not _is_text(fields.get("number"), "[0-9]{13,19}"):
        errors["number"] = "The number must have 13 to 19 digits."
    if not _is_text(fields.get("cvv"), "[0-9]{3,4}"):
        errors["cvv"] = "The cvv must have 3 or 4 digits."
    month, year = str(fields.get("expiration_month", "")), str(fields.get("expiration_year", ""))
    if not _is_text(month, "0?[1-9]|1[0-2]"):
        errors["expiration_month"] = "The expiration_month must be between 1 and 12."
    elif not _is_text(year, "(20)?[0-9]{2}"):
        errors["expiration_year"] = "The expiration_year must have 2 or 4 digits."
    elif (2000 + int(year[-2:]), int(month)) < ((today := datetime.now(BRAZIL)).year, today.month):
        errors["expiration_year"] = "The card has expired."
    if not _is_text(fields.get("holder_name"), r"\s*\S.*"):
        errors["holder_name"] = "The holder_name field is required."
    return errors


def with_interest(total_cents: int, number: int) -> int:
    """What `number` equal instalments of a total cost together, in cents."""
    if number == 1:
        return total_cents
    total = total_cents * number * MONTHLY_INTEREST / (1 - (1 + MONTHLY_INTEREST) ** -number)
    return int(total.to_integral_value(ROUND_HALF_UP))


def _is_text(value: Any, pattern: str) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None
