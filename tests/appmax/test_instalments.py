"""What instalments cost: the documented shape, the older one, both units, and amounts that can't be right."""

import json
from typing import Any

import pytest

from appmax.answers import Installment, InstallmentOffer, InstallmentSettings
from appmax.client import AppmaxClient
from appmax.errors import Unavailable
from tests.appmax.conftest import URL
from tests.support.documented import INSTALLMENTS, PARCELS

ROUTE = f"{URL}/v1/payments/installments"


def options(client: AppmaxClient, appmax: Any, data: Any, total_value: int = 10000) -> list[tuple[int, int, int]]:
    appmax.post(ROUTE, json={"data": data})
    offer = client.installments(total_value=total_value, installments=12)
    return [(option.installments, option.value_cents, option.total_cents) for option in offer.options]


def test_what_is_asked_is_the_documented_request(client: AppmaxClient, appmax: Any) -> None:
    options(client, appmax, INSTALLMENTS)

    assert json.loads(appmax.calls[-1].request.body) == {"installments": 12, "total_value": 10000, "settings": True}


def test_the_documented_answer_has_totals_in_cents_and_the_merchants_settings(
    client: AppmaxClient, appmax: Any
) -> None:
    appmax.post(ROUTE, json={"data": INSTALLMENTS})

    assert client.installments(total_value=10000, installments=12) == InstallmentOffer(
        options=[Installment(1, 10000, 10000), Installment(2, 5100, 10200), Installment(10, 1160, 11600)],
        settings=InstallmentSettings(modality="PP", max_installments=10, min_installment_value_cents=500),
    )


@pytest.mark.parametrize(
    ("total", "number", "each"),
    [(10000, 3, 3334), (10001, 3, 3334), (10002, 3, 3334), (10003, 3, 3335), (10000, 1, 10000), (10000, 12, 834)],
)
def test_what_one_instalment_costs_is_rounded_up_to_the_cent(
    client: AppmaxClient, appmax: Any, total: int, number: int, each: int
) -> None:
    data = {"installments": {str(number): {"total": total}}}

    assert options(client, appmax, data) == [(number, each, total)]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (PARCELS, [(1, 10000, 10000), (2, 5050, 10100), (3, 3400, 10200)]),
        ({"parcels": {"1": 100.00, "2": 50.50}}, [(1, 10000, 10000), (2, 5050, 10100)]),
        ({"parcels": {"1": "100.00", "2": "50.505"}}, [(1, 10000, 10000), (2, 5051, 10101)]),
        ({"parcels": {"1": 100, "3": 33.34000000000001}}, [(1, 10000, 10000), (3, 3334, 10002)]),
        ({"parcels": {"10": 11.6, "2": 51.0}}, [(2, 5100, 10200), (10, 1160, 11600)]),
        ({"installments": {"1": {"total": "100.00"}, "3": {"total": 100.04}}}, [(1, 10000, 10000), (3, 3335, 10004)]),
        ({"installments": {"1": {"total": "10000"}, "2": {"total": 10200.5}}}, [(1, 10000, 10000), (2, 5101, 10201)]),
        ({**INSTALLMENTS, **PARCELS}, [(1, 10000, 10000), (2, 5100, 10200), (10, 1160, 11600)]),
        ({"installments": [], **PARCELS}, [(1, 10000, 10000), (2, 5050, 10100), (3, 3400, 10200)]),
    ],
)
def test_the_unit_is_the_one_that_is_near_to_what_was_asked_about(
    client: AppmaxClient, appmax: Any, data: Any, found: Any
) -> None:
    assert options(client, appmax, data) == found


@pytest.mark.parametrize(("asked", "said"), [(1, 1), (1, 2), (100, 100), (150, 100), (2**31 - 1, 2**31 - 1)])
def test_small_and_large_amounts_have_one_unit(client: AppmaxClient, appmax: Any, asked: int, said: int) -> None:
    assert options(client, appmax, {"installments": {"1": {"total": said}}}, asked) == [(1, said, said)]


@pytest.mark.parametrize(
    "data",
    [
        {"installments": {"1": {"total": 20001}}},
        {"installments": {"1": {"total": 4999}}},
        {"installments": {"1": {"total": 1000000}}},
        {"installments": {"1": {"total": 201}}},
        {"installments": {"1": {"total": 10000}, "2": {"total": 1020000}}},
        {"installments": {"1": {"total": 10000}, "2": {"total": 102}}},
        {"parcels": {"1": 10000, "2": 10000.01}},
        {"parcels": {"1": 1000}},
        {"parcels": {"1": 0}},
    ],
)
def test_a_total_that_is_not_near_in_either_unit_is_appmaxs_error(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.post(ROUTE, json={"data": data})

    with pytest.raises(Unavailable) as caught:
        client.installments(total_value=10000, installments=12)
    assert caught.value.status == 200


@pytest.mark.parametrize("total", [5000, 20000])
def test_twice_and_half_of_what_was_asked_about_can_be_right(client: AppmaxClient, appmax: Any, total: int) -> None:
    assert options(client, appmax, {"installments": {"1": {"total": total}}}) == [(1, total, total)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"modality": "AM", "max_installments": "6"}, InstallmentSettings("AM", 6, None)),
        ({"min_installment_value": 5.5, "max_installments": 0, "modality": None}, InstallmentSettings("", None, None)),
        ([], None),
        ("PP", None),
    ],
)
def test_settings_may_be_missing_in_part(
    client: AppmaxClient, appmax: Any, said: Any, found: InstallmentSettings | None
) -> None:
    appmax.post(ROUTE, json={"data": {**INSTALLMENTS, "settings": said}})

    assert client.installments(total_value=10000, installments=12).settings == found


BAD_AMOUNTS = ["1.234,56", "12,5", "-1", -1, True, None, "", "abc", [], {}, "1e3", "1" * 40, 1e300, " 5"]


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_an_instalment_that_is_no_amount_is_left_out(client: AppmaxClient, appmax: Any, amount: Any) -> None:
    assert options(client, appmax, {"parcels": {"1": 100, "2": amount}}) == [(1, 10000, 10000)]


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "01", "", "settings"])
def test_an_instalment_without_a_number_is_left_out(client: AppmaxClient, appmax: Any, number: str) -> None:
    assert options(client, appmax, {"parcels": {number: 1, "2": 50}}) == [(2, 5000, 10000)]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_an_instalment_that_is_no_number_is_left_out(client: AppmaxClient, appmax: Any, amount: str) -> None:
    appmax.post(ROUTE, body=f'{{"data": {{"parcels": {{"1": 100, "2": {amount}, "3": "{amount}"}}}}}}')

    assert client.installments(total_value=10000, installments=3).options == [Installment(1, 10000, 10000)]


@pytest.mark.parametrize(
    "data", [{}, [], None, {"parcels": []}, {"parcels": {}}, {"parcels": {"1": "x"}}, {"installments": {"1": {}}}]
)
def test_installments_without_any_are_unavailable(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.post(ROUTE, json={"data": data})

    with pytest.raises(Unavailable):
        client.installments(total_value=1000, installments=2)
