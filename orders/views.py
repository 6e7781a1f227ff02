"""The checkout over HTTP. Each method parses the request, calls one use case, and answers."""

import json
from typing import Any

from django.http import JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from appmax.answers import InstallmentSettings
from orders import checkout, openapi, payment_links, refunds
from orders.answers import (
    NewOrderAnswer,
    OrderAnswer,
    OrdersAnswer,
    OrdersQuery,
    PayBoletoAnswer,
    PayCardAnswer,
    PaymentLinkAnswer,
    PayPixAnswer,
    TokenAnswer,
    UpsellAnswer,
)
from orders.errors import ERROR_CODES
from orders.fields import MAX_ID
from orders.idempotency import Claim
from orders.models.order import STATUS_OF
from orders.once import OnceViewSet
from orders.refunds import Wish
from orders.serializers import (
    CardSerializer,
    InstallmentsSerializer,
    NewOrderRequestSerializer,
    PayApplePaySerializer,
    PayBoletoSerializer,
    PayCardSerializer,
    PayGooglePaySerializer,
    PaymentLinkSerializer,
    PayPixSerializer,
    RefundSerializer,
    TrackingSerializer,
    UpsellSerializer,
)
from web.api import MessageAnswer
from web.codes import Code

INSTALLMENT_SETTINGS = "Installment-Settings"


class InvalidOrderId(Exception):
    """The path's order id isn't a positive integer of the column's size."""


class CheckoutViewSet(OnceViewSet):
    """`/checkout/{key}/...`"""

    error_codes = {**ERROR_CODES, InvalidOrderId: Code.INVALID_ORDER_ID}

    def reads_also(self) -> tuple[str, dict[str, Any]]:
        """The status, if that is what is asked for. An order id that is none finds nothing."""
        if self.action != "order_status":
            return super().reads_also()
        text = self.kwargs["order_id"]
        return STATUS_OF, {"order": int(text) if _is_number(text) else None}

    def get_throttles(self) -> list[BaseThrottle]:
        """None for the status: storefronts poll it, and one statement answers it, without Redis and Appmax."""
        return [] if self.action == "order_status" else super().get_throttles()

    @openapi.order
    def order(self, request: Request, key: str) -> Response:
        """Create customer and order at Appmax."""
        body = NewOrderRequestSerializer(data=request.data)

        def create(claim: Claim) -> dict[str, Any]:
            order = checkout.create_order(self.installation, body.purchase(), claim)
            return NewOrderAnswer(order).data

        return self.once(request, body, create)

    @openapi.pay_credit_card
    def pay_credit_card(self, request: Request, key: str) -> Response:
        """Charge a card."""
        return self._charge(request, PayCardSerializer(data=request.data))

    @openapi.pay_google_pay
    def pay_google_pay(self, request: Request, key: str) -> Response:
        """Charge the card that Google Pay holds."""
        return self._charge(request, PayGooglePaySerializer(data=request.data))

    @openapi.pay_apple_pay
    def pay_apple_pay(self, request: Request, key: str) -> Response:
        """Charge the card that Apple Pay holds."""
        return self._charge(request, PayApplePaySerializer(data=request.data))

    def _charge(
        self, request: Request, body: PayCardSerializer | PayGooglePaySerializer | PayApplePaySerializer
    ) -> Response:
        def pay(claim: Claim) -> dict[str, Any]:
            order = checkout.pay_with_card(self.installation, body.target(), body.payment_request(), claim)
            return PayCardAnswer(order).data

        return self.once(request, body, pay)

    @openapi.pay_pix
    def pay_pix(self, request: Request, key: str) -> Response:
        """Pay by Pix: the QR code and the code to copy and paste."""
        body = PayPixSerializer(data=request.data)

        def pay(claim: Claim) -> dict[str, Any]:
            order = checkout.pay_with_pix(self.installation, body.target(), body.payment_request(), claim)
            return PayPixAnswer(order).data

        return self.once(request, body, pay)

    @openapi.pay_boleto
    def pay_boleto(self, request: Request, key: str) -> Response:
        """Pay by boleto: the PDF and the line to type."""
        body = PayBoletoSerializer(data=request.data)

        def pay(claim: Claim) -> dict[str, Any]:
            document_number = body.validated_data["document_number"]
            order = checkout.pay_with_boleto(self.installation, body.target(), document_number, claim)
            return PayBoletoAnswer(order).data

        return self.once(request, body, pay)

    @openapi.upsell
    def upsell(self, request: Request, key: str) -> Response:
        """Sell more to a card that has just paid."""
        body = UpsellSerializer(data=request.data)

        def sell(claim: Claim) -> dict[str, Any]:
            return UpsellAnswer(checkout.upsell(self.installation, body.upsell_request(), claim)).data

        return self.once(request, body, sell)

    @openapi.refund
    def refund(self, request: Request, key: str) -> Response:
        """Ask for a refund. A webhook tells when the money has gone back."""
        body = RefundSerializer(data=request.data)

        def ask(claim: Claim) -> dict[str, Any]:
            said = body.validated_data
            order = checkout.find_order(self.installation, said["order_id"])
            refunds.ask(order, Wish(said["value"], reason=said["reason"], api_key=self.access.key_prefix), claim)
            return MessageAnswer({"message": "Refund request accepted"}).data

        return self.once(request, body, ask)

    @openapi.tracking
    def tracking(self, request: Request, key: str) -> Response:
        """Tell Appmax the parcel's tracking code."""
        body = TrackingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = body.validated_data
        checkout.add_tracking_code(self.installation, order_id=wish["order_id"], code=wish["shipping_tracking_code"])
        return Response(MessageAnswer({"message": "tracking accepted"}).data)

    @openapi.tokenize
    def tokenize(self, request: Request, key: str) -> Response:
        """A token for a card that serves once."""
        body = CardSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(TokenAnswer({"token": checkout.tokenize(self.installation, body.card())}).data)

    @openapi.payment_link
    def payment_link(self, request: Request, key: str) -> Response:
        """A page of Appmax's on which anybody can pay."""
        body = PaymentLinkSerializer(data=request.data)

        def make(claim: Claim) -> dict[str, Any]:
            url = payment_links.create(self.installation, body.link(), claim)
            return PaymentLinkAnswer({"checkout_url": url}).data

        return self.once(request, body, make)

    @openapi.installments
    def installments(self, request: Request, key: str) -> Response:
        """What an amount costs in instalments, all values in cents."""
        query = InstallmentsSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        offer = checkout.installments(
            self.installation,
            total_value=query.validated_data["total_value"],
            most=query.validated_data["installments"],
        )
        headers = {INSTALLMENT_SETTINGS: _settings(offer.settings)} if offer.settings else None
        # Twelve of these through a serializer are a seventh of the request's calls.
        options = [
            {"installments": each.installments, "value": each.value_cents, "total_value": each.total_cents}
            for each in offer.options
        ]
        return Response(options, headers=headers)

    @openapi.order_status
    def order_status(self, request: Request, key: str, order_id: str) -> JsonResponse:
        """The order's status from our table, which webhooks keep up to date."""
        number = _number(order_id)
        is_read = self.access.key_prefix is not None
        status = self.access.also if is_read else checkout.find_order(self.installation, number).status
        if status is None:
            raise checkout.OrderNotFound
        return JsonResponse({"status": status})

    @openapi.order_detail
    def order_detail(self, request: Request, key: str, order_id: str) -> Response:
        """All that we know of an order."""
        return Response(OrderAnswer(checkout.find_order(self.installation, _number(order_id))).data)

    @openapi.order_list
    def order_list(self, request: Request, key: str) -> Response:
        """The merchant's orders, newest first, a page at a time."""
        query = OrdersQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        orders, following = checkout.orders_of(self.installation, **query.validated_data)
        return Response(OrdersAnswer({"orders": orders, "next": following}).data)


def _number(order_id: str) -> int:
    """The path's order id. Raises InvalidOrderId."""
    if not _is_number(order_id):
        raise InvalidOrderId
    return int(order_id)


def _is_number(order_id: str) -> bool:
    is_short = order_id.isascii() and order_id.isdigit() and len(order_id) <= len(str(MAX_ID))
    return is_short and 0 < int(order_id) <= MAX_ID


def _settings(settings: InstallmentSettings) -> str:
    """The value of the header that tells how the merchant offers instalments: a JSON object in ASCII."""
    return json.dumps(
        {
            "modality": settings.modality,
            "max_installments": settings.max_installments,
            "min_installment_value": settings.min_installment_value_cents,
        }
    )
