"""Subscriptions over HTTP. Each method parses the request, calls one use case, and answers."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from orders.fields import Body
from orders.idempotency import Claim
from orders.models import Subscription
from orders.once import OnceViewSet
from orders.subscriptions import manage, openapi
from orders.subscriptions.answers import SubscriptionAnswer, SubscriptionsAnswer
from orders.subscriptions.serializers import (
    NewSubscriptionSerializer,
    PauseSerializer,
    ReasonSerializer,
    SubscriptionsQuery,
)


class SubscriptionViewSet(OnceViewSet):
    """`/checkout/{key}/subscriptions/...`"""

    @openapi.subscription_list
    def subscription_list(self, request: Request, key: str) -> Response:
        """A shopper's subscriptions, which Appmax looks up by the e-mail."""
        query = SubscriptionsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found, total, pages = manage.of_shopper(self.installation, **query.validated_data)
        return Response(SubscriptionsAnswer({"subscriptions": found, "total": total, "pages": pages}).data)

    @openapi.create
    def create(self, request: Request, key: str) -> Response:
        """Renew a paid order from now on."""
        body = NewSubscriptionSerializer(data=request.data)

        def make(claim: Claim) -> dict[str, Any]:
            return SubscriptionAnswer(manage.create(self.installation, body.wish(), claim)).data

        return self.once(request, body, make)

    @openapi.retrieve
    def retrieve(self, request: Request, key: str, subscription_id: int) -> Response:
        """What is known of a subscription."""
        return Response(SubscriptionAnswer(manage.find(self.installation, subscription_id)).data)

    @openapi.pause
    def pause(self, request: Request, key: str, subscription_id: int) -> Response:
        """Charge nothing for a while."""
        body = PauseSerializer(data=request.data)

        def pause(row: Subscription) -> Subscription:
            said = body.validated_data
            return manage.pause(row, until=said["paused_until"], reason=said["reason"])

        return self._change(request, body, subscription_id, pause)

    @openapi.reactivate
    def reactivate(self, request: Request, key: str, subscription_id: int) -> Response:
        """Charge again."""
        return self._change(request, Body(data=request.data), subscription_id, manage.reactivate)

    @openapi.cancel
    def cancel(self, request: Request, key: str, subscription_id: int) -> Response:
        """End it for good."""
        body = ReasonSerializer(data=request.data)

        def cancel(row: Subscription) -> Subscription:
            return manage.cancel(row, reason=body.validated_data["reason"])

        return self._change(request, body, subscription_id, cancel)

    def _change(
        self, request: Request, body: Body, number: int, change: Callable[[Subscription], Subscription]
    ) -> Response:
        def work(claim: Claim) -> dict[str, Any]:
            return SubscriptionAnswer(change(manage.find(self.installation, number))).data

        return self.once(request, body, work, subscription_id=number)
