"""Pure reading of a webhook's body: event name, order id, status. Appmax has six models of it (contract, section 6).

Nothing here touches the database, and nothing odd in a body raises: what can't be used is noted and kept.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from orders.status import OrderStatus, is_paid

MAX_NAME = 64  # webhook_events.event
MAX_TYPE = 32  # webhook_events.event_type
MAX_ORDER_ID = 2**31 - 1  # webhook_events.appmax_order_id


def _folded(name: str) -> str:
    """`OrderPaidByPix` and `order_paid_by_pix` are one event in two spellings. Letters beyond ASCII are in neither, and
    PostgreSQL, which does the same, might fold them otherwise."""
    return name.replace("_", "").lower() if name.isascii() else name


# The Pascal names of the contract's table; the snake names fold to the same. None: acknowledged, no status.
_NAMES: dict[str, OrderStatus | None] = {
    name: status
    for status, names in {
        OrderStatus.AUTORIZADO: "OrderAuthorized OrderAuthorizedWithDelay PaymentAuthorizedWithDelay",
        OrderStatus.APROVADO: ("OrderApproved OrderPaid OrderPaidByPix OrderUpSold CreatedSubscription SplitOrders"),
        OrderStatus.PENDENTE: "OrderBilletCreated OrderPixCreated",
        OrderStatus.PENDENTE_INTEGRACAO: "OrderPendingIntegration",
        OrderStatus.INTEGRADO: "OrderIntegrated",
        OrderStatus.ESTORNADO: "OrderRefund",
        OrderStatus.CANCELADO: (
            "OrderPixExpired OrderBilletOverdue PaymentNotAuthorized PaymentNotAuthorizedWithDelay"
        ),
        OrderStatus.RECUSADO_POR_RISCO: "OrderRefusedByRisk",
        OrderStatus.CHARGEBACK_EM_TRATATIVA: "OrderChargeBackInTreatment",
        OrderStatus.CHARGEBACK_VENCIDO: "OrderChargeBackGain",
        None: (
            "CustomerCreated CustomerInterested CustomerContacted OrderPartialRefund "
            "SubscriptionCancellationEvent SubscriptionDelayedEvent CanceledSubscription ChargeSuccess ChargeFailed "
            "SubscriptionCreated SubscriptionCancelation SubscriptionCancellation SubscriptionDelayed "
            "SubscriptionChargeSuccess SubscriptionChargeFailed"
        ),
    }.items()
    for name in names.split()
}
_MEANINGS = {_folded(name): status for name, status in _NAMES.items()}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_SPELLINGS = {
    _folded(name): list(dict.fromkeys((name, _snake(name), _snake(name).replace("charge_back", "chargeback"))))
    for name in _NAMES
}

_APP_STORE_TYPES = ("order", "customer", "payment", "subscription")
_ENVELOPE = ("site_id", "app_id", "client_key", "external_key", "partner_merchant")


class InvalidPayload(ValueError):
    """Not a webhook at all: no `event`, or one that isn't a non-empty string."""


@dataclass(frozen=True)
class Event:
    """A webhook as far as we understand it. `note` says what was odd; `payload` is the whole body, storable; `model` is
    the contract's name for its form; `merchants` are the external_keys that its envelope names."""

    name: str
    type: str
    order_id: int | None
    payload: dict[str, Any]
    model: str = ""
    merchants: tuple[str, ...] = ()
    note: str = ""


def is_known(name: str) -> bool:
    """Whether the contract's table has this event, in either spelling."""
    return _folded(name) in _MEANINGS


def spellings(name: str) -> list[str]:
    """All ways in which the contract writes an event, whichever this is; the name alone if it isn't the contract's."""
    return _SPELLINGS.get(_folded(name), [name])


def status_of(name: str) -> OrderStatus | None:
    """The status that an event means; None for one that is only acknowledged, and for an unknown one."""
    return _MEANINGS.get(_folded(name))


def means_money(name: str) -> bool:
    """Whether the event means that money was reserved or paid, or went back: what Appmax must confirm."""
    status = status_of(name)
    return status is not None and is_paid(status)


def money_events() -> list[str]:
    """The names of these events, folded: lower case, no underscores."""
    return [name for name in _MEANINGS if means_money(name)]


def acknowledged_events() -> list[str]:
    """The names of the events that mean no status, folded."""
    return [name for name, status in _MEANINGS.items() if status is None]


def read(body: Any, merchant: str = "") -> Event:
    """A parsed JSON body as an Event. Raises InvalidPayload.

    `merchant` is the external_key that the URL proves, if it is an installation's own. It is kept as the envelope's,
    so that it is known whenever the event is handled; what the body claims instead is kept beside it."""
    event = body.get("event") if isinstance(body, dict) else None
    if not isinstance(event, str) or not event:
        raise InvalidPayload
    try:
        payload = _storable(body)
    except RecursionError:
        raise InvalidPayload from None
    if merchant:
        claimed = payload.get("external_key")
        payload |= {"external_key": merchant, **({} if claimed in (None, merchant) else {"claimed_key": claimed})}
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
    )


def names_by_status() -> dict[OrderStatus | None, list[str]]:
    """The contract's events in Pascal case, under the status that each means, in rank order; None comes last."""
    return {
        status: [name for name, meaning in _NAMES.items() if meaning is status]
        for status in (*OrderStatus, None)
        if status in _NAMES.values()
    }


def known_names() -> list[str]:
    """The contract's events, in Pascal case."""
    return sorted(_NAMES)


def merchants_of(*keys: Any) -> tuple[str, ...]:
    """The external_keys among the envelope's client_key and external_key."""
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, str) and key))


def model_of(body: dict[str, Any]) -> str:
    """Which of the six models it is (contract, section 6), told by its keys; for the log and the back office."""
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
    """The order's id by the contract's rule, and a note if there is one that can't be used."""
    if not isinstance(data, dict):
        return None, ""
    order = data.get("order")
    if data.get("order_id") is not None:
        claimed = data["order_id"]
    elif isinstance(order, dict) and order.get("id") is not None:
        claimed = order["id"]
    elif data.get("customer_id") is not None and data.get("id") is not None:
        claimed = data["id"]  # without customer_id it may be a customer's
    else:
        return None, ""
    if isinstance(claimed, str) and claimed.isascii() and claimed.isdigit() and len(claimed) <= 20:
        claimed = int(claimed)
    if type(claimed) is int and 0 < claimed <= MAX_ORDER_ID:
        return claimed, ""
    return None, f"not an order id: {str(claimed)[:100]!r}"


def _storable(value: Any) -> Any:
    """The value with what PostgreSQL's jsonb can't hold replaced: NUL, lone surrogates, infinite floats."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
