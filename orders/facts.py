"""Turns what Appmax tells of a payment into columns of the order's row."""

from typing import Any

from appmax.answers import BoletoPayment, PixPayment, RemoteOrder
from appmax.messages import CardCharge, Charge


def of_pix(pix: PixPayment) -> dict[str, Any]:
    return {"pix_qr_code": pix.qr_code, "pix_emv": pix.emv, "pix_expires_at": pix.expires_at}


def of_boleto(boleto: BoletoPayment) -> dict[str, Any]:
    return {
        "boleto_pdf_url": boleto.pdf_url,
        "boleto_digitavel": boleto.digitable_line,
        "boleto_due_date": boleto.due_date,
    }


def of_charge(charge: Charge) -> dict[str, Any]:
    """The instalments, and the card's last digits unless a token or a wallet was sent. The brand of an earlier card is
    removed; Appmax tells the new one when it is asked about the order."""
    digits = charge.card.number[-4:] if isinstance(charge, CardCharge) and charge.card else None
    return {"installments": charge.installments, "card_last_digits": digits, "card_brand": None}


def of_payment(remote: RemoteOrder) -> dict[str, Any]:
    """The card, the instalments and the time of payment, as far as Appmax tells them."""
    columns = {
        "card_brand": remote.card_brand[:32],
        "card_last_digits": remote.card_last_digits,
        "installments": remote.installments,
        "paid_at": remote.paid_at,
    }
    return {name: value for name, value in columns.items() if value}


def of_order(remote: RemoteOrder) -> dict[str, Any]:
    """All columns that the answer has values for."""
    codes = (of_pix(remote.pix) if remote.pix else {}) | (of_boleto(remote.boleto) if remote.boleto else {})
    return {name: value for name, value in codes.items() if value} | of_payment(remote)
