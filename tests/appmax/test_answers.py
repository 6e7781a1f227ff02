"""What is read from Appmax's answers: what is missing is named; amounts and ids are such as the table can hold."""

from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appmax import answers
from appmax.answers import MAX_NUMBER, PixPayment, Unreadable
from appmax.messages import CardCharge

ORDER = {"id": 9, "status": "pendente"}


@pytest.mark.parametrize(
    ("read", "body", "missing"),
    [
        (answers.read_created_order, {"data": {"order": {}}}, "data.order.id"),
        (partial(answers.read_order, zone=UTC), {"data": {"order": {"status": "pendente"}}}, "data.order.id"),
        (partial(answers.read_order, zone=UTC), {"data": {"order": {"id": 9}}}, "data.order.status"),
        (answers.read_card_payment, {"data": {"payment": {}}}, "data.payment.pay_reference"),
        (
            answers.read_card_payment,
            {"data": {"payment": {"status": "aprovado", "pay_reference": ""}}},
            "data.payment.pay_reference",
        ),
        (partial(answers.read_pix, zone=UTC), {"data": {}}, "data.payment.pix_qrcode"),
        (partial(answers.read_boleto, zone=UTC), {"data": {}}, "data.payment.boleto_link_pdf"),
        (partial(answers.read_installments, total_value=1), {"data": {}}, "data.installments"),
        (answers.read_upsell, {}, "data"),
    ],
)
def test_what_an_answer_lacks_is_named(read: Callable[[Any], Any], body: Any, missing: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body)

    assert str(caught.value) == missing


@pytest.mark.parametrize(
    ("total", "cents"),
    [(0, 0), (MAX_NUMBER, MAX_NUMBER), (MAX_NUMBER + 1, None), (-1, None), (True, None), ("9", None), (9.0, None)],
)
def test_an_amount_is_whole_cents_that_the_table_can_hold(total: Any, cents: int | None) -> None:
    assert answers.read_order({"data": {"order": {**ORDER, "total": total}}}, UTC).total_cents == cents


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "0001-01-01 00:00:00"])
def test_a_date_that_stands_for_none_is_none(zero: str) -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    boleto = {"pdf_url": "https://x", "digitable_line": "1", "due_date": zero}

    assert answers.read_boleto({"data": {"boleto": boleto}}, zone).due_date is None
    order = {"data": {"order": ORDER, "payment": {"paid_at": zero}, "refund": {"refunded_at": zero}}}
    read = answers.read_order(order, zone)
    assert (read.paid_at, read.refunded_at) == (None, None)


@pytest.mark.parametrize(("said", "read"), [(12, 12), (99, 99), (100, None), (40000, None), (0, None)])
def test_instalments_are_a_number_that_the_table_can_hold(said: int, read: int | None) -> None:
    body = {"data": {"order": ORDER, "payment": {"installments": said}}}

    assert answers.read_order(body, UTC).installments == read


@pytest.mark.parametrize("text", ["9", "9".zfill(20), 9, 9.0])
def test_an_id_is_a_number_or_its_text(text: Any) -> None:
    assert answers.read_id({"id": text}, "id") == 9
    assert answers.read_id({"id": MAX_NUMBER}, "id") == MAX_NUMBER


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "",
        "0",
        0,
        -9,
        "-9",
        "٩",
        9.5,
        float("nan"),
        float("inf"),
        True,
        MAX_NUMBER + 1,
        "9" * 30,
        "9".zfill(21),
        [9],
        {"id": 9},
    ],
)
def test_all_else_is_no_id(odd: Any) -> None:
    with pytest.raises(Unreadable):
        answers.read_id({"id": odd}, "id")


def test_a_pix_may_have_one_of_its_codes() -> None:
    assert answers.read_pix({"data": {"payment": {"pix_qrcode": "q"}}}, UTC) == PixPayment(qr_code="q", emv="")
    assert answers.read_pix({"data": {"payment": {"pix_emv": "e"}}}, UTC) == PixPayment(qr_code="", emv="e")


def test_a_charge_is_of_a_card_or_a_token() -> None:
    with pytest.raises(ValueError, match=r"^either a card or a token is needed$"):
        CardCharge()
