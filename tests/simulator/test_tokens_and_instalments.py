"""What goes with card payments: a card's token, and the price of instalments."""

from typing import Any

import pytest

from tests.simulator.conftest import Appmax, card_fields


@pytest.fixture
def order_id(appmax: Appmax, merchant: str) -> int:
    return appmax.new_order(merchant)


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_stands_for_its_card(appmax: Appmax, merchant: str, order_id: int) -> None:
    answer = appmax.tokenize(merchant, "4000000000000028")
    assert answer.status_code == 201
    token = answer.json()["data"]["token"]
    body = appmax.card_body(order_id)
    body["payment_data"]["credit_card"] = {"token": token, "installments": 1}
    assert appmax.call("POST", "/v1/payments/credit-card", merchant, json=body).status_code == 402
    assert appmax.kept(order_id)["payments"][0]["card_last4"] == "0028"


def test_a_token_serves_once(appmax: Appmax, merchant: str, order_id: int) -> None:
    token = appmax.tokenize(merchant).json()["data"]["token"]
    assert appmax.card(merchant, order_id, token=token).status_code == 201
    answer = appmax.card(merchant, order_id, token=token)
    assert answer.status_code == 422
    assert answer.json()["errors"]["message"] == "The card token is unknown, or was used already"
    assert appmax.kept(order_id)["charges"] == 1


def test_a_refused_body_does_not_use_the_token_up(appmax: Appmax, merchant: str, order_id: int) -> None:
    token = appmax.tokenize(merchant).json()["data"]["token"]
    assert appmax.card(merchant, order_id, token=token, installments=99).status_code == 422
    assert appmax.card(merchant, order_id, token=token).status_code == 201


def test_unknown_tokens_and_other_merchants_are_refused(appmax: Appmax, merchant: str, order_id: int) -> None:
    strangers = appmax.tokenize(appmax.merchant_token("other")).json()["data"]["token"]
    for token in ("made-up", strangers):
        assert appmax.card(merchant, order_id, token=token).status_code == 422


@pytest.mark.parametrize("name", list(card_fields()))
def test_a_token_needs_a_whole_card(appmax: Appmax, merchant: str, name: str) -> None:
    answer = appmax.tokenize(merchant, **{name: ""})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [name]


# --- instalments -----------------------------------------------------------------------------------------------------


def _installments(appmax: Appmax, merchant: str, **changes: Any) -> Any:
    body = {"installments": 12, "total_value": 12990, "settings": True, **changes}
    return appmax.call("POST", "/v1/payments/installments", merchant, json=body)


def test_one_instalment_costs_the_total_and_more_cost_interest(appmax: Appmax, merchant: str) -> None:
    totals = _installments(appmax, merchant).json()["data"]["installments"]
    assert set(totals) == {"1", "2", "3", "6", "10", "12"}
    assert totals["1"] == {"total": 12990}
    assert [totals["2"], totals["3"]] == [{"total": 13379}, {"total": 13510}]
    assert all(12990 < totals[number]["total"] < 1.25 * 12990 for number in totals if number != "1")


def test_there_are_no_more_instalments_than_asked_for(appmax: Appmax, merchant: str) -> None:
    assert list(_installments(appmax, merchant, installments=2).json()["data"]["installments"]) == ["1", "2"]


def test_no_instalment_is_smaller_than_the_merchant_wants(appmax: Appmax, merchant: str) -> None:
    assert list(_installments(appmax, merchant, total_value=1000).json()["data"]["installments"]) == ["1", "2"]
    assert list(_installments(appmax, merchant, total_value=100).json()["data"]["installments"]) == ["1"]


@pytest.mark.parametrize("wanted", [True, False])
def test_the_merchants_settings_come_along_if_they_are_asked_for(appmax: Appmax, merchant: str, wanted: bool) -> None:
    settings = {"modality": "PP", "max_installments": 12, "min_installment_value": 500}
    data = _installments(appmax, merchant, settings=wanted).json()["data"]
    assert data.get("settings") == (settings if wanted else None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"installments": 0}, "installments"),
        ({"installments": 13}, "installments"),
        ({"total_value": 0}, "total_value"),
        ({"total_value": "129.90"}, "total_value"),
        ({"settings": None}, "settings"),
    ],
)
def test_instalments_are_validated(appmax: Appmax, merchant: str, changes: dict[str, Any], field: str) -> None:
    answer = _installments(appmax, merchant, **changes)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [field]
