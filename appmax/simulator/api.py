"""Appmax's auth server and API, as the contract's section 5 describes them."""

import socket
import time
import uuid
from typing import Any

import requests
from flask import Blueprint, Response, abort, current_app, g, jsonify, make_response, request
from stdnum.br import cnpj, cpf

from appmax.simulator import events, pix
from appmax.simulator.delivery import Courier
from appmax.simulator.settings import SimulatorSettings
from appmax.simulator.state import APP, Authorization, Order, State

api = Blueprint("api", __name__)

HEALTH_CHECK_SECONDS = 5


def simulated() -> tuple[SimulatorSettings, State, Courier]:
    """What the running app simulates with."""
    return current_app.extensions["simulator"]  # type: ignore[no-any-return]


def refuse(status: int, body: dict[str, Any]) -> None:
    """End the request with this JSON."""
    abort(make_response(jsonify(body), status))


@api.before_request
def suffer_fault() -> Response | None:
    """Faults that strike before the work is done; those that strike after it wait for `suffer_late_fault`."""
    _, state, _ = simulated()
    g.fault = fault = state.take_fault(request.path)
    if fault is None:
        return None
    if fault.hang:
        time.sleep(fault.hang)
    if fault.work or not (fault.status or fault.reset):
        return None
    return _faulty_answer()


@api.after_request
def suffer_late_fault(response: Response) -> Response:
    """The work is done, the answer is another one."""
    if g.fault is not None and g.fault.work:
        response = _faulty_answer()
    response.headers["X-Request-Id"] = str(uuid.uuid4())
    response.headers["CF-Ray"] = f"{uuid.uuid4().hex[:16]}-GRU"
    return response


def _faulty_answer() -> Response:
    if g.fault.reset:
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    body = g.fault.body if g.fault.body is not None else {"message": f"simulated {g.fault.status}"}
    return make_response(jsonify(body), g.fault.status or 500)


# --- who asks --------------------------------------------------------------------------------------------------------


@api.post("/oauth2/token")
def token() -> Response:
    """Client credentials → a token that expires."""
    settings, state, _ = simulated()
    if request.form.get("grant_type") != "client_credentials":
        refuse(400, {"error": "unsupported_grant_type", "error_description": "grant_type must be client_credentials"})
    client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    is_app = (client_id, secret) == (settings.client_id, settings.client_secret)
    owner = APP if is_app else state.merchant_of(client_id, secret)
    if owner is None:
        refuse(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    assert owner is not None  # noqa: S101
    return jsonify(
        access_token=state.issue_token(owner, settings.token_seconds),
        token_type="Bearer",
        expires_in=settings.token_seconds,
    )


def _owner() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    owner = simulated()[1].owner_of(value) if scheme == "Bearer" else None
    if owner is None:
        refuse(401, {"message": "Unauthenticated."})
    return owner or APP


def _merchant() -> str:
    """The external_key of the merchant who asks."""
    owner = _owner()
    if owner == APP:
        refuse(403, {"message": "This token is the app's; a merchant's is needed"})
    return owner


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _require(body: dict[str, Any], *names: str) -> None:
    if missing := [name for name in names if body.get(name) in (None, "")]:
        refuse(422, {"errors": {"message": {name: [f"The {name} field is required."] for name in missing}}})


# --- the app's calls -------------------------------------------------------------------------------------------------


@api.post("/app/authorize")
def authorize() -> Response:
    """The hash under which the merchant authorises the installation."""
    settings, state, _ = simulated()
    if _owner() != APP:
        refuse(403, {"message": "This token is a merchant's; the app's is needed"})
    body = _body()
    _require(body, "app_id", "external_key", "url_callback")
    if body["app_id"] != settings.app_id_uuid:
        refuse(404, {"error": {"message": "App not found"}})
    authorization = Authorization(
        token=uuid.uuid4().hex, external_key=str(body["external_key"]), callback_url=str(body["url_callback"])
    )
    state.authorizations[authorization.token] = authorization
    return jsonify(data={"token": authorization.token})


@api.post("/app/client/generate")
def generate() -> Response:
    """The merchant's credentials; the health check is posted while this call is still open, as Appmax does."""
    _, state, _ = simulated()
    if _owner() != APP:
        refuse(403, {"message": "This token is a merchant's; the app's is needed"})
    authorization = state.authorizations.get(str(_body().get("token")))
    if authorization is None or authorization.generated:
        refuse(404, {"error": {"message": "Token not found"}})
    assert authorization is not None  # noqa: S101
    status, _ = health_check(authorization)
    if status != 200:
        refuse(422, {"error": {"message": f"The app's health check answered {status}"}})
    authorization.generated = True
    client_id, client_secret = state.merchant_credentials(authorization.external_key)
    return jsonify(data={"client": {"client_id": client_id, "client_secret": client_secret}})


def health_check(authorization: Authorization) -> tuple[int, str]:
    """POST the installation callback; (status, body), or (0, the failure's name). Only exactly 200 counts."""
    settings, state, _ = simulated()
    client_id, client_secret = state.merchant_credentials(authorization.external_key)
    body = {
        "app_id": settings.app_id_numeric,
        "client_key": authorization.external_key,
        "external_key": authorization.external_key,
        "client_id": client_id,
        "client_secret": client_secret,
    }
    try:
        with requests.post(authorization.callback_url, json=body, timeout=HEALTH_CHECK_SECONDS) as response:
            return response.status_code, response.text[:500]
    except requests.RequestException as error:
        return 0, type(error).__name__


# --- a merchant's calls ----------------------------------------------------------------------------------------------


@api.post("/v1/customers")
def customers() -> tuple[Response, int]:
    """Create, or update by e-mail."""
    merchant, body = _merchant(), _body()
    _require(body, "first_name", "last_name", "email", "phone")
    return jsonify(data={"customer": {"id": simulated()[1].upsert_customer(merchant, body)}}), 201


@api.post("/v1/orders")
def create_order() -> tuple[Response, int]:
    """An order of one of the merchant's customers."""
    _, state, _ = simulated()
    merchant, body = _merchant(), _body()
    _require(body, "customer_id", "products", "products_value")
    customer = state.customers.get(body["customer_id"])
    if customer is None or customer["external_key"] != merchant:
        refuse(404, {"errors": {"message": "Customer not found"}})
    total = body["products_value"] - body.get("discount_value", 0) + body.get("shipping_value", 0)
    if total <= 0:
        refuse(422, {"errors": {"message": {"products_value": ["The total must be positive."]}}})
    order = Order(state.next_id(), merchant, body["customer_id"], total, body["products"])
    state.orders[order.id] = order
    return jsonify(data={"order": {"id": order.id, "status": order.status}}), 201


def _order(merchant: str, order_id: Any) -> Order:
    order = simulated()[1].orders.get(order_id) if isinstance(order_id, int) else None
    if order is None or order.external_key != merchant:
        refuse(404, {"errors": {"message": "Order not found"}})
    assert order is not None  # noqa: S101
    return order


@api.get("/v1/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    """What is true."""
    order = _order(_merchant(), order_id)
    return jsonify(
        data={
            "order": {
                "id": order.id,
                "status": order.status,
                "total": order.total,
                "total_paid": order.total_paid,
            },
            "customer": {"id": order.customer_id},
            "payment": {"method": "pix"} if order.pix_emv else [],
        }
    )


@api.post("/v1/payments/pix")
def pay_pix() -> tuple[Response, int]:
    """A Pix; empty if one is pending already."""
    settings, state, courier = simulated()
    merchant, body = _merchant(), _body()
    order = _order(merchant, body.get("order_id"))
    payment_data = body.get("payment_data")
    document = str((payment_data.get("pix") or {}).get("document_number")) if isinstance(payment_data, dict) else ""
    if not (cpf.is_valid(document) or cnpj.is_valid(document)):
        refuse(422, {"errors": {"message": {"document_number": ["The document_number is invalid."]}}})
    with state.lock:
        if order.has_pending_pix:
            return jsonify(data={"payment": {"pix_qrcode": "", "pix_emv": ""}}), 200
        if order.status not in ("pendente", "cancelado"):
            refuse(422, {"errors": {"message": f"The order is {order.status}"}})
        order.status = "pendente"
        order.pix_emv = pix.br_code(order.id, order.total)
        order.pix_qr_code = pix.qr_picture(order.pix_emv)
    courier.send(events.order_event(settings, "order_pix_created", order))
    return jsonify(data={"payment": {"pix_qrcode": order.pix_qr_code, "pix_emv": order.pix_emv}}), 201
