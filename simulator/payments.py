"""A merchant's payments: credit card, Pix, boleto, and what goes with cards."""

import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator import answers, boleto, cards, events, faults, pix, wallets
from simulator.access import EXTERNAL_ID, NO_SUCH_STORE, require_merchant, require_order, require_store
from simulator.cards import MOST_INSTALMENTS, Card
from simulator.context import simulation
from simulator.orders import APPLE_PAY, APPROVED, CARD, GOOGLE_PAY, PAYABLE, PAYABLE_BY_CARD, Order, Payment
from simulator.reading import as_object, is_document, is_whole, json_body, refuse, refuse_fields
from simulator.records import iso
from simulator.sales import MOST_CENTS
from simulator.subscriptions import INTERVALS

payments = Blueprint("payments", __name__)
faults.suffer(payments)

LONGEST_DESCRIPTOR = 13  # characters on a card's statement
MOST_INTERVALS = 12  # of a subscription


# --- cards -----------------------------------------------------------------------------------------------------------


@payments.post("/v1/payments/credit-card")
def pay_by_card() -> tuple[Response, int]:
    """Charges a card as often as it is asked to: like Appmax, it knows no idempotency key."""
    order, data = _order_to_charge()
    fields = as_object(data.get(CARD))
    errors = _customer_errors(order) | _subscription_errors(data.get("subscription"))
    refuse_fields(errors | _card_payment_errors(fields))
    _require_status(order, PAYABLE_BY_CARD, 400)
    wish = as_object(data.get("subscription"))
    return _charge(order, CARD, _card(order.external_key, fields), fields.get("installments") or 1, wish)


@payments.post("/v1/payments/google-pay")
def pay_by_google_pay() -> tuple[Response, int]:
    """Charge the card that Google's button gave a token for."""
    order, data = _order_to_charge()
    fields = as_object(data.get(GOOGLE_PAY))
    refuse_fields(_customer_errors(order) | _descriptor_errors(fields) | wallets.google_pay_errors(fields))
    card = wallets.google_pay_card(fields)
    return _charge_wallet(order, GOOGLE_PAY, card, fields, "Invalid Google Pay token")


@payments.post("/v1/payments/apple-pay")
def pay_by_apple_pay() -> tuple[Response, int]:
    """Charge the card that Apple's button gave a token for."""
    order, data = _order_to_charge()
    fields = as_object(data.get(APPLE_PAY))
    refuse_fields(_customer_errors(order) | _descriptor_errors(fields) | wallets.apple_pay_errors(fields))
    card = wallets.apple_pay_card(fields)
    return _charge_wallet(order, APPLE_PAY, card, fields, "Invalid Apple Pay token")


def _charge_wallet(
    order: Order, method: str, card: Card | None, fields: dict[str, Any], refusal: str
) -> tuple[Response, int]:
    """Charge a wallet's card, unless its token isn't one or was used before."""
    if not is_document(fields["holder_document_number"]):
        refuse(400, {"errors": {"message": "Document number invalid"}})
    _require_status(order, PAYABLE_BY_CARD, 400)
    if card is None or not simulation().state.use_wallet_token(wallets.name_of(fields)):
        refuse(400, {"errors": {"message": refusal}})
    return _charge(order, method, card, int(fields["installments"]))


def _order_to_charge() -> tuple[Order, dict[str, Any]]:
    """The order that a card is to pay, and the payment_data."""
    merchant, body = require_merchant(), json_body()
    return require_order(merchant, body.get("order_id")), as_object(body.get("payment_data"))


def _charge(
    order: Order, method: str, card: Card, number_of_instalments: int, subscription: dict[str, Any] | None = None
) -> tuple[Response, int]:
    """Charge the card, and renew the order from then on if a subscription is wished for."""
    sim = simulation()
    card = cards.under(sim.state.switches.cards, card)
    outcome = card.outcome
    payment = _payment(order, method, card, number_of_instalments)
    if outcome.status:
        tried = sim.state.take_card(order.id, payment)
        if tried is None:
            refuse(400, {"errors": {"message": "The order can't be paid any more"}})
        events.tell(sim, tried, *outcome.events)
        if payment.status == APPROVED and subscription:
            events.begin_subscription(sim, tried, subscription)
    if outcome.refusal:
        refuse(*outcome.refusal)
    return jsonify(data=answers.card(sim.state.shape, payment)), 201


@payments.post("/v1/payments/tokenize")
def tokenize() -> tuple[Response, int]:
    """Makes a token for a card, good for one payment.

    Appmax's script asks for it in the shop's page, where there is no bearer token: the external_id says whose card it
    is.
    """
    if EXTERNAL_ID in request.headers:
        merchant = require_store()
    else:
        merchant = require_merchant()
        if not simulation().state.is_known_store(merchant):
            refuse(*NO_SUCH_STORE)
    fields = as_object(as_object(json_body().get("payment_data")).get("credit_card"))
    refuse_fields(cards.card_errors(fields))
    token = simulation().state.add_card_token(merchant, cards.card_of(fields["number"]))
    return jsonify(data={"token": token}), 201


@payments.post("/v1/payments/installments")
def installments() -> Response:
    """What one to twelve instalments of a total in cents cost."""
    require_merchant()
    body = json_body()
    most, total = body.get("installments"), body.get("total_value")
    errors = {}
    if not (is_whole(most) and 1 <= most <= MOST_INSTALMENTS):
        errors["installments"] = f"The installments must be between 1 and {MOST_INSTALMENTS}."
    if not (is_whole(total) and 0 < total <= MOST_CENTS):
        errors["total_value"] = "The total_value must be a positive integer of cents."
    if not isinstance(body.get("settings"), bool):
        errors["settings"] = "The settings field must be true or false."
    refuse_fields(errors)
    shape = simulation().state.shape
    data = answers.installments(shape, body["total_value"], body["installments"], settings=body["settings"])
    return jsonify(data=data)


def _card(merchant: str, fields: dict[str, Any]) -> Card:
    """The card itself, or the one that a token stands for, which is used up."""
    if not fields.get("token"):
        return cards.card_of(fields["number"])
    card = simulation().state.use_card_token(merchant, fields["token"])
    if card is None:
        refuse(422, {"errors": {"message": "The card token is unknown, or was used already"}})
    return card


def _payment(order: Order, method: str, card: Card, number_of_instalments: int) -> Payment:
    status = card.outcome.status
    payment = Payment(simulation().state.next_payment_id(), method, order.total, status, card.last4)
    payment.card_first6, payment.card_brand, payment.installments = card.first6, card.brand, number_of_instalments
    if card.outcome.referenced and not card.outcome.refusal:
        payment.pay_reference = secrets.token_hex(12)
    if payment.charged:
        payment.upsell_hash = secrets.token_hex(20)
    return payment


def _card_payment_errors(fields: dict[str, Any]) -> dict[str, str]:
    token = fields.get("token")
    errors = {} if token else cards.card_errors(fields)
    for name in ("token", "upsell_hash"):
        if not isinstance(fields.get(name) or "", str):
            errors[name] = f"The {name} must be a string."
    errors |= _descriptor_errors(fields)
    number = fields.get("installments")
    if number is not None and not (is_whole(number) and 1 <= number <= MOST_INSTALMENTS):
        errors["installments"] = f"The installments must be between 1 and {MOST_INSTALMENTS}."
    if (document := fields.get("holder_document_number")) not in (None, "") and not is_document(document):
        errors["holder_document_number"] = "The holder_document_number is invalid."
    return errors


def _descriptor_errors(fields: dict[str, Any]) -> dict[str, str]:
    text = fields.get("soft_descriptor") or ""
    if not isinstance(text, str):
        return {"soft_descriptor": "The soft_descriptor must be a string."}
    if len(text) > LONGEST_DESCRIPTOR:
        return {"soft_descriptor": f"The soft_descriptor may not have more than {LONGEST_DESCRIPTOR} characters."}
    return {}


def _customer_errors(order: Order) -> dict[str, str]:
    is_theirs = json_body().get("customer_id") == order.customer_id
    return {} if is_theirs else {"customer_id": "The customer_id is not the order's."}


def _subscription_errors(subscription: Any) -> dict[str, str]:
    if subscription in (None, [], {}):
        return {}
    asked = as_object(subscription)
    number = asked.get("interval_count")
    if asked.get("interval") in INTERVALS and is_whole(number) and 1 <= number <= MOST_INTERVALS:
        return {}
    return {
        "subscription": f"The subscription needs an interval, one of {', '.join(INTERVALS)}, and an interval_count from"
        f" 1 to {MOST_INTERVALS}."
    }


# --- Pix and boleto --------------------------------------------------------------------------------------------------


@payments.post("/v1/payments/pix")
def pay_by_pix() -> tuple[Response, int]:
    """Makes a Pix. The answer is empty if one is pending already."""
    sim, order = simulation(), _order_to_pay("pix")
    wish = as_object(as_object(json_body().get("payment_data")).get("subscription"))
    shape, emv = sim.state.shape, pix.br_code(order.id, order.total)
    expires_at = datetime.now(UTC) + timedelta(minutes=sim.state.switches.pix_minutes)
    begun = sim.state.begin_pix(
        order.id, emv=emv, qr_code=pix.qr_picture(emv), expires_at=iso(expires_at), subscription_wish=wish
    )
    if begun is None:
        return jsonify(data=answers.pix_is_pending(shape)), 200
    events.tell(sim, begun, "order_pix_created")
    return jsonify(data=answers.pix(shape, begun, request.host_url)), 200


@payments.post("/v1/payments/boleto")
def pay_by_boleto() -> tuple[Response, int]:
    """Makes a boleto. While one is pending, the same one is answered again."""
    sim, order = simulation(), _order_to_pay("boleto")
    due = boleto.due_date()
    line = boleto.digitable_line(order.id, order.total, due)
    link = f"{request.host_url}boletos/{order.id}.pdf"
    payment_id = sim.state.next_payment_id()
    begin = partial(
        Order.begin_boleto, payment_id=payment_id, link_pdf=link, digitable_line=line, due_date=due.isoformat()
    )
    begun = sim.state.change_order(order.id, begin)
    if begun is None:
        pending = require_order(order.external_key, order.id)
        return jsonify(data=answers.boleto(sim.state.shape, pending)), 200
    events.tell(sim, begun, "order_billet_created")
    return jsonify(data=answers.boleto(sim.state.shape, begun)), 201


def _order_to_pay(method: str) -> Order:
    """The order that a Pix or boleto is asked for."""
    merchant, body = require_merchant(), json_body()
    order = require_order(merchant, body.get("order_id"))
    if not is_document(as_object(as_object(body.get("payment_data")).get(method)).get("document_number")):
        refuse_fields({"document_number": "The document_number is invalid."})
    _require_status(order, PAYABLE, 404)  # "already paid, or not found"
    return order


def _require_status(order: Order, statuses: tuple[str, ...], otherwise: int) -> None:
    if order.status not in statuses:
        refuse(otherwise, {"errors": {"message": f"The order is {order.status}"}})
