"""Paying by boleto, at once with a Pix or alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from simulator import boleto
from simulator.records import BRAZIL
from tests.simulator.conftest import Appmax, Receiver


@pytest.fixture
def order_id(appmax: Appmax, merchant: str) -> int:
    return appmax.new_order(merchant)


def _status(appmax: Appmax, merchant: str, order_id: int) -> tuple[str, int]:
    order = appmax.read(merchant, order_id)["order"]
    return order["status"], order["total_paid"]


def test_a_boleto_is_a_link_and_a_line(appmax: Appmax, merchant: str, order_id: int, receiver: Receiver) -> None:
    answer = appmax.boleto(merchant, order_id)
    assert answer.status_code == 201
    payment = answer.json()["data"]["payment"]
    assert payment["boleto_link_pdf"] == f"{appmax.url}/boletos/{order_id}.pdf"
    assert len(payment["boleto_digitable_line"]) == 47
    assert payment["boleto_digitable_line"].isdigit()
    assert payment["boleto_digitable_line"].endswith("13490")
    assert receiver.events(1) == ["order_billet_created"]
    assert receiver.received[0].body["data"]["payment_type"] == "boleto"


def test_the_line_is_built_as_banks_build_it() -> None:
    """Checked against the example in Banco do Brasil's specification."""
    line = boleto.with_check_digits("0019", "0500940144816060680935031", "37370000000100")
    assert line == "00190500954014481606906809350314337370000000100"


def test_the_line_tells_when_and_how_much() -> None:
    """Due dates count from 1000 on 22 February 2025."""
    line = boleto.digitable_line(123456789, 13490, date(2025, 2, 25))
    assert line.startswith("9999")
    assert line.endswith("1003" + "0000013490")


def test_the_link_leads_to_a_pdf(appmax: Appmax, merchant: str, order_id: int) -> None:
    line = appmax.boleto(merchant, order_id).json()["data"]["payment"]["boleto_digitable_line"]
    page = appmax.call("GET", f"/boletos/{order_id}.pdf")
    assert page.headers["Content-Type"] == "application/pdf"
    assert page.content.startswith(b"%PDF-1.4")
    assert page.content.endswith(b"%%EOF\n")
    assert line.encode() in page.content
    assert b"This is a simulator of Appmax. No real money moves here." in page.content


def test_the_pdfs_table_points_to_its_objects() -> None:
    page = boleto.pdf(["a (bracketed) line"])
    table = int(page.rpartition(b"startxref\n")[2].split()[0])
    assert page[table:].startswith(b"xref\n0 6\n")
    for number, entry in enumerate(page[table:].splitlines()[3:8], start=1):
        assert page[int(entry[:10]) :].startswith(b"%d 0 obj" % number)
    assert rb"(a \(bracketed\) line)" in page


def test_an_order_without_a_boleto_has_no_pdf(appmax: Appmax, order_id: int) -> None:
    assert appmax.call("GET", f"/boletos/{order_id}.pdf").status_code == 404


def test_while_it_is_pending_the_same_boleto_comes_again(
    appmax: Appmax, merchant: str, order_id: int, receiver: Receiver
) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: appmax.boleto(merchant, order_id), range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    assert len(appmax.control("GET", "deliveries")) == 1


@pytest.mark.parametrize("path", ["/orders/{}/pay", "/simulator/api/orders/{}/pay"])
def test_paying_tells_two_events(appmax: Appmax, merchant: str, order_id: int, receiver: Receiver, path: str) -> None:
    appmax.boleto(merchant, order_id)
    receiver.wait_for(1)
    assert appmax.call("POST", path.format(order_id)).status_code in (200, 303)
    assert receiver.events(3)[1:] == ["order_paid", "order_approved"]
    assert _status(appmax, merchant, order_id) == ("aprovado", 13490)
    assert appmax.kept(order_id)["charges"] == 1


@pytest.mark.parametrize("path", ["/orders/{}/expire", "/simulator/api/orders/{}/expire"])
def test_it_can_go_overdue(appmax: Appmax, merchant: str, order_id: int, receiver: Receiver, path: str) -> None:
    appmax.boleto(merchant, order_id)
    receiver.wait_for(1)
    assert appmax.call("POST", path.format(order_id)).status_code in (200, 303)
    assert receiver.events(2)[1:] == ["order_billet_overdue"]
    assert _status(appmax, merchant, order_id) == ("cancelado", 0)
    assert appmax.boleto(merchant, order_id).status_code == 201


def test_it_is_paid_once(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.boleto(merchant, order_id)
    appmax.control("POST", f"orders/{order_id}/pay")
    assert appmax.call("POST", f"/simulator/api/orders/{order_id}/pay").status_code == 409
    assert appmax.boleto(merchant, order_id).status_code == 404


@pytest.mark.parametrize("method", ["pix", "boleto"])
def test_of_a_pix_and_a_boleto_either_can_be_paid(
    appmax: Appmax, merchant: str, order_id: int, receiver: Receiver, method: str
) -> None:
    assert appmax.pix(merchant, order_id).status_code == 200
    assert appmax.boleto(merchant, order_id).status_code == 201
    assert appmax.kept(order_id)["pending"] == ["pix", "boleto"]
    receiver.wait_for(2)
    appmax.control("POST", f"orders/{order_id}/pay", json={"method": method})
    assert receiver.events(4)[2] == {"pix": "order_paid_by_pix", "boleto": "order_paid"}[method]
    [charge] = [payment for payment in appmax.kept(order_id)["payments"] if payment["status"] == "aprovado"]
    assert charge["method"] == method
    assert appmax.kept(order_id)["pending"] == []


def test_a_pix_that_has_expired_stays_so_when_a_boleto_begins(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.pix(merchant, order_id)
    appmax.control("POST", f"orders/{order_id}/expire")
    appmax.boleto(merchant, order_id)
    assert appmax.kept(order_id)["pending"] == ["boleto"]


def test_only_what_waits_can_be_paid(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.boleto(merchant, order_id)
    pay = f"/simulator/api/orders/{order_id}/pay"
    assert appmax.call("POST", pay, json={"method": "pix"}).status_code == 409
    assert appmax.call("POST", pay, json={"method": "cash"}).status_code == 422
    assert appmax.call("POST", f"/orders/{order_id}/pay", data={"method": "cash"}).status_code == 422


def test_an_order_tells_of_its_boleto(appmax: Appmax, merchant: str, order_id: int) -> None:
    made = appmax.boleto(merchant, order_id).json()["data"]["payment"]
    assert appmax.read(merchant, order_id)["payment"] == {"method": "boleto", **made, "paid_at": None}


def test_it_is_due_in_three_days(appmax: Appmax, merchant: str, order_id: int) -> None:
    before = datetime.now(BRAZIL).date()
    appmax.boleto(merchant, order_id)
    due = date.fromisoformat(appmax.kept(order_id)["boleto_due_date"])
    assert timedelta(days=3) <= due - before <= timedelta(days=4)


def test_wrong_check_digits_are_refused(appmax: Appmax, merchant: str, order_id: int) -> None:
    answer = appmax.boleto(merchant, order_id, "12345678900")
    assert list(answer.json()["errors"]["message"]) == ["document_number"]


@pytest.mark.parametrize("body", [{}, {"payment_data": {"pix": {"document_number": "52998224725"}}}])
def test_a_malformed_boleto_is_refused(appmax: Appmax, merchant: str, order_id: int, body: dict[str, Any]) -> None:
    answer = appmax.call("POST", "/v1/payments/boleto", merchant, json={"order_id": order_id, **body})
    assert answer.status_code == 422


def test_another_merchants_order_takes_no_boleto(appmax: Appmax, order_id: int) -> None:
    assert appmax.boleto(appmax.merchant_token("other"), order_id).status_code == 404
