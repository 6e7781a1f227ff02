"""The checkout's routes (contract, section 4)."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from orders.subscriptions.views import SubscriptionViewSet
from orders.views import CheckoutViewSet
from web.asks_appmax import asks_appmax


def _route(path_after_key: str, method: str, action: str, *, may_ask_appmax: bool = True) -> URLPattern:
    view: Callable[..., HttpResponse] = CheckoutViewSet.as_view({method: action})
    if may_ask_appmax:
        view = asks_appmax(view)
    return path(f"checkout/<path:key>/{path_after_key}", view, name=f"checkout-{action}")


def _subscriptions(path_after: str, **actions: str) -> URLPattern:
    """A route of subscriptions. Each may ask Appmax."""
    view = asks_appmax(SubscriptionViewSet.as_view({**actions}))
    return path(
        f"checkout/<path:key>/subscriptions{path_after}", view, name=f"subscription-{'-'.join(actions.values())}"
    )


urlpatterns = [
    _route("status/<str:order_id>", "get", "order_status", may_ask_appmax=False),
    _route("order", "post", "order"),
    _route("pay/credit-card", "post", "pay_credit_card"),
    _route("pay/google-pay", "post", "pay_google_pay"),
    _route("pay/apple-pay", "post", "pay_apple_pay"),
    _route("pay/pix", "post", "pay_pix"),
    _route("pay/boleto", "post", "pay_boleto"),
    _route("orders", "get", "order_list", may_ask_appmax=False),
    _route("orders/<str:order_id>", "get", "order_detail", may_ask_appmax=False),
    _route("installments", "get", "installments"),
    _route("refund", "post", "refund"),
    _route("tokenize", "post", "tokenize"),
    _route("tracking", "post", "tracking"),
    _route("upsell", "post", "upsell"),
    _route("payment-link", "post", "payment_link"),
    _subscriptions("", get="subscription_list", post="create"),
    _subscriptions("/<int:subscription_id>", get="retrieve"),
    _subscriptions("/<int:subscription_id>/pause", post="pause"),
    _subscriptions("/<int:subscription_id>/reactivate", post="reactivate"),
    _subscriptions("/<int:subscription_id>/cancel", post="cancel"),
]
