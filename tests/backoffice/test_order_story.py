"""The sentences at the top of an order's page: how it stands and what comes next, and where its money is."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from backoffice.order_story import Past, can_be_paid, money, story
from orders.models import OPEN, AttemptMethod, AttemptState, Order, PaymentAttempt, Question, Refund
from orders.questions.why import Why
from orders.status import OrderStatus, PaymentMethod, RefundState, is_paid
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db  # an order without refunds asks for them

NOW = datetime(2026, 11, 29, 17, 20, tzinfo=UTC)  # 14:20 in São Paulo


def minutes(count: float) -> datetime:
    """So many minutes from now."""
    return NOW + timedelta(minutes=count)


def order(status: str = "pendente", method: str | None = "pix", **columns: Any) -> Order:
    """An order that nobody has saved."""
    defaults = {"total_cents": 12990, "created_at": minutes(-12)}
    return Order(pk=1, appmax_order_id=31, status=status, payment_method=method, **{**defaults, **columns})


def attempt(method: str = "pix", state: str = "succeeded", **columns: Any) -> PaymentAttempt:
    """An attempt of twelve minutes ago."""
    return PaymentAttempt(method=method, state=state, **{"started_at": minutes(-12), **columns})


def event(name: str, outcome: Outcome = Outcome.APPLIED, at: datetime | None = None) -> WebhookEvent:
    """An event of now."""
    return WebhookEvent(
        event=name, outcome=outcome, processed=outcome is not Outcome.WAITING, created_at=at or minutes(0)
    )


def question(why: Why = Why.MONEY, **columns: Any) -> Question:
    """One that will be asked in five minutes."""
    return Question(why=why, **{"due_at": minutes(5), "times": 1, "error": "", **columns})


def refunded(of: Order, *amounts: tuple[int, RefundState]) -> Order:
    """The order with refunds of so many cents in these states."""
    rows = [Refund(order=of, amount_cents=cents, state=state) for cents, state in amounts]
    of._prefetched_objects_cache = {"refunds": rows}  # type: ignore[attr-defined] # as the page reads it
    return of


def told(of: Order, past: Past | None = None, language: str = "pt-br") -> str:
    """The story in this language."""
    with translation.override(language):
        return story(of, past or Past(), NOW).replace("\xa0", " ")


REOPENS = "Um novo pagamento na loja reabre o pedido."
DONE = "Nada mais precisa acontecer."

TABLE: list[tuple[str, Order, Past, str]] = [
    (
        "nobody has tried",
        order(method=None),
        Past(),
        "Pedido criado há 12 minutos; ninguém tentou pagar ainda.",
    ),
    (
        "a Pix that can be paid",
        order(pix_emv="x", pix_expires_at=minutes(12)),
        Past([attempt()]),
        "Pix gerado há 12 minutos, expira às 14:32, ainda não pago. A Appmax avisa quando for pago.",
    ),
    (
        "a Pix that can be paid until tomorrow",
        order(pix_emv="x", pix_expires_at=minutes(24 * 60)),
        Past([attempt()]),
        "Pix gerado há 12 minutos, expira em 30/11/2026 às 14:20, ainda não pago. A Appmax avisa quando for pago.",
    ),
    (
        "a Pix without an end",
        order(pix_emv="x"),
        Past([attempt()]),
        "Pix gerado há 12 minutos, ainda não pago. A Appmax avisa quando for pago.",
    ),
    (
        "a Pix that is over, and Appmax hasn't said so",
        order(pix_emv="x", pix_expires_at=minutes(-2)),
        Past([attempt()]),
        "Pix gerado há 12 minutos, expirou às 14:18 sem pagamento. Falta a Appmax avisar que o pedido foi cancelado.",
    ),
    (
        "a boleto that can be paid",
        order(method="boleto", boleto_due_date=date(2026, 11, 29)),
        Past([attempt("boleto")]),
        "Boleto gerado há 12 minutos, vence em 29/11/2026, ainda não pago. "
        "Depois do pagamento, a Appmax pode levar até três dias úteis para avisar.",
    ),
    (
        "a boleto that is over",
        order(method="boleto", boleto_due_date=date(2026, 11, 28)),
        Past([attempt("boleto")]),
        "Boleto gerado há 12 minutos, venceu em 28/11/2026 sem pagamento. "
        "Depois do pagamento, a Appmax pode levar até três dias úteis para avisar.",
    ),
    (
        "a boleto without an end",
        order(method="boleto"),
        Past([attempt("boleto")]),
        "Boleto gerado há 12 minutos, ainda não pago. "
        "Depois do pagamento, a Appmax pode levar até três dias úteis para avisar.",
    ),
    (
        "a card that Appmax examines",
        order(method="credit_card"),
        Past([attempt("credit_card")]),
        "A Appmax aceitou o pagamento com cartão há 12 minutos e está analisando. "
        "Ela avisa quando houver um resultado.",
    ),
    (
        "an order that came from elsewhere",
        order(method="credit_card"),
        Past(),
        "Ainda não foi pago. A Appmax avisa quando for pago.",
    ),
    (
        "a card whose outcome nobody knows",
        order(method=None),
        Past([attempt("credit_card", "unknown")], question=question(Why.PAYMENT_UNKNOWN)),
        "Um pagamento com cartão foi enviado à Appmax há 12 minutos e ainda não se sabe o resultado. "
        "Enquanto isso, o comprador não deve pagar de novo. "
        "A próxima consulta à Appmax é às 14:25 (Não se sabe o resultado de um pagamento).",
    ),
    (
        "an attempt that failed",
        order(method=None),
        Past([attempt("credit_card", "failed")]),
        "A última tentativa de pagamento, com cartão, falhou há 12 minutos; nada foi cobrado. "
        "O comprador pode tentar de novo.",
    ),
    (
        "a declined card of an order that is still pending",
        order(method=None),
        Past([attempt("credit_card", "declined")]),
        "A última tentativa de pagamento, com cartão, foi recusada há 12 minutos; nada foi cobrado. "
        "O comprador pode tentar de novo.",
    ),
    (
        "a Pix that is paid, and whose event is held back",
        order(pix_emv="x", pix_expires_at=minutes(12)),
        Past([attempt()], events=[event("order_paid_by_pix", Outcome.WAITING)], question=question(due_at=minutes(-1))),
        "Pix gerado há 12 minutos, expira às 14:32, ainda não pago. A Appmax avisa quando for pago. "
        "O evento order_paid_by_pix chegou e aguarda para ser processado. "
        "Estamos consultando a Appmax (Um webhook informou movimentação de dinheiro).",
    ),
    ("a declined card", order("cancelado", None), Past([attempt("credit_card", "declined")]),
        f"Cancelado: o pagamento com cartão foi recusado e nada foi cobrado. {REOPENS}"),
    ("a Pix that expired", order("cancelado", pix_expires_at=minutes(-24 * 60)), Past([attempt()]),
        f"Cancelado: o Pix expirou em 28/11/2026 às 14:20 e não foi pago. {REOPENS}"),
    ("a Pix that expired, nobody knows when", order("cancelado"), Past(),
        f"Cancelado: o Pix não foi pago. {REOPENS}"),
    ("a boleto that nobody paid", order("cancelado", "boleto", boleto_due_date=date(2026, 11, 2)), Past(),
        f"Cancelado: o boleto venceu em 02/11/2026 e não foi pago. {REOPENS}"),
    ("cancelled before anybody tried", order("cancelado", None), Past(), f"Cancelado: nada foi pago. {REOPENS}"),
    ("cancelled after a card was taken", order("cancelado", "credit_card"), Past([attempt("credit_card")]),
        "Cancelado depois de a Appmax aceitar o pagamento com cartão; antes de um novo pagamento, vamos consultar a "
        f"Appmax. {REOPENS}"),
    ("refused for risk", order("recusado_por_risco", "credit_card"), Past([attempt("credit_card")]),
        f"Recusado pela análise de risco da Appmax; nada foi cobrado. {REOPENS}"),
    ("authorised", order("autorizado", "credit_card"), Past([attempt("credit_card")]),
        "Autorizado: o valor está reservado no cartão e ainda não foi cobrado. A Appmax avisa quando for cobrado."),
    ("paid, Appmax told when", order("aprovado", paid_at=minutes(-60)), Past([attempt()]),
        f"Pago por Pix às 13:20. {DONE}"),
    ("paid, an event told when", order("aprovado", "boleto"),
        Past(events=[event("order_approved"), event("OrderPaid", at=minutes(-3)), event("order_billet_created")]),
        f"Pago por boleto às 14:17. {DONE}"),
    ("paid elsewhere", order("aprovado", None), Past(), f"Pago. {DONE}"),
    ("on its way to the merchant's system", order("pendente_integracao", "credit_card"), Past(),
        "Pago com cartão. A Appmax está repassando o pedido ao sistema do lojista."),
    ("examined on its way", order("pendente_integracao_em_analise", "credit_card"), Past(),
        "Pago com cartão. O repasse ao sistema do lojista está em análise na Appmax."),
    ("passed on", order("integrado"), Past(), f"Pago por Pix e repassado ao sistema do lojista. {DONE}"),
    ("paid twice, perhaps", order("aprovado"), Past(question=question(Why.PAID_TWICE)),
        "Pago por Pix. A próxima consulta à Appmax é às 14:25 (Pago duas vezes?)."),
    ("Appmax was asked in vain", order("aprovado"), Past(question=question(error="Unavailable")),
        "Pago por Pix. A Appmax não respondeu. "
        "A próxima consulta à Appmax é às 14:25 (Um webhook informou movimentação de dinheiro)."),
    ("a question that was answered", order("aprovado"), Past(question=question(due_at=None)),
        f"Pago por Pix. {DONE}"),
    ("disputed", order("chargeback_em_tratativa", "credit_card"), Past(),
        "O comprador contestou no banco o pagamento de R$ 129,90. "
        "Consultamos a Appmax todos os dias para acompanhar o caso."),
    ("disputed, and the merchant objects", order("chargeback_em_disputa"), Past(question=question(Why.CHARGEBACK)),
        "O comprador contestou no banco o pagamento de R$ 129,90, e o lojista está em disputa. "
        "A próxima consulta à Appmax é às 14:25 (Em chargeback)."),
    ("lost", order("chargeback_perdido"), Past(), f"O comprador ganhou a disputa: o lojista perdeu R$ 129,90. {DONE}"),
    ("won", order("chargeback_vencido"), Past(),
        f"O comprador contestou o pagamento e perdeu: o dinheiro fica com o lojista. {DONE}"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "past", "words"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_how_it_stands_and_what_comes_next(of: Order, past: Past, words: str) -> None:
    assert told(of, past) == words


def test_the_same_in_english() -> None:
    pix = order(pix_emv="x", pix_expires_at=minutes(12))

    assert told(pix, Past([attempt()]), "en") == (
        "Pix generated 12 minutes ago, expires at 14:32, not paid yet. Appmax tells us when it is paid."
    )


# --- refunds ---


def past_of(of: Order) -> Past:
    """With the order's refunds."""
    return Past(refunds=list(of.refunds.all()))


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ([(2550, RefundState.CONFIRMED)], f"Pago por Pix. R$ 25,50 já voltaram ao comprador. {DONE}"),
        (
            [(1000, RefundState.ASKED), (500, RefundState.ASKED)],
            "Pago por Pix. Um estorno de R$ 15,00 está em andamento; a Appmax avisa quando terminar.",
        ),
        (
            [(1000, RefundState.UNKNOWN)],
            "Pago por Pix. A Appmax pode ter aceitado um estorno de R$ 10,00; ainda não se sabe.",
        ),
        ([(1000, RefundState.REFUSED)], f"Pago por Pix. {DONE}"),
    ],
)
def test_what_goes_back_is_told_by_its_state(amounts: list[tuple[int, RefundState]], words: str) -> None:
    of = refunded(order("aprovado"), *amounts)

    assert told(of, past_of(of)) == words


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ([], "O estorno foi feito no painel da Appmax."),
        ([(12990, RefundState.CONFIRMED)], ""),
        ([(12990, RefundState.ASKED)], ""),
        ([(12990, RefundState.UNKNOWN)], ""),
        ([(12990, RefundState.REFUSED)], "O estorno foi feito no painel da Appmax."),
        ([(2990, RefundState.CONFIRMED)], "Desse valor, R$ 100,00 foram estornados no painel da Appmax."),
    ],
)
def test_of_an_order_that_is_refunded_all_went_back_whoever_asked_for_it(
    amounts: list[tuple[int, RefundState]], words: str
) -> None:
    of = refunded(order("estornado"), *amounts)

    assert told(of, past_of(of)) == " ".join(
        filter(None, ("Todo o valor, R$ 129,90, voltou ao comprador.", words, DONE))
    )


def test_a_partial_refund_of_appmaxs_panel_is_told_without_its_amount() -> None:
    of = order("aprovado", refunded_elsewhere_at=minutes(-5))

    assert "Uma parte foi estornada no painel da Appmax às 14:15; só o painel diz quanto." in told(of)
    assert "painel" not in told(order("chargeback_perdido", refunded_elsewhere_at=minutes(-5)))


def sums(of: Order) -> dict[str, int]:
    """The amounts by their names."""
    with translation.override("en"):
        return {each.label: each.cents for each in money(of)}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pendente", {"To be paid": 12990, "Amount paid": 0}),
        ("cancelado", {"To be paid": 12990, "Amount paid": 0}),
        ("autorizado", {"Reserved on the card": 12990, "Amount paid": 0}),
        ("aprovado", {"Amount paid": 12990, "Paid back": 1000, "On its way back": 500, "Left": 11490}),
        ("chargeback_vencido", {"Amount paid": 12990, "Paid back": 1000, "On its way back": 500, "Left": 11490}),
        ("estornado", {"Amount paid": 12990, "Paid back": 12990, "On its way back": 0, "Left": 0}),
        (
            "chargeback_perdido",
            {
                "Amount paid": 12990,
                "Lost in the chargeback": 11990,
                "Paid back": 1000,
                "On its way back": 0,
                "Left": 0,
            },
        ),
    ],
)
def test_the_money_is_where_it_is(status: str, expected: dict[str, int]) -> None:
    of = refunded(order(status), (1000, RefundState.CONFIRMED), (200, RefundState.ASKED), (300, RefundState.UNKNOWN))

    assert sums(of) == expected


@pytest.mark.parametrize("status", [status for status in OrderStatus if is_paid(status) and status != "autorizado"])
def test_no_cent_is_lost_in_the_sums(status: OrderStatus) -> None:
    of = refunded(order(status), (1000, RefundState.CONFIRMED), (200, RefundState.ASKED), (70, RefundState.REFUSED))
    found = sums(of)

    assert found.pop("Amount paid") == sum(found.values())


def test_what_is_left_is_an_upper_bound_if_a_part_went_back_elsewhere() -> None:
    with translation.override("en"):
        notes = {each.label: each.note for each in money(order("aprovado", refunded_elsewhere_at=NOW))}

    assert notes["Left"] == "at most: a part went back in Appmax's panel"
    assert notes["Paid back"] == "and a part in Appmax's panel"


# --- every situation ---


def attempts() -> list[list[PaymentAttempt]]:
    """None, each of one, and an upsell above a Pix."""
    return [[], *([attempt(*each)] for each in itertools.product(AttemptMethod.values, AttemptState.values)),
            [attempt("upsell"), attempt()]]  # fmt: skip


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("method", [None, *PaymentMethod.values])
def test_every_situation_has_its_sentences_in_both_languages(status: OrderStatus, method: str | None) -> None:
    for tried, end, asked in itertools.product(
        attempts(), (None, -1440.0, 5.0), (None, question(), question(error="X"))
    ):
        columns = {"pix_expires_at": end and minutes(end), "boleto_due_date": end and minutes(end).date()}
        of = refunded(order(status, method, **columns), (100, RefundState.CONFIRMED))
        past = Past(tried, list(of.refunds.all()), [event("order_paid", Outcome.WAITING)], asked)
        english, portuguese = told(of, past, "en"), told(of, past)

        for text in (english, portuguese):
            assert text.endswith("."), text
            assert not [fault for fault in ("%(", "  ", "..", "None") if fault in text], text
        same = set(english.split(". ")) & set(portuguese.split(". "))
        assert not same, same
        assert ("pay again" in english) == (not is_paid(status) and any(each.state in OPEN for each in tried)) or (
            "before anybody pays again" in english
        )


# --- the codes ---


@pytest.mark.parametrize(
    ("of", "is_of_use"),
    [
        (order(pix_expires_at=minutes(1)), True),
        (order(pix_expires_at=minutes(0)), False),
        (order(), True),
        (order("cancelado", pix_expires_at=minutes(1)), False),
        (order("aprovado", pix_expires_at=minutes(1)), False),
        (order(method="boleto", boleto_due_date=date(2026, 11, 29)), True),
        (order(method="boleto", boleto_due_date=date(2026, 11, 28)), False),
        (order(method="boleto"), True),
        (order(method="credit_card"), False),
        (order(method=None), False),
    ],
)
def test_a_code_is_of_use_while_it_can_be_paid(of: Order, is_of_use: bool) -> None:
    assert can_be_paid(of, NOW) == is_of_use
