"""Payment links: a page of Appmax's on which anybody who has its address can pay."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Page

from simulator import events, faults
from simulator.access import require_merchant
from simulator.cards import MOST_INSTALMENTS
from simulator.context import simulation
from simulator.reading import is_document, is_whole, json_body, refuse_fields
from simulator.records import PaymentLink
from simulator.sales import MOST_CENTS, PRODUCT_TYPES

payment_link_api = Blueprint("payment_link_api", __name__)
faults.suffer(payment_link_api)
payment_link_pages = Blueprint("payment_link_pages", __name__)

LEAST_CENTS = 500
METHODS = ("creditcard", "pix", "boleto")


@payment_link_api.post("/v1/payment-link")
def create() -> tuple[Response, int]:
    """Makes a link each time that it is asked to."""
    merchant, body = require_merchant(), json_body()
    refuse_fields(_errors(body))
    link = PaymentLink(
        simulation().state.next_id(),
        merchant,
        body["name"],
        body["description"],
        body["value"],
        tuple(body["payments"]),
        body["max_installments"],
    )
    simulation().state.add_payment_link(link)
    url = f"{request.host_url}links/{link.id}"
    return jsonify(data={"id": link.id, "checkout_url": url}), 201


def _errors(body: dict[str, Any]) -> dict[str, str]:
    errors = {}
    for name in ("name", "description"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            errors[name] = f"O campo {name} é obrigatório."
    value = body.get("value")
    if not (is_whole(value) and LEAST_CENTS <= value <= MOST_CENTS):
        errors["value"] = f"O campo value deve ser no mínimo {LEAST_CENTS}."
    payments = body.get("payments")
    if not isinstance(payments, list) or not payments or not set(payments) <= set(METHODS):
        errors["payments"] = "O campo payments é obrigatório."
    most = body.get("max_installments")
    if not (is_whole(most) and 1 <= most <= MOST_INSTALMENTS):
        errors["max_installments"] = "O campo max_installments é obrigatório."
    if not is_whole(body.get("fee_transfer_from_installment")):
        errors["fee_transfer_from_installment"] = "O campo fee_transfer_from_installment é obrigatório."
    if body.get("product_type") not in (None, "", *PRODUCT_TYPES):
        errors["product_type"] = "O campo product_type é inválido."
    if body.get("document") and not is_document(body["document"]):
        errors["document"] = "O campo document é inválido."
    return errors


@payment_link_pages.get("/links/<int:link_id>")
def show(link_id: int) -> str:
    """The page that a shopper is sent to."""
    return render_template("payment_link.html", link=_link(link_id), order_id=request.args.get("paid", type=int))


@payment_link_pages.post("/links/<int:link_id>")
def pay(link_id: int) -> Page:
    """Lets a shopper whom nobody knows pay by card. Each payment is an order of its own, of which only a webhook
    tells."""
    order = events.sell_by_link(simulation(), _link(link_id))
    return redirect(url_for(".show", link_id=link_id, paid=order.id), 303)


def _link(link_id: int) -> PaymentLink:
    link = simulation().state.payment_link(link_id)
    if link is None:
        abort(404, "There is no such payment link.")
    return link
