"""What orders came to: how many there are, what was paid, and what the merchants have of it."""

from typing import Any, TypedDict

from django.db.models import Count, QuerySet, Sum, Value

from orders.models import Order
from orders.status import EVER_PAID, GONE, PAID_AND_KEPT, PaymentMethod, RefundState

ALWAYS_SHOWN = (PaymentMethod.CREDIT_CARD, PaymentMethod.PIX, PaymentMethod.BOLETO)
"""The methods that have a place even where they sold nothing. Most shops have no wallets."""


class Sales(TypedDict):
    """The orders of one payment method, and cents."""

    method: str  # "": none yet
    orders: int
    paid: int  # of the orders, whatever became of the money later
    paid_cents: int
    gone_cents: int  # of those, of orders that were paid back in full or lost in a chargeback
    disputed_cents: int  # of those, of orders in a chargeback
    part_cents: int  # paid back of the other orders
    net_cents: int  # what is left


def sales(orders: QuerySet[Order], **by: Any) -> list[Any]:
    """Sales for each payment method and each value of the expressions `by`, which are further keys of the rows.

    The database counts the orders of each status, for which it reads nothing but an index, and adds up the refunds
    that Appmax has confirmed. The net amount is that of `Order.objects.with_net()`, of which a sum takes much longer.
    """
    rows: dict[tuple[Any, ...], Any] = {}
    kept = orders.filter(status__in=PAID_AND_KEPT, refunds__state=RefundState.CONFIRMED)
    found: Any
    counted, refunded = (each.order_by().values("payment_method", "status", **by) for each in (orders, kept))
    counted = counted.annotate(orders=Count("*"), cents=Sum("total_cents"), part_cents=Value(0))
    refunded = refunded.annotate(orders=Value(0), cents=Value(0), part_cents=Sum("refunds__amount_cents"))
    for found in counted.union(refunded, all=True):
        method, status = found["payment_method"] or "", found["status"]
        key = {name: found[name] for name in by}
        row = rows.setdefault((method, *key.values()), {**key, "method": method, **dict.fromkeys(_COUNTED, 0)})
        row["orders"] += found["orders"]
        if status in EVER_PAID:
            row["paid"] += found["orders"]
            row["paid_cents"] += found["cents"]
            row[_column(status)] += found["cents"]
        row["part_cents"] += found["part_cents"]
        row["net_cents"] -= found["part_cents"]
    return list(rows.values())


_COUNTED = [name for name in Sales.__annotations__ if name != "method"]


def _column(status: str) -> str:
    """Where the money of an order that was paid is counted by now."""
    if status in PAID_AND_KEPT:
        return "net_cents"
    return "gone_cents" if status in GONE else "disputed_cents"
