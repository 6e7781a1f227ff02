"""What Appmax answers about subscriptions and payment links (contract, 5.1), as small typed objects.

Elsewhere Appmax writes integer cents. Here it writes decimal reais, as a number or as a text, which are read without
floats. A day comes as dd/mm/yyyy in lists, and as yyyy-mm-dd hh:mm:ss in the detail; moments are aware and in UTC. What
Appmax tells of the shopper isn't read.

The comment above each object names its page beneath https://docs.appmax.com.br/api-reference/.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from appmax.answers import MAX_NUMBER, Unreadable, last_digits, read_id, read_text
from appmax.dates import beginning
from appmax.wording import dig, text_of, word

STATUSES = ("ACTIVE", "PAUSED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge of a subscription: the order that it made, and its cycle, of which 0 is the order that the
    subscription began with. `status` is Appmax's word in small letters, of which only `paid` is documented. A field
    that Appmax left out is None or ""."""

    cycle: int | None
    order_id: int | None
    charged_at: date | None
    value_cents: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Product:
    """A product that a subscription renews. A field that Appmax left out is None or ""."""

    product_id: int | None
    sku: str
    name: str
    quantity: int | None
    price_cents: int | None


# subscriptions/criar-assinatura, subscriptions/consultar-assinatura, subscriptions/listar-assinaturas
@dataclass(frozen=True, slots=True)
class RemoteSubscription:
    """A subscription as Appmax has it. Of the three answers each leaves other fields out, which are then None or "".

    `status` is one of STATUSES. Each renewal costs `value_cents`. `uuid` and `panel_url`, where the shopper looks after
    the subscription, are told when it is made, and never again.
    """

    id: int
    status: str
    uuid: str = ""
    panel_url: str = ""
    interval: str = ""
    interval_count: int | None = None
    max_cycles: int | None = None
    completed_cycles: int | None = None
    current_cycle: int | None = None
    value_cents: int | None = None
    freight_cents: int | None = None
    next_charge_at: datetime | None = None
    paused_until: datetime | None = None
    cancelled_at: datetime | None = None
    card_brand: str = ""
    card_last_digits: str = ""
    products: tuple[Product, ...] = ()
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """Answer of GET /v1/subscriptions: a page of a shopper's subscriptions, `total` on all `pages`."""

    subscriptions: tuple[RemoteSubscription, ...]
    total: int
    pages: int


def read_subscription(body: Any, zone: tzinfo) -> RemoteSubscription:
    """Reads any answer about one subscription. Raises Unreadable if the id is missing, or the status is none of
    STATUSES."""
    return _subscription(dig(body, "data"), zone)


def read_subscriptions(body: Any, zone: tzinfo) -> SubscriptionPage:
    """Raises Unreadable if the list is missing, or if one in it can't be read."""
    rows = dig(body, "data", "subscriptions")
    if not isinstance(rows, list):
        raise Unreadable("data.subscriptions")
    pagination = dig(body, "data", "pagination")
    return SubscriptionPage(
        subscriptions=tuple(_subscription(row, zone) for row in rows),
        total=_count(dig(pagination, "total")) or len(rows),
        pages=_count(dig(pagination, "last_page")) or 1,
    )


# docs.appmax.com.br: payment-links/criar-link-pagamento. It says that the answer brings checkout_url, and not where.
def read_payment_link(body: Any) -> str:
    """The page on which the shopper pays. Raises Unreadable if it is missing."""
    return text_of(dig(body, "checkout_url")) or read_text(body, "data", "checkout_url")


def reais_in_cents(value: Any) -> int | None:
    """199.9 and "199.90" are 19990; None for what is no amount, or has fractions of a cent."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        cents = Decimal(str(value).strip()) * 100
        return int(cents) if 0 <= cents <= MAX_NUMBER and cents == int(cents) else None
    except (ArithmeticError, ValueError):  # It is no number, or an endless one.
        return None


def _subscription(data: Any, zone: tzinfo) -> RemoteSubscription:
    status = word(dig(data, "status")).upper().replace("CANCELED", "CANCELLED")
    if status not in STATUSES:
        raise Unreadable("data.status")
    is_made = dig(data, "subscription_id") is None  # Only the answer to a new one has it as `id`.
    card = dig(data, "payment", "payment_info")
    return RemoteSubscription(
        id=read_id(data, "id" if is_made else "subscription_id"),
        status=status,
        uuid=text_of(dig(data, "uuid")),
        panel_url=text_of(dig(data, "panel_url")),
        interval=word(dig(data, "interval")),
        interval_count=_count(dig(data, "interval_count")),
        max_cycles=_count(dig(data, "max_cycles")),
        completed_cycles=_count(dig(data, "completed_cycles")),
        current_cycle=_count(dig(data, "current_cycle")),
        value_cents=reais_in_cents(dig(data, "value")),
        freight_cents=reais_in_cents(dig(data, "freight_value")),
        next_charge_at=beginning(dig(data, "next_charge_at"), zone),
        paused_until=beginning(dig(data, "paused_until"), zone),
        cancelled_at=beginning(dig(data, "canceled_at"), zone),
        card_brand=word(dig(card, "brand"))[:32],
        card_last_digits=last_digits(dig(card, "final")),
        products=tuple(_product(row) for row in _rows(dig(data, "products"))),
        charges=tuple(_charge(row, zone) for row in _rows(dig(data, "charges"))),
    )


def _product(row: Mapping[str, Any]) -> Product:
    return Product(
        product_id=_count(row.get("product_id")),
        sku=word(row.get("sku")),
        name=word(row.get("name")),
        quantity=_count(row.get("quantity")),
        price_cents=reais_in_cents(row.get("price")),
    )


def _charge(row: Mapping[str, Any], zone: tzinfo) -> Charge:
    at = beginning(row.get("charged_at"), zone)
    return Charge(
        cycle=_count(row.get("cycle")),
        order_id=_count(row.get("order_id")) or None,
        charged_at=at and at.astimezone(zone).date(),
        value_cents=reais_in_cents(row.get("value")),
        status=word(row.get("status")).lower()[:32],
    )


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    """A whole number that isn't negative and fits a column, also as a text; None for anything else."""
    text = word(value)
    return int(text) if re.fullmatch("[0-9]{1,10}", text) and int(text) <= MAX_NUMBER else None
