"""How the API answers about payments, in the shape that is switched on; all were seen.

`shape`: classic, newer, or pix_url: classic with the address of a Pix's picture in place of the picture.
"""

from typing import Any

from simulator.cards import instalment
from simulator.orders import BOLETO, CARD, PIX, Order, Payment

CLASSIC, NEWER, PIX_URL = SHAPES = ("classic", "newer", "pix_url")

SPARSE = (1, 2, 3, 6, 12)  # the numbers of instalments that the newer shape offers


def card(shape: str, payment: Payment) -> dict[str, Any]:
    """A card payment that was answered with 201."""
    if shape == NEWER:
        return {"order": {"status": payment.status}, "upsell_hash": payment.upsell_hash}
    names = ("id", "pay_reference", "upsell_hash", "status")
    return {"payment": {name: getattr(payment, name) for name in names}}


def pix(shape: str, order: Order, origin: str) -> dict[str, Any]:
    """The order's Pix; `origin` is the simulator's, with a scheme."""
    if shape == NEWER:
        qr_code, expires_at = f"data:image/png;base64,{order.pix_qr_code}", order.pix_expires_at[:19].replace("T", " ")
        return {"pix": {"qr_code": qr_code, "emv_code": order.pix_emv, "expires_at": expires_at}}
    picture = f"{origin.rstrip('/')}/pix/{order.id}.png" if shape == PIX_URL else order.pix_qr_code
    return {"payment": {"pix_qrcode": picture, "pix_emv": order.pix_emv}}


def pix_is_pending(shape: str) -> dict[str, Any]:
    """No second Pix while one is pending: all fields are empty."""
    if shape == NEWER:
        return {"pix": {"qr_code": "", "emv_code": "", "expires_at": ""}}
    return {"payment": {"pix_qrcode": "", "pix_emv": ""}}


def boleto(shape: str, order: Order) -> dict[str, Any]:
    """The order's boleto."""
    if shape == NEWER:
        names = {
            "pdf_url": "boleto_link_pdf",
            "digitable_line": "boleto_digitable_line",
            "due_date": "boleto_due_date",
        }
        return {"boleto": {name: getattr(order, field) for name, field in names.items()}}
    return {"payment": _fields(order, "boleto_link_pdf", "boleto_digitable_line")}


def installments(shape: str, total_cents: int, most: int) -> dict[str, Any]:
    """One to `most` instalments, in reais: the value of one of them (classic), or the total of all as text (newer)."""
    if shape == NEWER:
        numbers = [number for number in SPARSE if number <= most]
        return {"installments": {str(n): {"total": str(instalment(total_cents, n) * n)} for n in numbers}}
    return {"parcels": {str(number): float(instalment(total_cents, number)) for number in range(1, most + 1)}}


def upsell(shape: str, order: Order, origin: str) -> dict[str, Any]:
    """An order that an upsell made; `origin` is the simulator's, with a scheme."""
    url, message = f"{origin.rstrip('/')}/orders", "Upsell approved"
    if shape == NEWER:
        return {"message": message, "redirect_url": url.partition("://")[2]}
    return {"message": message, "redirect_url": url, "order": {"id": order.id, "status": order.status}}


def payment_of(order: Order) -> dict[str, Any] | list[Any]:
    """An order's latest payment, as `GET /v1/orders/{id}` tells of it. Appmax writes [] for an object that is empty."""
    if order.method == PIX:
        return {"method": "pix", "pix_qrcode": order.pix_qr_code, "pix_emv": order.pix_emv}
    if order.method == BOLETO:
        return {"method": "boleto", **_fields(order, "boleto_link_pdf", "boleto_digitable_line")}
    if order.method == CARD:
        return {"method": "creditcard", **_fields(order.payments[-1], "pay_reference", "upsell_hash", "installments")}
    return []


def _fields(record: Order | Payment, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}
