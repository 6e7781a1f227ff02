"""AppmaxClient: one method for each call of contract section 5."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, tzinfo
from functools import partial
from typing import Any, TypeVar

from appmax import answers, failures, wording
from appmax.answers import (
    BoletoPayment,
    CardPayment,
    CreatedOrder,
    InstallmentOffer,
    PixPayment,
    Refused,
    RemoteOrder,
    Unreadable,
    UpsellAnswer,
)
from appmax.errors import CredentialsRefused, Declined, Rejected, Unavailable
from appmax.messages import (
    Card,
    Charge,
    Customer,
    NewOrder,
    NewSubscription,
    PaymentLink,
    Product,
    Subscription,
)
from appmax.subscriptions import (
    RemoteSubscription,
    SubscriptionPage,
    read_payment_link,
    read_subscription,
    read_subscriptions,
)
from appmax.tokens import Credentials, Token, TokenCache, TokenSource
from appmax.transport import Kind, Transport

T = TypeVar("T")


class AppmaxClient:
    """Calls Appmax with one pair of credentials: the app's (authorize, generate) or a merchant's (all /v1 calls).

    `timezone` is the zone in which Appmax writes its dates. `heard` is told after each call whether Appmax accepts the
    credentials, if its answer says so. Every method raises AppmaxError, whose subclasses say what may be done next.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        auth_url: str,
        api_url: str,
        credentials: Credentials,
        cache: TokenCache,
        token_key: str,
        timezone: tzinfo,
        refusal_key: str = "",
        heard: Callable[[bool], None] = lambda are_accepted: None,
    ) -> None:
        self._transport = transport
        self._auth_url = auth_url.rstrip("/")
        self._api_url = api_url.rstrip("/")
        self._credentials = credentials
        self._timezone = timezone
        self._heard = heard
        self._tokens = TokenSource(self.fetch_token, cache, token_key, refusal_key)
        self.trace: Mapping[str, str] = {}
        """Appmax's own ids of the last call that it answered: its headers CF-Ray, X-Request-Id and X-Trace-Id."""

    # --- tokens ---

    def bearer_token(self) -> str:
        """A token that is valid for another minute at least, from the cache if possible."""
        with self._hearing():
            return self._tokens.get()[0]

    def fetch_token(self, *, timeout: float | None = None) -> Token:
        """POST {AUTH}/oauth2/token. Raises CredentialsRefused if the credentials are wrong.

        With a `timeout` in seconds the request is sent once; without one it may be repeated.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        answer = self._transport.send(
            "POST",
            self._auth_url,
            "/oauth2/token",
            kind=Kind.REPEATABLE if timeout is None else Kind.ONCE,
            form=form,
            timeout=timeout,
        )
        message = wording.error_message(answer.body, wording.secrets_in(form))
        if answer.status == 401 or (answer.status in (400, 403) and wording.is_oauth_error(answer.body)):
            raise failures.credentials_refused(answer, message)
        if answer.status not in (200, 201):
            raise failures.unavailable(answer, message)
        try:
            return Token(answers.read_text(answer.body, "access_token"), answers.read_lifetime(answer.body))
        except Unreadable:
            raise Unavailable("Appmax's token answer can't be read", status=answer.status, trace=answer.trace) from None

    # --- the app's calls ---

    def authorize(self, *, app_id: str, external_key: str, callback_url: str, domain_names: Sequence[str] = ()) -> str:
        """POST /app/authorize: the hash under which the merchant authorises this installation. app_id is the UUID,
        `domain_names` are host names of the shop where Apple Pay shall work."""
        domains: dict[str, Any] = {"domain_names": list(domain_names)} if domain_names else {}
        if len(domain_names) == 1:  # Appmax has a field for one name and another for several.
            domains = {"domain_name": domain_names[0]}
        return self._call(
            "POST",
            "/app/authorize",
            lambda body: answers.read_text(body, "data", "token"),
            kind=Kind.REPEATABLE,
            json={"app_id": app_id, "external_key": external_key, "url_callback": callback_url, **domains},
        )

    def generate_merchant_credentials(self, *, token: str) -> Credentials:
        """POST /app/client/generate: the merchant's credentials. `token` is the hash; it serves once."""
        return self._call(
            "POST",
            "/app/client/generate",
            lambda body: Credentials(
                client_id=answers.read_text(body, "data", "client", "client_id"),
                client_secret=answers.read_text(body, "data", "client", "client_secret"),
            ),
            kind=Kind.ONCE,
            json={"token": token},
        )

    # --- a merchant's calls ---

    def create_customer(self, customer: Customer) -> int:
        """POST /v1/customers: the customer's id. If Appmax knows the e-mail, it updates that customer."""
        return self._call(
            "POST",
            "/v1/customers",
            lambda body: answers.read_id(body, "data", "customer", "id"),
            kind=Kind.ONCE,
            json=customer.body(),
        )

    def create_order(self, *, customer_id: int, order: NewOrder) -> CreatedOrder:
        """POST /v1/orders."""
        return self._call(
            "POST",
            "/v1/orders",
            answers.read_created_order,
            kind=Kind.ONCE,
            json={"customer_id": customer_id, **order.body()},
        )

    def get_order(self, order_id: int) -> RemoteOrder:
        """GET /v1/orders/{id}: the order as it truly is, whatever webhooks and earlier answers said."""
        return self._call(
            "GET", f"/v1/orders/{order_id}", partial(answers.read_order, zone=self._timezone), kind=Kind.REPEATABLE
        )

    # --- payments: none is ever sent twice if the first may have arrived ---

    def charge_card(
        self, *, order_id: int, customer_id: int, charge: Charge, subscription: Subscription | None = None
    ) -> CardPayment:
        """POST to the charge's own path under /v1/payments/. Raises Declined for each of the ways in which Appmax
        refuses a card."""
        return self._call(
            "POST",
            f"/v1/payments/{charge.method.replace('_', '-')}",
            answers.read_card_payment,
            kind=Kind.CARD,
            json={
                "order_id": order_id,
                "customer_id": customer_id,
                "payment_data": {charge.method: charge.body(), **_subscription(subscription)},
            },
        )

    def create_pix(
        self, *, order_id: int, document_number: str, subscription: Subscription | None = None
    ) -> PixPayment:
        """POST /v1/payments/pix. The answer is empty if a payment of the order is pending already."""
        return self._call(
            "POST",
            "/v1/payments/pix",
            partial(answers.read_pix, zone=self._timezone),
            kind=Kind.PAYMENT,
            json={
                "order_id": order_id,
                "payment_data": {"pix": {"document_number": document_number}, **_subscription(subscription)},
            },
        )

    def create_boleto(self, *, order_id: int, document_number: str) -> BoletoPayment:
        """POST /v1/payments/boleto."""
        return self._call(
            "POST",
            "/v1/payments/boleto",
            partial(answers.read_boleto, zone=self._timezone),
            kind=Kind.PAYMENT,
            json={"order_id": order_id, "payment_data": {"boleto": {"document_number": document_number}}},
        )

    def upsell(self, *, upsell_hash: str, products_value: int, products: tuple[Product, ...]) -> UpsellAnswer:
        """POST /v1/orders/upsell: charges `products_value` cents to the card behind the hash. Raises Declined."""
        return self._call(
            "POST",
            "/v1/orders/upsell",
            answers.read_upsell,
            kind=Kind.CARD,
            json={
                "upsell_hash": upsell_hash,
                "products_value": products_value,
                "products": [product.body() for product in products],
            },
        )

    # --- around a payment ---

    def installments(self, *, total_value: int, installments: int) -> InstallmentOffer:
        """POST /v1/payments/installments: what `total_value` cents cost in up to `installments` parts."""
        return self._call(
            "POST",
            "/v1/payments/installments",
            partial(answers.read_installments, total_value=total_value),
            kind=Kind.REPEATABLE,
            json={"installments": installments, "total_value": total_value, "settings": True},
        )

    def tokenize_card(self, card: Card) -> str:
        """POST /v1/payments/tokenize: a token that serves once. A call without an answer raises Unavailable, as nothing
        can have been charged."""
        return self._call(
            "POST",
            "/v1/payments/tokenize",
            lambda body: answers.read_text(body, "data", "token"),
            kind=Kind.HARMLESS,
            json={"payment_data": {"credit_card": card.body()}},
        )

    def request_refund(self, *, order_id: int, value: int | None) -> None:
        """POST /v1/orders/refund-request: asks for `value` cents, or for everything if it is None.

        Appmax has then accepted the request, and not paid anything back yet.
        """
        amount = {"type": "total"} if value is None else {"type": "partial", "value": value}
        self._call(
            "POST",
            "/v1/orders/refund-request",
            _nothing,
            kind=Kind.ONCE,
            json={"order_id": order_id, **amount},
        )

    def add_tracking_code(self, *, order_id: int, code: str) -> None:
        """POST /v1/orders/shipping-tracking-code."""
        self._call(
            "POST",
            "/v1/orders/shipping-tracking-code",
            _nothing,
            kind=Kind.ONCE,
            json={"order_id": order_id, "shipping_tracking_code": code},
        )

    # --- subscriptions and payment links ---

    def create_subscription(self, subscription: NewSubscription) -> RemoteSubscription:
        """POST /v1/subscriptions. Appmax makes another one each time that it is asked."""
        return self._call(
            "POST", "/v1/subscriptions", self._read_subscription, kind=Kind.ONCE, json=subscription.body()
        )

    def subscriptions_of(self, *, email: str, status: str = "", page: int = 1) -> SubscriptionPage:
        """GET /v1/subscriptions: those of the shopper with this e-mail, ten on a page."""
        return self._call(
            "GET",
            "/v1/subscriptions",
            partial(read_subscriptions, zone=self._timezone),
            kind=Kind.REPEATABLE,
            query={"email": email, "page": str(page), **({"status": status} if status else {})},
        )

    def get_subscription(self, subscription_id: int) -> RemoteSubscription:
        """GET /v1/subscriptions/{id}: the subscription as it truly is."""
        path = f"/v1/subscriptions/{subscription_id}"
        return self._call("GET", path, self._read_subscription, kind=Kind.REPEATABLE)

    def pause_subscription(
        self, subscription_id: int, *, until: date | None = None, reason: str = ""
    ) -> RemoteSubscription:
        """PATCH /v1/subscriptions/{id}/pause. Without `until` the pause lasts until the subscription is activated. The
        answer has little more than the status."""
        wish = {"paused_until": until.isoformat()} if until else {}
        return self._change_subscription(subscription_id, "pause", {**wish, **({"reason": reason} if reason else {})})

    def activate_subscription(self, subscription_id: int) -> RemoteSubscription:
        """PATCH /v1/subscriptions/{id}/activate, after a pause. The answer has little more than the status."""
        return self._change_subscription(subscription_id, "activate", {})

    def cancel_subscription(self, subscription_id: int, *, reason: str = "") -> RemoteSubscription:
        """PATCH /v1/subscriptions/{id}/cancel, for good. The answer has little more than the status."""
        return self._change_subscription(subscription_id, "cancel", {"reason": reason} if reason else {})

    def create_payment_link(self, link: PaymentLink) -> str:
        """POST /v1/payment-link: the page on which whoever has its address can pay."""
        return self._call("POST", "/v1/payment-link", read_payment_link, kind=Kind.ONCE, json=link.body())

    def _change_subscription(self, subscription_id: int, verb: str, body: dict[str, str]) -> RemoteSubscription:
        path = f"/v1/subscriptions/{subscription_id}/{verb}"
        return self._call("PATCH", path, self._read_subscription, kind=Kind.ONCE, json=body)

    def _read_subscription(self, body: Any) -> RemoteSubscription:
        return read_subscription(body, self._timezone)

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[Any], T],
        *,
        kind: Kind,
        json: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> T:
        """Sends one call with a bearer token, and reads the answer.

        A cached token may have been revoked. If Appmax answers 401 to it, Appmax did nothing, so the call is sent once
        more with a new token.
        """
        send = partial(self._transport.send, method, self._api_url, path, kind=kind, json=json, query=query)
        with self._hearing():
            token, cached = self._tokens.get()
            answer = send(token=token)
            if answer.status == 401 and cached:
                token = self._tokens.renew()
                answer = send(token=token)
            self.trace = answer.trace
            secrets = wording.secrets_in({**(json or {}), **(query or {})}) | {token}
            if answer.status not in (200, 201) or wording.is_refusal(answer.body):
                raise failures.of_answer(answer, kind, secrets)
        self._heard(True)
        try:
            return read(answer.body)
        except Refused:
            raise failures.declined(answer, secrets) from None
        except Unreadable as problem:
            raise failures.unreadable(answer, kind, secrets, problem) from None

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        """Remembers a refusal of the credentials, so that Appmax isn't asked again at once, and tells `heard`."""
        try:
            yield
        except CredentialsRefused:
            self._tokens.refuse()
            self._heard(False)
            raise
        except (Rejected, Declined):
            self._heard(True)
            raise


def _subscription(subscription: Subscription | None) -> dict[str, Any]:
    """The part of payment_data that starts a subscription; nothing without one."""
    return {"subscription": subscription.body()} if subscription else {}


def _nothing(body: Any) -> None:
    """Reads nothing: the status of this answer says everything."""
