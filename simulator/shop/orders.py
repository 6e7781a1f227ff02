"""An order after the checkout: how it stands, its Pix or boleto, the offer, and the box in which one is the bank."""

import hashlib
from typing import Any

from flask import Response as JsonResponse
from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import format_date
from werkzeug.wrappers import Response

from simulator import events
from simulator.boleto import due_of
from simulator.context import simulation
from simulator.orders import PENDING_METHODS
from simulator.shop import statuses, visitor
from simulator.shop.backend import (
    AlreadyUnderWay,
    Backend,
    Declined,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from simulator.shop.blueprint import backend, external_key, shop
from simulator.shop.buying import may_pay, of_this_browser, send_payment
from simulator.shop.cart import order_line
from simulator.shop.catalogue import OFFER, OFFER_USUALLY_CENTS
from simulator.shop.language import text as _
from simulator.shop.memory import Details, memory
from simulator.shop.visitor import Placed

BANK = {"pay": events.pay, "expire": events.expire}


@shop.get("/<external_key>/orders", endpoint="orders")
def my_orders() -> str:
    """Those of this browser."""
    product = backend()
    rows = [(placed, _words(placed, _status(product, placed.order_id))) for placed in visitor.orders(external_key())]
    return render_template("shop/orders.html", rows=rows)


@shop.get("/<external_key>/orders/<int:order_id>", endpoint="order")
def show(order_id: int) -> str:
    """One order: its status is the product's word, the rest is what the shop remembers of it."""
    placed, details = of_this_browser(order_id), memory().details(external_key(), order_id)
    status = _status(backend(), order_id)
    return render_template(
        "shop/order.html",
        placed=placed,
        details=details,
        status=status,
        words=_words(placed, status),
        may_pay=may_pay(placed, status),
        not_paid=statuses.NOT_PAID,
        paid=statuses.PAID,
        pix_until=int(placed.at + 60 * simulation().state.switches.pix_minutes),
        picture=_picture(details.qr_code),
        due=_due(details.digitavel),
        bank=_bank(order_id),
        offer=None if placed.answered or not details.upsell_hash else OFFER,
        usually=OFFER_USUALLY_CENTS,
    )


@shop.get("/<external_key>/orders/<int:order_id>/status.json")
def status_json(order_id: int) -> JsonResponse:
    """What the order page asks for again and again."""
    placed = of_this_browser(order_id)
    status = _status(backend(), order_id)
    words = _words(placed, status)
    return jsonify(status=status, label=str(words.label), text=str(words.text), kind=words.kind)


def _status(product: Backend, order_id: int) -> str:
    """Empty if the product couldn't be asked, or has no such order any more."""
    try:
        return product.status(order_id)
    except (Unavailable, NotFound):
        return ""


def _words(placed: Placed, status: str) -> statuses.Words:
    return statuses.words(status, placed.method, unknown=placed.unknown)


def _picture(qr_code: str) -> str:
    """An address for the QR code's picture, of base64, a data URL or an address."""
    if not qr_code or qr_code.startswith(("data:", "http://", "https://")):
        return qr_code
    return f"data:image/png;base64,{qr_code}"


def _due(digitavel: str) -> str:
    """The day up to which a boleto can be paid, in words."""
    due = due_of(digitavel)
    return str(format_date(due, "long")) if due else ""


# --- an outcome that nobody knows ------------------------------------------------------------------------------------


@shop.post("/<external_key>/orders/<int:order_id>/ask-again")
def ask_again(order_id: int) -> Response:
    """Sends the very same request with the very same Idempotency-Key: it is answered once the outcome is known."""
    placed, details = of_this_browser(order_id), memory().details(external_key(), order_id)
    if not (placed.unknown and details.attempt):
        return redirect(url_for(".order", order_id=order_id), 303)
    return send_payment(backend(), placed, placed.method, details.request, details.attempt)


# --- the offer -------------------------------------------------------------------------------------------------------


@shop.post("/<external_key>/orders/<int:order_id>/offer")
def answer_offer(order_id: int) -> Response:
    """One click buys one thing more with the same card; the offer is made once."""
    placed, details = of_this_browser(order_id), memory().details(external_key(), order_id)
    if not placed.answered and details.upsell_hash:
        if request.form.get("answer") == "yes":
            _accept(placed, details)
        else:
            visitor.keep(placed, answered=True)
    return redirect(url_for(".order", order_id=order_id, _anchor="offer"), 303)


def _accept(placed: Placed, details: Details) -> None:
    body = {
        "upsell_hash": details.upsell_hash,
        "products_value": OFFER.cents,
        "products": [order_line(OFFER, 1)],
    }
    key = f"offer-{hashlib.sha256(details.upsell_hash.encode()).hexdigest()[:32]}"
    product, changes = backend(), {}
    try:
        sold = product.upsell(body, key)
        changes = {"upsell_message": sold["message"], "upsell_url": _web_address(sold["redirect_url"])}
    except Unavailable:
        flash(_("That didn't work just now, and nothing was charged. Please try again."), "bad")
        return
    except (Declined, Rejected) as error:
        reason = error.message
        flash(_("The offer couldn't be added (%(reason)s). Nothing more was charged.", reason=reason), "bad")
    except (AlreadyUnderWay, OutcomeUnknown):
        flash(_("We are still confirming your extra. You won't be charged for it twice."), "busy")
    memory().remember(placed.external_key, placed.order_id, calls=product.taken_calls(), **changes)
    visitor.keep(placed, answered=True)


def _web_address(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""


# --- the bank --------------------------------------------------------------------------------------------------------


def _bank(order_id: int) -> dict[str, Any]:
    """What one can do as the bank. `known`: whether the simulated Appmax remembers the order."""
    order = simulation().state.order(order_id)
    return {"known": order is not None, "pending": order.pending if order else []}


@shop.post("/<external_key>/orders/<int:order_id>/bank")
def be_the_bank(order_id: int) -> Response:
    """Pay the order's Pix or boleto, or let it go; the product learns of it by webhook alone."""
    of_this_browser(order_id)
    act, method = BANK.get(request.form.get("act", "")), request.form.get("method", "")
    if act is None or method not in PENDING_METHODS:
        abort(422)
    if act(simulation(), order_id, method) is None:
        flash(_("There is nothing to pay any more."), "busy")
    return redirect(url_for(".order", order_id=order_id), 303)
