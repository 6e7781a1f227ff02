"""Paying by boleto, against a simulated Appmax over HTTP."""

import pytest
from django.test import Client

from orders.models import AttemptState, Order, PaymentAttempt
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_pix, ordered, post, remote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("shape", ["documented", "other_names"])
def test_a_boleto_of_an_order(store: Client, simulator: SimulatorServer, shape: str) -> None:
    order_id = ordered(store)
    simulator.state.shape = shape

    answer = post(store, "pay/boleto", by_pix(order_id))

    made = remote(simulator, order_id)
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("due_date") in (None, made.boleto_due_date)
    assert told == {
        "order_id": order_id,
        "pdf_url": made.boleto_link_pdf,
        "digitavel": made.boleto_digitable_line,
    }
    row = Order.objects.get()
    assert (row.payment_method, row.status) == ("boleto", "pendente")
    assert (row.boleto_pdf_url, row.boleto_digitavel) == (made.boleto_link_pdf, made.boleto_digitable_line)
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_without_an_order_one_is_made_first(store: Client, simulator: SimulatorServer) -> None:
    answer = post(store, "pay/boleto", by_pix(None))

    assert answer.json()["digitavel"] == remote(simulator, answer.json()["order_id"]).boleto_digitable_line


def test_asked_for_twice_it_is_the_same_boleto(store: Client) -> None:
    order_id = ordered(store)

    first, second = (post(store, "pay/boleto", by_pix(order_id)) for _ in range(2))

    assert (second.status_code, second.json()) == (200, first.json())


def test_a_boleto_without_a_line_is_answered_again_too(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault("/v1/payments/boleto", status=504, work=True))
    post(store, "pay/boleto", by_pix(order_id), key="once")
    PaymentAttempt.objects.get().settle(AttemptState.SUCCEEDED, {})
    Order.objects.update(boleto_pdf_url="https://boleto.example/1.pdf")

    answer = post(store, "pay/boleto", by_pix(order_id), key="once")

    assert (answer.status_code, answer.json()["pdf_url"]) == (200, "https://boleto.example/1.pdf")


def test_it_needs_a_valid_document(store: Client) -> None:
    answer = post(store, "pay/boleto", {**by_pix(ordered(store)), "document_number": "123"})

    assert answer.json()["errors"] == {"document_number": ["must be a valid CPF or CNPJ"]}
