"""What the answer of an order that is asked about may overwrite, and what it may not."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from appmax.errors import AppmaxError
from installations import clients
from installations.models import Installation
from orders import clock
from orders.models import Order, PaymentAttempt, Question
from orders.questions import ask
from orders.questions.ask import Answer, UnknownStatus
from orders.questions.verdict import Standing
from orders.questions.why import Why
from orders.status import OrderStatus
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card, by_pix, ordered, post
from tests.orders.test_questions import CARD_CALL, age, age_orders, ask_due, pay_into_the_unknown, time_passes
from tests.support.factories import InstallationFactory
from tests.support.failing import statements_fail
from tests.support.meanwhile import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def test_appmaxs_word_counts_even_backwards(store: Client) -> None:
    ordered(store)
    Order.objects.update(status="aprovado")

    assert ask.ask(Order.objects.get()) == ("pendente", Answer.CHANGED)
    assert Order.objects.get().status == "pendente"


def test_a_correction_is_asked_about_once_more(store: Client, simulator: SimulatorServer) -> None:
    """Appmax's own reads may lag behind what it tells by webhook."""
    order_id = ordered(store)
    Order.objects.update(status="aprovado")
    ask.ask(Order.objects.get())
    question = Question.objects.open().get()
    assert (question.why, question.is_patient) == (Why.CORRECTED, True)
    assert ask_due() == {}
    simulator.state.orders[order_id].status = "aprovado"

    time_passes(timedelta(seconds=61))
    assert ask_due() == {Answer.CHANGED: 1}

    assert Order.objects.get().status == "aprovado"
    assert not Question.objects.open().exists()
    assert ask_due() == {}


def test_a_forgery_beside_an_examined_card_is_taken_back_and_the_card_asked_about_ever_more_rarely(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    simulator.state.orders[order_id].status = simulator.state.orders[order_id].payments[0].status = "pendente"
    Order.objects.update(status="aprovado")
    age(seconds=2 * 24 * 3600)
    asked = 0
    for _ in range(24 * 4):
        asked += ask_due().total()
        time_passes(timedelta(minutes=15))

    assert 5 < asked < 80
    assert Order.objects.get().status == "pendente"
    assert PaymentAttempt.objects.get().state == "unknown"
    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409


def test_a_question_whose_process_died_is_asked_again(store: Client) -> None:
    ordered(store)
    Order.objects.update(status="aprovado")
    order = Order.objects.get()
    Question.objects.put(order.appmax_order_id, order.installation_id, Why.MONEY)
    with statements_fail('UPDATE "orders"', ZeroDivisionError), pytest.raises(ZeroDivisionError):
        ask_due()
    assert ask_due() == {}

    time_passes(timedelta(seconds=61))
    assert ask_due() == {Answer.CHANGED: 1}
    assert Order.objects.get().status == "pendente"


def test_an_order_that_we_do_not_have_is_adopted_as_appmax_has_it(
    shop: Installation, simulator: SimulatorServer, race: Any
) -> None:
    amounts = {"products_value": 100, "discount_value": 10, "shipping_value": 5}
    customer_id = simulator.state.upsert_customer("shop", {"email": "a@example.com"})
    order_id = simulator.state.add_order("shop", customer_id, amounts, []).id
    simulator.state.orders[order_id].status = "aprovado"

    orders = race(lambda _: ask.adopt(shop, order_id), times=4)

    order = Order.objects.get()
    assert orders == [order] * 4
    assert (order.status, order.total_cents, order.appmax_customer_id) == ("aprovado", 95, customer_id)
    assert order.installation == shop


def test_an_adopted_order_whose_amount_appmax_does_not_tell_has_none(
    shop: Installation, simulator: SimulatorServer
) -> None:
    told = {"order": {"id": 7, "status": "aprovado", "customer_id": 1}}
    simulator.state.add_fault(Fault("/v1/orders/7", status=200, body={"data": told}))

    assert ask.adopt(shop, 7).total_cents == 0


@pytest.mark.parametrize(("status", "method"), [("aprovado", "pix"), ("pendente", None)])
def test_an_order_that_was_paid_without_us_gets_appmaxs_method(
    store: Client, simulator: SimulatorServer, status: str, method: str | None
) -> None:
    order_id = ordered(store)
    told = {"order": {"id": order_id, "status": status}, "payment": {"method": "pix"}}
    simulator.state.add_fault(Fault(f"/v1/orders/{order_id}", status=200, body={"data": told}))

    ask.ask(Order.objects.get())

    assert Order.objects.get().payment_method == method


def test_an_answer_older_than_a_webhook_does_not_undo_it(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)

    with meanwhile(simulator, f"/v1/orders/{order_id}", lambda: Order.objects.update(status="aprovado")):
        ask.ask(Order.objects.get())

    assert Order.objects.get().status == "aprovado"


def test_a_status_that_we_do_not_know_changes_nothing_and_is_noted(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.orders[order_id].status = "something new"
    age_orders(hours=2)

    assert ask_due() == {Answer.FAILED: 1}
    assert Order.objects.get().status == "pendente"
    assert Question.objects.open().get().error == "UnknownStatus"


def test_an_answer_about_another_order_changes_nothing_and_is_noted(store: Client, simulator: SimulatorServer) -> None:
    order_id, other_id = ordered(store), ordered(store)
    simulator.state.orders[other_id].status = "aprovado"
    simulator.state.orders[order_id] = simulator.state.orders[other_id]

    with pytest.raises(UnknownStatus):
        ask.ask(Order.objects.get(appmax_order_id=order_id))

    assert Order.objects.get(appmax_order_id=order_id).status == "pendente"


def test_an_authorised_order_is_asked_about_too(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number="4000000000000044"))
    simulator.state.orders[order_id].status = "aprovado"
    time_passes(timedelta(hours=2))

    assert ask_due() == {Answer.CHANGED: 1}
    assert Order.objects.get().status == "aprovado"


def test_an_old_order_that_was_tried_lately_is_asked_about(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    simulator.state.orders[order_id].settle(0, method="pix", paid=True)
    age_orders(days=30)

    assert ask_due() == {}
    age(seconds=3700)
    assert ask_due() == {Answer.CHANGED: 1}


def test_earlier_attempts_do_not_make_a_new_one_wait(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    for _ in range(4):
        post(store, "pay/credit-card", by_card(order_id, number="4000000000000028"))
    age(seconds=100_000)
    order, hour = Order.objects.get(), timedelta(hours=1)
    Question.objects.create(
        appmax_order_id=order_id,
        installation=order.installation,
        why=Why.PENDING,
        since=timezone.now() - hour,
        asked_at=timezone.now() - hour,
        due_at=timezone.now() + 6 * hour,
        is_patient=True,
        times=11,
    )
    simulator.state.add_fault(Fault(CARD_CALL, status=504))
    post(store, "pay/credit-card", by_card(order_id))

    assert ask_due() == {Answer.UNCHANGED: 1}
    assert Question.objects.get().due_at < timezone.now() + timedelta(seconds=20)  # type: ignore[operator]


def test_bad_news_from_before_a_payment_says_nothing_about_it(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    simulator.state.orders[order_id].status = "cancelado"  # the Pix has expired

    def pay() -> None:
        post(store, "pay/credit-card", by_card(order_id, number="4000000000000044"))

    with meanwhile(simulator, f"/v1/orders/{order_id}", pay):
        ask.ask(Order.objects.get())

    assert Order.objects.get().status == "autorizado"
    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    question = Question.objects.open().get()
    assert (question.why, question.is_patient) == (Why.CONTRADICTED, True)
    assert question.due_at < timezone.now() + timedelta(seconds=20)  # type: ignore[operator]


def test_bad_news_from_before_an_attempt_does_not_settle_it(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.orders[order_id].status = "cancelado"
    order = Order.objects.get()

    def answer_late() -> None:
        old = Standing(OrderStatus.PENDENTE, [])
        answer = clients.client_for(order.installation).get_order(order_id)
        ask.write_answer(order.pk, old, answer, OrderStatus.CANCELADO, claims=0, asked_at=clock.now())

    with meanwhile(simulator, CARD_CALL, answer_late, work=False):
        paid = post(store, "pay/credit-card", by_card(order_id))

    assert paid.json()["status"] == "aprovado"
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_codes_that_appmax_does_not_tell_again_are_not_made_up(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))  # an old Pix, which expires
    simulator.state.orders[order_id].settle(0, method="pix", paid=False)
    simulator.state.add_fault(Fault("/v1/payments/pix", status=504, work=True))
    post(store, "pay/pix", by_pix(order_id), key="k-1")
    told = {"order": {"id": order_id, "status": "pendente"}, "payment": {"method": "pix"}}
    simulator.state.add_fault(Fault(f"/v1/orders/{order_id}", status=200, body={"data": told}))

    assert ask_due() == {Answer.CHANGED: 1}

    assert Order.objects.get().pix_emv is None
    for key in ("k-1", None):
        answer = post(store, "pay/pix", by_pix(order_id), key=key)
        assert (answer.status_code, answer.json()["message"]) == (409, "a payment of this order is pending already")


def test_nor_are_those_of_the_pix_before_kept(store: Client, simulator: SimulatorServer) -> None:
    """The process that was to make the second one died."""
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    PaymentAttempt.objects.create(order=Order.objects.get(), method="pix", state="started", fingerprint="")
    age(seconds=61)
    told = {"order": {"id": order_id, "status": "pendente"}, "payment": {"method": "pix"}}
    simulator.state.add_fault(Fault(f"/v1/orders/{order_id}", status=200, body={"data": told}))

    assert ask_due() == {Answer.CHANGED: 1}

    assert Order.objects.get().pix_emv is None


def test_a_payment_that_is_answered_after_all_keeps_what_it_was_given(
    store: Client, simulator: SimulatorServer
) -> None:
    """Reconciliation by hand may be faster than the answer of the payment call."""
    order_id = ordered(store)

    with meanwhile(simulator, CARD_CALL, ask.ask_by_hand):
        answer = post(store, "pay/credit-card", by_card(order_id))

    assert answer.json()["status"] == "aprovado"
    assert Order.objects.get().upsell_hash == answer.json()["upsell_hash"]
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_on_demand_a_failure_is_raised(store: Client, simulator: SimulatorServer) -> None:
    another_merchants = InstallationFactory.create()
    Question.objects.put(ordered(store), another_merchants.pk, Why.MONEY)
    simulator.state.add_fault(Fault("/v1/orders/", status=401, times=9))

    with pytest.raises(AppmaxError):
        ask.ask(Order.objects.get())

    assert Question.objects.get().error == ""


def test_on_demand_too_an_examined_card_is_asked_about_as_a_payment(store: Client, simulator: SimulatorServer) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    simulator.state.orders[order_id].status = simulator.state.orders[order_id].payments[0].status = "pendente"
    Question.objects.all().delete()

    ask.ask(Order.objects.get())

    question = Question.objects.open().get()
    assert (question.why, question.is_patient) == (Why.PAYMENT_UNKNOWN, False)


def test_a_claim_that_comes_while_appmax_is_asked_on_demand_is_asked_about(
    store: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)

    def claim() -> None:
        Question.objects.put(order_id, shop.pk, Why.MONEY)

    with meanwhile(simulator, f"/v1/orders/{order_id}", claim):
        ask.ask(Order.objects.get())

    assert Question.objects.open().exists()


def test_it_does_not_wait_for_the_turn_of_a_payment_that_stays_open(
    store: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    simulator.state.orders[order_id].status = simulator.state.orders[order_id].payments[0].status = "pendente"

    def claim() -> None:
        Question.objects.put(order_id, shop.pk, Why.MONEY)

    with meanwhile(simulator, f"/v1/orders/{order_id}", claim):
        ask.ask(Order.objects.get())

    assert Question.objects.get().due_at < timezone.now() + timedelta(seconds=5)  # type: ignore[operator]
