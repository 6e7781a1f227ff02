"""How the API answers about payments: as the documentation says (`simulator/__init__.py` names its pages), or, as a
switch, in one of the other shapes that were seen."""

import json
from typing import Any

from flask import Response

from simulator.cards import MOST_INSTALMENTS, with_interest
from simulator.orders import BOLETO, PIX, Order, Payment
from simulator.records import as_appmax_writes

# `pix_url`: the address of a Pix's picture in place of the picture. `parcels`: instalments as the value of one of them,
# in reais or in cents. `absurd_totals`: instalments whose totals can't be right.
DOCUMENTED, OTHER_NAMES, PIX_URL, PARCELS, PARCELS_IN_CENTS, ABSURD_TOTALS = SHAPES = (
    "documented",
    "other_names",
    "pix_url",
    "parcels",
    "parcels_in_cents",
    "absurd_totals",
)
# How the JSON of an answer is written: with a byte order mark before it, or as UTF-8 that claims to be a Latin-1 page.
AS_JSON, WITH_BOM, AS_PAGE = WRITINGS = ("json", "bom", "latin1_page")
# How a token says its lifetime.
LIFETIMES = ("seconds", "decimal", "text", "missing")

SPARSE = (1, 2, 3, 6, 10, 12)  # the numbers of instalments that are offered
LEAST_INSTALMENT = 500  # cents


def written(how: str, response: Response) -> Response:
    """The answer, in the way of writing that is switched on."""
    if how == WITH_BOM:
        response.set_data(b"\xef\xbb\xbf" + response.get_data())
    elif how == AS_PAGE:
        response.set_data(json.dumps(response.get_json(), ensure_ascii=False).encode())
        response.content_type = "text/html; charset=iso-8859-1"
    return response


def lifetime(how: str, seconds: float) -> dict[str, Any]:
    """`expires_in` of a token's answer."""
    whole = int(seconds)
    shapes: dict[str, dict[str, Any]] = {
        "seconds": {"expires_in": whole},
        "decimal": {"expires_in": float(whole)},
        "text": {"expires_in": f"{whole}.0"},
        "missing": {},
    }
    return shapes[how]


def card(shape: str, payment: Payment) -> dict[str, Any]:
    """A card payment that was answered with 201."""
    if shape == OTHER_NAMES:
        return {"order": {"status": payment.status}, "upsell_hash": payment.upsell_hash}
    names = ("id", "pay_reference", "upsell_hash", "status")
    return {"payment": {name: getattr(payment, name) for name in names}}


def pix(shape: str, order: Order, origin: str) -> dict[str, Any]:
    """The order's Pix; `origin` is the simulator's, with a scheme."""
    expires_at = as_appmax_writes(order.pix_expires_at)
    if shape == OTHER_NAMES:
        qr_code = f"data:image/png;base64,{order.pix_qr_code}"
        return {"pix": {"qr_code": qr_code, "emv_code": order.pix_emv, "expires_at": expires_at}}
    picture = f"{origin.rstrip('/')}/pix/{order.id}.png" if shape == PIX_URL else order.pix_qr_code
    return {"payment": {"pix_qrcode": picture, "pix_emv": order.pix_emv, "pix_expiration_date": expires_at}}


def pix_is_pending(shape: str) -> dict[str, Any]:
    """The answer while a Pix is pending already, which has all fields empty. There is no second Pix."""
    if shape == OTHER_NAMES:
        return {"pix": {"qr_code": "", "emv_code": "", "expires_at": ""}}
    return {"payment": {"pix_qrcode": "", "pix_emv": "", "pix_expiration_date": ""}}


def boleto(shape: str, order: Order) -> dict[str, Any]:
    """The order's boleto."""
    link, line, due = order.boleto_link_pdf, order.boleto_digitable_line, order.boleto_due_date
    if shape == OTHER_NAMES:
        return {"boleto": {"pdf_url": link, "digitable_line": line, "due_date": due}}
    return {"payment": {"boleto_link_pdf": link, "boleto_digitable_line": line, "boleto_expiration_date": due}}


def installments(shape: str, total_cents: int, most: int, *, settings: bool) -> dict[str, Any]:
    """What up to `most` instalments cost: their totals in cents, and the merchant's settings if they are asked for."""
    if shape in (PARCELS, PARCELS_IN_CENTS):
        unit = 100 if shape == PARCELS else 1
        each = {n: with_interest(total_cents, n) / n / unit for n in range(1, most + 1)}
        return {"parcels": {str(n): round(value, 2) for n, value in each.items()}}
    offered = [n for n in SPARSE if n <= most and (n == 1 or total_cents >= n * LEAST_INSTALMENT)]
    factor = 3 if shape == ABSURD_TOTALS else 1
    totals = {str(n): {"total": factor * with_interest(total_cents, n)} for n in offered}
    merchants = {"modality": "PP", "max_installments": MOST_INSTALMENTS, "min_installment_value": LEAST_INSTALMENT}
    return {"installments": totals, **({"settings": merchants} if settings else {})}


def upsell(shape: str, order: Order, origin: str) -> dict[str, Any]:
    """An order that an upsell made; `origin` is the simulator's, with a scheme."""
    url, message = f"{origin.rstrip('/')}/orders", "Transação efetuada com sucesso"
    if shape == OTHER_NAMES:
        return {"message": message, "redirect_url": url.partition("://")[2]}
    return {"message": message, "redirect_url": url, "order": {"id": order.id, "status": order.status}}


def order(order: Order, customer: dict[str, Any]) -> dict[str, Any]:
    """`GET /v1/orders/{id}`. An object that is empty is written `[]`, as PHP does."""
    names = customer.get("first_name", ""), customer.get("last_name", "")
    return {
        "order": {
            "id": order.id,
            "status": order.status,
            "total_paid": order.total_paid,
            "amounts": {
                "sub_total": order.products_value,
                "shipping_value": order.shipping_value,
                "discount": order.discount_value,
                "installment_fee": 0,  # whoever makes an order has put the interest into its values
            },
            "created_at": as_appmax_writes(order.created_at),
            "updated_at": as_appmax_writes(order.updated_at),
        },
        "customer": {
            "id": order.customer_id,
            "name": " ".join(filter(None, names)),
            "email": customer.get("email", ""),
            "document_number": customer.get("document_number", ""),
        },
        "payment": _payment_of(order),
        "refund": {"refunded_at": as_appmax_writes(order.refunded_at)} if order.refunded_at else [],
    }


def _payment_of(order: Order) -> dict[str, Any] | list[Any]:
    """Its latest payment. The documentation shows a card's; a Pix or boleto brings its codes along, as was seen."""
    latest = order.payments[-1] if order.payments else None
    paid_at = as_appmax_writes(latest.paid_at) if latest and latest.paid_at else None
    if order.method == PIX:
        return {"method": "pix", **pix(DOCUMENTED, order, "")["payment"], "paid_at": paid_at}
    if order.method == BOLETO:
        return {"method": "boleto", **boleto(DOCUMENTED, order)["payment"], "paid_at": paid_at}
    if order.method and latest:
        return {
            "method": order.method.replace("_", ""),
            "installments": latest.installments,
            "installments_amount": -(-latest.amount // latest.installments),
            "card": {"brand": latest.card_brand, "number": f"{latest.card_first6}****{latest.card_last4}"},
            "paid_at": paid_at,
        }
    return []
