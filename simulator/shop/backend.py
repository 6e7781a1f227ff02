"""The product's public routes, as a storefront's server calls them.

Every failure is a `BackendError`, and its class says what the shop may do next.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import NewConnectionError

TIMEOUT_SECONDS = 45  # the product itself waits for Appmax up to 30
READ_TIMEOUT_SECONDS = 10  # of what touches no money and can be asked again
PAUSE_SECONDS = 0.3  # between two questions whether a request that still runs has ended
NOT_KNOWN_YET = "not known yet"
STILL_RUNNING = "still running"


class BackendError(Exception):
    """`message`: the product's words, or why there are none."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Declined(BackendError):
    """Nothing was charged; the order may be paid in another way. The message is Appmax's reason."""


class Rejected(BackendError):
    """The request is at fault, and would fail again. `fields`: dotted path → what is wrong with it."""

    def __init__(self, message: str, fields: Mapping[str, list[str]]) -> None:
        super().__init__(message)
        self.fields = dict(fields)


class AlreadyUnderWay(BackendError):
    """The order is paid, or a payment of it is under way: don't pay, ask for the status."""


class OutcomeUnknown(BackendError):
    """It may have happened: never pay again, ask for the status."""


class Unavailable(BackendError):
    """Certainly nothing happened; the shopper may try again later."""


class NotFound(BackendError):
    """This merchant has no such order."""


class NotConnected(BackendError):
    """The developer's matter. `why`: key (missing or refused), disabled, or unknown (external_key)."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True)
class Call:
    """One request that the shop's server made, for the page that tells a developer of it. No body, no header."""

    method: str
    path: str
    status: int | None
    milliseconds: int
    replayed: bool


@dataclass
class Backend:
    """One merchant's routes. `stopping` ends every wait."""

    app_url: str
    external_key: str
    api_key: str = field(repr=False)
    stopping: threading.Event = field(default_factory=threading.Event, repr=False)
    _calls: list[Call] = field(default_factory=list)

    def taken_calls(self) -> list[Call]:
        """The calls made since this was last asked."""
        calls, self._calls = self._calls, []
        return calls

    def create_order(self, *, customer: Mapping[str, Any], order: Mapping[str, Any], key: str) -> tuple[int, int]:
        """(order_id, customer_id). Whatever goes wrong, no money has moved."""
        answer = self._post("order", {"customer": customer, "order": order}, key)
        return int(answer["order_id"]), int(answer["customer_id"])

    def tokenize(self, card: Mapping[str, str]) -> str:
        """A token that stands for the card in one payment. `card`: as POST tokenize takes it."""
        return str(self._post("tokenize", card)["token"])

    def pay_by_card(self, target: Mapping[str, int], payment: Mapping[str, Any], key: str) -> dict[str, str]:
        """{status, upsell_hash}. `target`: order_id and customer_id; `payment`: with a token."""
        return dict(self._post("pay/credit-card", {**target, "payment": payment}, key))

    def pay_by_pix(self, target: Mapping[str, int], document_number: str, key: str) -> dict[str, str]:
        """{qr_code, emv}."""
        return dict(self._post("pay/pix", {**target, "document_number": document_number}, key))

    def pay_by_boleto(self, target: Mapping[str, int], document_number: str, key: str) -> dict[str, str]:
        """{pdf_url, digitavel}."""
        return dict(self._post("pay/boleto", {**target, "document_number": document_number}, key))

    def upsell(self, body: Mapping[str, Any], key: str) -> dict[str, str]:
        """{message, redirect_url}."""
        return dict(self._post("upsell", body, key))

    def installments(self, total_cents: int) -> list[dict[str, int]]:
        """[{installments, value, total_value}], cents."""
        return list(self._get("installments", {"total_value": total_cents}))

    def status(self, order_id: int) -> str:
        """The order's status. Raises NotFound."""
        return str(self._get(f"status/{order_id}")["status"])

    def check(self) -> None:
        """Whether the shop may sell at all. Raises NotConnected, Unavailable."""
        try:
            self._get("status/1")
        except NotFound:
            return

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._send("GET", path, READ_TIMEOUT_SECONDS, params=params)
        except OutcomeUnknown as error:  # nothing can have happened
            raise Unavailable(error.message) from None

    def _post(self, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """The same key, while the first request with it is still running, waits for that one's answer."""
        headers = {"Idempotency-Key": key} if key else {}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return self._send("POST", path, TIMEOUT_SECONDS, json=body, headers=headers)
            except AlreadyUnderWay as error:
                if STILL_RUNNING not in error.message or time.monotonic() > deadline:
                    raise
            self.stopping.wait(PAUSE_SECONDS)
            if self.stopping.is_set():
                raise OutcomeUnknown("the shop is being stopped")

    def _send(
        self, method: str, path: str, timeout: float, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> Any:
        url = f"{self.app_url}/checkout/{quote(self.external_key, safe='')}/{path}"
        authorization = {"Authorization": f"Api-Key {self.api_key}"} if self.api_key else {}
        started, status, replayed = time.monotonic(), None, False
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy and no ~/.netrc of this machine
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
            self._calls.append(Call(method, f"/checkout/…/{path}", status, milliseconds, replayed))
        return _read(answer)


def _read(answer: requests.Response) -> Any:
    """The body of a 200; a BackendError of anything else."""
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        body = None
    if answer.status_code == requests.codes.ok:
        if not isinstance(body, dict | list):
            raise OutcomeUnknown("an answer that isn't JSON")
        return body
    body = body if isinstance(body, dict) else {}
    raise _error(answer.status_code, str(body.get("message") or f"HTTP {answer.status_code}"), body)


def _error(status: int, message: str, body: Mapping[str, Any]) -> BackendError:
    match status:
        case 401:
            return NotConnected(message, "key")
        case 403:
            return NotConnected(message, "disabled")
        case 404:
            return NotConnected(message, "unknown") if "installation" in message else NotFound(message)
        case 409:
            return AlreadyUnderWay(message)
        case 422 if message == "payment declined":
            return Declined(str(body.get("reason") or ""))
        case 429 | 503:
            return Unavailable(message)
        case 502 | 504 if NOT_KNOWN_YET not in message:
            return Unavailable(message)
        case _ if status >= 500:
            return OutcomeUnknown(message)
    errors = body.get("errors")
    return Rejected(message, errors if isinstance(errors, dict) else {})
