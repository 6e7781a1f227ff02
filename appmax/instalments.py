"""The amounts of POST /v1/payments/installments, whose unit differs between its two shapes and between samples.

The documented answer has the total of each number of instalments in cents. The older one has the value of a single
instalment, seen in reais (100.00 for 10000 cents) and in cents (10000.00). We don't assume a unit: we take the one in
which every total lies between half and twice the amount that was asked about. Interest changes a total by some tens of
per cent, and a wrong unit by a factor of a hundred, so these bounds are safe. An answer that lies outside them in both
units is not passed on.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

from appmax.wording import dig

_ORDINAL = re.compile(r"[1-9][0-9]{0,2}")
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,20})?")
_CENTS_IN = (Decimal(1), Decimal(100))  # cents in a cent, and in a real
_NOISE = Decimal("0.0001")  # cents below which a difference is noise: 66.90000000000001 reais are 6690 cents, not 6691


def totals(installments: Mapping[str, Any]) -> dict[int, Decimal]:
    """The totals of `{"n": {"total": amount}}` by number of instalments, in Appmax's unit, without those that are no
    amounts."""
    return _amounts({number: dig(installment, "total") for number, installment in installments.items()})


def totals_of_parcels(parcels: Mapping[str, Any]) -> dict[int, Decimal]:
    """The totals of the older `{"n": value of one instalment}`, in the same form."""
    return {number: value * number for number, value in _amounts(parcels).items()}


def in_cents(amounts: Mapping[int, Decimal], total_value: int) -> dict[int, Decimal] | None:
    """The totals in cents; None if they can't be right in either unit. `total_value` is the amount that was asked
    about, in cents."""
    for cents in _CENTS_IN:
        found = {number: (amount * cents).quantize(_NOISE) for number, amount in amounts.items()}
        if all(total_value <= 2 * total <= 4 * total_value for total in found.values()):
            return found
    return None


def whole(total: Decimal) -> int:
    return int(total.to_integral_value(ROUND_HALF_UP))


def each(total: Decimal, number: int) -> int:
    """The price of one of `number` equal instalments, rounded up to the cent."""
    return int((total / number).quantize(_NOISE).to_integral_value(ROUND_CEILING))


def _amounts(named: Mapping[str, Any]) -> dict[int, Decimal]:
    found = {}
    for number, amount in named.items():
        text = str(amount) if isinstance(amount, int | float | str) else ""
        if _ORDINAL.fullmatch(number) and _AMOUNT.fullmatch(text):
            found[int(number)] = Decimal(text)
    return found
