"""HTTP of the checkout: parse, call one use case, answer."""

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from installations.merchant import MerchantViewSet
from orders import checkout
from orders.serializers import MAX_ID, NewOrderRequestSerializer, PixSerializer


class InvalidOrderId(APIException):
    """400: the path's order id isn't a positive integer of the column's size."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "invalid order_id"


class CheckoutViewSet(MerchantViewSet):
    """`/checkout/{key}/...`"""

    def order(self, request: Request, key: str) -> Response:
        """Create customer and order at Appmax."""
        body = NewOrderRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        order = checkout.create_order(self.installation, body.purchase())
        return Response({"customer_id": order.appmax_customer_id, "order_id": order.appmax_order_id})

    def pay_pix(self, request: Request, key: str) -> Response:
        """Pay by Pix: the QR code and the code to copy and paste."""
        body = PixSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        order = checkout.order_to_pay(self.installation, body.target())
        order = checkout.pay_with_pix(order, body.payment())
        return Response({"order_id": order.appmax_order_id, "qr_code": order.pix_qr_code, "emv": order.pix_emv})

    def order_status(self, request: Request, key: str, order_id: str) -> Response:
        """The order's status from our table; webhooks keep it."""
        if not order_id.isascii() or not order_id.isdigit() or not 0 < int(order_id) <= MAX_ID:
            raise InvalidOrderId
        return Response({"status": checkout.find_order(self.installation, int(order_id)).status})
