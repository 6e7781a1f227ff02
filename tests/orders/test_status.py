"""The rank rule: a webhook moves an order forward or not at all."""

from itertools import permutations

import pytest
from django.utils import translation

from orders.status import IN_CHARGEBACK, OrderStatus, advances, is_paid, known, may_have_moved_on


def test_the_ranks_are_the_contracts_total_order() -> None:
    assert [status.value for status in OrderStatus] == [
        "pendente",
        "autorizado",
        "cancelado",
        "recusado_por_risco",
        "aprovado",
        "pendente_integracao",
        "pendente_integracao_em_analise",
        "integrado",
        "estornado",
        "chargeback_em_tratativa",
        "chargeback_em_disputa",
        "chargeback_perdido",
        "chargeback_vencido",
    ]


def test_every_order_of_arrival_ends_in_the_same_status() -> None:
    for arrival in permutations(["pendente", "autorizado", "aprovado", "aprovado", "integrado"]):
        current = "pendente"
        for new in arrival:
            current = new if advances(current, new) else current
        assert current == "integrado"


@pytest.mark.parametrize(("language", "label"), [("pt-br", "Aprovado"), ("en", "Approved")])
def test_statuses_have_labels_in_both_languages(language: str, label: str) -> None:
    with translation.override(language):
        assert str(OrderStatus.APROVADO.label) == label


def test_the_same_status_is_no_advance() -> None:
    assert not advances("aprovado", "aprovado")


def test_an_unknown_status_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        advances("pendente", "paid")


UNPAID = {"pendente", "cancelado", "recusado_por_risco"}


@pytest.mark.parametrize("status", OrderStatus.values)
def test_money_is_there_or_was_in_every_status_but_three(status: str) -> None:
    assert is_paid(status) == (status not in UNPAID)


@pytest.mark.parametrize("text", ["aprovado", "Aprovado", " APROVADO\n"])
def test_appmaxs_text_names_a_status_in_any_case_and_between_blanks(text: str) -> None:
    assert known(text) is OrderStatus.APROVADO


@pytest.mark.parametrize("text", ["", "paid", "aprovado?"])
def test_other_text_names_none(text: str) -> None:
    assert known(text) is None


def test_only_a_disputed_payment_that_was_paid_back_is_no_contradiction() -> None:
    moves = {(old, new) for old in OrderStatus for new in OrderStatus if may_have_moved_on(old, new)}

    assert moves == {(old, OrderStatus.ESTORNADO) for old in IN_CHARGEBACK}
