"""The other shape in which payments are answered."""

import base64
import re

import pytest

from tests.simulator.conftest import Appmax


@pytest.fixture
def newer(appmax: Appmax, merchant: str) -> str:
    """The merchant's token, once the other shape is switched on."""
    assert appmax.control("POST", "shape", json={"shape": "newer"}) == {"shape": "newer"}
    return merchant


@pytest.mark.parametrize(("number", "status"), [("4000000000000044", "autorizado"), ("4000000000000002", "cancelado")])
def test_a_card_is_an_orders_status(appmax: Appmax, newer: str, number: str, status: str) -> None:
    data = appmax.card(newer, appmax.new_order(newer), number).json()["data"]
    assert set(data) == {"order", "upsell_hash"}
    assert data["order"] == {"status": status}
    assert bool(data["upsell_hash"]) is (status == "autorizado")


def test_a_pix_is_a_picture_with_its_type(appmax: Appmax, newer: str) -> None:
    order_id = appmax.new_order(newer)
    pix = appmax.pix(newer, order_id).json()["data"]["pix"]
    kind, _, picture = pix["qr_code"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(picture, validate=True).startswith(b"\x89PNG")
    assert pix["emv_code"].startswith("000201")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", pix["expires_at"])
    again = appmax.pix(newer, order_id)
    assert again.status_code == 200
    assert again.json()["data"] == {"pix": {"qr_code": "", "emv_code": "", "expires_at": ""}}


def test_a_boleto_has_other_names(appmax: Appmax, newer: str) -> None:
    order_id = appmax.new_order(newer)
    boleto = appmax.boleto(newer, order_id).json()["data"]["boleto"]
    kept = appmax.kept(order_id)
    assert boleto == {
        "pdf_url": kept["boleto_link_pdf"],
        "digitable_line": kept["boleto_digitable_line"],
        "due_date": kept["boleto_due_date"],
    }


def test_instalments_are_totals_with_gaps(appmax: Appmax, newer: str) -> None:
    body = {"installments": 6, "total_value": 12990, "settings": True}
    data = appmax.call("POST", "/v1/payments/installments", newer, json=body).json()["data"]
    assert set(data["installments"]) == {"1", "2", "3", "6"}
    assert data["installments"]["1"] == {"total": "129.90"}
    assert data["installments"]["2"] == {"total": "133.80"}


def test_an_upsell_has_no_order_and_no_scheme(appmax: Appmax, newer: str) -> None:
    upsell_hash = appmax.card(newer, appmax.new_order(newer)).json()["data"]["upsell_hash"]
    data = appmax.upsell(newer, upsell_hash).json()["data"]
    assert set(data) == {"message", "redirect_url"}
    assert data["redirect_url"] == f"{appmax.url.removeprefix('http://')}/orders"


def test_the_first_shape_comes_back(appmax: Appmax, newer: str) -> None:
    appmax.control("POST", "shape", json={"shape": "classic"})
    assert "pix_emv" in appmax.pix(newer, appmax.new_order(newer)).json()["data"]["payment"]


def test_reset_brings_the_first_shape_back(appmax: Appmax, newer: str) -> None:
    appmax.control("POST", "reset")
    token = appmax.merchant_token()
    assert "payment" in appmax.pix(token, appmax.new_order(token)).json()["data"]


@pytest.mark.parametrize("body", [{}, {"shape": "round"}, {"shape": ["newer"]}])
def test_only_two_shapes_are_known(appmax: Appmax, body: dict[str, object]) -> None:
    assert appmax.call("POST", "/simulator/api/shape", json=body).status_code == 422
