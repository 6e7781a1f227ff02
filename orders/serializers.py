"""What a storefront may send. Checked here: form and size of each field; whether it makes sense, Appmax decides."""

import re
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from stdnum.br import cnpj, cpf

from appmax.messages import Address, Card, CardCharge, Customer, NewOrder, Product, Subscription
from orders.checkout import CardRequest, OrderReference, PixRequest, Purchase, UpsellRequest

MAX_ID = 2**31 - 1  # the columns are integer
MAX_CENTS = 2**31 - 1


class CentsField(serializers.IntegerField):
    """A non-negative amount in integer cents; 10.5, "10" and true are refused, not rounded."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": MAX_CENTS, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        """Only a JSON integer."""
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "format": "cpf-or-cnpj", "maxLength": 32, "example": "529.982.247-25"})
class DocumentField(serializers.CharField):
    """A CPF or CNPJ with or without punctuation; its check digits are verified, and it is passed on without them."""

    default_error_messages = {"document": "must be a valid CPF or CNPJ"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 32, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """The bare CPF (11 digits) or CNPJ (14 characters)."""
        text = re.sub(r"[^0-9A-Za-z]", "", super().to_internal_value(data)).upper()
        if not (cpf.is_valid(text) or cnpj.is_valid(text)):
            self.fail("document")
        return text


class PhoneField(serializers.CharField):
    """At most 11 digits (area code and number), punctuation and a leading +55 dropped."""

    default_error_messages = {"phone": "must have at most 11 digits"}

    def to_internal_value(self, data: Any) -> str:
        """Digits only."""
        text = super().to_internal_value(data).strip()
        digits = re.sub(r"[^0-9]", "", text)
        if text.startswith("+55"):
            digits = digits.removeprefix("55")
        if not 1 <= len(digits) <= 11:
            self.fail("phone")
        return digits


def _optional_text(max_length: int = 255) -> serializers.CharField:
    return serializers.CharField(max_length=max_length, required=False, allow_blank=True, default="")


class AddressSerializer(serializers.Serializer[Any]):
    """`customer.address`."""

    postcode = serializers.CharField(max_length=16)
    street = serializers.CharField(max_length=255)
    number = serializers.CharField(max_length=32)
    complement = _optional_text()
    district = serializers.CharField(max_length=255)
    city = serializers.CharField(max_length=255)
    state = serializers.CharField(max_length=64)


class CustomerSerializer(serializers.Serializer[Any]):
    """`customer`."""

    first_name = serializers.CharField(max_length=255)
    last_name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)
    phone = PhoneField(max_length=32)
    document_number = DocumentField(required=False, default="")
    ip = serializers.IPAddressField(required=False, default="")
    address = AddressSerializer(required=False, default=None, allow_null=True)


class ProductSerializer(serializers.Serializer[Any]):
    """One of `order.products`."""

    sku = serializers.CharField(max_length=255)
    name = serializers.CharField(max_length=255)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_CENTS)
    unit_value = CentsField()
    type = serializers.ChoiceField(["physical", "digital"], default="physical")


class NewOrderSerializer(serializers.Serializer[Any]):
    """`order`: amounts in cents, the total (products − discount + shipping) positive."""

    products_value = CentsField()
    discount_value = CentsField(default=0)
    shipping_value = CentsField(default=0)
    products = ProductSerializer(many=True, allow_empty=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The total must be positive and fit its column."""
        total = attrs["products_value"] - attrs["discount_value"] + attrs["shipping_value"]
        if not 0 < total <= MAX_CENTS:
            raise serializers.ValidationError("the order's total must be positive")
        return attrs


class SubscriptionSerializer(serializers.Serializer[Any]):
    """`subscription`."""

    interval = serializers.CharField(max_length=32)
    interval_count = serializers.IntegerField(min_value=1, max_value=365)


def _purchase(customer: dict[str, Any], order: dict[str, Any]) -> Purchase:
    """Validated `customer` and `order` as the gateway's messages."""
    address = customer["address"]
    return Purchase(
        customer=Customer(**{**customer, "address": Address(**address) if address else None}),
        order=NewOrder(**{**order, "products": tuple(Product(**product) for product in order["products"])}),
    )


class NewOrderRequestSerializer(serializers.Serializer[Any]):
    """Body of POST order."""

    customer = CustomerSerializer()
    order = NewOrderSerializer()

    def purchase(self) -> Purchase:
        """The validated body."""
        return _purchase(**self.validated_data)


# --- what is to be paid, and how -------------------------------------------------------------------------------------


@extend_schema_field({"type": "string", "format": "card-number", "maxLength": 32, "example": "4000000000000010"})
class CardNumberField(serializers.CharField):
    """13 to 19 digits, spaces and dashes dropped. Which numbers are good, Appmax says."""

    default_error_messages = {"number": "must have 13 to 19 digits"}

    def to_internal_value(self, data: Any) -> str:
        """Digits only."""
        digits = re.sub(r"[\s-]", "", super().to_internal_value(data))
        if not re.fullmatch(r"[0-9]{13,19}", digits):
            self.fail("number")
        return digits


class CardSerializer(serializers.Serializer[Any]):
    """A card's own fields, and body of POST tokenize. An expiry year has 2 or 4 digits."""

    number = CardNumberField(max_length=32)
    cvv = serializers.RegexField(r"^[0-9]{3,4}$", max_length=4)
    expiration_month = serializers.RegexField(r"^(0?[1-9]|1[0-2])$", max_length=2)
    expiration_year = serializers.RegexField(r"^([0-9]{2}|20[0-9]{2})$", max_length=4)
    holder_name = serializers.CharField(max_length=255)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A card is good until its month ends."""
        year, month = int(attrs["expiration_year"]) % 100 + 2000, int(attrs["expiration_month"])
        today = timezone.localtime()  # Brazil's
        if (year, month) < (today.year, today.month):
            raise serializers.ValidationError({"expiration_year": ["the card has expired"]})
        attrs["expiration_month"] = f"{month:02}"
        return attrs

    def card(self) -> Card:
        """The validated card."""
        return Card(**self.validated_data)


class CardPaymentSerializer(CardSerializer):
    """`payment`: a token or the card's own fields, never both, and how to charge it. Blank counts as absent."""

    token = serializers.CharField(max_length=255)
    holder_document_number = DocumentField()
    installments = serializers.IntegerField(min_value=1, max_value=12, default=1)
    soft_descriptor = serializers.CharField(max_length=13)
    upsell_hash = serializers.CharField(max_length=255)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Which fields must be there depends on the others."""
        fields = super().get_fields()
        for name, each in fields.items():
            each.required = False
            each.help_text = _HELP.get(name)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Drops what is blank or null."""
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if value not in ("", None)}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A token, or all of the card."""
        given = [name for name in _CARD if name in attrs]
        if "token" in attrs:
            if given:
                raise serializers.ValidationError({"token": ["send a token or the card's fields, not both"]})
            return attrs
        if not given:
            raise serializers.ValidationError({"token": ["a token or the card's fields are required"]})
        if missing := [name for name in (*_CARD, "holder_name") if name not in attrs]:
            raise serializers.ValidationError({name: [f"{name} is required without a token"] for name in missing})
        return super().validate(attrs)


_CARD = ("number", "cvv", "expiration_month", "expiration_year")
_HELP = dict.fromkeys(_CARD, "Without a token.") | {"token": "Instead of the card's own fields; it serves once."}


def _charge(payment: dict[str, Any]) -> CardCharge:
    """Validated `payment` as the gateway's message."""
    card = {name: payment.pop(name) for name in _CARD if name in payment}
    return CardCharge(**payment, card=Card(**card, holder_name=payment["holder_name"]) if card else None)


class PaySerializer(serializers.Serializer[Any]):
    """What the bodies of the pay routes share: an existing order, or customer and order to make one of."""

    customer_id = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False, allow_null=True)
    order_id = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False, allow_null=True)
    customer = CustomerSerializer(required=False, allow_null=True)
    order = NewOrderSerializer(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Without order_id (absent, null or 0) both customer and order are required."""
        if not attrs.get("order_id"):
            missing = [name for name in ("customer", "order") if attrs.get(name) is None]
            if missing:
                raise serializers.ValidationError({name: [f"{name} is required without order_id"] for name in missing})
        return attrs

    def target(self) -> Purchase | OrderReference:
        """What is to be paid."""
        data = self.validated_data
        if data.get("order_id"):
            return OrderReference(order_id=data["order_id"], customer_id=data.get("customer_id"))
        return _purchase(data["customer"], data["order"])


def _subscription(data: dict[str, Any]) -> Subscription | None:
    given = data.get("subscription")
    return Subscription(**given) if given else None


class PayCardSerializer(PaySerializer):
    """Body of POST pay/credit-card."""

    payment = CardPaymentSerializer()
    subscription = SubscriptionSerializer(required=False, allow_null=True)

    def payment_request(self) -> CardRequest:
        """How it is to be paid."""
        return CardRequest(_charge(self.validated_data["payment"]), _subscription(self.validated_data))


class PayPixSerializer(PaySerializer):
    """Body of POST pay/pix."""

    document_number = DocumentField()
    subscription = SubscriptionSerializer(required=False, allow_null=True)

    def payment_request(self) -> PixRequest:
        """How it is to be paid."""
        return PixRequest(self.validated_data["document_number"], _subscription(self.validated_data))


class PayBoletoSerializer(PaySerializer):
    """Body of POST pay/boleto."""

    document_number = DocumentField()


class UpsellSerializer(serializers.Serializer[Any]):
    """Body of POST upsell."""

    upsell_hash = serializers.CharField(max_length=255)
    products_value = CentsField(min_value=1)
    products = ProductSerializer(many=True, allow_empty=False)

    def upsell_request(self) -> UpsellRequest:
        """The validated body."""
        products = tuple(Product(**product) for product in self.validated_data["products"])
        return UpsellRequest(**{**self.validated_data, "products": products})


# --- what follows a payment, and what comes before it ----------------------------------------------------------------


def _order_id() -> serializers.IntegerField:
    """An Appmax order id that must be there."""
    missing = "order_id is required"
    return serializers.IntegerField(
        min_value=1, max_value=MAX_ID, error_messages={"required": missing, "null": missing}
    )


class RefundSerializer(serializers.Serializer[Any]):
    """Body of POST refund: `value` (cents) if, and only if, it is partial."""

    order_id = _order_id()
    type = serializers.ChoiceField(["total", "partial"])
    value = CentsField(min_value=1, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The value goes with the type."""
        value = attrs.get("value")
        if attrs["type"] == "partial" and value is None:
            raise serializers.ValidationError({"value": ["value is required for a partial refund"]})
        if attrs["type"] == "total" and value is not None:
            raise serializers.ValidationError({"value": ["value goes with a partial refund only"]})
        return attrs


class TrackingSerializer(serializers.Serializer[Any]):
    """Body of POST tracking."""

    order_id = _order_id()
    shipping_tracking_code = serializers.CharField(max_length=255)


class InstallmentsSerializer(serializers.Serializer[Any]):
    """Query of GET installments: `total_value` in cents, and the most instalments."""

    total_value = serializers.IntegerField(
        min_value=1, max_value=MAX_CENTS, error_messages={"required": "total_value is required"}
    )
    installments = serializers.IntegerField(min_value=1, max_value=12, default=12)
