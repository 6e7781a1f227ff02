"""The overview's figures: what is counted, and where a day begins."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from backoffice.overview import figures
from backoffice.overview.figures import collect as of_period
from backoffice.overview.period import Period
from orders.models import AttemptState, Order, PaymentAttempt, Refund
from orders.status import OrderStatus
from tests.backoffice.test_dashboard import (
    MICROSECOND,
    MIDNIGHT,
    NOW,
    attempt,
    collect,
    event,
    order,
    spans,
    told,
)
from tests.support.factories import InstallationFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


def test_orders_and_their_money_are_counted_by_day_and_method() -> None:
    order(NOW, payment_method="pix", status="aprovado", total_cents=1000)
    order(NOW, payment_method="pix", status="integrado", total_cents=200)
    order(NOW, payment_method="pix", total_cents=30)
    order(NOW, payment_method="boleto", total_cents=4)
    order(NOW - timedelta(days=1), status="cancelado")

    names = ("slot", "method", "orders", "paid", "paid_cents", "net_cents")
    sales: Any = collect(7, NOW)["sales"]

    assert sorted(tuple(row[name] for name in names) for row in sales) == [
        (5, "", 1, 0, 0, 0),
        (6, "boleto", 1, 0, 0, 0),
        (6, "pix", 3, 2, 1200, 1200),
    ]


def test_what_was_paid_back_is_taken_off() -> None:
    paid = order(NOW, payment_method="pix", status="aprovado", total_cents=1000)
    Refund.objects.create(order=paid, amount_cents=300, state="confirmed", settled_at=NOW)
    Refund.objects.create(order=paid, amount_cents=50, state="asked")
    order(NOW, payment_method="pix", status="integrado", total_cents=200)
    order(NOW, payment_method="pix", status="estornado", total_cents=90)
    order(NOW, payment_method="pix", status="chargeback_perdido", total_cents=7)
    order(NOW, payment_method="pix", status="chargeback_em_disputa", total_cents=2)

    [row] = collect(7, NOW)["sales"]

    assert (row["orders"], row["paid"], row["paid_cents"]) == (5, 5, 1299)
    assert (row["gone_cents"], row["disputed_cents"], row["net_cents"]) == (97, 2, 900)


def test_money_counts_only_while_it_is_there() -> None:
    """An order stays paid for the conversion when its money goes back. Reserved money isn't paid."""
    paid, kept = set(), set()
    for status in OrderStatus:
        Order.objects.all().delete()
        order(status=status, total_cents=1)
        [row] = collect(1, NOW)["sales"]
        paid |= {status.value} if row["paid"] else set()
        kept |= {status.value} if row["net_cents"] else set()
        assert row["paid_cents"] == row["net_cents"] + row["gone_cents"] + row["disputed_cents"]

    assert kept == {
        *("aprovado", "pendente_integracao", "pendente_integracao_em_analise", "integrado", "chargeback_vencido")
    }
    assert paid == kept | {*("estornado", "chargeback_em_tratativa", "chargeback_em_disputa", "chargeback_perdido")}


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


def test_a_whole_day_of_the_past_has_24_hours() -> None:
    day = NOW.date() - timedelta(days=3)
    late = order(MIDNIGHT - timedelta(days=2, minutes=30))
    order(MIDNIGHT - timedelta(days=2))

    found = of_period(Period(day, day), NOW)

    assert len(found["slots"]) == 24
    assert [(row["slot"], row["orders"]) for row in found["sales"]] == [(23, 1)]
    assert late.created_at.astimezone(UTC).date() == day + timedelta(days=1)


def test_a_long_period_is_shown_by_week() -> None:
    period = Period(date(2026, 1, 7), date(2026, 3, 11))  # both are Wednesdays
    first = MIDNIGHT.replace(month=1, day=7)
    for at in (first - MICROSECOND, first, first + timedelta(days=5) - MICROSECOND, first + timedelta(days=5), NOW):
        order(at)

    found = of_period(period, NOW)
    slots = period.named_slots([datetime.fromisoformat(each) for each in found["slots"]])

    assert [(row["slot"], row["orders"]) for row in sorted(found["sales"], key=lambda row: row["slot"])] == [
        (0, 2),
        (1, 1),
        (9, 1),
    ]
    assert [slots[place].query for place in (0, 1, 9)] == [
        {"created_at_from": "2026-01-07", "created_at_to": "2026-01-11"},
        {"created_at_from": "2026-01-12", "created_at_to": "2026-01-18"},
        {"created_at_from": "2026-03-09", "created_at_to": "2026-03-11"},
    ]


def test_the_first_hour_of_a_day_can_be_looked_at_too() -> None:
    order(MIDNIGHT)

    assert [row["slot"] for row in collect(1, MIDNIGHT + timedelta(minutes=5))["sales"]] == [0]


def test_attempts_are_counted_by_method_and_state() -> None:
    for state in AttemptState:
        attempt(order(), state)
        attempt(order(), state, method="pix")
    attempt(order())
    attempt(order(NOW - timedelta(days=7)))

    found = {(row["method"], row["state"]): row["attempts"] for row in collect(7, NOW)["attempts"]}

    assert found == {(method, state): 1 for method in ("credit_card", "pix") for state in AttemptState} | {
        ("credit_card", "succeeded"): 2
    }


def test_reasons_that_differ_by_numbers_or_capitals_are_one() -> None:
    for message in ("Saldo insuficiente (51).", "saldo insuficiente (116)", "Cartão vencido", ""):
        refused(message)
    refused("Cartão vencido", method="upsell")
    attempt(order(), AttemptState.DECLINED)

    rows = collect(7, NOW)["attempts"]

    assert sorted((row["method"], row["reason"], row["attempts"]) for row in rows) == [
        ("credit_card", "", 2),
        ("credit_card", "cartão vencido", 1),
        ("credit_card", "saldo insuficiente (#)", 2),
        ("upsell", "cartão vencido", 1),
    ]


def refused(message: str, at: datetime = NOW, method: str = "credit_card") -> PaymentAttempt:
    row = attempt(order(at), AttemptState.DECLINED, method=method)
    row.answer = {"error": "Declined", "message": message}
    row.save()
    return row


def test_money_in_doubt_is_of_any_day() -> None:
    old = NOW - timedelta(days=50)
    attempt(order(old, total_cents=500), AttemptState.UNKNOWN)
    attempt(order(old, total_cents=30), AttemptState.STARTED)
    attempt(order(NOW - figures.LONG, total_cents=1), AttemptState.STARTED)
    paid = order(old, status="aprovado")
    for cents, state in ((7, "unknown"), (8, "unknown"), (9, "asked")):
        Refund.objects.create(order=paid, amount_cents=cents, state=state)

    assert collect(1, NOW)["doubt"] == {"unknown": (1, 500), "unanswered": (1, 30), "refunds": (1, 15)}


def test_a_merchants_figures_are_its_own() -> None:
    ours, others = (order(payment_method="credit_card", status="aprovado", total_cents=100) for _ in range(2))
    for row in (ours, others):
        attempt(row, AttemptState.DECLINED)
        attempt(order(installation=row.installation), AttemptState.UNKNOWN)
        attempt(row)
        Refund.objects.create(order=row, amount_cents=1)
        event(installation=row.installation, processed=False)

    found = collect(7, NOW, ours.installation_id)

    assert ours.installation_id != others.installation_id
    assert sum(row["orders"] for row in found["sales"]) == 2
    assert sum(row["net_cents"] for row in found["sales"]) == 100
    assert sum(row["attempts"] for row in found["attempts"]) == 3
    assert [row["attempts"] for row in found["attempts"] if row["state"] == AttemptState.DECLINED] == [1]
    assert [row["payments"] for row in found["spans"]] == [1]
    assert (found["doubt"]["unknown"][0], found["doubt"]["refunds"][0]) == (1, 1)
    assert [row["received"] for row in found["traffic"]] == [1]
    assert found["oldest"] is not None
    assert WebhookEvent.objects.get(pk=found["oldest"]["pk"]).installation_id == ours.installation_id


def test_a_card_is_paid_when_appmax_answers() -> None:
    for seconds in (3, 5, 100):
        attempt(order(payment_method="credit_card", status="aprovado"), seconds=seconds)
    attempt(order(payment_method="credit_card"), AttemptState.DECLINED, seconds=1000)
    attempt(order(payment_method="pix", status="aprovado"), method="pix", seconds=1000)

    assert spans() == {"credit_card": (5, 3)}


@pytest.mark.parametrize("name", ["order_paid_by_pix", "OrderPaidByPix", "order_paid", "OrderApproved"])
def test_a_pix_is_paid_when_an_event_says_so(name: str) -> None:
    told(order(payment_method="pix", status="aprovado"), 60, name)
    told(order(payment_method="pix", status="estornado"), 120, name)

    assert spans() == {"pix": (90, 2)}


def test_the_first_event_that_was_applied_counts() -> None:
    paid = order(payment_method="boleto", status="integrado", at=NOW - timedelta(days=2))
    told(paid, 1, "order_billet_created")
    told(paid, 2, "order_paid", outcome="refuted")
    told(paid, 3, "order_paid", processed=False, outcome="waiting")
    told(paid, 3600, "order_paid")
    told(paid, 7200, "order_approved")

    assert spans() == {"boleto": (3600, 1)}


def test_a_payment_older_than_its_order_here_says_nothing() -> None:
    told(order(payment_method="pix", status="aprovado"), -5)

    assert spans() == {}


def test_only_the_newest_payments_of_the_period_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    told(order(NOW - timedelta(days=7), payment_method="pix", status="aprovado"), 1)
    for seconds in (300, 200, 100):
        told(order(NOW - timedelta(seconds=seconds), payment_method="pix", status="aprovado"), seconds)
    assert spans() == {"pix": (200, 3)}

    monkeypatch.setattr(figures, "SAMPLE", 2)

    assert spans() == {"pix": (150, 2)}


def test_nine_of_ten_payments_took_no_longer() -> None:
    for seconds in range(10, 120, 10):
        told(order(payment_method="pix", status="aprovado"), seconds)

    [span] = collect(7, NOW)["spans"]

    assert (span["median"], span["most"], span["payments"]) == (60, 100, 11)


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

    assert json.loads(json.dumps(collect(7, NOW)))["attempts"][0]["attempts"] == 1
