"""The checkout: the order is made first, then it is paid.

Shoppers press buttons twice, and answers get lost. Three things keep each purchase to one order and one charge:

1. The browser's cookie names the purchase (`visitor.checkout`). The order's Idempotency-Key is made of that name and
   of what is ordered, so the same cart sent again is the same order.
2. Each payment form carries an attempt, which is the Idempotency-Key of the payment: the same form sent again is
   answered with what came of it the first time.
3. An order whose payment may have happened can't be paid again (`may_pay`); its page asks for the status instead.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from examples.storefront import cart, forms, statuses, visitor
from examples.storefront.backend import (
    AlreadyUnderWay,
    Backend,
    Declined,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from examples.storefront.blueprint import Answer, backend, external_key, shop
from examples.storefront.catalogue import CARD_WORDS, CUSTOMER
from examples.storefront.forms import CARD, METHODS, Errors, Payment
from examples.storefront.language import text as _
from examples.storefront.memory import Line, memory
from examples.storefront.visitor import Placed

# Where Appmax's browser script comes from. A simulated Appmax has one of its own.
SCRIPTS = {"production": "https://scripts.appmax.com.br", "sandbox": "https://scripts.sandboxappmax.com.br"}


# --- the checkout ----------------------------------------------------------------------------------------------------


@shop.get("/<external_key>/checkout")
def checkout() -> Response | str:
    """Asks who buys, where it goes, and how it is paid."""
    if not cart.current().lines:
        return redirect(url_for(".cart"))
    visitor.checkout()
    return _checkout_page(CUSTOMER, {})


@shop.post("/<external_key>/checkout")
def buy() -> Response | Answer:
    """Makes the order, unless this purchase has made it already, and pays it."""
    attempt, basket = forms.read_attempt(request.form), cart.current()
    if not basket.lines:
        paid = visitor.paid_by(external_key(), attempt)
        return redirect(url_for(".order", order_id=paid.order_id) if paid else url_for(".cart"), 303)
    values, errors = forms.read_customer(request.form)
    payment, wrong = forms.read_payment(request.form)
    if errors := errors | wrong:
        return _checkout_page(values, errors), 422
    product = backend()
    try:
        placed = _place(product, basket, values)
    except Rejected as error:
        fields = {name.rpartition(".")[2]: _("Please check this field.") for name in error.fields}
        notice = _("The payment service didn't accept this: %(message)s", message=error.message)
        return _checkout_page(values, fields, notice), 422
    except (Unavailable, OutcomeUnknown, AlreadyUnderWay) as error:
        if isinstance(error, OutcomeUnknown):  # the same key would only be answered the same again
            visitor.renew_checkout()
        notice = _("The order couldn't be made just now, and nothing was charged. Please try again.")
        return _checkout_page(values, {}, notice), 503
    return _pay(product, placed, payment, attempt, document=values["document_number"])


def _place(product: Backend, basket: cart.Cart, values: Mapping[str, str]) -> Placed:
    """The order of this cart and customer, which is the same one if the same purchase is sent again."""
    body = {"customer": forms.customer(values, request.remote_addr or ""), "order": basket.order()}
    fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    order_id, customer_id = product.create_order(**body, key=f"{visitor.checkout()}-{fingerprint}")
    visitor.has_ordered(order_id)
    memory().remember(
        external_key(),
        order_id,
        calls=product.taken_calls(),
        lines=tuple(Line(str(each.name), quantity, each.cents) for each, quantity in basket.lines),
        discount_cents=basket.discount,
        shipping_cents=basket.shipping,
        document_number=values["document_number"],
        holder_name=f"{values['first_name']} {values['last_name']}".upper(),
    )
    known = visitor.find(external_key(), order_id)
    return known or visitor.keep(Placed(external_key(), order_id, customer_id, basket.total))


def _checkout_page(values: Mapping[str, str], errors: Errors, notice: str = "") -> str:
    basket = cart.current()
    holder = f"{values['first_name']} {values['last_name']}".upper()
    return render_template(
        "checkout.html",
        cart=basket,
        values={"holder_name": holder, **values},
        errors=errors,
        notice=notice,
        **_payment_form(basket.total),
    )


# --- paying an order that is there -----------------------------------------------------------------------------------


@shop.get("/<external_key>/orders/<int:order_id>/pay")
def pay_page(order_id: int) -> Response | str:
    """Offers another way to pay, after the first one failed."""
    placed = of_this_browser(order_id)
    if not may_pay(placed, backend().status(order_id)):
        return redirect(url_for(".order", order_id=order_id))
    return _pay_page(placed, {})


@shop.post("/<external_key>/orders/<int:order_id>/pay")
def pay(order_id: int) -> Response | Answer:
    """Pays the order, unless it is paid or may be."""
    placed, attempt, product = of_this_browser(order_id), forms.read_attempt(request.form), backend()
    if not may_pay(placed, product.status(order_id)):
        return redirect(url_for(".order", order_id=order_id), 303)
    document, errors = forms.read_document(request.form)
    payment, wrong = forms.read_payment(request.form)
    if errors := errors | wrong:
        return _pay_page(placed, errors), 422
    return _pay(product, placed, payment, attempt, document=document)


def of_this_browser(order_id: int) -> Placed:
    """The order; 404 ends the request if it was made in another browser."""
    return visitor.find(external_key(), order_id) or abort(404)


def may_pay(placed: Placed, status: str) -> bool:
    """Whether certainly nothing is paid and nothing is on its way."""
    return status in statuses.NOT_PAID or (status == statuses.PENDING and not placed.method)


def _pay_page(placed: Placed, errors: Errors) -> str:
    details = memory().details(external_key(), placed.order_id)
    values = {"document_number": details.document_number, "holder_name": details.holder_name}
    if "document_number" in request.form:
        values["document_number"] = request.form["document_number"]
    return render_template(
        "pay.html",
        placed=placed,
        details=details,
        values=values,
        errors=errors,
        **_payment_form(placed.total_cents),
    )


def _payment_form(total_cents: int) -> dict[str, Any]:
    """What the payment's part of a form shows. Without an answer about instalments it offers none."""
    try:
        rates = backend().installments(total_cents)
    except (Unavailable, Rejected):
        rates = [{"installments": 1, "value": total_cents, "total_value": total_cents}]
    return {
        "attempt": forms.new_attempt(),
        "method": request.form.get("method", CARD),
        "methods": METHODS,
        "chosen": request.form.get("installments", "1"),
        "rates": rates,
        "appmax": _appmax(total_cents),
        "test_cards": CARD_WORDS if current_app.config["SIMULATOR_URL"] else {},
    }


def _appmax(total_cents: int) -> dict[str, Any] | None:
    """What the page needs to start Appmax's script; None if there is none now, so that no card or wallet can pay."""
    try:
        installation = backend().installation()
    except Unavailable:
        return None
    origin = current_app.config["SIMULATOR_URL"] or SCRIPTS.get(installation["environment"])
    if origin is None:
        return None
    g.script_origin = origin
    return {"script": f"{origin}/appmax.min.js", "external_id": installation["external_id"], "total_cents": total_cents}


def _pay(product: Backend, placed: Placed, payment: Payment, attempt: str, *, document: str) -> Response:
    """Pays in the way that the form says. A card has become a token in the browser already."""
    body: dict[str, Any] = {"document_number": document}
    if payment.token:
        of_payment = {"holder_document_number": document, "installments": payment.installments}
        body = {"payment": {**payment.token, **of_payment}}
    return send_payment(product, placed, payment.method, body, attempt)


def send_payment(product: Backend, placed: Placed, method: str, body: Mapping[str, Any], attempt: str) -> Response:
    """Pays the order, and leads to the page that shows what came of it. The same attempt is the same payment."""
    target = {"order_id": placed.order_id, "customer_id": placed.customer_id}
    kept: dict[str, Any] = {"attempt": "", "request": {}}
    unknown = False
    try:
        paid = product.pay(METHODS[method].route, {**target, **body}, attempt)
        kept["upsell_hash"] = paid.get("upsell_hash", "")
    except (Declined, Rejected, Unavailable) as error:
        memory().remember(external_key(), placed.order_id, calls=product.taken_calls(), **kept)
        visitor.keep(placed, method="", unknown=False)
        return _try_again(placed, _why_not(error))
    except (AlreadyUnderWay, OutcomeUnknown):
        unknown, kept = True, {"attempt": attempt, "request": dict(body)}
    memory().remember(external_key(), placed.order_id, calls=product.taken_calls(), **kept)
    visitor.keep(placed, method=method, unknown=unknown, attempt=visitor.short(attempt), at=visitor.now())
    visitor.has_paid(placed.order_id)
    return redirect(url_for(".order", order_id=placed.order_id), 303)


def _why_not(error: Declined | Rejected | Unavailable) -> str:
    match error:
        case Declined(message=""):
            return _("The payment was declined, and nothing was charged. Try another card, or Pix.")
        case Declined(message=reason):
            return _(
                "The payment was declined (%(reason)s). Nothing was charged: try another card, or Pix.", reason=reason
            )
        case Rejected(message=reason):
            return _("The payment wasn't accepted (%(reason)s). Nothing was charged.", reason=reason)
        case _:
            return _("The payment couldn't be made just now, and nothing was charged. Please try again.")


def _try_again(placed: Placed, notice: str) -> Response:
    flash(notice, "bad")
    return redirect(url_for(".pay_page", order_id=placed.order_id), 303)
