"""WEBHOOK_TRUST=confirm: an event is applied once Appmax has confirmed it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from orders.models import Order
from orders.reconcile import Round
from orders.signals import order_created
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.factories import OrderFactory
from tests.webhooks.conftest import send
from tests.webhooks.test_trust import process_due, time_passes, verify_new
from webhooks import inbox, tasks, waiting
from webhooks.models import Retry, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_confirm_neither_applies_nor_closes_anything_unless_appmax_has_just_been_asked(confirm: None) -> None:
    """Though the orders have the events' status already."""
    send("order_pix_created", OrderFactory.create().appmax_order_id)
    send("order_pix_created", 77)
    order_created.send(sender=Order, order=OrderFactory.create(appmax_order_id=77))
    assert not WebhookEvent.objects.filter(processed=True).exists()
    time_passes(73 * 3600)

    assert [inbox.reprocess(pk) for pk in WebhookEvent.objects.values_list("pk", flat=True)] == ["waiting"] * 2


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


FORBIDDEN = {"status": 403, "body": {"message": "Forbidden"}}  # a refusal, and no word on the order


@pytest.mark.parametrize("fault", [{"status": 500}, FORBIDDEN], ids=["down", "forbidden"])
@pytest.mark.parametrize("trust", ["payload", "confirm"])
def test_nothing_is_closed_for_its_age_without_appmax_having_been_asked(
    known: Any, simulator: SimulatorServer, settings: Any, trust: str, fault: dict[str, Any]
) -> None:
    """The worker was away for three days."""
    settings.WEBHOOK_TRUST = trust
    numbers = [known("aprovado", is_ours=trust == "confirm") for _ in range(4)]
    numbers = [getattr(number, "appmax_order_id", number) for number in numbers]
    for number in numbers:
        send("order_paid", number, client_key="shop")
    time_passes(73 * 3600)
    simulator.state.add_fault(Fault("/v1/orders/", times=3, **fault))

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
