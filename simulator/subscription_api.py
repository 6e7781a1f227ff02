"""A merchant's subscriptions: an order that is paid is renewed from then on."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator import events, faults, subscriptions
from simulator.access import require_merchant, require_order
from simulator.context import simulation
from simulator.orders import APPROVED, CARD, PIX, Order
from simulator.reading import as_object, is_number_in, is_whole, json_body, refuse, refuse_fields
from simulator.records import as_appmax_writes
from simulator.sales import MOST_CENTS
from simulator.subscriptions import INTERVALS, STATUSES, Subscription, Terms

subscription_api = Blueprint("subscription_api", __name__)
faults.suffer(subscription_api)

PER_PAGE = 10
INTEGRATED = "integrado"
NOT_FOUND = {"errors": {"message": "Assinatura não encontrada."}}


@subscription_api.post("/v1/subscriptions")
def create() -> tuple[Response, int]:
    """Makes a subscription each time that it is asked to: like Appmax, it knows no idempotency key."""
    sim, merchant, body = simulation(), require_merchant(), json_body()
    not_found = {"errors": {"message": "Pedido não encontrado."}}
    order = require_order(merchant, body.get("order_id"), otherwise=(404, not_found))
    if order.method not in (CARD, PIX):
        message = "Apenas pedidos de cartão de crédito ou PIX podem virar assinatura."
        refuse(400, {"errors": {"message": message}})
    if order.status not in (APPROVED, INTEGRATED):
        refuse(400, {"errors": {"message": "Apenas pedidos aprovados ou integrados podem virar assinatura."}})
    refuse_fields(wish_errors(body))
    terms = _terms(order, body)
    if terms.total <= 0:
        message = "O desconto informado deixa o valor da assinatura abaixo do mínimo permitido."
        refuse(422, {"errors": {"message": message}})
    made = events.begin_subscription(sim, order, body, terms)
    customer = sim.state.customer(merchant, order.customer_id) or {}
    return jsonify(data=subscriptions.made(made, customer, request.host_url.rstrip("/"))), 201


def wish_errors(wish: dict[str, Any]) -> dict[str, str]:
    """What is wrong with how often and how long to renew, by field."""
    errors = {}
    if wish.get("interval") not in INTERVALS:
        errors["interval"] = f"The interval must be one of {', '.join(INTERVALS)}."
    for name in ("interval_count", "max_cycles", "fail_max_tries", "fail_interval_hours"):
        if wish.get(name) is not None and not (is_whole(wish[name]) and wish[name] > 0):
            errors[name] = f"The {name} must be a positive integer."
    if wish.get("next_charge_at") is not None and subscriptions.midnight(wish["next_charge_at"]) is None:
        errors["next_charge_at"] = "The next_charge_at is not a valid date."
    for name in ("freight_value", "discount"):
        if wish.get(name) is not None and not is_number_in(wish[name], 0, MOST_CENTS / 100):
            errors[name] = f"The {name} must be a number of reais."
    return errors


def _terms(order: Order, body: dict[str, Any]) -> Terms:
    """The order's products and amounts, unless the app asks for some of the products only (by number), or for another
    freight or discount (in reais)."""
    terms, chosen = Terms.of(order), body.get("products")
    for name, reais in (("freight", body.get("freight_value")), ("discount", body.get("discount"))):
        if reais is not None:
            terms = replace(terms, **{name: round(reais * 100)})
    if not chosen:
        return terms
    known = subscriptions.catalogue(order)
    rows = [as_object(row) for row in chosen] if isinstance(chosen, list) else []
    numbers = [row.get("product_id") for row in rows]
    if not rows or any(number not in known for number in numbers):
        refuse(422, {"errors": {"message": "Produto inválido."}})
    if len(set(numbers)) < len(numbers):
        refuse(409, {"errors": {"message": "Produto duplicado na seleção."}})
    products = [{**known[row["product_id"]], "quantity": row.get("quantity") or 1} for row in rows]
    value = sum((product.get("unit_value") or 0) * product["quantity"] for product in products)
    return replace(terms, products=products, value=value)


@subscription_api.get("/v1/subscriptions")
def by_email() -> Response:
    """The subscriptions of the customer with this e-mail, which the query must have."""
    merchant, state = require_merchant(), simulation().state
    email, status = request.args.get("email", ""), request.args.get("status", "")
    page = request.args.get("page", 1, type=int)
    errors = {}
    if "@" not in email:
        errors["email"] = "The email field is required." if not email else "The email must be a valid email address."
    if status and status not in STATUSES:
        errors["status"] = "The selected status is invalid."
    refuse_fields(errors)
    found = [
        (row, customer)
        for row in state.latest_subscriptions()
        if row.external_key == merchant and status in ("", row.status)
        for customer in [state.customer(merchant, row.customer_id) or {}]
        if customer.get("email", "").lower() == email.lower()
    ]
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    pagination = {
        "total": len(found),
        "per_page": PER_PAGE,
        "current_page": page,
        "last_page": max(-(-len(found) // PER_PAGE), 1),
    }
    return jsonify(data={"subscriptions": [subscriptions.listed(*each) for each in shown], "pagination": pagination})


@subscription_api.get("/v1/subscriptions/<int:subscription_id>")
def show(subscription_id: int) -> Response:
    subscription = _required(subscription_id)
    customer = simulation().state.customer(subscription.external_key, subscription.customer_id) or {}
    return jsonify(data=subscriptions.detail(subscription, customer))


@subscription_api.patch("/v1/subscriptions/<int:subscription_id>/<any(pause, activate, cancel):verb>")
def change(subscription_id: int, verb: str) -> Response:
    """Pauses, activates or cancels. What was cancelled stays so."""
    sim, subscription, body = simulation(), _required(subscription_id), json_body()
    until = body.get("paused_until")
    if until is not None and subscriptions.midnight(until) is None:
        refuse_fields({"paused_until": "The paused_until is not a valid date."})
    changes: dict[str, Callable[[Subscription], bool]] = {
        "pause": partial(Subscription.pause, until=subscriptions.midnight(until) or ""),
        "activate": Subscription.activate,
        "cancel": Subscription.cancel,
    }
    changed = sim.state.change_subscription(subscription_id, changes[verb])
    if changed is None:
        refuse(422, {"errors": {"message": "A assinatura está cancelada."}})
    if changed.status != subscription.status and verb == "cancel":
        events.tell_of_subscription(sim, changed, "subscription_cancelation")
    told: dict[str, Any] = {"subscription_id": changed.id, "status": changed.status}
    if verb == "cancel":
        return jsonify(data={**told, "canceled_at": as_appmax_writes(changed.canceled_at)})
    return jsonify(data={**told, **subscriptions.paused(changed)})


def _required(subscription_id: int) -> Subscription:
    merchant = require_merchant()
    subscription = simulation().state.subscription(subscription_id)
    if subscription is None or subscription.external_key != merchant:
        refuse(404, NOT_FOUND)
    return subscription
