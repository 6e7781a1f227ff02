"""An order after the checkout: how it stands, its Pix or boleto, the offer, and the box in which one is the bank."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from flask import Response as JsonResponse
from flask import abort, flash, jsonify, redirect, render_template, request, stream_with_context, url_for
from flask_babel import format_date
from werkzeug.wrappers import Response

from examples.storefront import bank, statuses, told, visitor
from examples.storefront.backend import (
    AlreadyUnderWay,
    Backend,
    Declined,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from examples.storefront.blueprint import backend, external_key, shop
from examples.storefront.buying import may_pay, of_this_browser, send_payment
from examples.storefront.cart import order_line
from examples.storefront.catalogue import OFFER, OFFER_USUALLY_CENTS
from examples.storefront.forms import METHODS, PAID_LATER
from examples.storefront.language import text as _
from examples.storefront.memory import Details, memory
from examples.storefront.visitor import Placed

NOT_TOLD = {"status": "", "pix": None, "boleto": None}


@shop.get("/<external_key>/orders", endpoint="orders")
def my_orders() -> str:
    """Lists the orders of this browser."""
    product = backend()
    rows = [(placed, _words(placed, _status(product, placed.order_id))) for placed in visitor.orders(external_key())]
    return render_template("orders.html", rows=rows)


@shop.get("/<external_key>/orders/<int:order_id>", endpoint="order")
def show(order_id: int) -> str:
    """Shows one order: its status, Pix and boleto are the product's word, the rest is what the shop remembers."""
    placed, details = of_this_browser(order_id), memory().details(external_key(), order_id)
    found = _order(backend(), order_id)
    pix, boleto = found["pix"], found["boleto"]
    return render_template(
        "order.html",
        placed=placed,
        paid_by=METHODS.get(placed.method),
        details=details,
        status=found["status"],
        is_told=told.is_listening(),
        words=_words(placed, found["status"]),
        may_pay=may_pay(placed, found["status"]),
        not_paid=statuses.NOT_PAID,
        paid=statuses.PAID,
        pix=pix,
        picture=_picture(pix["qr_code"]) if pix else "",
        pix_until=_seconds(pix["expires_at"]) if pix else 0,
        boleto=boleto,
        due=_day(boleto["due_date"]) if boleto else "",
        bank=_bank(placed),
        offer=None if placed.answered or not details.upsell_hash else OFFER,
        usually=OFFER_USUALLY_CENTS,
    )


@shop.get("/<external_key>/orders/<int:order_id>/status.json")
def status_json(order_id: int) -> JsonResponse:
    """What the order's page asks for every two seconds while nobody tells it anything."""
    placed = of_this_browser(order_id)
    return jsonify(_told(placed, _status(backend(), order_id)))


@shop.get("/<external_key>/orders/<int:order_id>/changes")
def changes(order_id: int) -> JsonResponse:
    """Tells the order's page what this server is told of the order (told.py), as server-sent events. The connection
    ends after a while, and the browser opens another one."""
    placed = of_this_browser(order_id)
    seen = request.headers.get("Last-Event-ID", "")[:9]  # A browser says what it saw last, when it comes again.

    def events() -> Iterator[str]:
        yield "retry: 2000\n\n"
        for news in told.changes(external_key(), order_id, int(seen) if seen.isdigit() else None):
            shown = json.dumps(_told(placed, news.status)) if news else ""
            yield f"id: {news.number}\ndata: {shown}\n\n" if news else ": still here\n\n"

    return JsonResponse(stream_with_context(events()), mimetype="text/event-stream")


def _told(placed: Placed, status: str) -> dict[str, str]:
    """What the order's page shows of this status."""
    words = _words(placed, status)
    return {"status": status, "label": str(words.label), "text": str(words.text), "kind": words.kind}


def _order(product: Backend, order_id: int) -> dict[str, Any]:
    """NOT_TOLD if the product couldn't be asked, or has no such order any more."""
    try:
        return product.order(order_id)
    except (Unavailable, NotFound):
        return NOT_TOLD


def _status(product: Backend, order_id: int) -> str:
    """Empty if the product couldn't be asked, or has no such order any more."""
    try:
        return product.status(order_id)
    except (Unavailable, NotFound):
        return ""


def _words(placed: Placed, status: str) -> statuses.Words:
    return statuses.words(status, placed.method, unknown=placed.unknown)


def _picture(qr_code: str) -> str:
    """The address of the QR code's picture, which comes as base64, as a data URL or as an address."""
    if not qr_code or qr_code.startswith(("data:", "http://", "https://")):
        return qr_code
    return f"data:image/png;base64,{qr_code}"


def _seconds(moment: str | None) -> int:
    """The seconds since 1970 of an ISO 8601 time; 0 if Appmax didn't say when."""
    return int(datetime.fromisoformat(moment).timestamp()) if moment else 0


def _day(day: str | None) -> str:
    """The ISO 8601 date in the reader's words; empty if Appmax didn't say."""
    return str(format_date(date.fromisoformat(day), "long")) if day else ""


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
    """Sells one thing more to the same card with one click. The offer is made once."""
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


def _bank(placed: Placed) -> dict[str, Any] | None:
    """What one can do as the bank; None if there is no box. `known`: the simulator remembers the order."""
    if placed.method not in PAID_LATER or placed.unknown:
        return None
    try:
        pending = bank.pending(placed.order_id)
    except bank.Away:
        return None
    return {"known": pending is not None, "pending": pending or []}


@shop.post("/<external_key>/orders/<int:order_id>/bank")
def be_the_bank(order_id: int) -> Response:
    """Pays the order's Pix or boleto, or lets it go."""
    of_this_browser(order_id)
    action, method = request.form.get("act", ""), request.form.get("method", "")
    if action not in ("pay", "expire") or method not in PAID_LATER:
        abort(422)
    try:
        if not bank.settle(order_id, action, method):
            flash(_("There is nothing to pay any more."), "busy")
    except bank.Away:
        flash(_("The simulated Appmax doesn't answer."), "bad")
    return redirect(url_for(".order", order_id=order_id), 303)
