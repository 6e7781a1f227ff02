"""A merchant's customers and orders, and what becomes of an order that is paid."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator import answers, events, faults
from simulator.access import require_merchant, require_order
from simulator.context import simulation
from simulator.reading import (
    as_object,
    is_document,
    is_whole,
    json_body,
    refuse,
    refuse_fields,
    require_texts,
)

sales = Blueprint("sales", __name__)
faults.suffer(sales)

AMOUNTS = ("products_value", "discount_value", "shipping_value")
MOST_CENTS = 2_147_483_647
REFUND_TYPES = ("total", "partial")


@sales.post("/v1/customers")
def customers() -> tuple[Response, int]:
    """Create, or update by e-mail."""
    merchant, body = require_merchant(), json_body()
    fields: dict[str, Any] = dict(require_texts(body, "first_name", "last_name", "email", "phone"))
    errors = {}
    if "@" not in fields["email"]:
        errors["email"] = "The email must be a valid email address."
    if not 0 < sum(character.isdigit() for character in fields["phone"]) <= 11:
        errors["phone"] = "The phone may not have more than 11 digits."
    if (document := body.get("document_number")) not in (None, ""):
        fields["document_number"] = document
        if not is_document(document):
            errors["document_number"] = "The document_number is invalid."
    refuse_fields(errors)
    fields["address"] = as_object(body.get("address"))
    customer_id = simulation().state.upsert_customer(merchant, fields)
    return jsonify(data={"customer": {"id": customer_id}}), 201


@sales.post("/v1/orders")
def create_order() -> tuple[Response, int]:
    """An order of one of the merchant's customers."""
    merchant, body = require_merchant(), json_body()
    amounts = {name: body.get(name) or 0 for name in AMOUNTS}
    errors = {
        name: f"The {name} must be an integer of cents, not negative."
        for name, value in amounts.items()
        if not is_whole(value) or value < 0
    }
    if not _are_products(body.get("products")):
        errors["products"] = "The products field is required."
    if not is_whole(body.get("customer_id")):
        errors["customer_id"] = "The customer_id field is required."
    refuse_fields(errors)
    total = amounts["products_value"] - amounts["discount_value"] + amounts["shipping_value"]
    if not 0 < total <= MOST_CENTS:
        refuse_fields({"products_value": "The total must be positive."})
    if simulation().state.customer(merchant, body["customer_id"]) is None:
        refuse(404, {"errors": {"message": "Customer not found"}})
    order = simulation().state.add_order(merchant, body["customer_id"], amounts, body["products"])
    return jsonify(data={"order": {"id": order.id, "status": order.status}}), 201


def _are_products(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(product, dict) for product in value)


@sales.get("/v1/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    """What is true."""
    order = require_order(require_merchant(), order_id)
    customer = simulation().state.customer(order.external_key, order.customer_id) or {"id": order.customer_id}
    names = ("id", "first_name", "last_name", "email", "phone", "document_number")
    return jsonify(
        data={
            "order": {
                "id": order.id,
                "status": order.status,
                **{name: getattr(order, name) for name in AMOUNTS},
                "total": order.total,
                "total_paid": order.total_paid,
                "created_at": order.created_at,
            },
            "customer": {name: customer[name] for name in names if name in customer},
            "payment": answers.payment_of(order),
        }
    )


@sales.post("/v1/orders/refund-request")
def refund() -> tuple[Response, int]:
    """Give back all that is left of an order, or `value` cents of it."""
    merchant, body = require_merchant(), json_body()
    order = require_order(merchant, body.get("order_id"))
    kind, value = body.get("type"), body.get("value")
    if kind not in REFUND_TYPES:
        refuse_fields({"type": f"The type must be {' or '.join(REFUND_TYPES)}."})
    if kind == "total" and value is not None:
        refuse_fields({"value": "The value is for partial refunds only."})
    if kind == "partial" and not (is_whole(value) and value > 0):
        refuse_fields({"value": "The value must be a positive integer of cents."})
    if not order.refundable:
        refuse(422, {"errors": {"message": "The order is not paid, or was refunded already"}})
    refunded = events.refund(simulation(), order.id, value)
    if refunded is None:
        refuse_fields({"value": f"Not more than {order.refundable} cents are left to be refunded."})
    return jsonify(data={"message": "Refund request accepted", "order_id": order.id, "type": kind}), 201


@sales.post("/v1/orders/shipping-tracking-code")
def track() -> tuple[Response, int]:
    """Keep the parcel's code."""
    merchant, body = require_merchant(), json_body()
    order = require_order(merchant, body.get("order_id"))
    code = require_texts(body, "shipping_tracking_code")["shipping_tracking_code"]
    simulation().state.change_order(order.id, lambda changed: changed.ship(code))
    return jsonify(data={"message": "Tracking code accepted", "order_id": order.id}), 201


@sales.post("/v1/orders/upsell")
def upsell() -> tuple[Response, int]:
    """One more order of the same customer, charged to the card that the hash comes from."""
    sim, merchant, body = simulation(), require_merchant(), json_body()
    value, errors = body.get("products_value"), {}
    if not (is_whole(value) and 0 < value <= MOST_CENTS):
        errors["products_value"] = "The products_value must be a positive integer of cents."
    if not _are_products(body.get("products")):
        errors["products"] = "The products field is required."
    refuse_fields(errors)
    upsell_hash = require_texts(body, "upsell_hash")["upsell_hash"]
    order = sim.state.sell_up(merchant, upsell_hash, body["products_value"], body["products"])
    if order is None:
        refuse(422, {"errors": {"message": "The upsell_hash is unknown, or was used already"}})
    events.tell(sim, order, "order_up_sold")
    return jsonify(data=answers.upsell(sim.state.shape, order, request.host_url)), 201
