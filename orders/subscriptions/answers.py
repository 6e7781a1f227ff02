"""What a storefront is told of subscriptions. Amounts are integer cents, and times are UTC."""

from typing import Any

from rest_framework import serializers

from orders.models import Interval, Subscription, SubscriptionStatus
from web.api import SharedFields, TimeField


class ProductAnswer(SharedFields):
    """A product that is renewed."""

    product_id = serializers.IntegerField(allow_null=True, help_text="Appmax's id of it.")
    sku = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField(allow_null=True)
    price = serializers.IntegerField(allow_null=True, help_text="Cents.")


class ChargeAnswer(SharedFields):
    """A charge, and the order that it made."""

    cycle = serializers.IntegerField(allow_null=True, help_text="0: the order that the subscription began with.")
    order_id = serializers.IntegerField(allow_null=True, help_text="null: no order came of it.")
    charged_at = serializers.DateField(allow_null=True)
    value = serializers.IntegerField(allow_null=True, help_text="Cents.")
    status = serializers.CharField(allow_blank=True, help_text="Appmax's word; `paid` is the only one documented.")


class SubscriptionCardAnswer(SharedFields):
    """The card that is charged, as far as it may be told."""

    brand = serializers.CharField(source="card_brand", allow_blank=True)
    last_digits = serializers.CharField(source="card_last_digits")


class SubscriptionAnswer(serializers.ModelSerializer[Subscription]):
    """A subscription as we know it, or in a list as Appmax tells it. What neither knows is null or ""."""

    subscription_id = serializers.IntegerField(source="appmax_subscription_id", help_text="Appmax's id of it.")
    status = serializers.ChoiceField(SubscriptionStatus.choices)
    order_id = serializers.IntegerField(
        source="first_order.appmax_order_id", allow_null=True, default=None, help_text="The order that it began with."
    )
    interval = serializers.ChoiceField(Interval.choices, allow_blank=True)
    value = serializers.IntegerField(source="value_cents", allow_null=True, help_text="Cents, of the products.")
    freight_value = serializers.IntegerField(source="freight_cents", allow_null=True, help_text="Cents.")
    next_charge_at = TimeField(allow_null=True)
    paused_until = TimeField(allow_null=True, help_text="null: not paused, or without an end.")
    cancelled_at = TimeField(allow_null=True)
    card = SubscriptionCardAnswer(source="*", allow_null=True)
    panel_url = serializers.CharField(
        allow_blank=True, help_text='Where the shopper looks after it; "" where Appmax didn\'t say.'
    )
    products = ProductAnswer(many=True)
    charges = ChargeAnswer(many=True)

    class Meta:
        model = Subscription
        fields = (
            *("subscription_id", "uuid", "status", "order_id", "interval", "interval_count", "max_cycles"),
            *("completed_cycles", "current_cycle", "value", "freight_value", "next_charge_at", "paused_until"),
            *("cancelled_at", "card", "panel_url", "products", "charges"),
        )

    def to_representation(self, subscription: Subscription) -> dict[str, Any]:
        """The subscription; one that is charged by Pix has no card."""
        told: dict[str, Any] = super().to_representation(subscription)
        return told if subscription.card_last_digits else told | {"card": None}


class SubscriptionsAnswer(SharedFields):
    """A page of a shopper's subscriptions."""

    subscriptions = SubscriptionAnswer(many=True)
    total = serializers.IntegerField(help_text="On all pages.")
    pages = serializers.IntegerField()
