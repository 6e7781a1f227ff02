"""What is in a webhook is a claim, not a proof: the token, the merchant it names, and asking Appmax."""

import json
import logging
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.utils import timezone

from appmax.simulator.server import SimulatorServer
from appmax.simulator.state import Fault
from installations.models import Installation
from orders import reconcile
from orders.models import AttemptState, Order, PaymentAttempt, StatusCheck
from orders.reconcile import Round
from tests.factories import InstallationFactory, OrderFactory
from tests.webhooks.conftest import URL, body, send
from webhooks import tasks, verify, waiting
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


# --- the token ---


def post(token: str | None) -> Any:
    query = "" if token is None else f"?token={token}"
    return Client().post(URL + query, json.dumps(body("order_paid", 1)), content_type="application/json")


@pytest.mark.parametrize("token", [None, "", "wrong", "s3cret", "s3cret-ã", "s3cret-token "])
def test_without_the_token_it_is_403_and_nothing_is_stored(settings: Any, token: str | None) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]

    answer = post(token)

    assert (answer.status_code, answer.json()) == (403, {"message": "invalid or missing token"})
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("token", ["new-token", "old-token"])
def test_each_of_several_tokens_counts(settings: Any, token: str) -> None:
    settings.WEBHOOK_SECRET = ["new-token", "old-token"]

    assert post(token).status_code == 200


def test_the_token_is_never_logged(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.WEBHOOK_SECRET = ["s3cret-token"]
    caplog.set_level(logging.DEBUG)

    post("s3cret-token")
    post("s3cret-tokem")
    Client().post(f"{URL}?token=s3cret-token", "{", content_type="application/json")

    assert "webhook.received" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_set_up_page_shows_the_token_to_staff_only(settings: Any, admin_client: Client) -> None:
    settings.WEBHOOK_SECRET = ["s3cret token", "old"]

    stranger, staff = (client.get(URL).content.decode() for client in (Client(), admin_client))

    assert "s3cret" not in stranger
    assert "/admin/login/?next=/webhooks/appmax" in stranger
    assert "http://localhost:8080/webhooks/appmax?token=s3cret%20token" in staff


# --- the merchant it names ---


@pytest.mark.parametrize("key", ["client_key", "external_key"])
def test_an_event_that_names_another_merchant_than_the_orders_is_refused_and_kept(key: str) -> None:
    order = OrderFactory.create()
    other = InstallationFactory.create()

    assert send("order_paid", order.appmax_order_id, **{key: other.external_key}).status_code == 200

    order.refresh_from_db()
    assert order.status == "pendente"
    row = WebhookEvent.objects.get()
    assert row.processed
    assert row.error_message == "not believed: its client_key names another merchant than the order's"


def test_a_refused_event_does_not_stand_in_the_way_of_the_true_one() -> None:
    order = OrderFactory.create()
    send("order_paid", order.appmax_order_id, client_key=InstallationFactory.create().external_key)

    assert send("order_paid", order.appmax_order_id).json() == {"message": "ok"}
    order.refresh_from_db()
    assert order.status == "aprovado"


@pytest.mark.parametrize("keys", [{}, {"client_key": "?"}, {"client_key": None}, {"client_key": 5, "external_key": []}])
def test_an_envelope_that_names_no_merchant_of_ours_says_nothing(keys: Any) -> None:
    order = OrderFactory.create()

    send("order_paid", order.appmax_order_id, **keys)

    order.refresh_from_db()
    assert order.status == "aprovado"


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


# --- trust=confirm: applied after Appmax has confirmed ---


@pytest.fixture
def confirm(settings: Any) -> None:
    settings.WEBHOOK_TRUST = "confirm"


def test_confirm_applies_a_true_event_after_asking(known: Any, confirm: None) -> None:
    order = known("aprovado")
    assert send("order_paid", order.appmax_order_id).json() == {"message": "ok"}
    order.refresh_from_db()
    row = WebhookEvent.objects.get()
    assert (order.status, row.processed, row.error_message) == ("pendente", False, "waits for Appmax's confirmation")

    assert process_due() == {"applied": 1}

    order.refresh_from_db()
    row.refresh_from_db()
    assert (order.status, row.processed, row.error_message) == ("aprovado", True, None)


def test_confirm_never_applies_a_forged_event(known: Any, confirm: None) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)

    assert process_due() == {"waiting": 1}
    assert WebhookEvent.objects.get().error_message == "not confirmed: Appmax says pendente"
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(hours=73))
    assert process_due() == {"closed": 1}

    order.refresh_from_db()
    row = WebhookEvent.objects.get()
    assert (order.status, row.processed) == ("pendente", True)
    assert row.error_message == "not believed: Appmax says pendente"


def test_confirm_applies_what_appmax_confirms_later(known: Any, simulator: SimulatorServer, confirm: None) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    process_due()
    simulator.state.orders[order.appmax_order_id].status = "aprovado"

    assert process_due() == {"applied": 1}
    order.refresh_from_db()
    assert order.status == "aprovado"


def test_confirm_applies_nothing_while_appmax_cannot_be_asked(
    known: Any, simulator: SimulatorServer, confirm: None
) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", status=500, times=9))

    assert process_due() == {"waiting": 1}
    order.refresh_from_db()
    assert order.status == "pendente"


def test_what_came_in_while_confirming_is_not_verified_after_a_change_to_payload(
    known: Any, settings: Any, confirm: None
) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    process_due()
    time_passes(61)
    tasks.verify_new(0)

    settings.WEBHOOK_TRUST = "payload"
    assert verify_new() == {}


@pytest.mark.parametrize("trust", ["payload", "confirm"])
def test_nothing_is_closed_for_its_age_without_appmax_having_been_asked(
    known: Any, simulator: SimulatorServer, settings: Any, trust: str
) -> None:
    """The worker was away for three days."""
    settings.WEBHOOK_TRUST = trust
    numbers = [known("aprovado", is_ours=trust == "confirm") for _ in range(4)]
    numbers = [getattr(number, "appmax_order_id", number) for number in numbers]
    for number in numbers:
        send("order_paid", number, client_key="shop")
    time_passes(73 * 3600)
    simulator.state.add_fault(Fault("/v1/orders/", status=500, times=3))

    for _ in range(10):
        Retry.objects.update(next_at=timezone.now())
        waiting.process_due(Round(most_of_a_merchant=1, sleep=lambda _: None))

    assert set(Order.objects.values_list("status", flat=True)) == {"aprovado"}
    assert Order.objects.count() == 4
    assert not WebhookEvent.objects.filter(error_message__startswith="not believed").exists()
    assert not WebhookEvent.objects.filter(error_message="order not found").exists()


def test_a_question_that_had_to_wait_for_its_turn_was_no_try(known: Any, confirm: None) -> None:
    send("order_paid", known("aprovado").appmax_order_id)

    assert waiting.process_due(Round(most_of_a_merchant=0)) == {"waiting": 1}

    assert Retry.objects.get().times == 0


def test_the_command_confirms_too(known: Any, confirm: None, capsys: pytest.CaptureFixture[str]) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)

    call_command("process_webhook_events")

    assert capsys.readouterr().out == "1 applied\n"
    order.refresh_from_db()
    assert order.status == "aprovado"


def test_confirm_asks_once_for_several_events_of_an_order(
    known: Any, simulator: SimulatorServer, confirm: None
) -> None:
    order = known("aprovado")
    for event in ("order_pix_created", "order_paid_by_pix", "order_approved"):
        send(event, order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.01, times=9))

    assert process_due() == {"applied": 2, "ignored": 1}
    assert simulator.state.waiting_faults()[0].times == 8


def test_confirm_by_several_workers_asks_once(known: Any, simulator: SimulatorServer, confirm: None, race: Any) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.3, times=9))

    race(lambda _: waiting.process_due(Round(most_of_a_merchant=3)), times=5)

    order.refresh_from_db()
    assert order.status == "aprovado"
    assert simulator.state.waiting_faults()[0].times == 8


def test_confirm_does_not_hold_up_what_means_no_status(confirm: None) -> None:
    send("customer_created", OrderFactory.create().appmax_order_id)

    assert WebhookEvent.objects.get().processed


def test_a_forged_early_event_is_not_applied_when_its_order_is_made(known: Any, confirm: None) -> None:
    order_id = known("pendente", is_ours=False)
    send("order_paid", order_id, client_key="shop")

    process_due()

    assert Order.objects.get().status == "pendente"
    assert not WebhookEvent.objects.get().processed
