"""Whatever the order of arrival, and whatever comes twice: the same status in the end."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from orders.status import OrderStatus, advances
from tests.support.factories import OrderFactory
from webhooks import inbox, payload
from webhooks.models import WebhookEvent

EVENTS = [
    "order_authorized",
    "OrderPaid",
    "order_approved",
    "order_pix_created",
    "order_pix_expired",
    "order_refused_by_risk",
    "order_pending_integration",
    "order_integrated",
    "order_refund",
    "order_chargeback_in_treatment",
    "OrderChargeBackGain",
    "customer_created",
    "order_partial_refund",
    "order_teleported",
]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Two orders of arrival of one set of events, each with repeats of its own."""
    events = draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=8, unique=True))
    return tuple(  # type: ignore[return-value]
        draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=4)))) for _ in range(2)
    )


def folded(statuses: list[str]) -> str:
    current: str = OrderStatus.PENDENTE
    for status in statuses:
        current = status if advances(current, status) else current
    return current


@given(
    st.lists(st.sampled_from(OrderStatus.values), max_size=12).flatmap(
        lambda s: st.tuples(st.just(s), st.permutations(s))
    )
)
@settings(max_examples=1000)
def test_the_rule_alone(statuses: tuple[list[str], list[str]]) -> None:
    first, second = statuses

    assert folded(first) == folded(second) == folded(first + second)


def arrive(order: Order, events: list[str]) -> str:
    for name in events:
        inbox.receive(payload.read({"event": name, "event_type": "order", "data": {"order_id": order.appmax_order_id}}))
    order.refresh_from_db()
    return order.status


@pytest.mark.django_db
@given(arrivals())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_through_the_inbox(db: Any, arrival: tuple[list[str], list[str]]) -> None:
    orders = OrderFactory.create_batch(2)

    assert arrive(orders[0], arrival[0]) == arrive(orders[1], arrival[1])

    numbers = [order.appmax_order_id for order in orders]
    rows = WebhookEvent.objects.filter(appmax_order_id__in=numbers)
    assert rows.count() == sum(map(len, arrival))
    assert rows.filter(processed=False).count() == 0
    for row in rows:
        outcomes = (
            ("applied", "ignored", "duplicate") if payload.status_of(row.event) else ("acknowledged", "duplicate")
        )
        assert row.outcome in outcomes
