"""The product's public routes, as a storefront's server calls them.

What a shop may do after a failure depends on whether money may have moved. So every failure is a `BackendError`, and
its class is the answer to that question:

    Declined, Rejected, Unavailable   Certainly nothing was charged. The shopper may pay in another way, or later.
    OutcomeUnknown, AlreadyUnderWay   Something may have been charged. Don't pay again; ask for the status.
    NotFound, NotConnected            There is no such order, or the shop isn't set up.

Which of them it is, the `code` of the product's error says. Its message is for people.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import NewConnectionError

TIMEOUT_SECONDS = 45  # of a payment: the product itself waits up to 30 for Appmax
READ_TIMEOUT_SECONDS = 10  # of a question, which can be asked again
PAUSE_SECONDS = 0.3  # before asking again whether the first request with the same key has ended
# The product's codes for what came to nothing, and may go well another time.
NOTHING_HAPPENED = (
    "appmax_rate_limited",
    "appmax_timeout",
    "appmax_unavailable",
    "credentials_refused",
    "credentials_unreadable",
    "database_unavailable",
    "not_configured",
    "server_busy",
    "too_many_requests",
)


class BackendError(Exception):
    """`message`: the product's words, or why there are none."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Declined(BackendError):
    """Nothing was charged, and the order may be paid in another way. The message is Appmax's reason."""


class Rejected(BackendError):
    """The request is at fault and would fail again. `fields`: dotted path → what is wrong with it."""

    def __init__(self, message: str, fields: Mapping[str, list[str]]) -> None:
        super().__init__(message)
        self.fields = dict(fields)


class AlreadyUnderWay(BackendError):
    """The order is paid, or a payment of it is under way: don't pay it, ask for its status."""


class StillRunning(AlreadyUnderWay):
    """The first request with this Idempotency-Key hasn't been answered yet."""


class OutcomeUnknown(BackendError):
    """It may have happened: never pay again, ask for the status."""


class Unavailable(BackendError):
    """Certainly nothing happened, and the shopper may try again later."""


class NotFound(BackendError):
    """This merchant has no such order."""


class NotConnected(BackendError):
    """The developer has to act. `why`: key (missing or refused), disabled (the merchant), or unknown (external_key)."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True)
class Call:
    """One request to the product, for the page that shows them to developers. It holds no body and no header.

    `status` is None if no answer came; `replayed`: the answer was one that the product had given before.
    """

    method: str
    path: str
    status: int | None
    milliseconds: int
    replayed: bool


@dataclass
class Backend:
    """The routes of one merchant. Amounts are cents. Each method raises a BackendError."""

    app_url: str
    external_key: str
    api_key: str = field(repr=False)
    _calls: list[Call] = field(default_factory=list)

    def taken_calls(self) -> list[Call]:
        """The calls since this was last asked."""
        calls, self._calls = self._calls, []
        return calls

    def installation(self) -> dict[str, Any]:
        """What the shop's page starts Appmax's script with: `external_id` and `environment`."""
        return dict(self._get("", area="installations"))

    def check(self) -> None:
        """Raises NotConnected or Unavailable if the shop can't sell."""
        try:
            self.status(1)
        except NotFound:
            return

    def installments(self, total_cents: int) -> list[dict[str, int]]:
        """What the amount costs in instalments: installments, value of each, total_value."""
        return list(self._get("installments", {"total_value": total_cents}))

    def create_order(self, *, customer: Mapping[str, Any], order: Mapping[str, Any], key: str) -> tuple[int, int]:
        """(order_id, customer_id). Whatever goes wrong here, no money has moved."""
        answer = self._post("order", {"customer": customer, "order": order}, key)
        return int(answer["order_id"]), int(answer["customer_id"])

    def pay(self, way: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Pays an order. `way`: the route, under pay/. `key`: the Idempotency-Key, the same for the same payment
        however often it is sent. docs/api.md lists what goes in and what comes back."""
        return dict(self._post(f"pay/{way}", body, key))

    def upsell(self, body: Mapping[str, Any], key: str) -> dict[str, str]:
        """Sells one thing more to the card that has just paid: message, redirect_url."""
        return dict(self._post("upsell", body, key))

    def status(self, order_id: int) -> str:
        """The order's status, which the product answers at once: ask as often as you like."""
        return str(self._get(f"status/{order_id}")["status"])

    def order(self, order_id: int) -> dict[str, Any]:
        """All that the product knows of the order: its status, and `pix` and `boleto` to show to the shopper."""
        return dict(self._get(f"orders/{order_id}"))

    def listen(self, url: str, event_types: list[str]) -> str:
        """Registers this URL to be told of these types of events; the secret that the messages are signed with, which
        the product shows once. Who has lost the secret of a URL that is registered already gets a new one."""
        known = self._send("GET", "webhook-endpoints", READ_TIMEOUT_SECONDS, area="installations")["endpoints"]
        mine = [each["id"] for each in known if each["url"] == url and each["enabled"]]
        path = f"webhook-endpoints/{mine[0]}/rotate-secret" if mine else "webhook-endpoints"
        body = {} if mine else {"url": url, "event_types": event_types}
        return str(self._send("POST", path, READ_TIMEOUT_SECONDS, area="installations", json=body)["secret"])

    def _get(self, path: str, params: Mapping[str, Any] | None = None, *, area: str = "checkout") -> Any:
        try:
            return self._send("GET", path, READ_TIMEOUT_SECONDS, area=area, params=params)
        except OutcomeUnknown as error:  # a question changes nothing
            raise Unavailable(error.message) from None

    def _post(self, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """Sends a request that is done once per key. While the first one with the same key still runs, this waits for
        its answer, which is this one's too."""
        headers = {"Idempotency-Key": key} if key else {}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return self._send("POST", path, TIMEOUT_SECONDS, json=body, headers=headers)
            except StillRunning:
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_SECONDS)

    def _send(
        self,
        method: str,
        path: str,
        timeout: float,
        *,
        area: str = "checkout",
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Any:
        """The answer's JSON. A request that was never sent did nothing; one that was sent and not answered may have."""
        url = f"{self.app_url}/{area}/{quote(self.external_key, safe='')}/{path}".rstrip("/")
        authorization = {"Authorization": f"Api-Key {self.api_key}"} if self.api_key else {}
        started, status, replayed = time.monotonic(), None, False
        try:
            with requests.Session() as session:
                session.trust_env = False  # a ~/.netrc of this machine would replace our Authorization
                answer = session.request(
                    method,
                    url,
                    timeout=timeout,
                    allow_redirects=False,
                    headers={**authorization, **(headers or {}), "User-Agent": "Demo-Storefront"},
                    **request,
                )
            status, replayed = answer.status_code, "Idempotent-Replayed" in answer.headers
        except requests.exceptions.ConnectTimeout as error:
            raise Unavailable(type(error).__name__) from None
        except requests.RequestException as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            never_sent = isinstance(reason, NewConnectionError)
            raise (Unavailable if never_sent else OutcomeUnknown)(type(error).__name__) from None
        finally:
            milliseconds = round((time.monotonic() - started) * 1000)
            self._calls.append(Call(method, f"/{area}/…/{path}", status, milliseconds, replayed))
        return _read(answer)


def _read(answer: requests.Response) -> Any:
    """The JSON of a 200; anything else raises a BackendError."""
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        body = None
    if answer.status_code == requests.codes.ok:
        if not isinstance(body, dict | list):
            raise OutcomeUnknown("an answer that isn't JSON")
        return body
    raise _error(answer.status_code, body if isinstance(body, dict) else {})


def _error(status: int, body: Mapping[str, Any]) -> BackendError:
    """What the product's code means to a shop. An error without a code is not the product's but a proxy's on the way:
    such a 5xx says nothing of the payment."""
    message = str(body.get("message") or f"HTTP {status}")
    match body.get("code"):
        case "invalid_api_key":
            return NotConnected(message, "key")
        case "installation_disabled":
            return NotConnected(message, "disabled")
        case "installation_not_found":
            return NotConnected(message, "unknown")
        case "order_not_found":
            return NotFound(message)
        case "payment_declined":
            return Declined(str(body.get("reason") or ""))
        case "idempotency_key_in_use":
            return StillRunning(message)
        case code if code in NOTHING_HAPPENED:
            return Unavailable(message)
    if status >= 500:
        return OutcomeUnknown(message)
    if status == 409:
        return AlreadyUnderWay(message)
    errors = body.get("errors")
    return Rejected(message, errors if isinstance(errors, dict) else {})
