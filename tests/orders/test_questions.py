"""Asking Appmax what is true: which orders, how often, and what is made of the answer."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from installations.models import Installation
from orders.models import Order, PaymentAttempt, Question, Quota
from orders.models.question import TAKE_QUESTION, TOKENS, take_values
from orders.questions import ask, due
from orders.questions.ask import Answer
from orders.questions.why import Why
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card, by_pix, ordered, post, remote
from tests.support.factories import InstallationFactory, OrderFactory
from tests.support.meanwhile import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)

BODIES = {"credit-card": by_card, "pix": by_pix, "boleto": by_pix}
CARD_CALL = "/v1/payments/credit-card"


def pay_into_the_unknown(store: Client, simulator: SimulatorServer, method: str = "credit-card", **fault: Any) -> int:
    """An order whose payment's answer got lost; by default the payment itself arrived."""
    order_id = ordered(store)
    simulator.state.add_fault(Fault(f"/v1/payments/{method}", **{"status": 504, "work": True, **fault}))
    post(store, f"pay/{method}", BODIES[method](order_id))
    return order_id


def ask_due() -> Counter[Answer]:
    """A round of the worker's, the first of a minute."""
    due.put_overdue()
    return ask.ask_due()


def time_passes(delta: timedelta) -> None:
    """All that has happened was so much earlier."""
    Order.objects.update(created_at=F("created_at") - delta, updated_at=F("updated_at") - delta)
    PaymentAttempt.objects.update(started_at=F("started_at") - delta)
    Question.objects.update(since=F("since") - delta, asked_at=F("asked_at") - delta, due_at=F("due_at") - delta)
    Quota.objects.update(counted_at=F("counted_at") - delta, paused_until=F("paused_until") - delta)


def age(seconds: int) -> None:
    """All attempts began this long ago."""
    PaymentAttempt.objects.update(started_at=timezone.now() - timedelta(seconds=seconds))


def age_orders(**ago: float) -> None:
    Order.objects.update(created_at=timezone.now() - timedelta(**ago))


# --- unknown outcomes ---


def test_a_card_that_was_charged_is_found_out_at_once(store: Client, simulator: SimulatorServer) -> None:
    order_id = pay_into_the_unknown(store, simulator)

    assert ask_due() == {Answer.CHANGED: 1}

    order = Order.objects.get()
    assert (order.status, order.payment_method) == ("aprovado", "credit_card")
    assert PaymentAttempt.objects.get().state == "succeeded"
    assert len(remote(simulator, order_id).charges) == 1
    assert ask_due() == {}


@pytest.mark.parametrize(
    ("method", "column"), [("pix", "pix_emv"), ("boleto", "boleto_digitavel"), ("boleto", "boleto_pdf_url")]
)
def test_codes_that_got_lost_are_fetched(store: Client, simulator: SimulatorServer, method: str, column: str) -> None:
    order_id = pay_into_the_unknown(store, simulator, method)

    assert ask_due() == {Answer.CHANGED: 1}

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

    assert ask_due() == {Answer.CHANGED: 1}
    assert (Order.objects.get().status, PaymentAttempt.objects.get().state) == ("cancelado", "declined")


@pytest.mark.parametrize("method", list(BODIES))
def test_a_payment_that_never_arrived_is_over_only_when_it_can_arrive_no_more(
    store: Client, simulator: SimulatorServer, method: str
) -> None:
    order_id = pay_into_the_unknown(store, simulator, method, work=False)

    ask.ask_by_hand()
    assert PaymentAttempt.objects.get().state == "unknown"
    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409

    age(seconds=301)
    ask.ask_by_hand()
    assert PaymentAttempt.objects.get().state == "failed"
    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    assert len(remote(simulator, order_id).charges) == 1


def test_an_earlier_attempts_cancellation_is_not_taken_for_this_ones(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number="4000000000000028"))
    simulator.state.add_fault(Fault(CARD_CALL, status=504))
    post(store, "pay/credit-card", by_card(order_id))

    ask.ask_by_hand()
    assert (Order.objects.get().status, PaymentAttempt.objects.last().state) == ("pendente", "unknown")  # type: ignore[union-attr]

    age(seconds=301)
    ask.ask_by_hand()
    assert (Order.objects.get().status, PaymentAttempt.objects.last().state) == ("cancelado", "declined")  # type: ignore[union-attr]


def test_a_card_under_examination_stays_open_however_long(store: Client, simulator: SimulatorServer) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    held = simulator.state.orders[order_id]
    held.status = held.payments[0].status = "pendente"
    age(seconds=100_000)

    assert ask.ask_by_hand() == {Answer.UNCHANGED: 1}
    assert PaymentAttempt.objects.get().state == "unknown"

    held.status = "aprovado"
    ask.ask_by_hand()
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_a_card_whose_order_was_paid_by_pix_is_not_called_charged(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    simulator.state.add_fault(Fault(CARD_CALL, status=504))
    post(store, "pay/credit-card", by_card(order_id))
    simulator.state.orders[order_id].settle(0, method="pix", paid=True)

    ask_due()
    assert (Order.objects.get().status, PaymentAttempt.objects.last().state) == ("aprovado", "unknown")  # type: ignore[union-attr]

    age(seconds=301)
    ask.ask_by_hand()
    assert PaymentAttempt.objects.last().state == "failed"  # type: ignore[union-attr]
    assert Order.objects.get().payment_method == "pix"


def test_an_attempt_whose_process_died_is_asked_about_after_a_minute(store: Client, simulator: SimulatorServer) -> None:
    pay_into_the_unknown(store, simulator)
    PaymentAttempt.objects.update(state="started")
    Question.objects.all().delete()

    assert ask_due() == {}  # its answer may be on its way
    age(seconds=61)
    assert ask_due() == {Answer.CHANGED: 1}


def test_a_payment_whose_question_waits_is_not_put_again(store: Client, simulator: SimulatorServer) -> None:
    """Each claim that comes while Appmax is asked has it asked once more."""
    pay_into_the_unknown(store, simulator)
    age(seconds=61)

    due.put_overdue()

    assert Question.objects.get().claims == 1


def test_by_hand_it_is_asked_about_at_once(
    store: Client, simulator: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    pay_into_the_unknown(store, simulator)
    PaymentAttempt.objects.update(state="started")

    call_command("reconcile_orders")
    call_command("reconcile_orders")

    assert capsys.readouterr().out == "1 changed\nnothing is due\n"
    assert Order.objects.get().status == "aprovado"


def test_a_payment_whose_process_died_goes_before_what_webhooks_claim(
    store: Client, simulator: SimulatorServer, shop: Installation
) -> None:
    """A storefront that sells much has more claims than Appmax may be asked about, for hours."""
    order_id = pay_into_the_unknown(store, simulator)
    PaymentAttempt.objects.update(state="started")
    Question.objects.all().delete()
    many_claims(shop, simulator, 5)
    Question.objects.put(order_id, shop.pk, Why.MONEY)
    age(seconds=61)
    Quota.objects.create(installation=shop, tokens=1.5, counted_at=timezone.now())

    assert ask_due() == {Answer.CHANGED: 1}
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_by_hand_a_payment_goes_before_what_webhooks_claim_however_often_it_was_asked_about(
    store: Client, simulator: SimulatorServer, shop: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    pay_into_the_unknown(store, simulator)
    Question.objects.update(times=3, asked_at=timezone.now(), due_at=timezone.now() + timedelta(minutes=5))
    many_claims(shop, simulator, 5)
    Quota.objects.create(installation=shop, tokens=1.5, counted_at=timezone.now())

    call_command("reconcile_orders")

    assert capsys.readouterr().out == "1 changed\n"
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_by_hand_all_else_that_is_due_is_asked_as_well(
    store: Client, simulator: SimulatorServer, shop: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    pay_into_the_unknown(store, simulator)
    many_claims(shop, simulator, 2)

    call_command("reconcile_orders")

    assert capsys.readouterr().out == "1 changed, 2 unchanged\n"


def test_by_hand_too_no_question_is_begun_after_its_time(
    store: Client, simulator: SimulatorServer, shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "BY_HAND_SECONDS", 0)
    pay_into_the_unknown(store, simulator)
    many_claims(shop, simulator, 1)

    assert ask.ask_by_hand() == {}


def test_a_payment_goes_first_until_appmax_has_answered_and_then_takes_turns(
    store: Client, simulator: SimulatorServer, shop: Installation
) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    many_claims(shop, simulator, 3)
    payment = Question.objects.filter(appmax_order_id=order_id)

    def next_ones(number: int) -> list[str]:
        Question.objects.update(due_at=timezone.now())
        return [question.why for _ in range(number) if (question := Question.objects.take())]

    assert next_ones(2) == [Why.PAYMENT_UNKNOWN, Why.MONEY]
    payment.update(error="Unavailable")
    assert next_ones(1) == [Why.PAYMENT_UNKNOWN]
    payment.update(error="")
    assert next_ones(4) == [Why.MONEY, Why.MONEY, Why.MONEY, Why.PAYMENT_UNKNOWN]


def test_the_next_question_is_read_from_the_index_in_that_order() -> None:
    """Without sorting all that are due: the statement and the index must put the order in the same words."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("EXPLAIN " + TAKE_QUESTION, take_values(None))
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "order_questions_in_order" in plan
    assert "Sort" not in plan


def test_an_upsell_is_left_to_staff(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    PaymentAttempt.objects.create(
        order=Order.objects.get(appmax_order_id=order_id), method="upsell", state="unknown", fingerprint=""
    )

    assert ask.ask_by_hand() == {}


# --- orders pendente too long ---


def test_an_order_whose_webhook_got_lost_is_found_paid(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    simulator.state.orders[order_id].settle(0, method="pix", paid=True)

    assert ask_due() == {}
    time_passes(timedelta(hours=1))
    assert ask_due() == {Answer.CHANGED: 1}
    assert Order.objects.get().status == "aprovado"


def test_an_order_that_stays_pendente_is_asked_about_ever_more_rarely_and_then_no_more(
    store: Client, simulator: SimulatorServer
) -> None:
    ordered(store)
    passed, asked_at = timedelta(), []
    for hours in (0, 1, 2, 5, 6, 7, 23, 24, 25, 71, 72, 73, 167, 168, 169, 300):
        now = timedelta(hours=hours, seconds=1)
        time_passes(now - passed)
        passed = now
        if ask_due():
            asked_at.append(hours)

    assert asked_at == [1, 6, 24, 72, 168]


def test_an_unknown_outcome_is_asked_about_in_growing_intervals(store: Client, simulator: SimulatorServer) -> None:
    order_id = pay_into_the_unknown(store, simulator)
    simulator.state.orders[order_id].status = simulator.state.orders[order_id].payments[0].status = "pendente"
    passed, asked_at = 0, []
    for seconds in (0, 15, 30, 45, 90, 105, 210, 225, 450, 465, 750, 765, 990):
        time_passes(timedelta(seconds=seconds - passed))
        passed = seconds
        if ask_due():
            asked_at.append(seconds)

    assert asked_at == [0, 15, 45, 105, 225, 465, 765]


def test_a_new_attempt_is_asked_about_soon_however_long_ago_the_order_was(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    age_orders(hours=2)
    assert ask_due() == {Answer.UNCHANGED: 1}
    simulator.state.add_fault(Fault(CARD_CALL, status=504, work=True))
    post(store, "pay/credit-card", by_card(order_id))

    assert ask_due() == {Answer.CHANGED: 1}


def test_somebody_waits_for_an_unknown_outcome_and_nobody_for_an_order_that_stays_pendente(
    store: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    unknown = pay_into_the_unknown(store, simulator)
    Question.objects.all().delete()
    many_pending(shop, simulator, 1)

    due.put_overdue()

    may_wait = dict(Question.objects.values_list("appmax_order_id", "is_patient"))
    assert (may_wait.pop(unknown), list(may_wait.values())) == (False, [True])


def test_an_order_that_was_paid_is_not_asked_about_however_lately(store: Client) -> None:
    post(store, "pay/credit-card", by_card(ordered(store)))
    time_passes(timedelta(hours=2))

    assert ask_due() == {}


def test_an_order_that_is_older_than_eight_days_is_not_asked_about(store: Client) -> None:
    ordered(store)
    age_orders(hours=193)

    assert ask_due() == {}


def test_no_more_orders_are_found_at_once_than_a_sweep_may_ask(
    shop: Installation, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "MOST_IN_A_SWEEP", 2)
    many_pending(shop, simulator, 3)

    due.put_overdue()
    assert Question.objects.count() == 2
    due.put_overdue()
    assert Question.objects.count() == 3


@pytest.mark.parametrize("status", ["aprovado", "cancelado", "integrado"])
def test_only_pendente_orders_are_asked_about(shop: Installation, status: str) -> None:
    OrderFactory.create(installation=shop, status=status)
    age_orders(hours=2)

    assert ask_due() == {}


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


def many_claims(installation: Installation, simulator: SimulatorServer, number: int) -> None:
    """So many webhooks told of money, all earlier than anything else that is due."""
    before = set(Order.objects.values_list("pk", flat=True))
    many_pending(installation, simulator, number)
    for order in Order.objects.exclude(pk__in=before):
        Question.objects.put(order.appmax_order_id, installation.pk, Why.MONEY, after=-timedelta(hours=1))


def test_a_merchant_has_so_many_questions_at_once_and_then_one_every_three_seconds(
    shop: Installation, simulator: SimulatorServer
) -> None:
    many_pending(shop, simulator, TOKENS + 5)

    assert TOKENS <= ask_due()[Answer.UNCHANGED] <= TOKENS + 2  # time passes
    assert ask_due().total() <= 1
    time_passes(timedelta(seconds=6))
    assert 2 <= ask_due()[Answer.UNCHANGED] <= 4  # more time may pass than that


def test_what_may_wait_and_was_asked_before_leaves_tokens_for_what_somebody_waits_for(
    shop: Installation, simulator: SimulatorServer
) -> None:
    many_pending(shop, simulator, 5)
    ask_due()
    numbers = list(Question.objects.values_list("appmax_order_id", flat=True))
    for number in numbers:
        Question.objects.put(number, shop.pk, Why.MONEY, is_patient=True)
    Quota.objects.update(tokens=2)
    assert ask_due() == {}

    Question.objects.put(numbers[-1], shop.pk, Why.MONEY)
    assert ask_due() == {Answer.UNCHANGED: 1}

    Quota.objects.update(tokens=2)
    assert ask.ask_due(numbers=numbers[:1]) == {Answer.UNCHANGED: 1}  # Staff wait for it.


def test_the_quota_holds_whatever_number_of_workers_ask(
    shop: Installation, simulator: SimulatorServer, race: Any
) -> None:
    many_pending(shop, simulator, TOKENS + 10)
    Question.objects.all().delete()
    due.put_overdue()
    Question.objects.update(is_patient=False)

    rounds = race(lambda _: ask.ask_due(), times=6)

    assert TOKENS <= sum(round.total() for round in rounds) <= TOKENS + 3  # a round takes some seconds
    assert Question.objects.filter(asked_at=None).count() >= 7


def test_orders_that_were_never_asked_about_go_first(shop: Installation, simulator: SimulatorServer) -> None:
    many_pending(shop, simulator, 5)
    ask_due()
    asked = list(Question.objects.values_list("appmax_order_id", flat=True))
    for number in asked:
        Question.objects.put(number, shop.pk, Why.MONEY)
    many_pending(shop, simulator, 1)
    [new] = Order.objects.exclude(appmax_order_id__in=asked).values_list("appmax_order_id", flat=True)
    Question.objects.put(new, shop.pk, Why.MONEY)

    first = Question.objects.take()

    assert first is not None
    assert first.appmax_order_id == new


def test_one_merchants_many_orders_do_not_keep_the_others_waiting(
    shop: Installation, simulator: SimulatorServer
) -> None:
    client_id, client_secret = simulator.state.merchant_credentials("small")
    small = InstallationFactory.create(
        external_key="small", merchant_client_id=client_id, merchant_client_secret=client_secret
    )
    many_pending(shop, simulator, 60)
    many_pending(small, simulator, 2)

    ask_due()
    assert Question.objects.filter(installation=small, said="pendente").count() == 2


def test_after_a_429_the_merchant_is_left_alone_for_so_long_on_all_machines(
    shop: Installation, simulator: SimulatorServer
) -> None:
    many_pending(shop, simulator, 5)
    simulator.state.add_fault(Fault("/v1/orders/", status=429, headers={"Retry-After": "60"}, times=1))

    assert ask_due() == {Answer.FAILED: 1}
    assert ask_due() == {}
    time_passes(timedelta(seconds=61))
    assert ask_due() == {Answer.UNCHANGED: 5}


def test_when_appmax_does_not_answer_the_round_ends(
    shop: Installation, simulator: SimulatorServer, settings: Any
) -> None:
    many_pending(shop, simulator, 6)
    settings.APPMAX_API_URL = settings.APPMAX_AUTH_URL = "http://127.0.0.1:1"

    assert ask_due() == {Answer.FAILED: 3}


def test_an_answer_lets_the_round_go_on(shop: Installation, simulator: SimulatorServer) -> None:
    many_pending(shop, simulator, 9)
    numbers = list(Order.objects.order_by("pk").values_list("appmax_order_id", flat=True))
    for place, number in enumerate(numbers):
        Question.objects.put(number, shop.pk, Why.MONEY, after=timedelta(seconds=place - 60))
        if place not in (2, 5, 8):
            simulator.state.add_fault(Fault(f"/v1/orders/{number}", reset=True, times=0))
    simulator.state.orders[numbers[5]].status = "something new"

    assert ask.ask_due(seconds=30) == {Answer.FAILED: 7, Answer.UNCHANGED: 2}


def test_an_answer_that_we_do_not_understand_is_one(shop: Installation, simulator: SimulatorServer) -> None:
    many_pending(shop, simulator, 4)
    for order in simulator.state.orders.values():
        order.status = "something new"

    assert ask_due() == {Answer.FAILED: 4}


def test_what_becomes_of_a_question_touches_no_other(shop: Installation, simulator: SimulatorServer) -> None:
    many_pending(shop, simulator, 2)
    due.put_overdue()
    unknown = OrderFactory.create(installation=shop)  # Appmax doesn't know it
    Question.objects.put(unknown.appmax_order_id, shop.pk, Why.PENDING)
    others = Question.objects.exclude(appmax_order_id=unknown.appmax_order_id).order_by("pk").values()
    before = list(others)

    assert ask.ask_due(numbers=[unknown.appmax_order_id]) == {Answer.FAILED: 1}
    Order.objects.filter(pk=unknown.pk).update(status="cancelado")  # so there is nothing left to ask
    assert ask.ask_due(numbers=[unknown.appmax_order_id]) == {Answer.UNCHANGED: 1}

    assert Question.objects.get(appmax_order_id=unknown.appmax_order_id).due_at is None
    assert list(others.all()) == before


def test_a_claim_that_comes_while_appmax_fails_to_answer_does_not_wait(
    store: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    Question.objects.put(order_id, shop.pk, Why.PENDING)

    def claim() -> None:
        Question.objects.put(order_id, shop.pk, Why.MONEY)

    with meanwhile(simulator, f"/v1/orders/{order_id}", claim, status=404):
        assert ask.ask_due() == {Answer.FAILED: 1, Answer.UNCHANGED: 1}


def test_of_several_workers_one_asks(store: Client, simulator: SimulatorServer, race: Any) -> None:
    pay_into_the_unknown(store, simulator)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.3, times=9))

    rounds = race(lambda _: ask.ask_due(), times=6)

    assert sum((round.total() for round in rounds), 0) == 1
    assert simulator.state.waiting_faults()[0].times == 8


def test_why_an_order_cannot_be_asked_about_is_kept(shop: Installation, simulator: SimulatorServer) -> None:
    order = OrderFactory.create(installation=shop)  # Appmax doesn't know it
    age_orders(hours=2)

    assert ask_due() == {Answer.FAILED: 1}
    assert Question.objects.get().error == "NotFound"
    made = {"products_value": 100, "discount_value": 0, "shipping_value": 0}
    known = simulator.state.add_order("shop", order.appmax_customer_id, made, [])
    simulator.state.orders[order.appmax_order_id] = known
    known.id = order.appmax_order_id
    time_passes(timedelta(hours=12))

    assert ask_due() == {Answer.UNCHANGED: 1}
    assert Question.objects.get().error == ""


# --- chargebacks ---


@pytest.mark.parametrize(
    ("status", "is_asked"),
    [
        ("chargeback_em_tratativa", True),
        ("chargeback_em_disputa", True),
        ("chargeback_vencido", False),
        ("estornado", False),
    ],
)
def test_an_order_in_a_chargeback_is_asked_about_daily(
    store: Client, simulator: SimulatorServer, status: str, is_asked: bool
) -> None:
    order_id = ordered(store)
    simulator.state.orders[order_id].status = status
    Order.objects.update(status=status)

    asked = []
    for _ in range(4):
        asked.append(bool(ask_due()))
        time_passes(timedelta(hours=12, seconds=1))

    assert asked == [False, False, is_asked, False]
    time_passes(timedelta(hours=12))
    simulator.state.orders[order_id].status = "chargeback_perdido"
    ask_due()
    assert Order.objects.get().status == ("chargeback_perdido" if is_asked else status)


def test_a_merchant_whose_secret_cannot_be_decrypted_stops_nobody_else(
    store: Client, simulator: SimulatorServer
) -> None:
    unreadable = InstallationFactory.create()
    for order in OrderFactory.create_batch(4, installation=unreadable):
        Question.objects.put(order.appmax_order_id, unreadable.pk, Why.PAYMENT_UNKNOWN)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x' WHERE id = %s", [unreadable.pk])
    number = ordered(store)
    Question.objects.put(number, Order.objects.get(appmax_order_id=number).installation_id, Why.MONEY)

    assert ask_due() == {Answer.FAILED: 4, Answer.UNCHANGED: 1}
