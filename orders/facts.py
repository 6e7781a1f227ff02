"""What Appmax tells of a payment, as columns of the order's row."""

from typing import Any

from appmax.answers import BoletoPayment, PixPayment, RemoteOrder
from appmax.messages import CardCharge


def of_pix(pix: PixPayment) -> dict[str, Any]:
    """How and until when it can be paid."""
    return {"pix_qr_code": pix.qr_code, "pix_emv": pix.emv, "pix_expires_at": pix.expires_at}


def of_boleto(boleto: BoletoPayment) -> dict[str, Any]:
    """How and until which day it can be paid."""
    return {
        "boleto_pdf_url": boleto.pdf_url,
        "boleto_digitavel": boleto.digitable_line,
        "boleto_due_date": boleto.due_date,
    }


def of_charge(charge: CardCharge) -> dict[str, Any]:
    """Of a card that was charged we know the instalments, and the last digits unless a token stood for it. Its brand
    Appmax tells when it is asked about the order; that of an earlier card is forgotten."""
    digits = charge.card.number[-4:] if charge.card else None
    return {"installments": charge.installments, "card_last_digits": digits, "card_brand": None}


def of_payment(remote: RemoteOrder) -> dict[str, Any]:
    """The card, and when it was paid."""
    columns = {
        "card_brand": remote.card_brand[:32],
        "card_last_digits": remote.card_last_digits,
        "installments": remote.installments,
        "paid_at": remote.paid_at,
    }
    return {name: value for name, value in columns.items() if value}


def of_order(remote: RemoteOrder) -> dict[str, Any]:
    """All that the answer tells."""
    codes = (of_pix(remote.pix) if remote.pix else {}) | (of_boleto(remote.boleto) if remote.boleto else {})
    return {name: value for name, value in codes.items() if value} | of_payment(remote)
