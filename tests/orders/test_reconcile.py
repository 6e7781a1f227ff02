"""Asking Appmax what is true: which orders, how often, and what is made of the answer."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from installations.models import Installation
from orders import reconcile
from orders.models import Order, PaymentAttempt, StatusCheck
from orders.reconcile import Outcome, reconcile_due
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.factories import InstallationFactory, OrderFactory
from tests.orders.conftest import by_card, by_pix, ordered, post, remote

pytestmark = pytest.mark.django_db(transaction=True)

BODIES = {"credit-card": by_card, "pix": by_pix, "boleto": by_pix}
CARD_CALL = "/v1/payments/credit-card"


def pay_into_the_unknown(store: Client, simulator: SimulatorServer, method: str = "credit-card", **fault: Any) -> int:
    """An order whose payment's answer got lost; by default the payment itself arrived."""
    order_id = ordered(store)
    simulator.state.add_fault(Fault(f"/v1/payments/{method}", **{"status": 504, "work": True, **fault}))
    post(store, f"pay/{method}", BODIES[method](order_id))
    return order_id


def age(seconds: int) -> None:
    """All attempts began this long ago."""
    PaymentAttempt.objects.update(started_at=timezone.now() - timedelta(seconds=seconds))


def age_orders(**ago: float) -> None:
    Order.objects.update(created_at=timezone.now() - timedelta(**ago))


# --- unknown outcomes ---


def test_a_card_that_was_charged_is_found_out_at_once(store: Client, simulator: SimulatorServer) -> None:
    order_id = pay_into_the_unknown(store, simulator)

    assert reconcile_due() == {Outcome.SETTLED: 1}

    order = Order.objects.get()
    assert (order.status, order.payment_method) == ("aprovado", "credit_card")
    assert PaymentAttempt.objects.get().state == "succeeded"
    assert len(remote(simulator, order_id).charges) == 1
    assert reconcile_due() == {}


@pytest.mark.parametrize(
    ("method", "column"), [("pix", "pix_emv"), ("boleto", "boleto_digitavel"), ("boleto", "boleto_pdf_url")]
)
def test_codes_that_got_lost_are_fetched(store: Client, simulator: SimulatorServer, method: str, column: str) -> None:
    order_id = pay_into_the_unknown(store, simulator, method)

    assert reconcile_due() == {Outcome.SETTLED: 1}

    made = remote(simulator, order_id)
    codes = {
        "pix_emv": made.pix_emv,
        "boleto_digitavel": made.boleto_digitable_line,
        "boleto_pdf_url": made.boleto_link_pdf,
    }
    assert (Order.objects.get().status, getattr(Order.objects.get(), column)) == ("pendente", codes[column])
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_a_decline_that_got_lost_is_found_out(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(CARD_CALL, status=504, work=True))
    post(store, "pay/credit-card", by_card(order_id, number="4000000000000028"))

    assert reconcile_due() == {Outcome.SETTLED: 1}
    assert (Order.objects.get().status, PaymentAttempt.objects.get().state) == ("cancelado", "declined")


@pytest.mark.parametrize("method", list(BODIES))
def test_a_payment_that_never_arrived_is_over_only_when_it_can_arrive_no_more(
    store: Client, simulator: SimulatorServer, method: str
) -> None:
    order_id = pay_into_the_unknown(store, simulator, method, work=False)

    reconcile_due(at_once=True)
    assert PaymentAttempt.objects.get().state == "unknown"
    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409

    age(seconds=301)
    reconcile_due(at_once=True)
    assert PaymentAttempt.objects.get().state == "failed"
    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    assert len(remote(simulator, order_id).charges) == 1


def test_an_earlier_attempts_cancellation_is_not_taken_for_this_ones(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number="4000000000000028"))
    simulator.state.add_fault(Fault(CARD_CALL, status=504))
    post(store, "pay/credit-card", by_card(order_id))

    reconcile_due(at_once=True)
    assert (Order.objects.get().status, PaymentAttempt.objects.last().state) == ("pendente", "unknown")  # type: ignore[union-attr]

    age(seconds=301)
    reconcile_due(at_once=True)
    assert (Order.objects.get().status, PaymentAttempt.objects.last().state) == ("cancelado", "declined")  # type: ignore[union-attr]


def test_a_card_under_examination_stays_open_however_long(store: Client, simulator: SimulatorServer) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    held = simulator.state.orders[order_id]
    held.status = held.payments[0].status = "pendente"
    age(seconds=100_000)

    assert reconcile_due(at_once=True) == {Outcome.UNCHANGED: 1}
    assert PaymentAttempt.objects.get().state == "unknown"

    held.status = "aprovado"
    reconcile_due(at_once=True)
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_a_card_whose_order_was_paid_by_pix_is_not_called_charged(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    simulator.state.add_fault(Fault(CARD_CALL, status=504))
    post(store, "pay/credit-card", by_card(order_id))
    simulator.state.orders[order_id].settle(0, method="pix", paid=True)

    reconcile_due()
    assert (Order.objects.get().status, PaymentAttempt.objects.last().state) == ("aprovado", "unknown")  # type: ignore[union-attr]

    age(seconds=301)
    reconcile_due(at_once=True)
    assert PaymentAttempt.objects.last().state == "failed"  # type: ignore[union-attr]
    assert Order.objects.get().payment_method == "pix"


def test_an_attempt_whose_process_died_is_asked_about_after_a_minute(store: Client, simulator: SimulatorServer) -> None:
    pay_into_the_unknown(store, simulator)
    PaymentAttempt.objects.update(state="started")

    assert reconcile_due() == {}  # its answer may be on its way
    age(seconds=61)
    assert reconcile_due() == {Outcome.SETTLED: 1}


def test_by_hand_it_is_asked_about_at_once(
    store: Client, simulator: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    pay_into_the_unknown(store, simulator)
    PaymentAttempt.objects.update(state="started")

    call_command("reconcile_orders")
    call_command("reconcile_orders")

    assert capsys.readouterr().out == "1 settled\nnothing is due\n"
    assert Order.objects.get().status == "aprovado"


def test_an_upsell_is_left_to_staff(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    PaymentAttempt.objects.create(
        order=Order.objects.get(appmax_order_id=order_id), method="upsell", state="unknown", fingerprint=""
    )

    assert reconcile_due(at_once=True) == {}


# --- orders pendente too long ---


def test_an_order_whose_webhook_got_lost_is_found_paid(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    simulator.state.orders[order_id].settle(0, method="pix", paid=True)

    assert reconcile_due() == {}
    age_orders(hours=1)
    assert reconcile_due() == {Outcome.SETTLED: 1}
    assert Order.objects.get().status == "aprovado"


def test_an_order_that_stays_pendente_is_asked_about_ever_more_rarely_and_then_no_more(
    store: Client, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered(store)
    start, asked_at = timezone.now(), []
    for hours in (0, 1, 2, 5, 6, 7, 23, 24, 25, 71, 72, 73, 167, 168, 169, 300):
        now = start + timedelta(hours=hours, seconds=1)
        monkeypatch.setattr(reconcile, "clock", SimpleNamespace(now=lambda now=now: now))
        if reconcile_due():
            asked_at.append(hours)

    assert asked_at == [1, 6, 24, 72, 168]


def test_an_unknown_outcome_is_asked_about_in_growing_intervals(
    store: Client, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    simulator.state.orders[order_id].status = simulator.state.orders[order_id].payments[0].status = "pendente"
    start, asked_at = timezone.now(), []
    for seconds in (0, 15, 30, 45, 90, 105, 210, 225, 450, 465, 750, 765, 990):
        now = start + timedelta(seconds=seconds)
        monkeypatch.setattr(reconcile, "clock", SimpleNamespace(now=lambda now=now: now))
        if reconcile_due():
            asked_at.append(seconds)

    assert asked_at == [0, 15, 45, 105, 225, 465, 765]


def test_a_new_attempt_is_asked_about_soon_however_long_ago_the_order_was(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    age_orders(hours=2)
    assert reconcile_due() == {Outcome.UNCHANGED: 1}
    simulator.state.add_fault(Fault(CARD_CALL, status=504, work=True))
    post(store, "pay/credit-card", by_card(order_id))

    assert reconcile_due() == {Outcome.SETTLED: 1}


@pytest.mark.parametrize("status", ["aprovado", "cancelado", "integrado"])
def test_only_pendente_orders_are_asked_about(shop: Installation, status: str) -> None:
    OrderFactory.create(installation=shop, status=status)
    age_orders(hours=2)

    assert reconcile_due() == {}


# --- frugal, and safe beside others ---


def many_pending(installation: Installation, simulator: SimulatorServer, number: int) -> None:
    for _ in range(number):
        order = simulator.state.add_order(
            installation.external_key,
            simulator.state.next_id(),
            {"products_value": 100, "discount_value": 0, "shipping_value": 0},
            [],
        )
        OrderFactory.create(installation=installation, appmax_order_id=order.id)
    age_orders(hours=2)


def test_a_round_asks_few_questions_of_a_merchant_with_pauses_between(
    shop: Installation, simulator: SimulatorServer
) -> None:
    many_pending(shop, simulator, 7)
    waits: list[float] = []

    assert reconcile_due(sleep=waits.append) == {Outcome.UNCHANGED: 5}
    assert len(waits) == 4
    assert all(0.3 < wait <= 0.5 for wait in waits)
    assert reconcile_due(sleep=waits.append) == {Outcome.UNCHANGED: 2}


def test_one_merchants_many_orders_do_not_keep_the_others_waiting(
    shop: Installation, simulator: SimulatorServer
) -> None:
    client_id, client_secret = simulator.state.merchant_credentials("small")
    small = InstallationFactory.create(
        external_key="small", merchant_client_id=client_id, merchant_client_secret=client_secret
    )
    many_pending(shop, simulator, 12)
    many_pending(small, simulator, 2)

    assert reconcile_due(sleep=lambda _: None) == {Outcome.UNCHANGED: 7}
    assert StatusCheck.objects.filter(order__installation=small).count() == 2


def test_after_a_429_the_merchant_is_left_alone_for_the_round(shop: Installation, simulator: SimulatorServer) -> None:
    many_pending(shop, simulator, 5)
    simulator.state.add_fault(Fault("/v1/orders/", status=429, headers={"Retry-After": "60"}, times=9))

    assert reconcile_due(sleep=lambda _: None) == {Outcome.FAILED: 1}
    assert simulator.state.waiting_faults()[0].times == 8


def test_when_appmax_does_not_answer_the_round_ends(
    shop: Installation, simulator: SimulatorServer, settings: Any
) -> None:
    many_pending(shop, simulator, 6)
    settings.APPMAX_API_URL = settings.APPMAX_AUTH_URL = "http://127.0.0.1:1"

    assert reconcile_due(sleep=lambda _: None) == {Outcome.FAILED: 3}


def test_of_several_workers_one_asks(store: Client, simulator: SimulatorServer, race: Any) -> None:
    pay_into_the_unknown(store, simulator)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.3, times=9))

    rounds = race(lambda _: reconcile_due(), times=6)

    assert sum((round.total() for round in rounds), 0) == 1
    assert simulator.state.waiting_faults()[0].times == 8


def test_why_an_order_cannot_be_asked_about_is_kept(shop: Installation, simulator: SimulatorServer) -> None:
    order = OrderFactory.create(installation=shop)  # Appmax doesn't know it
    age_orders(hours=2)

    assert reconcile_due() == {Outcome.FAILED: 1}
    assert "Rejected" in str(StatusCheck.objects.get(order=order).error_message)


def test_a_merchant_whose_secret_cannot_be_decrypted_stops_nobody_else(
    store: Client, simulator: SimulatorServer
) -> None:
    from django.db import connection

    unreadable = InstallationFactory.create()
    OrderFactory.create(installation=unreadable)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x' WHERE id = %s", [unreadable.pk])
    ordered(store)
    age_orders(hours=2)

    assert reconcile_due() == {Outcome.FAILED: 1, Outcome.UNCHANGED: 1}
