"""The overview's figures: what is counted, and where a day begins."""

import json
from datetime import datetime, timedelta

import pytest

from backoffice.overview import figures
from backoffice.overview.figures import collect
from orders.models import AttemptState, Order, Refund
from orders.status import OrderStatus
from tests.backoffice.test_dashboard import MICROSECOND, MIDNIGHT, NOW, attempt, event, order, spans, told
from tests.support.factories import InstallationFactory

pytestmark = pytest.mark.django_db


def test_orders_and_their_money_are_counted_by_day_and_method() -> None:
    order(NOW, payment_method="pix", status="aprovado", total_cents=1000)
    order(NOW, payment_method="pix", status="integrado", total_cents=200)
    order(NOW, payment_method="pix", total_cents=30)
    order(NOW, payment_method="boleto", total_cents=4)
    order(NOW - timedelta(days=1), status="cancelado")

    sales = {(row["slot"], row["method"]): row for row in collect(7, NOW)["sales"]}

    assert sales == {
        (6, "pix"): {"slot": 6, "method": "pix", "orders": 3, "paid": 2, "cents": 1200},
        (6, "boleto"): {"slot": 6, "method": "boleto", "orders": 1, "paid": 0, "cents": 0},
        (5, ""): {"slot": 5, "method": "", "orders": 1, "paid": 0, "cents": 0},
    }


def test_what_was_paid_back_is_taken_off() -> None:
    paid = order(NOW, payment_method="pix", status="aprovado", total_cents=1000)
    Refund.objects.create(order=paid, amount_cents=300, state="confirmed", settled_at=NOW)
    Refund.objects.create(order=paid, amount_cents=50, state="asked")
    order(NOW, payment_method="pix", status="integrado", total_cents=200)
    order(NOW, payment_method="pix", status="estornado", total_cents=90)

    [row] = collect(7, NOW)["sales"]

    assert (row["orders"], row["paid"], row["cents"]) == (3, 2, 900)


def test_paid_means_that_the_money_is_in() -> None:
    """Neither reserved, nor given back, nor in dispute or lost in one."""
    paid = set()
    for status in OrderStatus:
        Order.objects.all().delete()
        order(status=status)
        [row] = collect(1, NOW)["sales"]
        if row["paid"]:
            paid.add(status.value)
        assert bool(row["cents"]) == bool(row["paid"])

    assert paid == {
        *("aprovado", "pendente_integracao", "pendente_integracao_em_analise", "integrado", "chargeback_vencido")
    }


@pytest.mark.parametrize("days", [7, 30])
def test_a_period_begins_at_staffs_midnight(days: int) -> None:
    first = MIDNIGHT - timedelta(days=days - 1)
    order(first - MICROSECOND)
    order(first)

    found = collect(days, NOW)

    assert found["slots"][0] == first.isoformat()
    assert found["slots"][-1] == MIDNIGHT.isoformat()
    assert len(found["slots"]) == days
    assert [(row["slot"], row["orders"]) for row in found["sales"]] == [(0, 1)]


def test_a_day_ends_at_staffs_midnight() -> None:
    """In UTC the first of these is of the same day as the second."""
    order(MIDNIGHT - timedelta(minutes=1))
    order(MIDNIGHT)

    assert sorted(row["slot"] for row in collect(7, NOW)["sales"]) == [5, 6]


def test_today_is_counted_by_the_hour() -> None:
    order(MIDNIGHT - MICROSECOND)
    order(MIDNIGHT)
    order(NOW.replace(minute=0))

    found = collect(1, NOW)

    assert found["slots"] == [(MIDNIGHT + timedelta(hours=hour)).isoformat() for hour in range(16)]
    assert sorted(row["slot"] for row in found["sales"]) == [0, 15]


def test_the_first_hour_of_a_day_can_be_looked_at_too() -> None:
    order(MIDNIGHT)

    assert [row["slot"] for row in collect(1, MIDNIGHT + timedelta(minutes=5))["sales"]] == [0]


def test_only_answered_card_payments_count_for_approval() -> None:
    for state in AttemptState:
        attempt(order(), state)
        attempt(order(), state, method="pix")
    attempt(order())
    attempt(order(NOW - timedelta(days=7)))

    found = collect(7, NOW)

    assert (found["approved_cards"], found["declined_cards"]) == (2, 1)


def test_a_card_is_paid_when_appmax_answers() -> None:
    for seconds in (3, 5, 100):
        attempt(order(payment_method="credit_card"), seconds=seconds)
    attempt(order(payment_method="credit_card"), AttemptState.DECLINED, seconds=1000)
    attempt(order(payment_method="pix"), method="pix", seconds=1000)

    assert spans() == {"credit_card": (5, 3)}


@pytest.mark.parametrize("name", ["order_paid_by_pix", "OrderPaidByPix", "order_paid", "OrderApproved"])
def test_a_pix_is_paid_when_an_event_says_so(name: str) -> None:
    told(order(payment_method="pix"), 60, name)
    told(order(payment_method="pix"), 120, name)

    assert spans() == {"pix": (90, 2)}


def test_the_first_event_that_was_applied_counts() -> None:
    paid = order(payment_method="boleto", at=NOW - timedelta(days=2))
    told(paid, 1, "order_billet_created")
    told(paid, 2, "order_paid", outcome="refuted")
    told(paid, 3, "order_paid", processed=False, outcome="waiting")
    told(paid, 3600, "order_paid")
    told(paid, 7200, "order_approved")

    assert spans() == {"boleto": (3600, 1)}


def test_a_payment_older_than_its_order_here_says_nothing() -> None:
    told(order(payment_method="pix"), -5)

    assert spans() == {}


def test_only_the_newest_payments_of_the_period_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    told(order(NOW - timedelta(days=7), payment_method="pix"), 1)
    for seconds in (100, 200, 300):
        told(order(NOW - timedelta(hours=1), payment_method="pix"), seconds)
    assert spans() == {"pix": (200, 3)}

    monkeypatch.setattr(figures, "SAMPLE", 2)

    assert spans() == {"pix": (250, 2)}


def test_events_are_counted_by_the_hour_and_what_became_of_them() -> None:
    hour = NOW.replace(minute=0)
    event(hour - timedelta(hours=23) - MICROSECOND)
    event(hour - timedelta(hours=23))
    event(hour)
    event(hour, outcome="ignored")
    event(hour, outcome="duplicate")
    event(hour, outcome="refuted")
    event(hour, processed=False, outcome="failed")
    event(hour, processed=False, outcome="waiting")

    found = collect(7, NOW)

    assert found["hours"][0] == (hour - timedelta(hours=23)).isoformat()
    assert sorted(found["traffic"], key=lambda row: row["slot"]) == [
        {"slot": 0, "received": 1, "ignored": 0, "duplicate": 0, "failed": 0},
        {"slot": 23, "received": 6, "ignored": 1, "duplicate": 1, "failed": 1},
    ]


def test_the_oldest_event_that_waits() -> None:
    assert collect(7, NOW)["oldest"] is None
    event(NOW - timedelta(days=3))
    oldest = event(NOW - timedelta(days=2), processed=False)
    event(NOW, processed=False)

    found = collect(7, NOW)["oldest"]

    assert found is not None
    assert (found["pk"], found["event"]) == (oldest.pk, "order_paid")
    assert datetime.fromisoformat(found["created_at"]) == oldest.created_at


def test_installations_are_counted_by_week() -> None:
    monday = MIDNIGHT - timedelta(days=2)
    for at in (monday, NOW, monday - MICROSECOND, monday - timedelta(weeks=7), monday - timedelta(weeks=7, seconds=1)):
        InstallationFactory.create(installed_at=at)

    found = collect(7, NOW)

    assert found["weeks"][0] == (monday - timedelta(weeks=7)).isoformat()
    assert dict(found["installations"]) == {0: 1, 6: 1, 7: 2}


def test_figures_are_json() -> None:
    attempt(order(payment_method="credit_card"))
    event(processed=False)

    assert json.loads(json.dumps(collect(7, NOW)))["approved_cards"] == 1
