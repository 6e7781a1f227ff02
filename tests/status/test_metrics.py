"""/metrics: what Prometheus gets, from whom it is kept, and that labels stay few."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from installations.models import Installation
from orders.models import Quota, SubscriptionQuestion
from orders.signals import order_created
from simulator.server import SimulatorServer
from tests.orders.conftest import by_card, by_pix
from tests.support.factories import OrderFactory, QuestionFactory, WebhookEventFactory, api_key
from webhooks import inbox
from webhooks.models import WebhookEvent

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db(transaction=True)


def figures(client: Client, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels, but for the buckets, of which a long run has tens of thousands."""
    lines = client.get("/metrics", headers=headers).content.decode().splitlines()
    text = "\n".join(line for line in lines if "_bucket{" not in line) + "\n"
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


class Gained:
    """What was counted since it was made."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._before = figures(client)

    def of(self, name: str, /, **labels: str) -> float:
        wanted = (name, frozenset(labels.items()))
        return figures(self._client).get(wanted, 0) - self._before.get(wanted, 0)


@pytest.fixture
def gained(client: Client) -> Gained:
    return Gained(client)


@pytest.mark.parametrize(
    ("path", "route"),
    [("/checkout/shop/status/7", "/checkout/<path:key>/status/<str:order_id>"), ("/x/y", "/none")],
)
def test_requests_are_counted_by_route_not_by_path(client: Client, gained: Gained, path: str, route: str) -> None:
    status = str(client.get(path).status_code)

    assert gained.of("checkout_request_seconds_count", method="GET", route=route, status=status) == 1


def test_strange_methods_and_admin_pages_are_one_each(client: Client, gained: Gained) -> None:
    client.generic("BREW", "/health")
    client.get("/admin/login/")
    client.get("/admin/orders/order/")

    assert gained.of("checkout_request_seconds_count", method="other", route="/health", status="405") == 1
    assert gained.of("checkout_request_seconds_count", method="GET", route="/admin/", status="200") == 1
    assert gained.of("checkout_request_seconds_count", method="GET", route="/admin/", status="302") == 1


def test_webhooks_are_counted_by_name_and_outcome_and_strange_names_as_one(post: Any, gained: Gained) -> None:
    OrderFactory.create(appmax_order_id=7)
    for event in ("order_paid_by_pix", "order_paid_by_pix", "order_integrated", "made_up_1", "made_up_2"):
        post("/webhooks/appmax", {"event": event, "event_type": "order", "data": {"order_id": 7}})
    post("/webhooks/appmax", {"event": "order_paid", "event_type": "order", "data": {"order_id": 8}})

    assert gained.of("checkout_webhook_events_total", name="OrderPaidByPix", outcome="applied") == 1
    assert gained.of("checkout_webhook_events_total", name="OrderPaidByPix", outcome="duplicate") == 1
    assert gained.of("checkout_webhook_events_total", name="unknown", outcome="acknowledged") == 2
    assert gained.of("checkout_webhook_events_total", name="OrderPaid", outcome="waiting") == 1


def test_what_is_taken_back_is_not_counted(post: Any, gained: Gained) -> None:
    post("/webhooks/appmax", {"event": "order_paid", "event_type": "order", "data": {"order_id": 9}})
    with transaction.atomic():
        order = OrderFactory.create(appmax_order_id=9)
        order_created.send(sender=type(order), order=order)
        assert order.status == "aprovado"
        transaction.set_rollback(True)

    assert gained.of("checkout_webhook_events_total", name="OrderPaid", outcome="applied") == 0
    assert gained.of("checkout_webhook_waited_seconds_count") == 0

    order = OrderFactory.create(appmax_order_id=9)
    order_created.send(sender=type(order), order=order)

    assert gained.of("checkout_webhook_events_total", name="OrderPaid", outcome="applied") == 1
    assert gained.of("checkout_webhook_waited_seconds_count") == 1


def test_a_figure_that_cannot_be_counted_costs_no_event(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = SimpleNamespace(labels=lambda *_: SimpleNamespace(inc=lambda: 1 / 0), observe=lambda _: 1 / 0)
    monkeypatch.setattr(inbox, "_events", broken)
    monkeypatch.setattr(inbox, "_waited", broken)
    order = OrderFactory.create()
    row = WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)

    assert inbox.handle_again(row.pk) == "applied"
    assert post("/webhooks/appmax", row.payload).json() == {"message": "already processed"}

    assert WebhookEvent.objects.filter(processed=True).count() == 2


def test_payments_are_counted_by_method_and_outcome_and_calls_by_route(
    post: Any, gained: Gained, shop: Installation, simulator: SimulatorServer
) -> None:
    key = {"Authorization": f"Api-Key {api_key(shop)}"}
    post("/checkout/shop/pay/pix", by_pix(None), headers=key)
    post("/checkout/shop/pay/credit-card", by_card(None, number="4000000000000028"), headers=key)

    assert gained.of("checkout_payments_total", method="pix", state="succeeded") == 1
    assert gained.of("checkout_payments_total", method="credit_card", state="declined") == 1
    assert gained.of("appmax_call_seconds_count", method="POST", route="/v1/payments/pix", status="200") == 1
    assert gained.of("appmax_token_lookups_total", found="Appmax") == 1
    assert gained.of("appmax_token_lookups_total", found="cache") == 1  # each payment asks once


def test_an_orders_number_is_no_label(gained: Gained, shop: Installation, simulator: SimulatorServer) -> None:
    from installations import clients

    with pytest.raises(Exception, match="not"):
        clients.client_for(shop).get_order(123456)

    assert gained.of("appmax_call_seconds_count", method="GET", route="/v1/orders/{id}", status="404") == 1


def test_what_waits_is_read_from_the_tables(client: Client) -> None:
    order = OrderFactory.create()
    event = WebhookEventFactory.create(processed=False, processed_at=None)
    type(event).objects.update(created_at=timezone.now() - timedelta(minutes=2))
    QuestionFactory.create(due_at=timezone.now() - timedelta(minutes=2))
    QuestionFactory.create(due_at=timezone.now() - timedelta(hours=2), is_patient=True, times=0)
    for number, (minutes, times) in enumerate([(40, 0), (-5, 1), (-5, 2)]):
        SubscriptionQuestion.objects.create(
            installation=order.installation,
            appmax_subscription_id=number,
            due_at=timezone.now() - timedelta(minutes=minutes),
            times=times,
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payment_attempts (order_id, method, state, fingerprint, started_at)"
            " VALUES (%s, 'pix', 'unknown', '', now() - interval '90 seconds')",
            [order.pk],
        )
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args) VALUES ('q', 't', 'failed', '{}')"
        )

    found = {name: value for (name, labels), value in figures(client).items() if not labels}
    jobs = {
        dict(labels)["status"]: value for (name, labels), value in figures(client).items() if name == "checkout_jobs"
    }

    assert found["checkout_database_up"] == found["checkout_webhooks_waiting"] == found["checkout_payments_open"] == 1
    assert found["checkout_questions_asked_in_vain"] == 1
    assert found["checkout_subscription_questions_asked_in_vain"] == 2
    assert 120 <= found["checkout_webhooks_oldest_seconds"] < 130
    assert 120 <= found["checkout_questions_overdue_seconds"] < 130
    assert 2400 <= found["checkout_subscription_questions_overdue_seconds"] < 2410
    assert 90 <= found["checkout_payments_open_oldest_seconds"] < 100
    assert found["checkout_worker_silence_seconds"] == float("inf")
    assert jobs == {"todo": 0, "doing": 0, "failed": 1}


@pytest.mark.parametrize(
    ("why", "tokens", "seconds_ago", "is_overdue"),
    [
        pytest.param("money", 0.4, 3, False, id="of a shop that sells more than can be checked"),
        pytest.param("payment_unknown", 0.4, 3, True, id="about a payment, which should have gone first"),
        pytest.param("money", 30.0, 3, True, id="which there was a token for"),
        pytest.param("money", 0.4, 60, True, id="which nobody has asked for a while"),
    ],
)
def test_a_question_is_overdue_if_somebody_could_have_asked_it(
    client: Client, why: str, tokens: float, seconds_ago: int, is_overdue: bool
) -> None:
    question = QuestionFactory.create(why=why, due_at=timezone.now() - timedelta(minutes=10))
    counted_at = timezone.now() - timedelta(seconds=seconds_ago)
    Quota.objects.create(installation=question.installation, tokens=tokens, counted_at=counted_at)

    found = {name: value for (name, _labels), value in figures(client).items()}

    assert (found["checkout_questions_overdue_seconds"] > 300) == is_overdue


def test_a_question_that_is_not_due_yet_is_not_overdue(client: Client) -> None:
    later = timezone.now() + timedelta(minutes=5)
    question = QuestionFactory.create(due_at=later)
    SubscriptionQuestion.objects.create(
        installation=question.installation, appmax_subscription_id=1, due_at=later, times=1
    )

    found = {name: value for (name, _labels), value in figures(client).items()}

    assert found["checkout_questions_overdue_seconds"] == 0
    assert found["checkout_subscription_questions_overdue_seconds"] == 0


@pytest.mark.parametrize(
    ("is_local", "token", "given", "status"),
    [
        (True, "", "", 200),
        (True, "t0ken", "", 403),
        (False, "", "", 403),
        (False, "", "Bearer ", 403),
        (False, "t0ken", "Bearer t0ke", 403),
        (False, "t0ken", "Bearer t0kén", 403),
        (False, "t0ken", "Bearer t0ken", 200),
    ],
)
def test_production_shows_figures_to_who_has_the_token(
    client: Client, settings: Any, is_local: bool, token: str, given: str, status: int
) -> None:
    settings.IS_LOCAL, settings.METRICS_TOKEN = is_local, token

    assert client.get("/metrics", headers={"Authorization": given}).status_code == status


@pytest.mark.parametrize("file", ["prometheus/alerts.yml", "grafana/dashboard.json"])
def test_alerts_and_dashboard_ask_for_figures_that_there_are(client: Client, file: str) -> None:
    text = client.get("/metrics").content.decode()
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    histograms = [name for name, kind in kinds.items() if kind == "histogram"]
    known = set(kinds) | {f"{name}_{end}" for name in histograms for end in ("bucket", "count", "sum")}

    asked = set(re.findall(r"\b(?:checkout|appmax)_\w+", (ROOT / "ops" / file).read_text()))

    assert len(asked) >= 12
    assert asked <= known
