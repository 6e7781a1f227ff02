"""The tokens of Google Pay and Apple Pay. Their documented fields are checked, and they are passed on whole and
unchanged, since Appmax refuses a token that was touched.

developers.google.com/pay/api/web/reference/response-objects (PaymentMethodData),
developer.apple.com/documentation/applepayontheweb/applepaypaymenttoken
"""

import json
from typing import Any, NoReturn

from rest_framework import serializers

from orders.fields import Body

MOST_CHARACTERS = 20_000
"""Of one part of a token, as JSON. The greatest part in real ones is Apple's signed one, of about 6,000."""
MOST_LEVELS = 8
"""Of objects in objects. Real tokens have four."""


class TextField(serializers.CharField):
    """A text, spaces included. A number, which a CharField would turn into a text, is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Untouched(Body):
    """A part of a token, which stays as it came. It may have more fields than those that are checked."""

    default_error_messages = {
        "too_long": f"too long: at most {MOST_CHARACTERS} characters",
        "too_deep": "too many objects in objects",
        "too_large": "has a number that is too large",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError, which names the faults and repeats no value."""
        if not _has_levels(data, MOST_LEVELS):
            self._refuse("too_deep")
        try:
            length = len(json.dumps(data, allow_nan=False))
        except ValueError:  # A number such as 1e999 is read as infinite, and can't be passed on as it came.
            self._refuse("too_large")
        if length > MOST_CHARACTERS:
            self._refuse("too_long")
        super().to_internal_value(data)
        return data

    def _refuse(self, code: str) -> NoReturn:
        raise serializers.ValidationError(self.error_messages[code])


def _has_levels(value: Any, most: int) -> bool:
    """Whether the value has at most so many levels of objects and lists."""
    if not isinstance(value, dict | list):
        return True
    inside = value.values() if isinstance(value, dict) else value
    return most > 0 and all(_has_levels(each, most - 1) for each in inside)


class GooglePayInfo(Untouched):
    """`info`, of which Appmax takes the brand."""

    cardNetwork = TextField()
    cardDetails = TextField(required=False)


class GooglePayToken(Untouched):
    """`tokenizationData`. The token is a text that holds JSON, and stays a text."""

    type = TextField()
    token = TextField()


class GooglePayData(Untouched):
    """The `paymentMethodData` that Google's button gives."""

    type = serializers.ChoiceField(["CARD"])
    description = TextField(required=False)
    info = GooglePayInfo()
    tokenizationData = GooglePayToken()


class ApplePayHeader(Untouched):
    """`paymentData.header`. A token of version RSA_v1 has a `wrappedKey` in place of the `ephemeralPublicKey`."""

    transactionId = TextField()
    ephemeralPublicKey = TextField(required=False)
    wrappedKey = TextField(required=False)
    publicKeyHash = TextField(required=False)


class ApplePayData(Untouched):
    """The `paymentData` of Apple's token."""

    version = TextField()
    data = TextField()  # type: ignore[assignment] # DRF takes fields off the class
    signature = TextField()
    header = ApplePayHeader()


class ApplePayMethod(Untouched):
    """The `paymentMethod` of Apple's token."""

    network = TextField()
    type = TextField(required=False)
    displayName = TextField(required=False)
