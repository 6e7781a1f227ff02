"""A merchant's customers and orders, and what becomes of an order that is paid."""

import operator
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator import answers, events, faults
from simulator.access import require_merchant, require_order
from simulator.context import simulation
from simulator.reading import NOT_VALID, as_object, is_document, is_whole, json_body, refuse, refuse_fields

sales = Blueprint("sales", __name__)
faults.suffer(sales)

AMOUNTS = ("products_value", "discount_value", "shipping_value")
MOST_CENTS = 2_147_483_647
REFUND_TYPES = ("total", "partial")
REQUIRED = ("first_name", "last_name", "email", "phone", "ip")  # of a customer
LONGEST_PHONE = 11  # characters
PRODUCT_TYPES = ("physical", "digital")


@sales.post("/v1/customers")
def customers() -> tuple[Response, int]:
    """Adds a customer, or updates the one with the same e-mail."""
    merchant, body = require_merchant(), json_body()
    errors = {name: f"The {name} field is required." for name in REQUIRED if not _is_text(body.get(name))}
    if "email" not in errors and "@" not in body["email"]:
        errors["email"] = "The email must be a valid email address."
    if "phone" not in errors and len(body["phone"].strip()) > LONGEST_PHONE:
        errors["phone"] = f"The phone field must have a maximum of {LONGEST_PHONE} characters."
    document = body.get("document_number")
    if document not in (None, "") and not is_document(document):
        errors["document_number"] = "The document_number is invalid."
    if body.get("products") not in (None, []):
        errors |= _product_errors(body["products"])
    refuse_fields(errors, **NOT_VALID)
    fields: dict[str, Any] = {name: body[name].strip() for name in REQUIRED}
    if document:
        fields["document_number"] = document
    fields |= {name: as_object(body.get(name)) for name in ("address", "tracking")}
    customer_id = simulation().state.upsert_customer(merchant, fields | {"products": body.get("products") or []})
    return jsonify(data={"customer": {"id": customer_id}}), 201


@sales.post("/v1/orders")
def create_order() -> tuple[Response, int]:
    merchant, body = require_merchant(), json_body()
    amounts = {name: body.get(name) or 0 for name in AMOUNTS}
    errors = {
        name: f"The {name} must be an integer of cents, not negative."
        for name, value in amounts.items()
        if not is_whole(value) or value < 0
    }
    errors |= _product_errors(body.get("products"))
    if not is_whole(body.get("customer_id")):
        errors["customer_id"] = "The customer_id field is required."
    refuse_fields(errors)
    unit_values = [product.get("unit_value") for product in body["products"]]
    if None not in unit_values:
        quantities = [product["quantity"] for product in body["products"]]
        amounts["products_value"] = sum(map(operator.mul, unit_values, quantities))
    elif "products_value" not in body:
        refuse_fields({"products_value": "The products_value is required unless each product has a unit_value."})
    total = amounts["products_value"] - amounts["discount_value"] + amounts["shipping_value"]
    if not 0 < total <= MOST_CENTS:
        refuse_fields({"products_value": "The total must be positive."})
    if simulation().state.customer(merchant, body["customer_id"]) is None:
        refuse(404, {"error": {"message": "Customer not found"}})
    order = simulation().state.add_order(merchant, body["customer_id"], amounts, body["products"])
    return jsonify(data={"order": {"id": order.id, "status": order.status}}), 201


def _product_errors(products: Any) -> dict[str, str]:
    if not isinstance(products, list) or not products:
        return {"products": "The products field is required."}
    errors = {}
    for place, product in enumerate(map(as_object, products)):
        for name in ("sku", "name"):
            if not _is_text(product.get(name)):
                errors[f"products.{place}.{name}"] = f"The {name} field is required."
        if not is_whole(product.get("quantity")) or product["quantity"] < 1:
            errors[f"products.{place}.quantity"] = "The quantity must be a positive integer."
        value = product.get("unit_value")
        if value is not None and not (is_whole(value) and value >= 0):
            errors[f"products.{place}.unit_value"] = "The unit_value must be an integer of cents, not negative."
        if product.get("type", PRODUCT_TYPES[0]) not in PRODUCT_TYPES:
            errors[f"products.{place}.type"] = f"The type must be {' or '.join(PRODUCT_TYPES)}."
    return errors


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


@sales.get("/v1/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    order = require_order(require_merchant(), order_id)
    customer = simulation().state.customer(order.external_key, order.customer_id) or {}
    return jsonify(data=answers.order(order, customer))


@sales.post("/v1/orders/refund-request")
def refund() -> tuple[Response, int]:
    merchant, body = require_merchant(), json_body()
    not_found = {"error": {"message": ["Order not found", "Site not found"]}}
    order = require_order(merchant, body.get("order_id"), otherwise=(404, not_found))
    kind, value = body.get("type", REFUND_TYPES[0]), body.get("value")
    if kind not in REFUND_TYPES:
        refuse_fields({"type": f"The type must be {' or '.join(REFUND_TYPES)}."})
    if kind == "partial" and not (is_whole(value) and value > 0):
        refuse_fields({"value": "The value must be a positive integer of cents."})
    if events.refund(simulation(), order.id, value if kind == "partial" else None) is None:
        refuse(400, {"error": {"message": "Error to refund"}})
    return jsonify(data={"message": "Refund request accepted"}), 201


@sales.post("/v1/orders/shipping-tracking-code")
def track() -> tuple[Response, int]:
    merchant, body = require_merchant(), json_body()
    not_found = {"errors": {"message": "Failed to store delivery tracking code."}}
    order = require_order(merchant, body.get("order_id"), otherwise=(400, not_found))
    code = body.get("shipping_tracking_code")
    if not isinstance(code, str) or not code.strip():
        refuse(422, {**NOT_VALID, "errors": {"message": "The delivery_tracking_code field is required."}})
    simulation().state.change_order(order.id, lambda changed: changed.ship(code.strip()))
    return jsonify(data={"message": "tracking accepted"}), 201


@sales.post("/v1/orders/upsell")
def upsell() -> tuple[Response, int]:
    """Makes an order of the same customer, charged to the card that the hash comes from."""
    sim, merchant, body = simulation(), require_merchant(), json_body()
    value, errors = body.get("products_value"), {}
    if not (is_whole(value) and 0 < value <= MOST_CENTS):
        errors["products_value"] = "The products_value must be a positive integer of cents."
    if not _is_text(body.get("upsell_hash")):
        errors["upsell_hash"] = "The upsell hash field is required."
    refuse_fields(errors | _product_errors(body.get("products")))
    order = sim.state.sell_up(merchant, body["upsell_hash"].strip(), body["products_value"], body["products"])
    if order is None:
        refuse(404, {"data": {"errors": {"message": "Order not found"}}})
    events.tell(sim, order, "order_up_sold")
    return jsonify(data=answers.upsell(sim.state.shape, order, request.host_url)), 201
