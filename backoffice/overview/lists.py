"""The URLs of the lists that the overview's figures lead to."""

from collections.abc import Iterable
from dataclasses import dataclass

from backoffice.overview.charts import list_url
from backoffice.overview.period import Choice, Query
from orders.models import AttemptState
from orders.status import OrderStatus


@dataclass(frozen=True)
class Lists:
    """Lists of the chosen merchant's rows, or of all merchants': of the period, or of any time."""

    choice: Choice

    def orders(self, *queries: Query) -> str:
        return self.any_orders(self.choice.period.query("created_at"), *queries)

    def any_orders(self, *queries: Query) -> str:
        return list_url("orders_order", self.choice.merchant_query, *queries)

    def attempts(self, *queries: Query) -> str:
        return self.any_attempts(self.choice.period.query("started_at"), *queries)

    def any_attempts(self, *queries: Query) -> str:
        theirs = {f"order__{name}": value for name, value in self.choice.merchant_query.items()}
        return list_url("orders_paymentattempt", theirs, *queries)

    def events(self, *queries: Query) -> str:
        return list_url("webhooks_webhookevent", self.choice.merchant_query, *queries)


def by(method: str) -> Query:
    """Orders of this payment method; "" are those without one."""
    return {"payment_method__exact": method} if method else {"payment_method__isnull": "True"}


def having(statuses: Iterable[OrderStatus]) -> Query:
    """Orders with one of these statuses."""
    return {"status__exact": [status.value for status in statuses]}


def states(*wanted: AttemptState) -> Query:
    """Payment attempts in one of these states."""
    return {} if len(wanted) == len(AttemptState) else {"state__exact": [state.value for state in wanted]}
