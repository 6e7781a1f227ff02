"""What a storefront may send. The form and size of each field are checked here; Appmax decides whether it makes
sense."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from appmax.messages import (
    Address,
    ApplePayCharge,
    Card,
    CardCharge,
    Customer,
    GooglePayCharge,
    NewOrder,
    PaymentLink,
    Product,
    Subscription,
)
from orders.checkout import CardRequest, OrderReference, PixRequest, Purchase, UpsellRequest
from orders.fields import (
    MAX_CENTS,
    MAX_ID,
    Body,
    CardNumberField,
    CentsField,
    DocumentField,
    PhoneField,
)
from orders.models import Interval
from orders.wallets import ApplePayData, ApplePayMethod, GooglePayData, TextField


class AddressSerializer(Body):
    """`customer.address`."""

    postcode = serializers.CharField(max_length=16)
    street = serializers.CharField(max_length=255)
    number = serializers.CharField(max_length=32)
    complement = serializers.CharField(max_length=255, default="")
    district = serializers.CharField(max_length=255)
    city = serializers.CharField(max_length=255)
    state = serializers.CharField(max_length=64)


class ProductSerializer(Body):
    """One of `order.products`. `unit_value` may be left out if the order has a `products_value`."""

    refuses_unknown_fields = True

    sku = serializers.CharField(max_length=255)
    name = serializers.CharField(max_length=255)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_CENTS)
    unit_value = CentsField(default=None)
    type = serializers.ChoiceField(["physical", "digital"], default="physical")


class CustomerSerializer(Body):
    """`customer`. Appmax requires the shopper's `ip`. `tracking` (utm_source, utm_campaign, ...) and the `products`
    that the shopper looked at are passed on to it."""

    first_name = serializers.CharField(max_length=255)
    last_name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)
    phone = PhoneField()
    document_number = DocumentField(default="")
    ip = serializers.IPAddressField()
    address = AddressSerializer(default=None)
    tracking = serializers.DictField(
        child=serializers.CharField(max_length=255, allow_null=True, allow_blank=True), default=dict
    )
    products = ProductSerializer(many=True, default=list)


class NewOrderSerializer(Body):
    """`order`. Amounts are in cents. The price of the products is given by each one's `unit_value`, by
    `products_value`, or by both, which must then agree."""

    refuses_unknown_fields = True

    products_value = CentsField(default=None)
    discount_value = CentsField(default=0)
    shipping_value = CentsField(default=0)
    products = ProductSerializer(many=True, allow_empty=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The amount to charge must be certain, positive, and fit its column."""
        value = attrs["products_value"]
        if value is None and any(product["unit_value"] is None for product in attrs["products"]):
            missing = "products_value is required unless every product has a unit_value"
            raise serializers.ValidationError({"products_value": [missing]})
        order = _new_order(attrs)
        if value not in (None, order.products_cents):
            sums = f"products_value is {value} cents, but the products add up to {order.products_cents} cents"
            raise serializers.ValidationError({"products_value": [sums]})
        if order.total_cents <= 0:
            raise serializers.ValidationError("the order's total must be positive")
        if order.total_cents > MAX_CENTS:
            raise serializers.ValidationError(f"the order's total is too large: at most {MAX_CENTS} cents")
        return attrs


class SubscriptionSerializer(Body):
    """`subscription`."""

    interval = serializers.ChoiceField(Interval.choices)
    interval_count = serializers.IntegerField(min_value=1, max_value=365, default=1)
    max_cycles = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
    next_charge_at = serializers.DateField(required=False)
    fail_max_tries = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)
    fail_interval_hours = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)


def _products(products: list[dict[str, Any]]) -> tuple[Product, ...]:
    return tuple(Product(**product) for product in products)


def _new_order(order: dict[str, Any]) -> NewOrder:
    return NewOrder(**{**order, "products": _products(order["products"])})


def _purchase(customer: dict[str, Any], order: dict[str, Any]) -> Purchase:
    """The gateway's messages for the validated `customer` and `order`."""
    address = customer["address"]
    parts = {"address": Address(**address) if address else None, "products": _products(customer["products"])}
    return Purchase(customer=Customer(**{**customer, **parts}), order=_new_order(order))


class NewOrderRequestSerializer(Body):
    """Body of POST order."""

    customer = CustomerSerializer()
    order = NewOrderSerializer()

    def purchase(self) -> Purchase:
        return _purchase(**self.validated_data)


# --- what is to be paid, and how -------------------------------------------------------------------------------------


class CardSerializer(Body):
    """A card's own fields, which are also the body of POST tokenize. An expiry year has 2 or 4 digits."""

    number = CardNumberField(max_length=32)
    cvv = serializers.RegexField(r"^[0-9]{3,4}$", max_length=4)
    expiration_month = serializers.RegexField(r"^(0?[1-9]|1[0-2])$", max_length=2)
    expiration_year = serializers.RegexField(r"^([0-9]{2}|20[0-9]{2})$", max_length=4)
    holder_name = serializers.CharField(max_length=255)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A card is valid until the end of its month, in Brazil's time."""
        year, month = int(attrs["expiration_year"]) % 100 + 2000, int(attrs["expiration_month"])
        today = timezone.localtime()
        if (year, month) < (today.year, today.month):
            raise serializers.ValidationError({"expiration_year": ["the card has expired"]})
        attrs["expiration_month"] = f"{month:02}"
        return attrs

    def card(self) -> Card:
        return Card(**self.validated_data)


class CardPaymentSerializer(CardSerializer):
    """`payment`: a token or the card's own fields, never both, and how to charge it."""

    refuses_unknown_fields = True

    token = serializers.CharField(max_length=255)
    holder_document_number = DocumentField()
    installments = serializers.IntegerField(min_value=1, max_value=12, default=1)
    soft_descriptor = serializers.CharField(max_length=13)
    upsell_hash = serializers.CharField(max_length=255)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The required fields depend on which others are given."""
        fields = super().get_fields()
        for name, each in fields.items():
            each.required = False
            each.help_text = _HELP.get(name)
        return fields

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
    """The gateway's message for the validated `payment`."""
    card = {name: payment.pop(name) for name in _CARD if name in payment}
    return CardCharge(**payment, card=Card(**card, holder_name=payment["holder_name"]) if card else None)


class WalletPaymentSerializer(Body):
    """The part of `payment` that both wallets have. Appmax requires the document."""

    refuses_unknown_fields = True

    holder_document_number = DocumentField()
    installments = serializers.IntegerField(min_value=1, max_value=12, default=1)
    soft_descriptor = serializers.CharField(max_length=13, required=False)


class GooglePaymentSerializer(WalletPaymentSerializer):
    """`payment` of pay/google-pay."""

    payment_data = GooglePayData()


class ApplePaymentSerializer(WalletPaymentSerializer):
    """`payment` of pay/apple-pay."""

    payment_data = ApplePayData()
    payment_method = ApplePayMethod()
    transaction_identifier = TextField(max_length=255, help_text="The token's `transactionIdentifier`.")


class PaySerializer(Body):
    """The common part of the pay routes' bodies: an existing order, or customer and order to create one from."""

    customer_id = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)
    order_id = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)
    customer = CustomerSerializer(required=False)
    order = NewOrderSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Without order_id (absent, null or 0) both customer and order are required. A subscription beside a payment
        that can't begin one is refused, as the shop would believe that it has one."""
        if "subscription" not in self.fields and self.initial_data.get("subscription"):
            raise serializers.ValidationError({"subscription": ["a payment of this kind can't begin a subscription"]})
        if not attrs.get("order_id"):
            missing = [name for name in ("customer", "order") if name not in attrs]
            if missing:
                raise serializers.ValidationError({name: [f"{name} is required without order_id"] for name in missing})
        return attrs

    def target(self) -> Purchase | OrderReference:
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
    subscription = SubscriptionSerializer(required=False)

    def payment_request(self) -> CardRequest:
        return CardRequest(_charge(self.validated_data["payment"]), _subscription(self.validated_data))


class PayGooglePaySerializer(PaySerializer):
    """Body of POST pay/google-pay."""

    payment = GooglePaymentSerializer()

    def payment_request(self) -> CardRequest:
        return CardRequest(GooglePayCharge(**self.validated_data["payment"]))


class PayApplePaySerializer(PaySerializer):
    """Body of POST pay/apple-pay."""

    payment = ApplePaymentSerializer()

    def payment_request(self) -> CardRequest:
        return CardRequest(ApplePayCharge(**self.validated_data["payment"]))


class PayPixSerializer(PaySerializer):
    """Body of POST pay/pix."""

    document_number = DocumentField()
    subscription = SubscriptionSerializer(required=False)

    def payment_request(self) -> PixRequest:
        return PixRequest(self.validated_data["document_number"], _subscription(self.validated_data))


class PayBoletoSerializer(PaySerializer):
    """Body of POST pay/boleto."""

    document_number = DocumentField()


class UpsellSerializer(Body):
    """Body of POST upsell."""

    upsell_hash = serializers.CharField(max_length=255)
    products_value = CentsField(min_value=1)
    products = ProductSerializer(many=True, allow_empty=False)

    def upsell_request(self) -> UpsellRequest:
        return UpsellRequest(**{**self.validated_data, "products": _products(self.validated_data["products"])})


# --- what follows a payment, and what comes before it ----------------------------------------------------------------


def required_order_id() -> serializers.IntegerField:
    """A required Appmax order id."""
    missing = "order_id is required"
    return serializers.IntegerField(
        min_value=1, max_value=MAX_ID, error_messages={"required": missing, "null": missing}
    )


class RefundSerializer(Body):
    """Body of POST refund. A partial refund has a `value` in cents, and a total one has none."""

    refuses_unknown_fields = True

    order_id = required_order_id()
    type = serializers.ChoiceField(["total", "partial"])
    value = CentsField(min_value=1, default=None)
    reason = serializers.CharField(max_length=255, default="", help_text="Kept with the refund; Appmax isn't told.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`value` must fit `type`."""
        value = attrs["value"]
        if attrs["type"] == "partial" and value is None:
            raise serializers.ValidationError({"value": ["value is required for a partial refund"]})
        if attrs["type"] == "total" and value is not None:
            raise serializers.ValidationError({"value": ["value goes with a partial refund only"]})
        return attrs


class TrackingSerializer(Body):
    """Body of POST tracking."""

    order_id = required_order_id()
    shipping_tracking_code = serializers.CharField(max_length=255)


class PaymentLinkSerializer(Body):
    """Body of POST payment-link. `value` is in cents, and not below what Appmax makes a link for."""

    refuses_unknown_fields = True

    name = serializers.CharField(max_length=255)
    value = CentsField(min_value=500)
    description = serializers.CharField(max_length=1000)
    payments = serializers.ListField(
        child=serializers.ChoiceField(["credit_card", "pix", "boleto"]), allow_empty=False, max_length=10
    )
    max_installments = serializers.IntegerField(min_value=1, max_value=12, default=1)
    fee_transfer_from_installment = serializers.IntegerField(
        min_value=0,
        max_value=12,
        default=0,
        help_text="From this instalment on the shopper pays the interest; 0: never.",
    )
    product_type = serializers.ChoiceField(["physical", "digital"], default="")
    document = DocumentField(default="", help_text="Of the merchant's company, if there are several.")
    allow_multiple_sales = serializers.BooleanField(default=None)

    def link(self) -> PaymentLink:
        """The gateway's message, in Appmax's words."""
        said = self.validated_data
        methods = tuple(dict.fromkeys(name.replace("_", "") for name in said["payments"]))
        return PaymentLink(**{**said, "payments": methods})


class InstallmentsSerializer(Body):
    """Query of GET installments: `total_value` in cents, and the highest number of instalments."""

    total_value = serializers.IntegerField(
        min_value=1, max_value=MAX_CENTS, error_messages={"required": "total_value is required"}
    )
    installments = serializers.IntegerField(min_value=1, max_value=12, default=12)
