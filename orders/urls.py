"""Routes of contract section 4 that sell."""

from django.urls import URLPattern, path

from orders.views import CheckoutViewSet


def _route(path_after_key: str, method: str, action: str) -> URLPattern:
    view = CheckoutViewSet.as_view({method: action})
    return path(f"checkout/<path:key>/{path_after_key}", view, name=f"checkout-{action}")


urlpatterns = [
    _route("order", "post", "order"),
    _route("pay/credit-card", "post", "pay_credit_card"),
    _route("pay/pix", "post", "pay_pix"),
    _route("pay/boleto", "post", "pay_boleto"),
    _route("status/<str:order_id>", "get", "order_status"),
    _route("installments", "get", "installments"),
    _route("refund", "post", "refund"),
    _route("tokenize", "post", "tokenize"),
    _route("tracking", "post", "tracking"),
    _route("upsell", "post", "upsell"),
]
