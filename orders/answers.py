"""The answers to a storefront. Amounts are integer cents, and times are UTC."""

from typing import Any

from rest_framework import serializers

from orders.fields import MAX_ID, Body, MomentField
from orders.models import Order, Refund
from orders.status import BY_CARD, PAID_LATER, OrderStatus, PaymentMethod, RefundState
from web.api import SharedFields, TimeField

_ORDER_ID = "Appmax's id of the order."


class NewOrderAnswer(SharedFields):
    """The answer of order."""

    customer_id = serializers.IntegerField(source="appmax_customer_id")
    order_id = serializers.IntegerField(source="appmax_order_id", help_text=_ORDER_ID)


class StatusAnswer(SharedFields):
    """The answer of status."""

    status = serializers.ChoiceField(OrderStatus.choices)


class PayCardAnswer(SharedFields):
    """The answer of each route that charges a card."""

    order_id = serializers.IntegerField(source="appmax_order_id", help_text=_ORDER_ID)
    status = serializers.ChoiceField(OrderStatus.choices)
    upsell_hash = serializers.SerializerMethodField(help_text='For upsell; "" where Appmax gave none.')

    def get_upsell_hash(self, order: Order) -> str:
        return order.upsell_hash or ""


class PixAnswer(SharedFields):
    """How an order is paid by Pix."""

    qr_code = serializers.CharField(source="pix_qr_code", allow_null=True, help_text="A PNG in base64, or a URL.")
    emv = serializers.CharField(source="pix_emv", help_text="The code to copy and paste.")
    expires_at = TimeField(source="pix_expires_at", allow_null=True, help_text="null where Appmax doesn't say.")


class PayPixAnswer(PixAnswer):
    """The answer of pay/pix."""

    order_id = serializers.IntegerField(source="appmax_order_id", help_text=_ORDER_ID)


class BoletoAnswer(SharedFields):
    """How an order is paid by boleto."""

    pdf_url = serializers.CharField(source="boleto_pdf_url", allow_null=True)
    digitavel = serializers.CharField(source="boleto_digitavel", allow_null=True, help_text="The line to type.")
    due_date = serializers.DateField(
        source="boleto_due_date", allow_null=True, help_text="The last day to pay; null where Appmax doesn't say."
    )


class PayBoletoAnswer(BoletoAnswer):
    """The answer of pay/boleto."""

    order_id = serializers.IntegerField(source="appmax_order_id", help_text=_ORDER_ID)


class UpsellAnswer(SharedFields):
    """What to tell the shopper, and where to send the browser."""

    message = serializers.CharField()
    redirect_url = serializers.CharField()


class TokenAnswer(SharedFields):
    """The answer of tokenize."""

    token = serializers.CharField()


class PaymentLinkAnswer(SharedFields):
    """The answer of payment-link."""

    checkout_url = serializers.CharField(help_text="Appmax's page, on which whoever has its address can pay.")


class InstallmentAnswer(SharedFields):
    """One of the ways to pay in instalments."""

    installments = serializers.IntegerField()
    value = serializers.IntegerField(help_text="Cents: what one instalment costs.")
    total_value = serializers.IntegerField(help_text="Cents: all of them together.")


class CardAnswer(SharedFields):
    """The card that an order was paid with, as far as it may be told."""

    brand = serializers.CharField(source="card_brand", allow_null=True)
    last_digits = serializers.CharField(source="card_last_digits", allow_null=True)
    installments = serializers.IntegerField(allow_null=True)


class RefundAnswer(serializers.ModelSerializer[Refund]):
    """A refund that was asked for through us."""

    value = serializers.IntegerField(source="amount_cents", help_text="Cents.")
    state = serializers.ChoiceField(RefundState.choices)
    asked_at = TimeField()
    settled_at = TimeField(allow_null=True, help_text="When it was confirmed or refused.")

    class Meta:
        model = Refund
        fields = ("value", "state", "reason", "asked_at", "settled_at")


class OrderSummary(serializers.ModelSerializer[Order]):
    """An order in a list."""

    order_id = serializers.IntegerField(source="appmax_order_id", help_text=_ORDER_ID)
    customer_id = serializers.IntegerField(source="appmax_customer_id")
    status = serializers.ChoiceField(OrderStatus.choices)
    payment_method = serializers.ChoiceField(PaymentMethod.choices, allow_null=True)
    total_value = serializers.IntegerField(source="total_cents", help_text="Cents.")
    refunded_value = serializers.IntegerField(source="refunded_cents", help_text="Cents that went back.")
    paid_at = TimeField(allow_null=True, help_text="null where Appmax has not said.")
    created_at = TimeField()
    updated_at = TimeField()

    class Meta:
        model = Order
        fields: tuple[str, ...] = (
            *("order_id", "customer_id", "status", "payment_method", "total_value", "refunded_value"),
            *("paid_at", "created_at", "updated_at"),
        )


class OrderAnswer(OrderSummary):
    """An order as we know it. `pix`, `boleto` and `card` are null if nobody has tried to pay it so."""

    pix = PixAnswer(source="*", allow_null=True)
    boleto = BoletoAnswer(source="*", allow_null=True)
    card = CardAnswer(source="*", allow_null=True)
    refunds = RefundAnswer(many=True)

    class Meta(OrderSummary.Meta):
        fields = (*OrderSummary.Meta.fields, "pix", "boleto", "card", "refunds")

    def to_representation(self, order: Order) -> dict[str, Any]:
        """The order, in which unused ways of paying are null."""
        told: dict[str, Any] = super().to_representation(order)
        used = {method.value: order.has_codes(method) for method in PAID_LATER}
        used["card"] = order.payment_method in BY_CARD
        return told | {way: None for way, is_used in used.items() if not is_used}


class OrdersAnswer(SharedFields):
    """A page of orders."""

    orders = OrderSummary(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="The next page's `cursor`; null: the last page.")


class OrdersQuery(Body):
    """Query of GET orders. `created_from` is inside the range and `created_to` is not. A time without a zone is São
    Paulo's. `cursor` is the `next` of the page before."""

    status = serializers.ChoiceField(OrderStatus.choices, required=False)
    created_from = MomentField(required=False)
    created_to = MomentField(required=False)
    cursor = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
