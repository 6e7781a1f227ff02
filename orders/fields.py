"""Serializer fields for a storefront's requests: amounts, CPF and CNPJ, telephone and card numbers."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from stdnum.br import cnpj, cpf

from appmax.answers import MAX_NUMBER
from web.api import SharedFields

MAX_ID = MAX_CENTS = MAX_NUMBER


class Body(SharedFields):
    """An object of a request. An optional field that is null or "" counts as absent.

    With `refuses_unknown_fields` an unknown name is an error. It is set where money is concerned: a misspelt
    `shipping_value` would otherwise be left out of what the shopper is charged.
    """

    refuses_unknown_fields = False

    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError, which names all faults at once."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        optional = {name for name, field in self.fields.items() if not field.required}
        given = {name: value for name, value in data.items() if not (name in optional and value in ("", None))}
        unknown = given.keys() - self.fields.keys() if self.refuses_unknown_fields else ()
        errors: Any = {name: ["unknown field"] for name in sorted(unknown)}
        try:
            value = super().to_internal_value(given)
        except serializers.ValidationError as error:
            errors = {**errors, **error.detail}  # type: ignore[dict-item] # to_internal_value raises with a dict
        if errors:
            raise serializers.ValidationError(errors)
        return value


class MomentField(serializers.DateTimeField):
    def enforce_timezone(self, value: datetime) -> datetime:
        """REST framework raises OverflowError for a time without a zone at the calendar's end."""
        try:
            return super().enforce_timezone(value)
        except OverflowError:
            self.fail("overflow")


class CentsField(serializers.IntegerField):
    """A non-negative amount in integer cents. Only a JSON integer is taken: 10.5, "10" and true are refused."""

    default_error_messages = {"max_value": "too large: at most {max_value} cents"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": MAX_CENTS, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "format": "cpf-or-cnpj", "maxLength": 32, "example": "529.982.247-25"})
class DocumentField(serializers.CharField):
    """A CPF or CNPJ with or without punctuation. Its check digits are verified, and the punctuation is removed."""

    default_error_messages = {"document": "must be a valid CPF or CNPJ"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 32, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """The CPF (11 digits) or CNPJ (14 characters) without punctuation. A CPF of one repeated digit has right check
        digits, but nobody has such a CPF, so it is refused."""
        text = re.sub(r"[^0-9A-Za-z]", "", super().to_internal_value(data)).upper()
        if len(set(text)) == 1 or not (cpf.is_valid(text) or cnpj.is_valid(text)):
            self.fail("document")
        return text


# The parts in turn: optionally the country code as +55, 0055 or 55; optionally the 0 of a long-distance call, alone or
# with the two digits of its carrier; the area code; and the nine digits of a mobile telephone, which begin with a 9, or
# eight digits. 55 is an area code too, which the number of digits after it tells.
_TELEPHONE = re.compile(r"(?:(?:\+|00)?55)?(?:0(?:[1-9][1-9])?)?([1-9][1-9](?:9[0-9]{8}|[2-9][0-9]{7}))")
_FOREIGN = re.compile(r"(?:\+|00)(?!55)[0-9]")


@extend_schema_field({"type": "string", "format": "brazilian-phone", "maxLength": 32, "example": "(11) 98765-4321"})
class PhoneField(serializers.CharField):
    """A Brazilian telephone number in any usual spelling, which becomes 10 or 11 digits.

    The phonenumbers library isn't used because it reads 0055 as a call by the carrier 55, and 0055 11 98765-4321 as a
    number in the United States (google/libphonenumber issue 1979).
    """

    default_error_messages = {
        "phone": "must be a Brazilian telephone number: area code and 8 or 9 digits",
        "foreign": "must be a Brazilian telephone number, not a foreign one",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 32, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """The digits of the area code and the number."""
        text = re.sub(r"[\s()./-]", "", super().to_internal_value(data))
        if _FOREIGN.match(text):
            self.fail("foreign")
        found = _TELEPHONE.fullmatch(text)
        if found is None:
            self.fail("phone")
        return found[1]


@extend_schema_field({"type": "string", "format": "card-number", "maxLength": 32, "example": "4000000000000010"})
class CardNumberField(serializers.CharField):
    """13 to 19 digits, from which spaces and dashes are removed. Appmax checks the number itself."""

    default_error_messages = {"number": "must have 13 to 19 digits"}

    def to_internal_value(self, data: Any) -> str:
        digits = re.sub(r"[\s-]", "", super().to_internal_value(data))
        if not re.fullmatch(r"[0-9]{13,19}", digits):
            self.fail("number")
        return digits
