"""A subscription, its charges, and how Appmax writes them: in decimal reais, as nowhere else.

Changed under `State`'s lock alone. Appmax documents no status of a charge but `paid`; `failed` is the simulator's own.
"""

import calendar
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from simulator.orders import Order, Payment
from simulator.records import BRAZIL, as_appmax_writes, iso, now

ACTIVE, PAUSED, CANCELLED = STATUSES = ("ACTIVE", "PAUSED", "CANCELLED")
PAID, FAILED = "paid", "failed"
INTERVALS = ("week", "month", "year")
INTERVAL_NAMES = {"week": "Semanal", "month": "Mensal", "year": "Anual"}
FAIL_MAX_TRIES, FAIL_INTERVAL_HOURS = 3, 24  # unless the app names others


@dataclass
class Charge:
    """`cycle` 0 is the order that the subscription began with. `value` in cents. A failed one has made no order."""

    cycle: int
    order_id: int | None
    charged_at: str
    value: int
    status: str


@dataclass(frozen=True)
class Terms:
    """What is renewed. `products` as an order's, with `product_id`. In cents: `value` of the products, `freight` and
    `discount`."""

    products: list[dict[str, Any]]
    value: int
    freight: int
    discount: int

    @classmethod
    def of(cls, order: Order) -> "Terms":
        products = list(catalogue(order).values())
        return cls(products, order.products_value, order.shipping_value, order.discount_value)

    @property
    def total(self) -> int:
        """What each renewal costs, in cents."""
        return self.value + self.freight - self.discount


@dataclass
class Subscription:
    """Moments are ISO; empty: none. `failures`: of the cycle that is due."""

    id: int
    external_key: str
    customer_id: int
    interval: str
    interval_count: int
    terms: Terms
    next_charge_at: str
    first_order: Order
    max_cycles: int | None = None
    fail_max_tries: int = FAIL_MAX_TRIES
    fail_interval_hours: int = FAIL_INTERVAL_HOURS
    status: str = ACTIVE
    paused_from: str = ""
    paused_until: str = ""
    canceled_at: str = ""
    failures: int = 0
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)
    charges: list[Charge] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What webhooks call the subscription."""
        return f"{INTERVAL_NAMES[self.interval]}: {', '.join(str(product['name']) for product in self.terms.products)}"

    @property
    def completed_cycles(self) -> int:
        """How many renewals were paid."""
        return sum(charge.status == PAID and charge.cycle > 0 for charge in self.charges)

    @property
    def is_over(self) -> bool:
        return self.max_cycles is not None and self.completed_cycles >= self.max_cycles

    @property
    def may_renew(self) -> bool:
        """Whether there is a next charge to move the clock to."""
        return self.status == ACTIVE and not self.is_over

    # --- changes: each answers True, or does nothing and answers False ---

    def pause(self, until: str) -> bool:
        """Charges nothing until this moment (ISO), or, if it is empty, until the subscription is activated again."""
        if self.status == CANCELLED:
            return False
        self.status, self.paused_from, self.paused_until = PAUSED, now(), until
        return True

    def activate(self) -> bool:
        if self.status == CANCELLED:
            return False
        self.status, self.paused_from, self.paused_until = ACTIVE, "", ""
        return True

    def cancel(self) -> bool:
        """Ends the subscription for good. To cancel it once more changes nothing."""
        if self.status != CANCELLED:
            self.status, self.canceled_at = CANCELLED, now()
        return True

    def renew(self, order: Order) -> bool:
        """Takes the order as the next cycle's, which it has paid."""
        if not self.may_renew:
            return False
        self.charges.append(Charge(self.completed_cycles + 1, order.id, self.next_charge_at, order.total, PAID))
        self.failures = 0
        self.next_charge_at = later(self.next_charge_at, self.interval, self.interval_count)
        return True

    def fail(self) -> bool:
        """Notes that the charge was declined. After `fail_max_tries` declines the next charge is the next cycle's."""
        if not self.may_renew:
            return False
        self.charges.append(Charge(self.completed_cycles + 1, None, self.next_charge_at, self.terms.total, FAILED))
        self.failures += 1
        if self.failures < self.fail_max_tries:
            moment = datetime.fromisoformat(self.next_charge_at) + timedelta(hours=self.fail_interval_hours)
            self.next_charge_at = iso(moment)
        else:
            self.failures = 0
            self.next_charge_at = later(self.next_charge_at, self.interval, self.interval_count)
        return True


def product_id(sku: str) -> int:
    """A number that Appmax's catalogue could have for the product: always the same for a SKU."""
    return zlib.crc32(sku.encode()) % 900_000 + 100_000


def catalogue(order: Order) -> dict[int, dict[str, Any]]:
    """The order's products by number."""
    rows = [{**product, "product_id": product_id(product["sku"])} for product in order.products]
    return {row["product_id"]: row for row in rows}


def midnight(day: Any) -> str | None:
    """The beginning of this ISO day in Brazil, as an ISO moment; None if the text is no such day."""
    try:
        return iso(datetime.combine(date.fromisoformat(day), time(), BRAZIL).astimezone(UTC))
    except (TypeError, ValueError):
        return None


def later(moment: str, interval: str, count: int) -> str:
    """The moment (ISO) so many weeks, months or years later. A month that is too short has its last day instead."""
    at = datetime.fromisoformat(moment)
    if interval == "week":
        return iso(at + timedelta(weeks=count))
    months = at.year * 12 + at.month - 1 + count * (12 if interval == "year" else 1)
    year, month = months // 12, months % 12 + 1
    return iso(at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1])))


# --- how Appmax writes it --------------------------------------------------------------------------------------------


def made(subscription: Subscription, customer: Mapping[str, Any], panel: str) -> dict[str, Any]:
    """The answer to a new subscription. Only here the fields have `id`, and the status is in small letters."""
    row = subscription
    return {
        "id": row.id,
        "uuid": row.uuid,
        "status": row.status.lower(),
        "subscription_status_id": 1,
        "interval_name": INTERVAL_NAMES[row.interval],
        "charge_day": datetime.fromisoformat(row.next_charge_at).astimezone(BRAZIL).day,
        "fail_max_tries": row.fail_max_tries,
        "fail_interval_hours": row.fail_interval_hours,
        **_terms(row),
        **_shared(row, customer),
        "created_at": as_appmax_writes(row.created_at),
        "next_charge_at": as_appmax_writes(row.next_charge_at),
        "panel_url": f"{panel}/painel/{row.uuid}",
    }


def detail(subscription: Subscription, customer: Mapping[str, Any]) -> dict[str, Any]:
    """`GET /v1/subscriptions/{id}`."""
    row = subscription
    return {
        "subscription_id": row.id,
        "status": row.status,
        "value": row.terms.value / 100,
        **_terms(row),
        **_shared(row, customer),
        "next_charge_at": None if row.is_over else as_appmax_writes(row.next_charge_at),
        "last_charge_at": _day(row.charges[-1].charged_at) if row.charges else None,
        "created_at": as_appmax_writes(row.created_at),
        "canceled_at": as_appmax_writes(row.canceled_at) or None,
        **paused(row),
    }


def listed(subscription: Subscription, customer: Mapping[str, Any]) -> dict[str, Any]:
    """One subscription of `GET /v1/subscriptions`, where days are written in another form."""
    row = subscription
    return {
        "subscription_id": row.id,
        "status": row.status,
        "value": row.terms.value / 100,
        "current_cycle": row.completed_cycles + 1,
        **_shared(row, customer),
        "next_charge_at": _day(row.next_charge_at),
    }


def paused(subscription: Subscription) -> dict[str, Any]:
    return {
        "paused_from": as_appmax_writes(subscription.paused_from) or None,
        "paused_until": as_appmax_writes(subscription.paused_until) or None,
    }


def _terms(row: Subscription) -> dict[str, Any]:
    return {
        "interval": row.interval,
        "interval_count": row.interval_count,
        "max_cycles": row.max_cycles,
        "completed_cycles": row.completed_cycles,
        "current_cycle": row.completed_cycles + 1,
    }


def _shared(row: Subscription, customer: Mapping[str, Any]) -> dict[str, Any]:
    card: Payment | None = row.first_order.charges[-1] if row.first_order.charges else None
    return {
        "freight_value": row.terms.freight / 100,
        "products": [
            {
                "name": product["name"],
                "sku": product["sku"],
                "price": (product.get("unit_value") or 0) / 100,
                "quantity": product["quantity"],
                "product_id": product["product_id"],
                "shopify_product_id": None,
                "variant_id": None,
            }
            for product in row.terms.products
        ],
        "customer": {
            "name": f"{customer.get('first_name', '')} {customer.get('last_name', '')}".strip(),
            "email": customer.get("email", ""),
            "document": customer.get("document_number", ""),
            "phone": customer.get("phone", ""),
            "address": customer.get("address") or [],
        },
        "payment": {
            "payment_info": {"brand": card.card_brand, "final": card.card_last4, "expiration": "12/2039"}
            if card and card.card_last4
            else []
        },
        "charges": [
            {
                "cycle": charge.cycle,
                "order_id": charge.order_id,
                "shopify_order_id": None,
                "charged_at": _day(charge.charged_at),
                "value": charge.value / 100,
                "status": charge.status,
            }
            for charge in row.charges
        ],
    }


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(BRAZIL):%d/%m/%Y}"
