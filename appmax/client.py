"""AppmaxClient: one method for each call of contract section 5."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from appmax import messages
from appmax.errors import AppmaxError, Declined, OutcomeUnknown, Rejected, Unavailable
from appmax.messages import CreatedOrder, Customer, NewOrder, PixPayment, RemoteOrder, Subscription, Unreadable
from appmax.tokens import Credentials, Token, TokenCache, TokenSource
from appmax.transport import Answer, Kind, Transport

T = TypeVar("T")

_REFUSED = re.compile(r"n[aã]o autorizad|not authori[sz]ed|recusad|declined", re.IGNORECASE)
_OUR_FAULT = (400, 404, 409, 422)


class AppmaxClient:
    """Acts with one pair of credentials: the app's (authorize, generate) or a merchant's (all /v1 calls).

    Every method raises AppmaxError; which of its kinds says what may be done next.
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
    ) -> None:
        self._transport = transport
        self._auth_url = auth_url.rstrip("/")
        self._api_url = api_url.rstrip("/")
        self._credentials = credentials
        self._tokens = TokenSource(self.fetch_token, cache, token_key)

    # --- tokens ---

    def bearer_token(self) -> str:
        """A token that is valid for a minute at least, from the cache if it can be."""
        return self._tokens.get()[0]

    def fetch_token(self, *, timeout: float | None = None) -> Token:
        """POST {AUTH}/oauth2/token; also tells whether the credentials are good. `timeout` in seconds, one try."""
        answer = self._transport.send(
            "POST",
            self._auth_url,
            "/oauth2/token",
            kind=Kind.REPEATABLE if timeout is None else Kind.ONCE,
            form={
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
            },
            timeout=timeout,
        )
        if answer.status not in (200, 201):
            raise _unavailable(answer)
        try:
            expires_in = messages.read_id(answer.body, "expires_in")
            return Token(messages.read_text(answer.body, "access_token"), expires_in)
        except Unreadable:
            raise Unavailable("Appmax's token answer can't be read", status=answer.status, trace=answer.trace) from None

    # --- the app's calls ---

    def authorize(self, *, app_id: str, external_key: str, callback_url: str) -> str:
        """POST /app/authorize: the hash under which the merchant authorises this installation. app_id is the UUID."""
        return self._call(
            "POST",
            "/app/authorize",
            lambda body: messages.read_text(body, "data", "token"),
            kind=Kind.REPEATABLE,
            json={"app_id": app_id, "external_key": external_key, "url_callback": callback_url},
        )

    def generate_merchant_credentials(self, *, token: str) -> Credentials:
        """POST /app/client/generate: the merchant's credentials. `token` is the hash; it serves once."""
        return self._call(
            "POST",
            "/app/client/generate",
            lambda body: Credentials(
                client_id=messages.read_text(body, "data", "client", "client_id"),
                client_secret=messages.read_text(body, "data", "client", "client_secret"),
            ),
            kind=Kind.ONCE,
            json={"token": token},
        )

    # --- a merchant's calls ---

    def create_customer(self, customer: Customer) -> int:
        """POST /v1/customers: the customer's id; an e-mail that Appmax knows is updated."""
        return self._call(
            "POST",
            "/v1/customers",
            lambda body: messages.read_id(body, "data", "customer", "id"),
            kind=Kind.ONCE,
            json=customer.body(),
        )

    def create_order(self, *, customer_id: int, order: NewOrder) -> CreatedOrder:
        """POST /v1/orders."""
        return self._call(
            "POST",
            "/v1/orders",
            messages.read_created_order,
            kind=Kind.ONCE,
            json={"customer_id": customer_id, **order.body()},
        )

    def get_order(self, order_id: int) -> RemoteOrder:
        """GET /v1/orders/{id}: what is true."""
        return self._call("GET", f"/v1/orders/{order_id}", messages.read_order, kind=Kind.REPEATABLE)

    def create_pix(
        self, *, order_id: int, document_number: str, subscription: Subscription | None = None
    ) -> PixPayment:
        """POST /v1/payments/pix. The answer is empty if a payment of the order is pending already."""
        payment_data: dict[str, Any] = {"pix": {"document_number": document_number}}
        if subscription:
            payment_data["subscription"] = {
                "interval": subscription.interval,
                "interval_count": subscription.interval_count,
            }
        return self._call(
            "POST",
            "/v1/payments/pix",
            messages.read_pix,
            kind=Kind.PAYMENT,
            json={"order_id": order_id, "payment_data": payment_data},
        )

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[Any], T],
        *,
        kind: Kind,
        json: Mapping[str, Any] | None = None,
    ) -> T:
        """One call with a bearer token. A 401 on a cached token fetches a new one, once: Appmax did nothing then."""
        token, cached = self._tokens.get()
        answer = self._transport.send(method, self._api_url, path, kind=kind, token=token, json=json)
        if answer.status == 401 and cached:
            token = self._tokens.renew()
            answer = self._transport.send(method, self._api_url, path, kind=kind, token=token, json=json)
        if answer.status not in (200, 201) or messages.is_refusal(answer.body):
            raise _error(answer, kind)
        try:
            return read(answer.body)
        except Unreadable as problem:
            unknown = Unavailable if kind is Kind.REPEATABLE else OutcomeUnknown
            raise unknown(f"Appmax's answer lacks {problem}", status=answer.status, trace=answer.trace) from None


def _error(answer: Answer, kind: Kind) -> AppmaxError:
    """Contract, section 4.2."""
    status = answer.status
    message = messages.error_message(answer.body)
    if kind is Kind.PAYMENT and (status == 402 or (status < 500 and status != 429 and _REFUSED.search(message))):
        return Declined(message or "payment declined", status=status, trace=answer.trace)
    if status in (200, 201):  # {"success": false}
        return Rejected(message or "Appmax refused the request", status=422, trace=answer.trace)
    if status in _OUR_FAULT:
        return Rejected(message or "Appmax refused the request", status=status, trace=answer.trace)
    if status == 402:
        return Declined(message or "payment declined", status=status, trace=answer.trace)
    if status >= 500 and kind is not Kind.REPEATABLE:
        return OutcomeUnknown(message or f"Appmax answered {status}", status=status, trace=answer.trace)
    return _unavailable(answer)


def _unavailable(answer: Answer) -> Unavailable:
    return Unavailable(
        messages.error_message(answer.body) or f"Appmax answered {answer.status}",
        status=answer.status,
        trace=answer.trace,
        retry_after=answer.retry_after if answer.status == 429 else None,
    )
