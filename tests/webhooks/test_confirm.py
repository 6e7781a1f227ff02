"""WEBHOOK_TRUST=confirm: an event is applied once Appmax has confirmed it."""

from typing import Any

import pytest
from django.core.management import call_command

from orders.models import Order, Question
from orders.questions import ask
from orders.signals import order_created
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import OrderFactory
from tests.webhooks.conftest import ask_appmax, outcomes, send, time_passes
from webhooks import inbox, kept
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def confirm(settings: Any) -> None:
    settings.WEBHOOK_TRUST = "confirm"


def test_confirm_applies_a_true_event_after_asking(known: Any, confirm: None) -> None:
    order = known("aprovado")
    assert send("order_paid", order.appmax_order_id).json() == {"message": "ok"}
    order.refresh_from_db()
    row = WebhookEvent.objects.get()
    assert (order.status, row.processed, row.order_status) == ("pendente", False, "pendente")
    assert row.error_message == "waits for Appmax's confirmation"

    assert ask_appmax() == {"changed": 1}

    order.refresh_from_db()
    row = WebhookEvent.objects.get()
    assert (order.status, row.processed, row.outcome) == ("aprovado", True, "applied")
    assert (row.order_status, row.error_message) == ("aprovado", None)


def test_confirm_neither_applies_nor_closes_anything_unless_appmax_has_just_been_asked(confirm: None) -> None:
    """Though the orders have the events' status already."""
    send("order_pix_created", OrderFactory.create().appmax_order_id)
    send("order_pix_created", 77)
    order_created.send(sender=Order, order=OrderFactory.create(appmax_order_id=77))
    assert not WebhookEvent.objects.filter(processed=True).exists()
    time_passes(73 * 3600)

    assert [inbox.handle_again(pk) for pk in WebhookEvent.objects.values_list("pk", flat=True)] == ["waiting"] * 2
    assert kept.handle_due() == {"waiting": 2}


def test_confirm_never_applies_a_forged_event(known: Any, confirm: None) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)

    ask_appmax()
    row = WebhookEvent.objects.get()
    assert (row.outcome, row.error_message) == ("waiting", "not confirmed: Appmax says pendente")
    assert Question.objects.open().exists()
    time_passes(73 * 3600)
    ask_appmax()

    order.refresh_from_db()
    row.refresh_from_db()
    assert (order.status, row.processed, row.outcome) == ("pendente", True, "refuted")
    assert row.error_message == "Appmax says pendente"
    assert not Question.objects.open().exists()


def test_confirm_applies_what_appmax_confirms_later(known: Any, simulator: SimulatorServer, confirm: None) -> None:
    order = known("pendente")
    send("order_paid", order.appmax_order_id)
    ask_appmax()
    simulator.state.orders[order.appmax_order_id].status = "aprovado"

    assert ask_appmax() == {"changed": 1}
    order.refresh_from_db()
    assert (order.status, outcomes()) == ("aprovado", ["applied"])


def test_confirm_applies_nothing_while_appmax_cannot_be_asked(
    known: Any, simulator: SimulatorServer, confirm: None
) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    simulator.state.add_fault(Fault("/v1/orders/", status=500, times=9))

    assert ask_appmax() == {"failed": 1}
    order.refresh_from_db()
    assert (order.status, outcomes()) == ("pendente", ["waiting"])


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

    for _ in range(3):
        kept.handle_due()
        ask_appmax()

    assert set(Order.objects.values_list("status", flat=True)) == {"aprovado"}
    assert Order.objects.count() == 4
    assert not WebhookEvent.objects.filter(outcome__in=("refuted", "closed")).exists()


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

    ask_appmax()

    assert outcomes() == ["ignored", "applied", "applied"]
    assert simulator.state.waiting_faults()[0].times == 8


def test_confirm_by_several_workers_asks_once(known: Any, simulator: SimulatorServer, confirm: None, race: Any) -> None:
    order = known("aprovado")
    send("order_paid", order.appmax_order_id)
    time_passes(2)
    simulator.state.add_fault(Fault("/v1/orders/", hang=0.3, times=9))

    race(lambda _: ask.ask_due(), times=5)

    order.refresh_from_db()
    assert order.status == "aprovado"
    assert simulator.state.waiting_faults()[0].times == 8


def test_confirm_does_not_hold_up_what_means_no_status(confirm: None) -> None:
    send("customer_created", OrderFactory.create().appmax_order_id)

    assert WebhookEvent.objects.get().processed


def test_a_forged_early_event_is_not_applied_when_its_order_is_made(known: Any, confirm: None) -> None:
    order_id = known("pendente", is_ours=False)
    send("order_paid", order_id, client_key="shop")

    ask_appmax()

    assert Order.objects.get().status == "pendente"
    assert not WebhookEvent.objects.get().processed


def test_of_a_flood_with_one_name_one_is_decided_with_each_answer(
    known: Any, confirm: None, django_assert_max_num_queries: Any
) -> None:
    order = known("pendente")
    for _ in range(60):
        send("order_paid", order.appmax_order_id)

    with django_assert_max_num_queries(40):
        ask_appmax()

    assert outcomes() == ["waiting"] * 60


def test_when_a_flooded_payment_is_confirmed_one_counts_and_the_others_are_its_duplicates(
    known: Any, simulator: SimulatorServer, confirm: None
) -> None:
    order = known("aprovado")
    for _ in range(5):
        send("order_paid", order.appmax_order_id)

    ask_appmax()

    assert outcomes() == ["applied", *["duplicate"] * 4]
