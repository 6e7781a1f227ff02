"""What Appmax's answer about an order means: for its status, for the payment that is open, and for the question."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.models import AttemptState, PaymentAttempt
from orders.questions.verdict import OVER_AFTER, Standing, Verdict, verdict
from orders.status import OrderStatus

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
STILL = AT - OVER_AFTER  # begun so long ago, a payment can still arrive at Appmax
OVER = STILL - timedelta(microseconds=1)


def attempt(method: str, started_at: datetime = STILL, *, state: str = "unknown", pk: int = 1, **columns: Any) -> Any:
    return PaymentAttempt(pk=pk, method=method, state=state, started_at=started_at, **columns)


def standing(status: str, *attempts: PaymentAttempt) -> Standing:
    return Standing(OrderStatus(status), attempts)


def told(said: str, now: Standing, *, asked: Standing | None = None, method: str = "") -> Verdict:
    """The verdict if the order stands as `now`, and stood so when Appmax was asked, unless `asked` says otherwise."""
    return verdict(said=OrderStatus(said), method=method, asked=asked or now, now=now, at=AT)


# --- the order's status, without an open payment ---


def test_where_appmax_agrees_nothing_is_written_and_nothing_left_to_ask() -> None:
    assert told("aprovado", standing("aprovado")) == Verdict(is_final=True)


def test_a_step_forwards_is_taken() -> None:
    assert told("aprovado", standing("pendente")) == Verdict(OrderStatus.APROVADO, is_final=True)


def test_a_step_backwards_is_a_correction_which_is_asked_about_again() -> None:
    assert told("pendente", standing("aprovado")) == Verdict(OrderStatus.PENDENTE, is_correction=True)


def test_an_answer_does_not_undo_what_came_while_appmax_was_asked() -> None:
    assert told("pendente", standing("aprovado"), asked=standing("pendente")) == Verdict()


def test_it_moves_the_order_forward_even_then() -> None:
    answer = told("aprovado", standing("autorizado"), asked=standing("pendente"))

    assert answer == Verdict(OrderStatus.APROVADO, is_final=True)


# --- the open payment ---


@pytest.mark.parametrize("began", [STILL, OVER])
@pytest.mark.parametrize(
    ("paid_by", "method"),
    [
        ("credit_card", "credit_card"),
        ("credit_card", ""),
        ("pix", "pix"),
        ("google_pay", "credit_card"),
        ("credit_card", "apple_pay"),
    ],
)
def test_a_paid_order_was_paid_by_the_open_payment(paid_by: str, method: str, began: datetime) -> None:
    now = standing("pendente", attempt(paid_by, began))

    assert told("aprovado", now, method=method) == Verdict(OrderStatus.APROVADO, AttemptState.SUCCEEDED, is_final=True)


@pytest.mark.parametrize(("tried", "method"), [("credit_card", "pix"), ("pix", "credit_card"), ("boleto", "pix")])
def test_unless_appmax_names_another_method(tried: str, method: str) -> None:
    still, over = (standing("pendente", attempt(tried, began)) for began in (STILL, OVER))

    assert told("aprovado", still, method=method) == Verdict(OrderStatus.APROVADO)
    assert told("aprovado", over, method=method) == Verdict(OrderStatus.APROVADO, AttemptState.FAILED, is_final=True)


DECLINED = Verdict(OrderStatus.CANCELADO, AttemptState.DECLINED, is_final=True)


@pytest.mark.parametrize("began", [STILL, OVER])
def test_a_cancelled_order_had_its_only_payment_declined(began: datetime) -> None:
    assert told("cancelado", standing("pendente", attempt("credit_card", began))) == DECLINED


def test_a_cancellation_may_be_an_earlier_attempts_until_the_open_one_can_arrive_no_more() -> None:
    def again(began: datetime) -> Standing:
        return standing("pendente", attempt("pix", state="declined"), attempt("pix", began, pk=2))

    def restarted(began: datetime) -> Standing:
        return standing("pendente", attempt("pix", began, restarted_from="cancelado"))

    for now in (again, restarted):
        assert told("cancelado", now(STILL)) == Verdict()
        assert told("cancelado", now(OVER)) == DECLINED


@pytest.mark.parametrize("method", ["pix", "boleto"])
def test_a_pix_or_boleto_that_appmax_names_is_there_before_it_is_paid(method: str) -> None:
    now = standing("pendente", attempt(method))

    assert told("pendente", now, method=method) == Verdict(None, AttemptState.SUCCEEDED, is_final=True)


@pytest.mark.parametrize("began", [STILL, OVER])
@pytest.mark.parametrize("method", ["credit_card", "google_pay"])
def test_a_card_that_appmax_names_and_has_not_approved_is_examined(method: str, began: datetime) -> None:
    assert told("pendente", standing("pendente", attempt(method, began)), method="credit_card") == Verdict()


def test_a_payment_that_appmax_does_not_know_has_failed_when_it_can_arrive_no_more() -> None:
    assert told("pendente", standing("pendente", attempt("pix", STILL))) == Verdict()
    assert told("pendente", standing("pendente", attempt("pix", OVER))) == Verdict(
        None, AttemptState.FAILED, is_final=True
    )


def test_while_a_payment_may_arrive_bad_news_moves_nothing_backwards() -> None:
    still, over = (standing("autorizado", attempt("credit_card", began)) for began in (STILL, OVER))

    assert told("pendente", still, method="credit_card") == Verdict()
    assert told("pendente", over, method="credit_card") == Verdict(OrderStatus.PENDENTE, is_correction=True)


def test_an_upsell_is_left_to_staff() -> None:
    assert told("aprovado", standing("aprovado", attempt("upsell", OVER))) == Verdict(is_final=True)


# --- what began or ended while Appmax was asked ---

BEGAN = (standing("pendente"), standing("pendente", attempt("credit_card", OVER)))
ENDED = (BEGAN[1], standing("pendente", attempt("credit_card", OVER, state="failed")))


@pytest.mark.parametrize(("asked", "now"), [BEGAN, ENDED])
def test_bad_news_from_before_says_nothing_about_it(asked: Standing, now: Standing) -> None:
    assert told("cancelado", now, asked=asked) == Verdict()


def test_good_news_counts_at_once() -> None:
    asked, now = BEGAN

    assert told("aprovado", now, asked=asked) == Verdict(OrderStatus.APROVADO, AttemptState.SUCCEEDED, is_final=True)
