"""Reads a webhook's body: event name, order id, status. Appmax has six models of it (contract, section 6).

Nothing here touches the database. Odd values in a body raise no error: they are noted, and the body is kept.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appmax.answers import MAX_NUMBER
from orders.status import OrderStatus

MAX_NAME = 64  # webhook_events.event
MAX_TYPE = 32  # webhook_events.event_type

_REPLACED = re.compile(r"\\u(?:0000|d[89a-f])")  # in JSON, NUL and a surrogate, which may be one of a pair
_MANY_BRACKETS = 200
_WHOLE_NUMBER = re.compile(r"\s*([0-9]{1,20})(?:\.0+)?\s*")  # Some languages write a number as 95922354.0.


def _folded(name: str) -> str:
    """One form for the two spellings `OrderPaidByPix` and `order_paid_by_pix` of an event. Names with letters beyond
    ASCII are not the contract's, so they stay as they are."""
    return name.replace("_", "").lower() if name.isascii() else name


@dataclass(frozen=True)
class _Meaning:
    """What the events of these names tell. Other modules ask the functions below, so that
    an event is added here alone."""

    names: str
    """In Pascal case, as in the contract's table. The snake names fold to them."""
    status: OrderStatus | None = None
    """To this the order moves, if that is a step forwards. APROVADO also says that there was a payment."""
    asks: bool = False
    """Something has happened to the order's money, but only Appmax can tell its new status."""
    of_subscription: bool = False
    """It is about a subscription. It may name that, or an order of it, or neither."""
    renews: bool = False
    """A subscription was charged, for which Appmax makes a new order."""


_TABLE = (
    _Meaning("OrderAuthorized OrderAuthorizedWithDelay PaymentAuthorizedWithDelay", OrderStatus.AUTORIZADO),
    _Meaning("OrderApproved OrderPaid OrderPaidByPix OrderUpSold", OrderStatus.APROVADO),
    _Meaning("CreatedSubscription", OrderStatus.APROVADO, of_subscription=True),
    _Meaning("OrderBilletCreated OrderPixCreated", OrderStatus.PENDENTE),
    _Meaning("OrderPendingIntegration", OrderStatus.PENDENTE_INTEGRACAO),
    _Meaning("OrderIntegrated", OrderStatus.INTEGRADO),
    _Meaning("OrderRefund", OrderStatus.ESTORNADO),
    _Meaning(
        "OrderPixExpired OrderBilletOverdue PaymentNotAuthorized PaymentNotAuthorizedWithDelay", OrderStatus.CANCELADO
    ),
    _Meaning("OrderRefusedByRisk", OrderStatus.RECUSADO_POR_RISCO),
    _Meaning("OrderChargeBackInTreatment", OrderStatus.CHARGEBACK_EM_TRATATIVA),
    _Meaning("OrderChargeBackGain", OrderStatus.CHARGEBACK_VENCIDO),
    _Meaning("CustomerCreated CustomerInterested CustomerContacted"),
    _Meaning("OrderPartialRefund SplitOrders OrderChargeBackLost OrderCanceled", asks=True),
    _Meaning("ChargeSuccess SubscriptionChargeSuccess", of_subscription=True, renews=True),
    _Meaning(
        "SubscriptionCancellationEvent SubscriptionDelayedEvent CanceledSubscription ChargeFailed SubscriptionCreated "
        "SubscriptionCancelation SubscriptionCancellation SubscriptionDelayed SubscriptionChargeFailed",
        of_subscription=True,
    ),
)
_UNKNOWN = _Meaning("", asks=True)
_MEANINGS = {_folded(name): meaning for meaning in _TABLE for name in meaning.names.split()}

# These fields tell one payment of an order from another. A model of payload has some of them, or none.
_PAYMENT_FACTS = ("end_to_end_id", "total_paid", "amount", "total", "order_total", "totalAmount")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_SPELLINGS = {
    _folded(name): list(dict.fromkeys((name, _snake(name), _snake(name).replace("charge_back", "chargeback"))))
    for meaning in _TABLE
    for name in meaning.names.split()
}

_APP_STORE_TYPES = ("order", "customer", "payment", "subscription")
_ENVELOPE = ("site_id", "app_id", "client_key", "external_key", "partner_merchant")


class InvalidPayload(ValueError):
    """The body is no webhook: `event` is missing, empty or no text."""


@dataclass(frozen=True)
class Event:
    """A webhook as we understand it.

    `payload` is the whole body, in which what PostgreSQL can't store is replaced. `model` is the contract's name for
    its form. `merchants` are the external_keys that its envelope names. `note` tells what was odd. `subscription_id` is
    that of the subscription that it names.
    """

    name: str
    type: str
    order_id: int | None
    payload: dict[str, Any]
    model: str = ""
    merchants: tuple[str, ...] = ()
    note: str = ""
    subscription_id: int | None = None


def is_known(name: str) -> bool:
    """Whether the contract's table has this event, in either spelling."""
    return _folded(name) in _MEANINGS


def spellings(name: str) -> list[str]:
    """All spellings of this event in the contract, or the name alone if the contract doesn't have it."""
    return _SPELLINGS.get(_folded(name), [name])


def status_of(name: str) -> OrderStatus | None:
    """The status that an event means; None if it means none, or is unknown."""
    return _MEANINGS.get(_folded(name), _UNKNOWN).status


def leaves_status_open(name: str) -> bool:
    """Whether only Appmax can tell the status of this event's order, because the event is about money and means no
    status, or is unknown."""
    return _MEANINGS.get(_folded(name), _UNKNOWN).asks


def is_about_subscription(event: Event) -> bool:
    """Whether the event tells of a subscription, so that Appmax is asked about it."""
    return event.subscription_id is not None or _MEANINGS.get(_folded(event.name), _UNKNOWN).of_subscription


def means_renewal(name: str) -> bool:
    """Whether the event says that a subscription was charged, for which Appmax makes a new order."""
    return _MEANINGS.get(_folded(name), _UNKNOWN).renews


def means_payment(name: str) -> bool:
    """Whether the event says that the order has been paid."""
    return status_of(name) is OrderStatus.APROVADO


def payment_facts(body: Mapping[str, Any]) -> dict[str, str]:
    """The amounts and the Pix end-to-end id that a payload names, as texts; empty if it names none."""
    data = body.get("data")
    if not isinstance(data, dict):
        return {}
    return {name: str(data[name]) for name in _PAYMENT_FACTS if data.get(name) not in (None, "")}


def kept(name: str, event_type: str, order_id: int | None, body: Mapping[str, Any]) -> Event:
    """The Event of a row that is in the table. Its columns count more than its payload, as staff may have corrected
    them."""
    return Event(
        name=name,
        type=event_type,
        order_id=order_id,
        payload=dict(body),
        merchants=merchants_of(body.get("client_key"), body.get("external_key")),
        note=_order_id(body.get("data"))[1] if order_id is None else "",
        subscription_id=_subscription_id(body.get("data")),
    )


def read(body: Any, merchant: str = "") -> Event:
    """A parsed JSON body as an Event. Raises InvalidPayload.

    `merchant` is the external_key that the URL proves, if it is an installation's own. It is kept as the envelope's,
    so that it is known whenever the event is handled; what the body claims instead is kept beside it."""
    event = body.get("event") if isinstance(body, dict) else None
    if not isinstance(event, str) or not event:
        raise InvalidPayload
    try:
        payload = body if _is_storable(body) else _storable(body)
    except RecursionError:
        raise InvalidPayload from None
    if merchant:
        claimed = payload.get("external_key")
        beside = {} if claimed in (None, merchant) else {"claimed_key": claimed}
        payload = {**payload, "external_key": merchant, **beside}
    text = str(payload["event"])
    name = text.partition("|")[0].strip() or text.strip() or text  # "PaymentNotAuthorized | Reason: ..."
    event_type = payload.get("event_type")
    order_id, note = _order_id(payload.get("data"))
    return Event(
        name=name[:MAX_NAME],
        type=event_type[:MAX_TYPE] if isinstance(event_type, str) else "",
        order_id=order_id,
        payload=payload,
        model=model_of(payload),
        merchants=merchants_of(payload.get("client_key"), payload.get("external_key")),
        note=note,
        subscription_id=_subscription_id(payload.get("data")),
    )


def names_by_status() -> dict[OrderStatus | None, list[str]]:
    """The contract's events in Pascal case, under the status that each means, in rank order; None comes last."""
    return {
        status: names
        for status in (*OrderStatus, None)
        if (names := [name for each in _TABLE if each.status is status for name in each.names.split()])
    }


def known_names() -> list[str]:
    """The contract's events, in Pascal case."""
    return sorted(names[0] for names in _SPELLINGS.values())


def merchants_of(*keys: Any) -> tuple[str, ...]:
    """The external_keys among the envelope's client_key and external_key."""
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, str) and key))


def model_of(body: dict[str, Any]) -> str:
    """The name of the body's model (contract, section 6), for the log and the back office. Its keys tell the model."""
    event_type = body.get("event_type")
    data = body["data"] if isinstance(body.get("data"), dict) else {}
    if event_type in _APP_STORE_TYPES and any(key in body for key in _ENVELOPE):
        return "app_store"
    if event_type == "order":
        return "old_legacy"
    if "id" in data and "customer_id" in data:
        return "standard_with_meta" if "meta" in data else "standard"
    if "order_id" in data:
        return "two_level_flat" if "order_total_products" in data else "custom_content"
    return "other"


def _order_id(data: Any) -> tuple[int | None, str]:
    """The order's id by the contract's rule (section 6), and a note if there is an id that can't be used."""
    if not isinstance(data, dict):
        return None, ""
    order = data.get("order")
    if data.get("order_id") is not None:
        claimed = data["order_id"]
    elif isinstance(order, dict) and order.get("id") is not None:
        claimed = order["id"]
    elif data.get("customer_id") is not None and data.get("id") is not None:
        claimed = data["id"]  # Without customer_id this may be a customer's id.
    else:
        return None, ""
    number = _id(claimed)
    return (number, "") if number is not None else (None, f"not an order id: {str(claimed)[:100]!r}")


def _subscription_id(data: Any) -> int | None:
    """The subscription's id: the app store's `data.subscription_id`, or the panel's `data.subscription.id`."""
    if not isinstance(data, dict):
        return None
    subscription = data.get("subscription")
    inside = subscription.get("id") if isinstance(subscription, dict) else None
    return _id(data.get("subscription_id")) or _id(inside)


def _id(claimed: Any) -> int | None:
    """A positive integer of a column's size, also as a text or a decimal; None for anything else."""
    if isinstance(claimed, str) and (found := _WHOLE_NUMBER.fullmatch(claimed)):
        claimed = int(found[1])
    elif isinstance(claimed, float) and claimed.is_integer():
        claimed = int(claimed)
    return claimed if type(claimed) is int and 0 < claimed <= MAX_NUMBER else None


def _is_storable(body: dict[str, Any]) -> bool:
    """Whether it is certain that nothing in the body has to be replaced, as nearly always. The encoder finds that out
    much faster than a look at each value does: it escapes NULs and surrogates, and refuses infinite floats. A body with
    many brackets may be nested so deeply that it can't be encoded later on, which `_storable` finds out."""
    try:
        text = json.dumps(body, allow_nan=False)
    except ValueError:
        return False
    return text.count("{") + text.count("[") <= _MANY_BRACKETS and not _REPLACED.search(text)


def _storable(value: Any) -> Any:
    """The value, in which NULs, lone surrogates and infinite floats are replaced, as PostgreSQL's jsonb can't hold
    them."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
