"""What a storefront may send. Checked here: form and size of each field; whether it makes sense, Appmax decides."""

import re
from typing import Any

from rest_framework import serializers
from stdnum.br import cnpj, cpf

from appmax.messages import Address, Customer, NewOrder, Product, Subscription
from orders.checkout import OrderReference, PixRequest, Purchase

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


class DocumentField(serializers.CharField):
    """A CPF or CNPJ with or without punctuation; its check digits are verified, and it is passed on without them."""

    default_error_messages = {"document": "must be a valid CPF or CNPJ"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 32, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """The bare CPF (11 digits) or CNPJ (14 characters)."""
        text = re.sub(r"[.\-/\s]", "", super().to_internal_value(data)).upper()
        if not (cpf.is_valid(text) or cnpj.is_valid(text)):
            self.fail("document")
        return text


class PhoneField(serializers.CharField):
    """At most 11 digits (area code and number), punctuation and a leading +55 dropped."""

    default_error_messages = {"phone": "must have at most 11 digits"}

    def to_internal_value(self, data: Any) -> str:
        """Digits only."""
        text = super().to_internal_value(data).strip()
        digits = re.sub(r"\D", "", text)
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


class PixSerializer(serializers.Serializer[Any]):
    """Body of POST pay/pix: an existing order, or customer and order to make one of."""

    customer_id = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False, allow_null=True)
    order_id = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False, allow_null=True)
    customer = CustomerSerializer(required=False, allow_null=True)
    order = NewOrderSerializer(required=False, allow_null=True)
    document_number = DocumentField()
    subscription = SubscriptionSerializer(required=False, allow_null=True)

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

    def payment(self) -> PixRequest:
        """How it is to be paid."""
        subscription = self.validated_data.get("subscription")
        return PixRequest(
            document_number=self.validated_data["document_number"],
            subscription=Subscription(**subscription) if subscription else None,
        )
