"""What is read from Appmax's answers: what is missing is named; amounts and ids are such as the table can hold."""

from collections.abc import Callable
from typing import Any

import pytest

from appmax import messages
from appmax.messages import MAX_NUMBER, CardCharge, PixPayment, Unreadable

ORDER = {"id": 9, "status": "pendente"}


@pytest.mark.parametrize(
    ("read", "body", "missing"),
    [
        (messages.read_created_order, {"data": {"order": {}}}, "data.order.id"),
        (messages.read_order, {"data": {"order": {"status": "pendente"}}}, "data.order.id"),
        (messages.read_order, {"data": {"order": {"id": 9}}}, "data.order.status"),
        (messages.read_card_payment, {"data": {"payment": {}}}, "data.payment.pay_reference"),
        (
            messages.read_card_payment,
            {"data": {"payment": {"status": "aprovado", "pay_reference": ""}}},
            "data.payment.pay_reference",
        ),
        (messages.read_pix, {"data": {}}, "data.payment.pix_qrcode"),
        (messages.read_boleto, {"data": {}}, "data.payment.boleto_link_pdf"),
        (messages.read_installments, {"data": {}}, "data.parcels"),
        (messages.read_upsell, {}, "data"),
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
    assert messages.read_order({"data": {"order": {**ORDER, "total": total}}}).total_cents == cents


@pytest.mark.parametrize("text", ["9", "9".zfill(20), 9])
def test_an_id_is_a_number_or_its_text(text: Any) -> None:
    assert messages.read_id({"id": text}, "id") == 9
    assert messages.read_id({"id": MAX_NUMBER}, "id") == MAX_NUMBER


@pytest.mark.parametrize(
    "odd", [None, "", "0", 0, -9, "-9", "٩", 9.0, True, MAX_NUMBER + 1, "9" * 30, "9".zfill(21), [9], {"id": 9}]
)
def test_all_else_is_no_id(odd: Any) -> None:
    with pytest.raises(Unreadable):
        messages.read_id({"id": odd}, "id")


def test_a_pix_may_have_one_of_its_codes() -> None:
    assert messages.read_pix({"data": {"payment": {"pix_qrcode": "q"}}}) == PixPayment(qr_code="q", emv="")
    assert messages.read_pix({"data": {"payment": {"pix_emv": "e"}}}) == PixPayment(qr_code="", emv="e")


def test_a_charge_is_of_a_card_or_a_token() -> None:
    with pytest.raises(ValueError, match=r"^either a card or a token is needed$"):
        CardCharge()
