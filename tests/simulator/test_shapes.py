"""What the API answers: the documented bodies, and, as switches, the other shapes that were seen."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.simulator.conftest import Appmax
from tests.support.documented import ORDER

DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def just_now(date: str) -> bool:
    """Whether this is now, in Brazil's time and without a zone, as Appmax writes it."""
    assert DATE.fullmatch(date)
    moment = datetime.fromisoformat(date).replace(tzinfo=ZoneInfo("America/Sao_Paulo"))
    return abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def keys(value: Any) -> Any:
    """The names of an object's fields, and of the objects in it."""
    return {name: keys(item) for name, item in value.items()} if isinstance(value, dict) else None


# --- as documented ---------------------------------------------------------------------------------------------------


def test_an_order_that_was_paid_by_card_and_refunded(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.card(merchant, order_id, installments=12)
    appmax.refund(merchant, order_id, type="total")
    data = appmax.read(merchant, order_id)
    assert keys(data) == keys(ORDER)
    assert (data["order"]["status"], data["order"]["total_paid"]) == ("estornado", 13490)
    paid_at = data["payment"].pop("paid_at")
    card = {"brand": "visa", "number": "400000****0010"}
    assert data["payment"] == {"method": "creditcard", "installments": 12, "installments_amount": 1125, "card": card}
    assert all(map(just_now, (paid_at, data["refund"]["refunded_at"], data["order"]["updated_at"])))


def test_a_card(appmax: Appmax, merchant: str) -> None:
    answer = appmax.card(merchant, appmax.new_order(merchant))
    assert answer.status_code == 201
    assert set(answer.json()["data"]["payment"]) == {"id", "pay_reference", "upsell_hash", "status"}


def test_a_pix(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "settings", json={"pix_minutes": 0.5})
    answer = appmax.pix(merchant, appmax.new_order(merchant))
    assert answer.status_code == 200
    payment = answer.json()["data"]["payment"]
    assert set(payment) == {"pix_qrcode", "pix_emv", "pix_expiration_date"}
    assert just_now(payment["pix_expiration_date"])


def test_a_boleto(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    answer = appmax.boleto(merchant, order_id)
    assert answer.status_code == 201
    kept = appmax.kept(order_id)
    assert answer.json()["data"]["payment"] == {
        "boleto_link_pdf": kept["boleto_link_pdf"],
        "boleto_digitable_line": kept["boleto_digitable_line"],
        "boleto_expiration_date": kept["boleto_due_date"],
    }


def test_a_customer_without_what_is_required(appmax: Appmax, merchant: str) -> None:
    answer = appmax.customer(merchant, first_name=None, last_name=None, ip=None)
    assert answer.status_code == 422
    assert answer.json() == {
        "message": "The given data failed to pass validation.",
        "errors": {
            "message": {
                "first_name": ["The first_name field is required."],
                "last_name": ["The last_name field is required."],
                "ip": ["The ip field is required."],
            }
        },
    }


def test_a_customer_keeps_products_and_tracking(appmax: Appmax, merchant: str) -> None:
    products = [{"sku": "9000010", "name": "Livro de receitas", "quantity": 1, "unit_value": 12300, "type": "digital"}]
    tracking = {"utm_source": "google", "utm_campaign": "teste"}
    answer = appmax.customer(merchant, products=products, tracking=tracking)
    customer = appmax.state.known_customer(answer.json()["data"]["customer"]["id"])
    assert (customer["products"], customer["tracking"]) == (products, tracking)


# --- other shapes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def other(appmax: Appmax, merchant: str) -> str:
    """The merchant's token, once the other names are switched on."""
    assert appmax.control("POST", "settings", json={"shape": "other_names"})["shape"] == "other_names"
    return merchant


@pytest.mark.parametrize(("number", "status"), [("4000000000000044", "autorizado"), ("4000000000000002", "cancelado")])
def test_a_card_is_an_orders_status(appmax: Appmax, other: str, number: str, status: str) -> None:
    data = appmax.card(other, appmax.new_order(other), number).json()["data"]
    assert set(data) == {"order", "upsell_hash"}
    assert data["order"] == {"status": status}
    assert bool(data["upsell_hash"]) is (status == "autorizado")


def test_a_pix_is_a_picture_with_its_type(appmax: Appmax, other: str) -> None:
    order_id = appmax.new_order(other)
    pix = appmax.pix(other, order_id).json()["data"]["pix"]
    kind, _, picture = pix["qr_code"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(picture, validate=True).startswith(b"\x89PNG")
    assert pix["emv_code"].startswith("000201")
    assert DATE.fullmatch(pix["expires_at"])
    again = appmax.pix(other, order_id)
    assert again.status_code == 200
    assert again.json()["data"] == {"pix": {"qr_code": "", "emv_code": "", "expires_at": ""}}


def test_a_boleto_has_other_names(appmax: Appmax, other: str) -> None:
    order_id = appmax.new_order(other)
    boleto = appmax.boleto(other, order_id).json()["data"]["boleto"]
    kept = appmax.kept(order_id)
    assert boleto == {
        "pdf_url": kept["boleto_link_pdf"],
        "digitable_line": kept["boleto_digitable_line"],
        "due_date": kept["boleto_due_date"],
    }


def test_an_upsell_has_no_order_and_no_scheme(appmax: Appmax, other: str) -> None:
    upsell_hash = appmax.card(other, appmax.new_order(other)).json()["data"]["upsell_hash"]
    data = appmax.upsell(other, upsell_hash).json()["data"]
    assert set(data) == {"message", "redirect_url"}
    assert data["redirect_url"] == f"{appmax.url.removeprefix('http://')}/orders"


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        ("parcels", {"parcels": {"1": 129.9, "2": 66.89, "3": 45.03}}),
        ("parcels_in_cents", {"parcels": {"1": 12990.0, "2": 6689.5, "3": 4503.33}}),
        ("absurd_totals", {"installments": {"1": {"total": 38970}, "2": {"total": 40137}, "3": {"total": 40530}}}),
    ],
)
def test_instalments_in_other_shapes(appmax: Appmax, merchant: str, shape: str, data: Any) -> None:
    appmax.control("POST", "settings", json={"shape": shape})
    body = {"installments": 3, "total_value": 12990, "settings": False}
    assert appmax.call("POST", "/v1/payments/installments", merchant, json=body).json()["data"] == data


def test_the_documented_shape_comes_back(appmax: Appmax, other: str) -> None:
    appmax.control("POST", "settings", json={"shape": "documented"})
    assert "pix_emv" in appmax.pix(other, appmax.new_order(other)).json()["data"]["payment"]


def test_reset_brings_the_documented_shape_back(appmax: Appmax, other: str) -> None:
    appmax.control("POST", "reset")
    token = appmax.merchant_token()
    assert "payment" in appmax.pix(token, appmax.new_order(token)).json()["data"]


@pytest.mark.parametrize("body", [{"shape": "round"}, {"shape": ["other_names"]}])
def test_other_shapes_are_not_known(appmax: Appmax, body: dict[str, object]) -> None:
    assert appmax.call("POST", "/simulator/api/settings", json=body).status_code == 422


# --- how answers are written -----------------------------------------------------------------------------------------


def test_an_answer_may_begin_with_a_byte_order_mark(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "settings", json={"writing": "bom"})
    answer = appmax.call("GET", "/v1/orders/1", merchant)
    assert answer.content == b'\xef\xbb\xbf{"errors":{"message":"Order not found"}}\n'


def test_an_answer_may_be_utf_8_that_claims_to_be_a_page_in_latin_1(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "settings", json={"writing": "latin1_page"})
    answer = appmax.card(merchant, order_id, "4000000000000036")
    assert answer.headers["Content-Type"] == "text/html; charset=iso-8859-1"
    assert json.loads(answer.content.decode()) == {"error": {"message": "Transação não autorizada"}}
    assert "Transação".encode() in answer.content


def test_pages_and_the_control_of_the_simulator_are_written_as_ever(appmax: Appmax) -> None:
    appmax.control("POST", "settings", json={"writing": "bom"})
    assert appmax.control("GET", "settings")["writing"] == "bom"


@pytest.mark.parametrize(
    ("lifetime", "said"),
    [
        ("seconds", {"expires_in": 3600}),
        ("decimal", {"expires_in": 3600.0}),
        ("text", {"expires_in": "3600.0"}),
        ("missing", {}),
    ],
)
def test_how_a_token_says_its_lifetime(appmax: Appmax, lifetime: str, said: dict[str, Any]) -> None:
    appmax.control("POST", "settings", json={"lifetime": lifetime})
    answer = appmax.ask_token(appmax.settings.client_id, appmax.settings.client_secret).json()
    assert {name: answer[name] for name in answer if name == "expires_in"} == said
    assert set(answer) - {"expires_in"} == {"access_token", "token_type"}
