"""The rank rule: a webhook moves an order forward or not at all."""

from itertools import permutations

import pytest
from django.utils import translation

from orders.status import OrderStatus, advances


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
