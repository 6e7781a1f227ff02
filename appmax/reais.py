"""The amounts in decimal reais, which Appmax answers for instalments only; all others are integer cents."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from appmax.wording import dig

_ORDINAL = re.compile(r"[1-9][0-9]{0,2}")
_REAIS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,20})?")


def amounts(named: Mapping[str, Any], name: str = "") -> list[tuple[int, Decimal]]:
    """(number of instalments, decimal reais) from `{"n": amount}`, or with a name from `{"n": {name: amount}}`."""
    found = []
    for number, amount in named.items():
        value = dig(amount, name) if name else amount
        text = str(value) if isinstance(value, int | float | str) else ""
        if _ORDINAL.fullmatch(number) and _REAIS.fullmatch(text):
            found.append((int(number), Decimal(text)))
    return found


def in_cents(reais: Decimal) -> int:
    """Rounded half up, as shops do."""
    return int((reais * 100).quantize(Decimal(1), ROUND_HALF_UP))
