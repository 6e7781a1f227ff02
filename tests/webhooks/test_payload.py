"""Reading a body: six models of it, two spellings of each event. No database."""

from typing import Any

import pytest

from orders.status import OrderStatus
from webhooks import payload

MODELS = {
    "app store": {"event": "order_paid", "event_type": "order", "external_key": "k", "data": {"order_id": 7}},
    "app store, one guide": {"event": "order_paid", "event_type": "order", "data": {"order": {"id": 7}}},
    "old legacy": {"event": "order_paid", "event_type": "order", "data": {"order_id": "7"}},
    "standard": {"event": "OrderPaid", "data": {"id": 7, "customer_id": 3}},
    "standard with meta": {"event": "OrderPaid", "event_type": "", "data": {"id": 7, "customer_id": 3, "meta": {}}},
    "two-level flat": {"event": "OrderPaid", "data": {"order_id": 7, "order_total_products": 10}},
    "custom content": {"event": "OrderPaid", "data": {"order_id": 7, "anything": "else"}},
}


@pytest.mark.parametrize("body", MODELS.values(), ids=MODELS)
def test_every_model_names_its_order(body: dict[str, Any]) -> None:
    event = payload.read(body)

    assert event.order_id == 7
    assert payload.status_of(event.name) == "aprovado"


@pytest.mark.parametrize(
    ("data", "order_id"),
    [
        ({"order_id": 1, "order": {"id": 2}, "id": 3, "customer_id": 4}, 1),
        ({"order": {"id": 2}, "id": 3, "customer_id": 4}, 2),
        ({"id": 3, "customer_id": 4}, 3),
        ({"id": 3}, None),  # a customer's own id
        ({"order_id": 2**31 - 1}, 2**31 - 1),
        ({"order_id": "0012"}, 12),
        ({"order_id": 0}, None),
        ({"order_id": "٣"}, None),
        ({"order_id": "9" * 5000}, None),
    ],
)
def test_the_order_id_rule(data: dict[str, Any], order_id: int | None) -> None:
    assert payload.read({"event": "x", "data": data}).order_id == order_id


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ("OrderAuthorized order_authorized OrderAuthorizedWithDelay order_authorized_with_delay", "autorizado"),
        ("payment_authorized_with_delay", "autorizado"),
        ("OrderApproved order_approved OrderPaid order_paid OrderPaidByPix order_paid_by_pix", "aprovado"),
        ("OrderUpSold order_up_sold CreatedSubscription split_orders", "aprovado"),
        ("OrderBilletCreated order_billet_created OrderPixCreated order_pix_created", "pendente"),
        ("OrderPendingIntegration order_pending_integration", "pendente_integracao"),
        ("OrderIntegrated order_integrated", "integrado"),
        ("OrderRefund order_refund", "estornado"),
        ("OrderPixExpired order_pix_expired OrderBilletOverdue order_billet_overdue", "cancelado"),
        ("PaymentNotAuthorized payment_not_authorized PaymentNotAuthorizedWithDelay", "cancelado"),
        ("OrderRefusedByRisk order_refused_by_risk", "recusado_por_risco"),
        ("OrderChargeBackInTreatment order_chargeback_in_treatment", "chargeback_em_tratativa"),
        ("OrderChargeBackGain order_charge_back_gain order_chargeback_gain", "chargeback_vencido"),
    ],
)
def test_every_event_of_the_table_means_its_status(names: str, status: str) -> None:
    for name in names.split():
        assert payload.status_of(name) == OrderStatus(status), name


@pytest.mark.parametrize(
    "names",
    [
        "CustomerCreated CustomerInterested CustomerContacted customer_created customer_interested customer_contacted",
        "SubscriptionCancellationEvent SubscriptionDelayedEvent CanceledSubscription ChargeSuccess ChargeFailed",
        "subscription_created subscription_cancelation subscription_delayed subscription_charge_success",
        "subscription_charge_failed OrderPartialRefund order_partial_refund",
    ],
)
def test_acknowledged_events_are_known_and_mean_no_status(names: str) -> None:
    for name in names.split():
        assert payload.is_known(name), name
        assert payload.status_of(name) is None, name


def test_an_unknown_event_is_unknown() -> None:
    assert not payload.is_known("order_teleported")


@pytest.mark.parametrize("name", [" ", "\t", "\0", "|"])
def test_a_name_of_nothing_much_is_a_name(name: str) -> None:
    assert payload.read({"event": name}).name


def test_only_a_bar_and_a_reason_keeps_its_text() -> None:
    assert payload.read({"event": "| Reason: x"}).name == "| Reason: x"
