"""What becomes of an event: a table of what is known of it, and what is decided."""

from dataclasses import replace
from typing import Any

import pytest

from orders.questions.why import Why
from orders.status import OrderStatus, advances
from webhooks import payload
from webhooks.decide import Decision, Outcome, Seen, decide

S = OrderStatus
PENDING = Seen(status=S.PENDENTE)
PAID = Seen(status=S.APROVADO)


def event(name: str, order_id: Any = 7, **data: Any) -> payload.Event:
    return payload.read({"event": name, "event_type": "order", "data": {"order_id": order_id, **data}})


def decided(name: str, seen: Seen, trust: str = "payload", order_id: Any = 7, **data: Any) -> Decision:
    return decide(event(name, order_id, **data), seen, trust=trust)


@pytest.mark.parametrize(
    ("name", "seen", "outcome", "status", "why"),
    [
        # it moves its order; what means money or its end is asked about
        ("order_paid", PENDING, "applied", S.APROVADO, Why.MONEY),
        ("OrderRefund", PAID, "applied", S.ESTORNADO, Why.MONEY),
        ("order_pix_expired", PENDING, "applied", S.CANCELADO, Why.CANCELLATION),
        ("order_refused_by_risk", Seen(status=S.AUTORIZADO), "applied", S.RECUSADO_POR_RISCO, Why.CANCELLATION),
        # the order is as far, or further
        ("order_pix_created", PENDING, "ignored", None, None),
        ("order_approved", PAID, "ignored", None, None),
        ("order_authorized", PAID, "ignored", None, None),
        ("order_pix_created", PAID, "ignored", None, None),
        ("order_pix_created", Seen(status=S.ESTORNADO), "ignored", None, None),
        ("order_pix_expired", Seen(status=S.RECUSADO_POR_RISCO), "ignored", None, None),
        # ... though it may be money
        ("order_refund", Seen(status=S.CHARGEBACK_VENCIDO), "ignored", None, Why.IGNORED_MONEY),
        ("order_paid", Seen(status=S.ESTORNADO), "ignored", None, Why.IGNORED_MONEY),
        ("order_chargeback_in_treatment", Seen(status=S.CHARGEBACK_VENCIDO), "ignored", None, Why.IGNORED_MONEY),
        ("order_refused_by_risk", PAID, "ignored", None, Why.IGNORED_MONEY),
        ("order_pix_expired", Seen(status=S.INTEGRADO), "ignored", None, Why.IGNORED_MONEY),
        # no status of its own
        ("customer_created", PENDING, "acknowledged", None, None),
        ("order_partial_refund", PAID, "acknowledged", None, Why.NO_STATUS),
        ("split_orders", PENDING, "acknowledged", None, Why.NO_STATUS),
        ("OrderChargeBackLost", PAID, "acknowledged", None, Why.NO_STATUS),
        ("OrderCanceled", PENDING, "acknowledged", None, Why.NO_STATUS),
        ("order_pix_updated", PENDING, "acknowledged", None, Why.NO_STATUS),
        ("order_pix_updated", Seen(), "acknowledged", None, None),
        # another merchant's
        ("order_paid_by_pix", replace(PENDING, names_another=True), "refused", None, Why.OTHER_MERCHANT),
        ("customer_created", replace(PENDING, names_another=True), "refused", None, None),
        # handled before
        ("order_paid", replace(PAID, was_handled=True), "duplicate", None, None),
        ("order_partial_refund", replace(PAID, was_handled=True), "duplicate", None, Why.NO_STATUS),
        ("order_refund", replace(PAID, was_handled=True), "duplicate", None, Why.IGNORED_MONEY),
        ("customer_created", replace(PAID, was_handled=True), "duplicate", None, None),
        ("order_paid", replace(PENDING, was_handled=True), "duplicate", None, Why.IGNORED_MONEY),
        ("order_paid", replace(PENDING, was_handled=True, is_confirmed=True), "duplicate", None, None),
        ("order_paid", Seen(was_handled=True), "duplicate", None, None),
        # its order isn't there
        ("order_paid", Seen(), "waiting", None, Why.ORDER_MISSING),
        ("customer_created", Seen(), "acknowledged", None, None),
        ("SubscriptionChargeSuccess", Seen(), "acknowledged", None, Why.ORDER_MISSING),
    ],
)
def test_trust_in_the_payload(name: str, seen: Seen, outcome: str, status: OrderStatus | None, why: Why | None) -> None:
    decision = decided(name, seen)

    assert (decision.outcome, decision.status, decision.why) == (outcome, status, why)


@pytest.mark.parametrize("name", payload.known_names())
def test_an_event_moves_an_order_forward_or_not_at_all(name: str) -> None:
    meaning = payload.status_of(name)
    for status in OrderStatus:
        decision = decided(name, Seen(status=status))

        is_moved = meaning is not None and advances(status, meaning)
        assert (decision.status is not None) == is_moved == (decision.outcome is Outcome.APPLIED), status


DOUBTS = [{"trust": "confirm"}, {"trust": "payload", "is_suspect": True}]


@pytest.mark.parametrize("name", payload.known_names())
@pytest.mark.parametrize("doubt", DOUBTS)
def test_an_event_that_is_not_believed_moves_nothing(name: str, doubt: dict[str, Any]) -> None:
    for status in OrderStatus:
        seen = Seen(status=status, is_suspect=bool(doubt.get("is_suspect")))

        assert decided(name, seen, doubt["trust"]).status is None, status
        assert decided(name, replace(seen, is_confirmed=True), doubt["trust"]).status is None, status


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("order_paid", Why.MONEY),
        ("order_pix_expired", Why.CANCELLATION),
        ("order_pix_created", Why.NO_STATUS),
    ],
)
@pytest.mark.parametrize("doubt", DOUBTS)
def test_it_waits_until_appmax_is_asked_whether_it_is_true(name: str, why: Why, doubt: dict[str, Any]) -> None:
    decision = decided(name, replace(PENDING, is_suspect=bool(doubt.get("is_suspect"))), doubt["trust"])

    assert decision == Decision(Outcome.WAITING, reason="waits for Appmax's confirmation", why=why)


@pytest.mark.parametrize(("name", "why"), [("order_paid", Why.MONEY), ("order_pix_expired", Why.CANCELLATION)])
def test_it_waits_on_until_appmax_says_so_too(name: str, why: Why) -> None:
    decision = decided(name, replace(PENDING, is_confirmed=True))

    assert decision == Decision(Outcome.WAITING, reason="not confirmed: Appmax says pendente", why=why)


@pytest.mark.parametrize(
    ("name", "said", "outcome", "reason"),
    [
        ("order_paid", S.APROVADO, "applied", ""),
        ("order_paid", S.INTEGRADO, "ignored", "the order is integrado, this event means aprovado"),
        ("order_paid", S.PENDENTE, "waiting", "not confirmed: Appmax says pendente"),
        ("order_pix_created", S.PENDENTE, "applied", ""),
    ],
)
@pytest.mark.parametrize("trust", ["payload", "confirm"])
def test_once_appmax_has_been_asked_its_word_decides(
    name: str, said: OrderStatus, outcome: str, reason: str, trust: str
) -> None:
    decision = decided(name, Seen(status=said, is_confirmed=True), trust)

    assert (decision.outcome, decision.status, decision.reason) == (outcome, None, reason)


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [
        (Seen(is_too_old=True), "closed", "the order is not there yet"),
        (replace(PENDING, is_confirmed=True, is_too_old=True), "refuted", "Appmax says pendente"),
        (replace(PAID, is_confirmed=True, is_too_old=True), "applied", ""),
    ],
)
def test_what_has_waited_for_too_long_is_closed(seen: Seen, outcome: str, reason: str) -> None:
    decision = decided("order_paid", seen, "confirm")

    assert (decision.outcome, decision.reason) == (outcome, reason)


@pytest.mark.parametrize(
    "name", ["order_pix_expired", "OrderBilletOverdue", "order_pix_created", "payment_not_authorized"]
)
def test_what_an_earlier_attempt_came_to_counts_no_more_once_the_order_was_started_again(name: str) -> None:
    again = Seen(status=S.PENDENTE, was_handled=True, since_restarted=True)

    decision = decided(name, again)

    assert decision.supersedes
    assert decision.outcome in (Outcome.APPLIED, Outcome.IGNORED)
    assert decided(name, replace(again, since_restarted=False)).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize("said", [S.PENDENTE, S.APROVADO])
def test_nor_once_appmax_has_been_asked(said: S) -> None:
    again = Seen(status=said, was_handled=True, since_restarted=True, is_confirmed=True)

    assert decided("order_pix_created", again).supersedes


@pytest.mark.parametrize("name", ["order_paid", "order_refund", "order_partial_refund", "customer_created"])
def test_money_is_handled_once_however_often_the_order_was_started(name: str) -> None:
    assert decided(name, Seen(S.APROVADO, was_handled=True, since_restarted=True)).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize(
    ("before", "now", "is_asked"),
    [
        ({"end_to_end_id": "E1"}, {"end_to_end_id": "E2"}, True),
        ({"end_to_end_id": "E1"}, {"end_to_end_id": "E1"}, False),
        ({"total": "129.90"}, {"total": "259.80"}, True),
        ({"end_to_end_id": "E1"}, {"total": "129.90"}, False),
        ({}, {"end_to_end_id": "E2"}, False),
    ],
)
@pytest.mark.parametrize("was_handled", [True, False])
def test_another_amount_or_end_to_end_id_may_be_a_second_payment(
    before: dict[str, str], now: dict[str, str], is_asked: bool, was_handled: bool
) -> None:
    seen = Seen(S.APROVADO, was_handled=was_handled, paid_before=(before,))

    decision = decided("order_paid", seen, **now)

    assert decision.outcome is (Outcome.DUPLICATE if was_handled else Outcome.IGNORED)
    assert decision.why is (Why.PAID_TWICE if is_asked else None)


def test_an_event_that_names_no_order_waits_if_it_needs_one() -> None:
    assert decided("order_paid", Seen(), order_id=None).reason == "the event names no order"
    assert decided("order_paid", Seen(), order_id="abc").reason == "not an order id: 'abc'"
    assert decided("customer_created", Seen(), order_id=None).outcome is Outcome.ACKNOWLEDGED
    assert decided("order_teleported", Seen(), order_id=None).reason == "unknown event"


@pytest.mark.parametrize(
    ("name", "seen", "reason"),
    [
        ("order_paid", replace(PENDING, names_another=True), "its envelope names another merchant than the order's"),
        ("order_approved", PAID, "the order is aprovado already"),
        ("order_pix_created", PAID, "the order is aprovado, this event means pendente"),
        ("customer_created", PENDING, ""),
        ("order_teleported", PENDING, "unknown event"),
    ],
)
def test_staff_read_why_an_event_did_nothing(name: str, seen: Seen, reason: str) -> None:
    assert decided(name, seen).reason == reason
