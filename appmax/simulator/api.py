"""Appmax's auth server and the API behind it: tokens, installations, customers, orders, Pix."""

import hmac
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from stdnum.br import cnpj, cpf

from appmax.simulator import events, faults, pix
from appmax.simulator.callback import health_check
from appmax.simulator.context import simulation
from appmax.simulator.reading import as_object, is_whole, json_body, refuse, refuse_fields, require_texts
from appmax.simulator.records import PAYABLE, Order
from appmax.simulator.state import APP

api = Blueprint("api", __name__)
faults.suffer(api)

LONGEST_KEY = 255  # characters of an external_key
AMOUNTS = ("products_value", "discount_value", "shipping_value")
MOST_CENTS = 2_147_483_647


# --- who asks --------------------------------------------------------------------------------------------------------


@api.post("/oauth2/token")
def token() -> Response:
    """Client credentials → a token that expires."""
    sim = simulation()
    if request.form.get("grant_type") != "client_credentials":
        refuse(400, {"error": "unsupported_grant_type", "error_description": "grant_type must be client_credentials"})
    given = request.form.get("client_id", ""), request.form.get("client_secret", "")
    apps = f"{sim.settings.client_id}\n{sim.settings.client_secret}"
    is_app = hmac.compare_digest("\n".join(given).encode(), apps.encode())
    owner = APP if is_app else sim.state.merchant_of(*given)
    if owner is None:
        refuse(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    seconds = sim.settings.token_seconds
    access_token = sim.state.issue_token(owner, seconds)
    return jsonify(access_token=access_token, token_type="Bearer", expires_in=int(seconds))


def _owner() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    owner = simulation().state.owner_of(value) if scheme.lower() == "bearer" else None
    if owner is None:
        refuse(401, {"message": "Unauthenticated."})
    return owner


def _require_app() -> None:
    if _owner() != APP:
        refuse(403, {"message": "This token is a merchant's; the app's is needed."})


def _merchant() -> str:
    """The external_key of the merchant who asks."""
    owner = _owner()
    if owner == APP:
        refuse(403, {"message": "This token is the app's; a merchant's is needed."})
    return owner


# --- the app's calls -------------------------------------------------------------------------------------------------


@api.post("/app/authorize")
def authorize() -> Response:
    """The hash under which the merchant authorises the installation."""
    _require_app()
    sim = simulation()
    texts = require_texts(json_body(), "app_id", "external_key", "url_callback")
    if texts["app_id"] != sim.settings.app_id_uuid:
        numeric = " This is its numeric id; the UUID is needed." * (texts["app_id"] == sim.settings.app_id_numeric)
        refuse(404, {"error": {"message": f"App not found.{numeric}"}})
    if len(texts["external_key"]) > LONGEST_KEY:
        refuse_fields({"external_key": f"The external_key has more than {LONGEST_KEY} characters."})
    if not is_web_address(texts["url_callback"]):
        refuse_fields({"url_callback": "The url_callback is not a valid URL."})
    return jsonify(data={"token": sim.state.authorize(texts["external_key"], texts["url_callback"])})


@api.post("/app/client/generate")
def generate() -> Response:
    """The merchant's credentials; the health check is posted while this call is still open, as Appmax does."""
    _require_app()
    sim = simulation()
    authorization = sim.state.claim(str(json_body().get("token")))
    if authorization is None:
        refuse(404, {"error": {"message": "Token not found, or used already."}})
    check = health_check(sim, authorization)
    if not check.passed:
        sim.state.release(authorization.token)
        refuse(422, {"error": {"message": f"The app's health check answered {check.status or check.text}, not 200."}})
    client_id, client_secret = sim.state.merchant_credentials(authorization.external_key)
    return jsonify(data={"client": {"client_id": client_id, "client_secret": client_secret}})


def is_web_address(url: str) -> bool:
    """Whether this can be posted to."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


# --- a merchant's calls ----------------------------------------------------------------------------------------------


@api.post("/v1/customers")
def customers() -> tuple[Response, int]:
    """Create, or update by e-mail."""
    merchant, body = _merchant(), json_body()
    fields: dict[str, Any] = dict(require_texts(body, "first_name", "last_name", "email", "phone"))
    errors = {}
    if "@" not in fields["email"]:
        errors["email"] = "The email must be a valid email address."
    if not 0 < sum(character.isdigit() for character in fields["phone"]) <= 11:
        errors["phone"] = "The phone may not have more than 11 digits."
    if (document := body.get("document_number")) not in (None, ""):
        fields["document_number"] = document
        if not _is_document(document):
            errors["document_number"] = "The document_number is invalid."
    refuse_fields(errors)
    fields["address"] = as_object(body.get("address"))
    customer_id = simulation().state.upsert_customer(merchant, fields)
    return jsonify(data={"customer": {"id": customer_id}}), 201


@api.post("/v1/orders")
def create_order() -> tuple[Response, int]:
    """An order of one of the merchant's customers."""
    merchant, body = _merchant(), json_body()
    amounts = {name: body.get(name) or 0 for name in AMOUNTS}
    errors = {
        name: f"The {name} must be an integer of cents, not negative."
        for name, value in amounts.items()
        if not is_whole(value) or value < 0
    }
    products = body.get("products")
    if not (isinstance(products, list) and products and all(isinstance(product, dict) for product in products)):
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


def _order(merchant: str, order_id: Any) -> Order:
    order = simulation().state.order(order_id) if is_whole(order_id) else None
    if order is None or order.external_key != merchant:
        refuse(404, {"errors": {"message": "Order not found"}})
    return order


@api.get("/v1/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    """What is true."""
    order = _order(_merchant(), order_id)
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
            # Appmax writes [] for an object that is empty.
            "payment": {"method": "pix", "pix_emv": order.pix_emv} if order.pix_emv else [],
        }
    )


@api.post("/v1/payments/pix")
def pay_pix() -> tuple[Response, int]:
    """A Pix; empty if one is pending already."""
    sim, merchant, body = simulation(), _merchant(), json_body()
    order = _order(merchant, body.get("order_id"))
    if not _is_document(as_object(as_object(body.get("payment_data")).get("pix")).get("document_number")):
        refuse_fields({"document_number": "The document_number is invalid."})
    if order.status not in PAYABLE:
        refuse(422, {"errors": {"message": f"The order is {order.status}"}})
    emv = pix.br_code(order.id, order.total)
    qr_code = pix.qr_picture(emv)
    begun = sim.state.begin_pix(order.id, emv, qr_code)
    if begun is None:
        return jsonify(data={"payment": {"pix_qrcode": "", "pix_emv": ""}}), 200
    events.pix_created(sim, begun)
    return jsonify(data={"payment": {"pix_qrcode": qr_code, "pix_emv": emv}}), 201


def _is_document(value: Any) -> bool:
    """A CPF or CNPJ whose check digits are right."""
    return isinstance(value, str) and (cpf.is_valid(value) or cnpj.is_valid(value))
