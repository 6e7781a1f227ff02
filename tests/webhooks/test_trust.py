"""What is in a webhook is a claim, not a proof: the token, the merchant it names, and asking Appmax."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from installations.models import Installation
from orders import reconcile
from orders.models import AttemptState, Order, PaymentAttempt, StatusCheck
from orders.reconcile import Round
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.webhooks.conftest import BROKEN_RULE, send
from webhooks import inbox, tasks, verify, waiting
from webhooks.models import Progress, Retry, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def time_passes(seconds: float = 6) -> None:
    """All that has happened was so much earlier."""
    ago = timedelta(seconds=seconds)
    WebhookEvent.objects.update(created_at=F("created_at") - ago, processed_at=F("processed_at") - ago)
    StatusCheck.objects.update(asked_at=F("asked_at") - ago, next_at=F("next_at") - ago)


def verify_new() -> Counter[str]:
    """A sweep of the worker's, a while later."""
    time_passes()
    return verify.verify_new(Round(most_of_a_merchant=3, sleep=lambda _: None))


def process_due() -> Counter[Any]:
    Retry.objects.update(next_at=timezone.now())
    return waiting.process_due(Round(most_of_a_merchant=3, sleep=lambda _: None))


# --- trust=payload: applied at once, verified within seconds ---


def test_a_true_event_is_applied_at_once_and_verified(known: Any) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    order.refresh_from_db()
    assert order.status == "aprovado"

    assert verify_new() == {"unchanged": 1}

    assert WebhookEvent.objects.get().error_message is None
    assert StatusCheck.objects.get().error_message is None
    assert verify_new() == {}


@pytest.mark.parametrize(
    "event", ["order_paid", "OrderPaid", "ORDERPAID", "order_authorized", "order_integrated", "order_refund"]
)
def test_a_forged_event_is_taken_back_and_its_row_says_so(known: Any, event: str) -> None:
    order = known("pendente")
    send(event, order.appmax_order_id)

    assert verify_new() == {"settled": 1}

    order.refresh_from_db()
    assert order.status == "pendente"
    row = WebhookEvent.objects.get()
    assert (row.processed, row.error_message) == (True, "not believed: Appmax says pendente")


def test_after_a_forgery_the_true_event_counts(known: Any, simulator: SimulatorServer) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    verify_new()
    simulator.state.orders[order.appmax_order_id].status = "aprovado"

    assert send("order_paid", order.appmax_order_id).json() == {"message": "ok"}

    assert verify_new() == {"unchanged": 1}
    order.refresh_from_db()
    assert order.status == "aprovado"


@pytest.mark.parametrize("forged", [["order_refund"] * 2, ["order_chargeback_in_treatment", "order_refund"]])
def test_neither_duplicates_nor_what_was_ignored_for_a_forgery_stand_in_the_way(
    known: Any, simulator: SimulatorServer, forged: list[str]
) -> None:
    order = known("aprovado")
    Order.objects.update(status="aprovado")
    for event in forged:
        send(event, order.appmax_order_id)
    verify_new()
    order.refresh_from_db()
    assert order.status == "aprovado"
    simulator.state.orders[order.appmax_order_id].status = "estornado"

    assert send("order_refund", order.appmax_order_id).json() == {"message": "ok"}

    order.refresh_from_db()
    assert order.status == "estornado"


def test_what_is_taken_back_is_of_this_order_and_had_been_handled(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forged, other = known("pendente"), known("aprovado")
    send("order_paid", other.appmax_order_id)
    with monkeypatch.context() as broken:
        broken.setattr(*BROKEN_RULE)
        send("order_approved", forged.appmax_order_id)
    send("order_paid", forged.appmax_order_id)

    assert verify_new() == {"unchanged": 1, "settled": 1}

    events = WebhookEvent.objects.order_by("pk")
    assert list(events.values_list("appmax_order_id", "error_message")) == [
        (other.appmax_order_id, None),
        (forged.appmax_order_id, "processing failed: ZeroDivisionError"),
        (forged.appmax_order_id, "not believed: Appmax says pendente"),
    ]


def test_flags_and_claims_of_one_order_do_not_wait_in_a_circle(known: Any, race: Any) -> None:
    for _ in range(15):
        order = known("aprovado")
        row = Order.objects.select_related("status_check").get(pk=order.pk)
        work = [
            lambda row=row: reconcile.claim(row, since=None),
            lambda row=row: reconcile.request_checks([row.pk], "left"),
            lambda row=row: reconcile.reconcile(row),
        ]
        results = race(lambda number, work=work: work[number](), times=3)
        assert not [result for result in results if isinstance(result, Exception)]


def test_a_forged_refund_of_a_paid_order_is_taken_back(known: Any) -> None:
    order = known("aprovado")
    send("order_approved", order.appmax_order_id)
    verify_new()
    send("order_refund", order.appmax_order_id)

    verify_new()

    order.refresh_from_db()
    assert order.status == "aprovado"
    assert list(WebhookEvent.objects.order_by("pk").values_list("error_message", flat=True)) == [
        None,
        "not believed: Appmax says aprovado",
    ]


def test_a_forgery_that_came_before_its_order_is_taken_back_too(known: Any, shop: Installation) -> None:
    order_id = known("pendente", is_ours=False)
    send("order_paid", order_id)
    verify_new()
    Progress.advance("verify", 2**40)  # the sweep is past it
    from django.db import transaction

    from orders.signals import order_created

    with transaction.atomic():
        order = OrderFactory.create(installation=shop, appmax_order_id=order_id)
        order_created.send(sender=Order, order=order)
    order.refresh_from_db()
    assert order.status == "aprovado"

    reconcile.reconcile_due(sleep=lambda _: None)

    order.refresh_from_db()
    assert order.status == "pendente"
    assert WebhookEvent.objects.get().error_message == "not believed: Appmax says pendente"


def test_of_money_that_an_event_brought_late_appmax_is_asked(known: Any) -> None:
    """The sweep looks at new events only."""
    row = WebhookEventFactory.create(appmax_order_id=known("aprovado").appmax_order_id)

    assert inbox.reprocess(row.pk) == "applied"

    assert StatusCheck.objects.get().error_message == "a webhook that waited is not confirmed yet: order_paid"


@pytest.mark.parametrize(
    ("status", "event", "outcome"),
    [
        ("pendente", "order_pix_expired", "applied"),
        ("aprovado", "order_paid", "ignored"),
        ("pendente", "customer_created", "acknowledged"),
    ],
)
def test_of_a_late_event_that_brought_none_nothing_is_asked(status: str, event: str, outcome: str) -> None:
    row = WebhookEventFactory.create(event=event, appmax_order_id=OrderFactory.create(status=status).appmax_order_id)

    assert inbox.reprocess(row.pk) == outcome

    assert not StatusCheck.objects.exists()


@pytest.mark.parametrize(
    ("status", "event", "asked"),
    [
        ("autorizado", "order_pix_expired", "authorised, and then order_pix_expired"),
        ("autorizado", "order_paid", None),
        ("pendente", "order_pix_expired", None),
    ],
)
def test_of_a_cancellation_after_an_authorisation_appmax_is_asked(status: str, event: str, asked: str | None) -> None:
    """It may be of another attempt than the authorised one."""
    send(event, OrderFactory.create(status=status).appmax_order_id)

    assert WebhookEvent.objects.get().error_message is None
    assert StatusCheck.objects.values_list("error_message", flat=True).first() == asked


@pytest.mark.parametrize("event", ["order_pix_created", "order_pix_expired", "customer_created"])
def test_events_that_do_not_mean_money_ask_nothing(known: Any, event: str) -> None:
    send(event, known("pendente").appmax_order_id)

    assert verify_new() == {}


def test_several_events_of_an_order_ask_once(known: Any, simulator: SimulatorServer) -> None:
    order = known("aprovado")
    for event in ("order_authorized", "order_approved", "order_paid", "order_paid_by_pix"):
        send(event, order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.01, times=9))

    assert verify_new() == {"unchanged": 1}
    assert simulator.state.waiting_faults()[0].times == 8


def test_a_later_event_is_verified_too(known: Any) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    verify_new()
    time_passes()
    send("order_integrated", order.appmax_order_id)

    assert verify_new() == {"settled": 1}
    order.refresh_from_db()
    assert order.status == "aprovado"


def test_an_event_of_this_very_moment_is_left_for_the_next_sweep(known: Any) -> None:
    send("order_paid", known("aprovado").appmax_order_id)

    assert verify.verify_new(Round(most_of_a_merchant=3, sleep=lambda _: None)) == {}
    assert verify_new() == {"unchanged": 1}


def test_what_cannot_be_asked_in_this_round_is_flagged_and_asked_soon(known: Any) -> None:
    orders = [known("aprovado") for _ in range(5)]
    for order in orders[:-1]:
        send("order_paid", order.appmax_order_id)
    send("order_paid", known("pendente").appmax_order_id)

    assert verify_new() == {"unchanged": 3, "left": 2}
    flagged = StatusCheck.objects.filter(error_message="a webhook is not confirmed yet")
    assert flagged.count() == 2
    assert verify_new() == {}

    assert sum(reconcile.reconcile_due(sleep=lambda _: None).values()) == 2
    assert list(WebhookEvent.objects.values_list("error_message", flat=True).order_by("pk"))[-1] == (
        "not believed: Appmax says pendente"
    )


def test_what_was_verified_is_not_flagged_afterwards(known: Any) -> None:
    send("order_paid", known("aprovado").appmax_order_id)
    verify_new()

    assert verify.verify_new(Round(most_of_a_merchant=0)) == {}
    assert StatusCheck.objects.get().error_message is None


@pytest.mark.parametrize("event", ["payment_not_authorized", "order_refused_by_risk"])
def test_the_cancellation_of_an_authorised_order_is_asked_about(known: Any, event: str) -> None:
    """It may be of another attempt than the one that was authorised."""
    order = known("autorizado")
    Order.objects.update(status="autorizado")
    send(event, order.appmax_order_id)
    order.refresh_from_db()
    assert order.status in ("cancelado", "recusado_por_risco")

    reconcile.reconcile_due(sleep=lambda _: None)

    order.refresh_from_db()
    assert order.status == "autorizado"


def test_the_position_moves_on_whatever_is_left(known: Any) -> None:
    for _ in range(5):
        send("order_paid", known("aprovado").appmax_order_id)
    time_passes(300)

    verify.verify_new(Round(most_of_a_merchant=0))

    assert Progress.of("verify") == WebhookEvent.objects.order_by("pk").last().pk  # type: ignore[union-attr]
    assert StatusCheck.objects.count() == 5


def test_one_merchants_flood_does_not_keep_another_merchants_forgery(known: Any, simulator: SimulatorServer) -> None:
    for _ in range(12):
        send("order_paid", known("aprovado").appmax_order_id)
    client_id, client_secret = simulator.state.merchant_credentials("small")
    small = InstallationFactory.create(
        external_key="small", merchant_client_id=client_id, merchant_client_secret=client_secret
    )
    amounts = {"products_value": 1, "discount_value": 0, "shipping_value": 0}
    order_id = simulator.state.add_order("small", simulator.state.next_id(), amounts, []).id
    order = OrderFactory.create(installation=small, appmax_order_id=order_id)
    send("order_paid", order_id)

    verify_new()

    order.refresh_from_db()
    assert order.status == "pendente"


def test_events_that_wait_use_up_none_of_the_questions_about_money(known: Any) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    for number in range(12):
        send("order_paid", 10**9 + number, client_key="shop")
    time_passes()

    tasks.process_waiting(0)
    tasks.verify_new(0)

    order.refresh_from_db()
    assert order.status == "pendente"


@pytest.mark.parametrize("attempt_state", ["started", "unknown"])
def test_a_forgery_beside_an_open_payment_is_taken_back_when_it_is_over(known: Any, attempt_state: str) -> None:
    order = known("pendente")
    attempt = PaymentAttempt.objects.create(order=order, method="credit_card", state=attempt_state, fingerprint="")
    send("order_paid", order.appmax_order_id)

    verify_new()
    assert StatusCheck.objects.get().error_message is not None
    attempt.settle(AttemptState.DECLINED, {})
    time_passes(60)
    reconcile.reconcile_due(sleep=lambda _: None)

    order.refresh_from_db()
    assert order.status == "pendente"
    assert WebhookEvent.objects.get().error_message == "not believed: Appmax says pendente"


def test_an_answer_that_could_not_be_written_is_no_verification(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    with monkeypatch.context() as locked:
        locked.setattr(reconcile, "_settle", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            verify_new()

    time_passes(60)
    reconcile.reconcile_due(sleep=lambda _: None)

    order.refresh_from_db()
    assert order.status == "pendente"


def test_an_event_during_the_question_is_asked_about_again(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from appmax.client import AppmaxClient

    order = known("pendente")
    ask = AppmaxClient.get_order

    def get_order(client: AppmaxClient, number: int) -> Any:
        answer = ask(client, number)
        send("order_paid", order.appmax_order_id)
        monkeypatch.setattr(AppmaxClient, "get_order", ask)
        return answer

    monkeypatch.setattr(AppmaxClient, "get_order", get_order)
    reconcile.reconcile(order)
    assert StatusCheck.objects.get().error_message == "Appmax said pendente, while the order was aprovado"

    time_passes(60)
    reconcile.reconcile_due(sleep=lambda _: None)

    order.refresh_from_db()
    assert order.status == "pendente"


@pytest.mark.parametrize("name", ["order_chargebac\u212a_gain", "order_pa\u0131d"])
def test_letters_that_only_look_alike_are_an_unknown_event(known: Any, name: str) -> None:
    order = known("pendente")

    send(name, order.appmax_order_id)

    order.refresh_from_db()
    assert order.status == "pendente"
    assert WebhookEvent.objects.get().error_message == "unknown event"


def test_ids_that_may_still_be_committed_are_looked_at_again(known: Any) -> None:
    send("order_paid", known("aprovado").appmax_order_id)

    verify_new()

    assert Progress.of("verify") == 0


def test_an_order_that_appmax_cannot_be_asked_about_stays_flagged(known: Any, simulator: SimulatorServer) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", status=404, times=2))

    assert verify_new() == {"failed": 1}
    assert "Rejected" in str(StatusCheck.objects.get().error_message)
    StatusCheck.objects.update(next_at=timezone.now())
    reconcile.reconcile_due(sleep=lambda _: None)
    assert StatusCheck.objects.get().error_message is not None

    StatusCheck.objects.update(next_at=timezone.now())
    reconcile.reconcile_due(sleep=lambda _: None)
    assert StatusCheck.objects.get().error_message is None


def test_several_workers_verify_an_order_once(known: Any, simulator: SimulatorServer, race: Any) -> None:
    send("order_paid", known("aprovado").appmax_order_id)
    time_passes()
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.2, times=9))

    race(lambda _: verify.verify_new(Round(most_of_a_merchant=3)), times=5)

    assert simulator.state.waiting_faults()[0].times == 8
