"""Being told by the product what becomes of the orders, instead of asking: the part of this shop to copy.

1. `listen` registers the shop's URL with the product once, and keeps the secret.
2. `hear` takes a message: it is verified with the library of the Standard Webhooks specification, and a message that
   came before is left alone.
3. Whoever waits for news of an order is woken (`changes`). How the browser learns it is the shop's own concern: here
   by server-sent events (orders.py).

The page goes on asking if it isn't told, because a message may be late.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from flask import current_app, request, url_for
from standardwebhooks import Webhook, WebhookVerificationError

from examples.storefront.backend import BackendError
from examples.storefront.blueprint import backend, external_key, shop

EVENT_TYPES = ["order.status_changed"]
MOST_MESSAGES = 10_000
MOST_STATUSES = 1000
STREAM_SECONDS = 60.0
QUIET_SECONDS = 10.0  # Then something is sent, by which a browser that has gone away is noticed.


@dataclass(frozen=True)
class News:
    """What was told of an order last, and how many times it was told of by then."""

    number: int = 0
    status: str = ""


class Told:
    """What this server was told until it stops; a real shop keeps secrets and messages' ids in its database. May be
    used by several threads at once."""

    def __init__(self) -> None:
        self._news = threading.Condition()  # Its lock may be taken twice by one thread.
        self._secrets: dict[str, str] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._statuses: OrderedDict[tuple[str, int], News] = OrderedDict()

    def secret(self, merchant: str) -> str:
        """The secret of the endpoint of this merchant's shop; empty if there is none."""
        with self._news:
            return self._secrets.get(merchant, "")

    def keep_secret(self, merchant: str, secret: str) -> None:
        with self._news:
            self._secrets[merchant] = secret

    def take(self, merchant: str, message_id: str, order_id: int, status: str) -> None:
        """Notes the order's status, unless the message came before."""
        with self._news:
            if message_id in self._seen:
                return
            self._seen[message_id] = None
            self._statuses[merchant, order_id] = News(self.newest(merchant, order_id).number + 1, status)
            while len(self._seen) > MOST_MESSAGES:
                self._seen.popitem(last=False)
            while len(self._statuses) > MOST_STATUSES:
                self._statuses.popitem(last=False)
            self._news.notify_all()

    def newest(self, merchant: str, order_id: int) -> News:
        with self._news:
            return self._statuses.get((merchant, order_id), News())

    def wait(self, merchant: str, order_id: int, after: int, seconds: float) -> News | None:
        """What was told of the order after the news of this number; None if that is nothing for so many seconds."""
        with self._news:
            self._news.wait_for(lambda: self.newest(merchant, order_id).number > after, seconds)
            news = self.newest(merchant, order_id)
            return news if news.number > after else None


def _told() -> Told:
    return cast(Told, current_app.extensions["told"])


def listen() -> None:
    """Registers this shop's URL with the product, if that hasn't been done since the start."""
    own_url, merchant = current_app.config["OWN_URL"], external_key()
    if not own_url or _told().secret(merchant):
        return
    try:
        _told().keep_secret(merchant, backend().listen(own_url + url_for("shop.hear"), EVENT_TYPES))
    except BackendError as error:  # The shop sells all the same, and its pages go on asking.
        current_app.logger.warning("the product will not tell us of changes: %s", error.message)


def is_listening() -> bool:
    """Whether the product tells this merchant's shop of changes."""
    return bool(_told().secret(external_key()))


@shop.post("/<external_key>/told")
def hear() -> tuple[str, int]:
    """Takes a message of the product. Anything but 2xx makes the product send it again later."""
    secret, body = _told().secret(external_key()), request.get_data()
    if not secret:
        return "not registered yet", 503
    try:
        message = Webhook(secret).verify(body, dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return "not signed with our secret", 400
    if message["type"] == "order.status_changed":  # a test has another type
        order = message["data"]
        _told().take(external_key(), request.headers["webhook-id"], int(order["order_id"]), str(order["status"]))
    return "", 204


def changes(merchant: str, order_id: int, after: int | None) -> Iterator[News | None]:
    """What this server is told of the order from now on, or after the news of this number; now and then None."""
    number = _told().newest(merchant, order_id).number if after is None else after
    until = time.monotonic() + STREAM_SECONDS
    while time.monotonic() < until:
        news = _told().wait(merchant, order_id, number, QUIET_SECONDS)
        number = news.number if news else number
        yield news
