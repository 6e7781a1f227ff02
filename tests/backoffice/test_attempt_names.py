"""Attempts are called what they are, and nothing is green before its money is there."""

from typing import Any

import pytest
from django.utils import timezone, translation

from backoffice.attempt_words import name_of, said
from orders.models import OPEN, AttemptMethod, AttemptState, Order, PaymentAttempt
from orders.status import PAID_AND_KEPT, OrderStatus
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db


def attempt(order: Order, method: str = "pix", state: str = "succeeded", **columns: object) -> PaymentAttempt:
    """A row, read as the pages read it."""
    settled_at = None if state in OPEN else timezone.now()
    row = PaymentAttempt.objects.create(
        order=order, method=method, state=state, fingerprint="", settled_at=settled_at, **columns
    )
    return named(row)


def named(row: PaymentAttempt) -> PaymentAttempt:
    """The row as it is now."""
    return PaymentAttempt.objects.with_overtaken().get(pk=row.pk)


def words(row: PaymentAttempt, status: str, language: str = "en") -> str:
    with translation.override(language):
        return name_of(row, status).words


@pytest.mark.parametrize(
    ("method", "status", "english", "portuguese"),
    [
        ("pix", "pendente", "Code generated, awaiting payment", "Código gerado, aguardando pagamento"),
        ("boleto", "pendente", "Code generated, awaiting payment", "Código gerado, aguardando pagamento"),
        ("credit_card", "pendente", "Accepted by Appmax, being examined", "Aceita pela Appmax, em análise"),
        (
            "credit_card",
            "autorizado",
            "Authorised: the amount is reserved, not charged yet",
            "Autorizada: valor reservado, ainda não cobrado",
        ),
        ("pix", "cancelado", "Code generated, not paid", "Código gerado, não foi pago"),
        ("credit_card", "cancelado", "Accepted, then cancelled", "Aceita e depois cancelada"),
        ("credit_card", "recusado_por_risco", "Refused for risk", "Recusada por risco"),
        ("pix", "aprovado", "Paid", "Paga"),
        ("credit_card", "integrado", "Paid", "Paga"),
        ("pix", "estornado", "Paid, then refunded", "Paga e depois estornada"),
        ("credit_card", "chargeback_em_disputa", "Paid, then disputed", "Paga e depois contestada"),
        (
            "credit_card",
            "chargeback_perdido",
            "Paid, then lost in a chargeback",
            "Paga e depois perdida em um chargeback",
        ),
        ("credit_card", "chargeback_vencido", "Paid", "Paga"),
    ],
)
def test_what_appmax_took_is_called_by_what_came_of_it(method: str, status: str, english: str, portuguese: str) -> None:
    row = attempt(OrderFactory.create(status=status), method)

    assert (words(row, status), words(row, status, "pt-br")) == (english, portuguese)


@pytest.mark.parametrize("state", [each for each in AttemptState if each != AttemptState.SUCCEEDED])
def test_what_appmax_did_not_take_has_the_same_name_whatever_the_order_is(state: AttemptState) -> None:
    row = attempt(OrderFactory.create(), "credit_card", state)

    assert len({words(row, status) for status in OrderStatus}) == 1
    assert words(row, "pendente") != words(row, "pendente", "pt-br")


@pytest.mark.parametrize("method", AttemptMethod)
@pytest.mark.parametrize("state", AttemptState)
def test_nothing_is_green_before_the_money_is_there(method: AttemptMethod, state: AttemptState) -> None:
    row = attempt(OrderFactory.create(), method, state)

    green = {status for status in OrderStatus if name_of(row, status).tone == "success"}

    is_paid_by_it = state == AttemptState.SUCCEEDED and method != AttemptMethod.UPSELL
    assert green == (set(PAID_AND_KEPT) if is_paid_by_it else set())


@pytest.mark.parametrize(
    ("said", "tone"), [("aprovado", "success"), ("pendente", "info"), ("", "info"), (None, "info")]
)
def test_an_upsell_is_called_by_what_appmax_said_of_its_own_order(said: str | None, tone: str) -> None:
    row = attempt(OrderFactory.create(), "upsell", answer={"status": said})

    assert {name_of(row, status).tone for status in OrderStatus} == {tone}


def test_of_two_that_succeeded_the_order_is_paid_by_the_later() -> None:
    order = OrderFactory.create(status="aprovado")
    code, card = attempt(order), attempt(order, "credit_card")
    attempt(order, "upsell")
    attempt(order, "credit_card", "declined")

    assert words(named(code), "aprovado") == "Code generated, not paid"
    assert words(named(card), "aprovado") == "Paid"


def test_another_orders_attempt_overtakes_none() -> None:
    code = attempt(OrderFactory.create())
    attempt(OrderFactory.create())

    assert words(named(code), "aprovado") == "Paid"


@pytest.mark.parametrize(
    ("answer", "portuguese"),
    [
        ({"error": "Declined", "message": "Saldo insuficiente"}, "Saldo insuficiente"),
        ({"error": "Declined", "message": "payment declined"}, "A Appmax não informou o motivo."),
        ({"error": "Rejected", "message": "CPF inválido", "http_status": 422}, "CPF inválido"),
        (
            {"error": "OutcomeUnknown", "message": "no answer in time", "timed_out": True},
            "A Appmax não respondeu a tempo.",
        ),
        ({"error": "OutcomeUnknown", "message": "Appmax answered 502"}, "A resposta da Appmax não foi clara."),
        (
            {"error": "Unavailable", "message": "Too many", "http_status": 429},
            "A Appmax pediu que fizéssemos menos requisições.",
        ),
        ({"error": "CredentialsRefused", "message": "no"}, "A Appmax recusou as credenciais deste lojista."),
        ({"status": "aprovado"}, ""),
        ({"message": ["a"]}, ""),
        (None, ""),
    ],
)
def test_what_appmax_answered_is_told_in_the_readers_words(answer: Any, portuguese: str) -> None:
    with translation.override("pt-br"):
        assert said(attempt(OrderFactory.create(), answer=answer)) == portuguese
