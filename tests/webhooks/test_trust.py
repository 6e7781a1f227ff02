"""WEBHOOK_TRUST=payload: an event is applied at once, and Appmax is asked within seconds whether it is true."""

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from installations.models import Installation
from orders.models import AttemptState, Order, PaymentAttempt, Question
from orders.questions import ask
from orders.questions.why import Why
from orders.signals import order_created
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.support.failing import statements_fail
from tests.support.meanwhile import meanwhile
from tests.webhooks.conftest import ask_appmax, handling_fails, outcomes, send, time_passes
from webhooks import inbox
from webhooks.models import ClaimSource, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_true_event_is_applied_at_once_and_verified(known: Any) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    order.refresh_from_db()
    assert order.status == "aprovado"

    assert ask_appmax() == {"unchanged": 1}

    assert outcomes() == ["applied"]
    assert (Question.objects.get().due_at, Question.objects.get().said) == (None, "aprovado")
    assert ask_appmax() == {}


def test_appmax_is_asked_two_seconds_after_an_event_as_its_reads_may_lag(known: Any) -> None:
    send("order_paid", known("aprovado").appmax_order_id)

    assert ask.ask_due() == {}
    time_passes(2)
    assert ask.ask_due() == {"unchanged": 1}


@pytest.mark.parametrize(
    "event",
    [
        "order_paid",
        "OrderPaid",
        "ORDERPAID",
        "order_authorized",
        "order_integrated",
        "order_refund",
        "order_pix_expired",
        "payment_not_authorized",
        "order_refused_by_risk",
    ],
)
def test_a_forged_event_is_taken_back_and_its_row_says_so(known: Any, event: str) -> None:
    order = known("pendente")
    send(event, order.appmax_order_id)

    assert ask_appmax() == {"changed": 1}

    order.refresh_from_db()
    assert order.status == "pendente"
    row = WebhookEvent.objects.get()
    assert (row.processed, row.outcome, row.order_status) == (True, "refuted", "pendente")
    assert row.error_message == "Appmax says pendente"


def test_after_a_forgery_the_true_event_counts(known: Any, simulator: SimulatorServer) -> None:
    """It is applied once Appmax has confirmed it: what is claimed of this order isn't believed for a while."""
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    ask_appmax()
    simulator.state.orders[order.appmax_order_id].status = "aprovado"

    assert send("order_paid", order.appmax_order_id).json() == {"message": "ok"}

    assert ask_appmax() == {"changed": 1}
    order.refresh_from_db()
    assert order.status == "aprovado"
    assert outcomes() == ["refuted", "applied"]


@pytest.mark.parametrize("forged", [["order_refund"] * 2, ["order_chargeback_in_treatment", "order_refund"]])
def test_neither_duplicates_nor_what_was_ignored_for_a_forgery_stand_in_the_way(
    known: Any, simulator: SimulatorServer, forged: list[str]
) -> None:
    order = known("aprovado")
    Order.objects.update(status="aprovado")
    for event in forged:
        send(event, order.appmax_order_id)
    ask_appmax()
    order.refresh_from_db()
    assert order.status == "aprovado"
    assert outcomes() == ["refuted"] * 2
    simulator.state.orders[order.appmax_order_id].status = "estornado"

    assert send("order_refund", order.appmax_order_id).json() == {"message": "ok"}
    ask_appmax()

    order.refresh_from_db()
    assert order.status == "estornado"


def test_what_is_taken_back_is_of_this_order_and_had_been_handled(known: Any) -> None:
    forged, other = known("pendente"), known("aprovado")
    send("order_paid", other.appmax_order_id)
    send("order_paid", forged.appmax_order_id)
    send("order_pix_created", forged.appmax_order_id)

    assert ask_appmax() == {"unchanged": 1, "changed": 1}

    assert outcomes() == ["applied", "refuted", "ignored"]


def test_an_event_that_failed_is_decided_when_appmax_answers(known: Any) -> None:
    order = known("aprovado")
    with handling_fails():
        send("order_approved", order.appmax_order_id)
    send("order_paid", order.appmax_order_id)

    ask_appmax()

    assert outcomes() == ["applied", "applied"]


def test_a_forged_refund_of_a_paid_order_is_taken_back(known: Any) -> None:
    order = known("aprovado")
    send("order_approved", order.appmax_order_id)
    ask_appmax()
    send("order_refund", order.appmax_order_id)

    ask_appmax()

    order.refresh_from_db()
    assert order.status == "aprovado"
    assert outcomes() == ["applied", "refuted"]


def test_a_forgery_that_came_before_its_order_is_taken_back_too(known: Any, shop: Installation) -> None:
    order_id = known("pendente", is_ours=False)
    send("order_paid", order_id)
    with transaction.atomic():
        order = OrderFactory.create(installation=shop, appmax_order_id=order_id)
        order_created.send(sender=Order, order=order)
    order.refresh_from_db()
    assert order.status == "aprovado"

    ask_appmax()

    order.refresh_from_db()
    assert order.status == "pendente"
    assert outcomes() == ["refuted"]


def test_of_money_that_an_event_brought_late_appmax_is_asked(known: Any) -> None:
    row = WebhookEventFactory.create(appmax_order_id=known("aprovado").appmax_order_id)

    assert inbox.handle_again(row.pk) == "applied"

    assert Question.objects.get().why == Why.MONEY


@pytest.mark.parametrize(
    ("status", "event", "outcome"),
    [
        ("aprovado", "order_paid", "ignored"),
        ("pendente", "customer_created", "acknowledged"),
        ("pendente", "order_pix_created", "ignored"),
    ],
)
def test_of_an_event_that_brought_none_nothing_is_asked(status: str, event: str, outcome: str) -> None:
    order = OrderFactory.create(status=status)
    send(event, order.appmax_order_id)
    row = WebhookEventFactory.create(event=event.upper(), appmax_order_id=order.appmax_order_id)

    assert inbox.handle_again(row.pk) == outcome

    assert outcomes() == [outcome] * 2
    assert not Question.objects.exists()


def test_several_events_of_an_order_ask_once(known: Any, simulator: SimulatorServer) -> None:
    order = known("aprovado")
    for event in ("order_authorized", "order_approved", "order_paid", "order_paid_by_pix"):
        send(event, order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.01, times=9))

    assert ask_appmax() == {"unchanged": 1}
    assert simulator.state.waiting_faults()[0].times == 8


def test_a_later_event_is_verified_too(known: Any) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    ask_appmax()
    send("order_integrated", order.appmax_order_id)

    assert ask_appmax() == {"changed": 1}
    order.refresh_from_db()
    assert order.status == "aprovado"


@pytest.mark.parametrize("event", ["payment_not_authorized", "order_refused_by_risk"])
def test_the_cancellation_of_an_authorised_order_is_asked_about(known: Any, event: str) -> None:
    """It may be of another attempt than the one that was authorised."""
    order = known("autorizado")
    Order.objects.update(status="autorizado")
    send(event, order.appmax_order_id)
    order.refresh_from_db()
    assert order.status in ("cancelado", "recusado_por_risco")

    ask_appmax()

    order.refresh_from_db()
    assert order.status == "autorizado"


def test_one_merchants_flood_does_not_keep_another_merchants_forgery(known: Any, simulator: SimulatorServer) -> None:
    for _ in range(40):
        send("order_paid", known("aprovado").appmax_order_id)
    client_id, client_secret = simulator.state.merchant_credentials("small")
    small = InstallationFactory.create(
        external_key="small", merchant_client_id=client_id, merchant_client_secret=client_secret
    )
    amounts = {"products_value": 1, "discount_value": 0, "shipping_value": 0}
    order_id = simulator.state.add_order("small", simulator.state.next_id(), amounts, []).id
    order = OrderFactory.create(installation=small, appmax_order_id=order_id)
    send("order_paid", order_id)

    for _ in range(3):  # a round takes some seconds
        ask_appmax()

    order.refresh_from_db()
    assert order.status == "pendente"


@pytest.mark.parametrize("attempt_state", ["started", "unknown"])
def test_a_forgery_beside_an_open_payment_is_taken_back_when_it_is_over(known: Any, attempt_state: str) -> None:
    order = known("pendente")
    attempt = PaymentAttempt.objects.create(order=order, method="credit_card", state=attempt_state, fingerprint="")
    send("order_paid", order.appmax_order_id)

    ask_appmax()
    assert Question.objects.open().exists()
    attempt.settle(AttemptState.DECLINED, {})
    ask_appmax()

    order.refresh_from_db()
    assert order.status == "pendente"
    assert outcomes() == ["refuted"]


def test_an_answer_that_could_not_be_written_is_no_verification(known: Any) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    with statements_fail('UPDATE "orders"', ZeroDivisionError), pytest.raises(ZeroDivisionError):
        ask_appmax()
    assert ask.ask_due() == {}  # it was claimed for a minute

    time_passes(60)
    assert ask.ask_due() == {"changed": 1}

    order.refresh_from_db()
    assert order.status == "pendente"


def test_an_event_during_the_question_is_asked_about_again(known: Any, simulator: SimulatorServer) -> None:
    order = known("pendente")
    number = order.appmax_order_id

    with meanwhile(simulator, f"/v1/orders/{number}", lambda: send("order_paid", number)):
        ask.ask(order)
    assert Question.objects.open().exists()

    ask_appmax()

    order.refresh_from_db()
    assert order.status == "pendente"


@pytest.mark.parametrize("name", ["order_chargebac\u212a_gain", "order_pa\u0131d"])
def test_letters_that_only_look_alike_are_an_unknown_event(known: Any, name: str) -> None:
    order = known("pendente")

    send(name, order.appmax_order_id)

    order.refresh_from_db()
    assert order.status == "pendente"
    assert WebhookEvent.objects.get().error_message == "unknown event"


def test_an_order_that_appmax_cannot_be_asked_about_stays_a_question(known: Any, simulator: SimulatorServer) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", status=404, times=2))

    for _ in range(2):
        assert ask_appmax() == {"failed": 1}
        assert Question.objects.open().get().error == "NotFound"

    assert ask_appmax() == {"unchanged": 1}
    assert (Question.objects.get().due_at, Question.objects.get().error) == (None, "")


def test_several_workers_verify_an_order_once(known: Any, simulator: SimulatorServer, race: Any) -> None:
    send("order_paid", known("aprovado").appmax_order_id)
    time_passes(2)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.2, times=9))

    race(lambda _: ask.ask_due(), times=5)

    assert simulator.state.waiting_faults()[0].times == 8


def test_claims_and_answers_about_one_order_do_not_wait_in_a_circle(known: Any, race: Any) -> None:
    for _ in range(15):
        order = known("aprovado")
        work = [
            lambda order=order: send("order_paid", order.appmax_order_id),
            lambda order=order: ask_appmax(),
            lambda order=order: ask.ask(order),
        ]
        results = race(lambda number, work=work: work[number](), times=3)
        assert not [result for result in results if isinstance(result, Exception)]


# --- who has claimed what wasn't true ---


def test_what_is_claimed_of_an_order_about_which_a_lie_was_told_waits_for_appmax(known: Any) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    ask_appmax()

    send("order_integrated", order.appmax_order_id)
    order.refresh_from_db()
    assert (order.status, outcomes()[-1]) == ("pendente", "waiting")

    Question.objects.update(refuted_at=timezone.now() - ClaimSource.SUSPECT_FOR)
    send("order_refund", order.appmax_order_id)
    order.refresh_from_db()
    assert (order.status, outcomes()[-1]) == ("estornado", "applied")


def test_an_address_that_has_lied_thrice_is_not_believed_for_an_hour(known: Any, settings: Any) -> None:
    for _ in range(3):
        order = known("pendente")
        send("order_paid", order.appmax_order_id)
        order.refresh_from_db()
        assert order.status == "aprovado"
        ask_appmax()

    other = known("pendente")
    send("order_paid", other.appmax_order_id)
    other.refresh_from_db()
    assert other.status == "pendente"
    assert Question.objects.get(appmax_order_id=other.appmax_order_id).is_patient

    ClaimSource.objects.update(refuted_at=timezone.now() - ClaimSource.SUSPECT_FOR)
    another = known("pendente")
    send("order_paid", another.appmax_order_id)
    another.refresh_from_db()
    assert another.status == "aprovado"


def test_the_last_64_bits_of_an_ipv6_address_make_no_other_sender(known: Any, client: Any) -> None:
    from tests.webhooks.conftest import URL, body

    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
        client.post(URL, body("order_paid", 1), content_type="application/json", REMOTE_ADDR=address)

    sources = WebhookEvent.objects.order_by("pk").values_list("source", flat=True)
    assert list(sources) == ["2001:db8::", "2001:db8::", "2001:db8:0:1::"]
