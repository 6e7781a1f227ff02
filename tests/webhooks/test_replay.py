"""A handled event is handled again because staff want it: what that would change is said before, and then done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from appmax.errors import AppmaxError
from installations.models import Installation
from orders.models import Order, PaymentAttempt, Question
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from webhooks import replay
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def handled(order_id: int | None, outcome: str = "applied", event: str = "order_paid", **columns: Any) -> WebhookEvent:
    row: WebhookEvent = WebhookEventFactory.create(
        event=event,
        appmax_order_id=order_id,
        outcome=outcome,
        processed=True,
        processed_at=timezone.now(),
        **columns,
    )
    return row


def replayed(row: WebhookEvent) -> tuple[str | None, str | None]:
    """Also that the order is then as `replay` says, and that a second time changes nothing more."""
    before, after = replay.replay(row)
    row.refresh_from_db()
    order = Order.objects.filter(appmax_order_id=row.appmax_order_id or 0).first()
    assert (order and order.status) == after
    assert replay.replay(row) == (after, after)
    return before, after


@pytest.mark.parametrize("outcome", ["applied", "ignored", "superseded", "duplicate", "closed"])
def test_an_event_whose_order_is_not_as_far_moves_it(outcome: str) -> None:
    order = OrderFactory.create()
    row = handled(order.appmax_order_id, outcome)

    foreseen = replay.foresee(row)

    assert (foreseen.status, foreseen.decision.status) == ("pendente", "aprovado")
    assert foreseen.changes_something
    assert not foreseen.asks_appmax
    assert replayed(row) == ("pendente", "aprovado")
    assert row.outcome == "applied"
    assert Question.objects.get().why == "money", "Appmax is asked afterwards, as for a new event"


@pytest.mark.parametrize("status", ["aprovado", "integrado", "estornado"])
def test_an_event_whose_order_is_as_far_changes_nothing(status: str) -> None:
    order = OrderFactory.create(status=status)
    row = handled(order.appmax_order_id)

    assert not replay.foresee(row).changes_something
    assert replayed(row) == (status, status)
    assert row.outcome == "applied"
    assert not Question.objects.exists()


@pytest.mark.parametrize("event", ["customer_created", "order_canceled", "order_teleported"])
def test_an_event_that_means_no_status_changes_nothing(event: str) -> None:
    row = handled(OrderFactory.create().appmax_order_id, "acknowledged", event)

    assert not replay.foresee(row).changes_something


def test_a_repeat_of_a_handled_event_changes_nothing() -> None:
    order = OrderFactory.create()
    handled(order.appmax_order_id)
    row = handled(order.appmax_order_id, "duplicate")

    assert not replay.foresee(row).changes_something


def test_an_event_that_names_another_merchant_stays_refused() -> None:
    order, other = OrderFactory.create(), InstallationFactory.create()
    row = handled(order.appmax_order_id, "refused", payload={"client_key": other.external_key})

    assert not replay.foresee(row).changes_something


@pytest.mark.parametrize(
    ("outcome", "payload"), [("refuted", {}), ("refused", {"stripped": True}), ("applied", {"stripped": True})]
)
@pytest.mark.parametrize(("said", "after"), [("pendente", "pendente"), ("aprovado", "aprovado")])
def test_a_doubtful_event_is_believed_only_if_appmax_says_the_same(
    known: Callable[..., Order], outcome: str, payload: dict[str, Any], said: str, after: str
) -> None:
    order = known(said)
    row = handled(order.appmax_order_id, outcome, payload=payload, source="192.0.2.7")

    assert replay.foresee(row).asks_appmax
    assert replay.replay(row) == ("pendente", after)

    row.refresh_from_db()
    order.refresh_from_db()
    assert order.status == after
    assert row.outcome == ("applied" if said == "aprovado" else outcome)
    assert not Question.objects.filter(refuted__gt=0).exists(), "what staff try is no claim of a stranger's"


def test_an_event_from_before_the_order_was_started_again_cancels_it_only_if_appmax_says_so(
    known: Callable[..., Order],
) -> None:
    order = known("pendente")
    row = handled(order.appmax_order_id, "superseded", "order_pix_expired")
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(hours=1))
    PaymentAttempt.objects.create(order=order, method="pix", fingerprint="", restarted_from="cancelado")
    row.refresh_from_db()

    assert replay.foresee(row).asks_appmax
    assert replay.replay(row) == ("pendente", "pendente")


def test_if_appmax_does_not_answer_nothing_changes(known: Callable[..., Order], simulator: SimulatorServer) -> None:
    order = known("aprovado")
    row = handled(order.appmax_order_id, "refuted")
    simulator.state.add_fault(Fault("/v1/orders/", status=503, times=9))

    with pytest.raises(AppmaxError):
        replay.replay(row)

    row.refresh_from_db()
    order.refresh_from_db()
    assert (row.outcome, order.status) == ("refuted", "pendente")


def test_an_event_that_waited_in_vain_finds_its_order_at_appmax(known: Callable[..., Any], shop: Installation) -> None:
    number = known("aprovado", is_ours=False)
    row = handled(number, "closed", payload={"client_key": shop.external_key})

    assert replay.foresee(row).asks_appmax
    assert replayed(row) == (None, "aprovado")
    assert (row.outcome, row.installation) == ("applied", shop)


def test_an_event_that_waited_in_vain_and_names_nobody_changes_nothing() -> None:
    assert not replay.foresee(handled(77, "closed", payload={})).changes_something
    assert not replay.foresee(handled(None, "closed")).changes_something


def test_in_the_mode_confirm_appmax_is_asked_about_every_event(known: Callable[..., Order], settings: Any) -> None:
    settings.WEBHOOK_TRUST = "confirm"
    row = handled(known("pendente").appmax_order_id, "ignored")

    assert replay.foresee(row).asks_appmax
    assert replay.replay(row) == ("pendente", "pendente")


def test_ten_people_at_once_do_it_once(race: Any) -> None:
    order = OrderFactory.create()
    row = handled(order.appmax_order_id, "ignored")

    answers = race(lambda _: replay.replay(WebhookEvent.objects.get(pk=row.pk)), times=10)

    order.refresh_from_db()
    assert {after for _before, after in answers} == {order.status} == {"aprovado"}
    assert Question.objects.get().claims == 1
