"""What the orders of a filtered list come to, by payment method."""

from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext

from backoffice.kit.words import reais
from orders.status import PaymentMethod

MOST = 30_000
"""Orders that are added up: 0.1 s. Of more the page says that they are too many, after an index has counted so far."""


def of(orders: QuerySet[Any], *, are_few: bool) -> list[dict[str, Any]] | None:
    """A row for each method that the orders have, and one for all of them: label, number of orders, their total, and
    what the merchants have of it. None if there are too many orders to add up. The orders are those of `with_net`.

    `are_few` is whether they are known to be at most MOST, so that they need not be counted first."""
    orders = orders.order_by()
    if not are_few and orders.values("pk")[: MOST + 1].count() > MOST:
        return None
    # The database adds up under a name for each column, such as pix_net. A slice can't be grouped.
    wanted: dict[str, Any] = {}
    for method in (*PaymentMethod.values, None):
        of_method = Q(payment_method=method)
        wanted[f"{method}_orders"] = Count("pk", filter=of_method)
        wanted[f"{method}_total"] = Sum("total_cents", filter=of_method, default=0)
        wanted[f"{method}_net"] = Sum("net_cents", filter=of_method, default=0)
    read = orders.values("pk", "payment_method", "total_cents", "net_cents")[:MOST]
    sums = read.aggregate(**wanted)
    labels: dict[str | None, Any] = {**dict(PaymentMethod.choices), None: gettext("No method")}
    rows = [_row(label, *(sums[f"{key}_{name}"] for name in _COLUMNS)) for key, label in labels.items()]
    rows = [row for row in rows if row["orders"]]
    if len(rows) > 1:
        whole = (sum(sums[f"{key}_{name}"] for key in labels) for name in _COLUMNS)
        rows.append(_row(gettext("All methods"), *whole))
    return rows


_COLUMNS = ("orders", "total", "net")


def _row(label: Any, orders: int, total: int, net: int) -> dict[str, Any]:
    return {"label": label, "orders": orders, "total": reais(total), "net": reais(net)}
