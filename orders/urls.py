"""Routes of contract section 4 that sell."""

from django.urls import path

from orders.views import CheckoutViewSet

urlpatterns = [
    path("checkout/<str:key>/order", CheckoutViewSet.as_view({"post": "order"}), name="checkout-order"),
    path("checkout/<str:key>/pay/pix", CheckoutViewSet.as_view({"post": "pay_pix"}), name="checkout-pay-pix"),
    path(
        "checkout/<str:key>/status/<str:order_id>",
        CheckoutViewSet.as_view({"get": "order_status"}),
        name="checkout-status",
    ),
]
