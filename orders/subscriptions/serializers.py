"""What a storefront may send about subscriptions. Amounts are in cents."""

from typing import Any

from rest_framework import serializers

from appmax.messages import NewSubscription, SubscribedProduct, Subscription
from orders.fields import MAX_ID, Body, CentsField
from orders.models import SubscriptionStatus
from orders.serializers import SubscriptionSerializer, required_order_id


class SubscribedProductSerializer(Body):
    """One of `products`, by Appmax's own id of it."""

    refuses_unknown_fields = True

    product_id = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_ID, default=1)


class NewSubscriptionSerializer(SubscriptionSerializer):
    """Body of POST subscriptions. Without `products`, `freight_value` or `discount` Appmax takes the order's."""

    refuses_unknown_fields = True

    order_id = required_order_id()
    products = SubscribedProductSerializer(many=True, required=False)
    freight_value = CentsField(required=False)
    discount = CentsField(required=False)

    def wish(self) -> NewSubscription:
        said: dict[str, Any] = dict(self.validated_data)
        return NewSubscription(
            order_id=said.pop("order_id"),
            products=tuple(SubscribedProduct(**product) for product in said.pop("products", [])),
            freight_value=said.pop("freight_value", None),
            discount=said.pop("discount", None),
            cadence=Subscription(**said),
        )


class ReasonSerializer(Body):
    """Body of POST cancel."""

    refuses_unknown_fields = True

    reason = serializers.CharField(max_length=255, default="", help_text="Appmax is told.")


class PauseSerializer(ReasonSerializer):
    """Body of POST pause."""

    paused_until = serializers.DateField(default=None, help_text="Without it, until it is reactivated.")


class SubscriptionsQuery(Body):
    """Query of GET subscriptions. Appmax looks the shopper up by the e-mail, which is kept nowhere."""

    email = serializers.EmailField(max_length=255, error_messages={"required": "email is required"})
    status = serializers.ChoiceField(SubscriptionStatus.choices, default="")
    page = serializers.IntegerField(min_value=1, max_value=MAX_ID, default=1)
