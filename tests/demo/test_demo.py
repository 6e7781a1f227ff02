"""Demo data: as many rows as asked for, believable, and nothing that the worker would ask Appmax about."""

import re
from binascii import crc_hqx
from collections import Counter
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from demo import command, rows
from installations.models import Installation
from orders.models import OPEN, AttemptState, Order, OrderCode, PaymentAttempt, Question, Shopper
from orders.questions import due
from orders.status import OrderStatus, PaymentMethod
from tests.support.factories import OrderFactory, WebhookEventFactory
from tests.support.statements import before_statements
from webhooks import inbox, kept, payload
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

ONLY_ASKED = (
    OrderStatus.PENDENTE_INTEGRACAO_EM_ANALISE,
    OrderStatus.CHARGEBACK_EM_DISPUTA,
    OrderStatus.CHARGEBACK_PERDIDO,
)
"""Statuses that no event means."""


def seed(**options: Any) -> str:
    """Run the command; what it printed."""
    out = StringIO()
    call_command(command.Command(), **{"orders": 300, "events": 1200, "merchants": 8, **options}, stdout=out)
    return out.getvalue()


def orders() -> list[tuple[Any, ...]]:
    names = ("appmax_order_id", "installation__external_key", "status", "payment_method", "total_cents", "created_at")
    return list(Order.objects.order_by("pk").values_list(*names))


# --- how many --------------------------------------------------------------------------------------------------------


def test_it_adds_what_was_asked_for_and_says_so() -> None:
    said = seed()

    assert Order.objects.count() == 300
    assert WebhookEvent.objects.count() == 1200
    assert Installation.objects.count() == 8
    assert said.startswith("added 300 orders, ")
    assert " 1,200 webhook_events in " in said
    connection.check_constraints()


@pytest.mark.parametrize("events", [0, 1, 100, 5000])
def test_there_may_be_few_events_or_many(events: int) -> None:
    seed(events=events)

    assert WebhookEvent.objects.count() == events


def test_five_events_an_order_and_forty_merchants_unless_told_otherwise() -> None:
    call_command(command.Command(), orders=200, stdout=StringIO())

    assert WebhookEvent.objects.count() == 1000
    assert Installation.objects.count() == 40


def test_orders_go_back_as_far_as_they_are_told() -> None:
    seed(days=10)

    assert Order.objects.filter(created_at__lt=timezone.now() - timedelta(days=10, seconds=90)).count() == 0
    assert Order.objects.filter(created_at__lt=timezone.now() - timedelta(days=9)).exists()


def test_batches_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BATCH", 70)
    totals = [0]

    def count() -> None:
        totals.append(sum(model.objects.count() for model in (Order, PaymentAttempt, Question, WebhookEvent)))

    with before_statements("RELEASE SAVEPOINT", count):  # which ends a batch inside the test's transaction
        seed()

    sizes = [after - before for before, after in pairwise(totals) if after > before]

    assert Order.objects.count() == 300
    assert WebhookEvent.objects.count() == 1200
    assert len(sizes) > 15
    assert max(sizes) < 300


def test_a_second_run_adds_rows_beside_the_first_ones() -> None:
    mine = OrderFactory.create()
    event = WebhookEventFactory.create()
    seed(orders=100, events=300)
    first = orders()
    merchants = set(Installation.objects.values_list("pk", "external_key", "merchant_client_id", "installed_at"))

    seed(orders=100, events=300)

    assert orders()[: len(first)] == first
    assert Order.objects.count() == 201
    assert WebhookEvent.objects.count() == 601
    assert [row[1:5] for row in first[1:]] != [row[1:5] for row in orders()[101:]]  # not the same ones again
    found = set(Installation.objects.values_list("pk", "external_key", "merchant_client_id", "installed_at"))
    assert found == merchants
    assert not Order.objects.exclude(pk=mine.pk).filter(pk__lte=mine.pk).exists()
    assert not WebhookEvent.objects.exclude(pk=event.pk).filter(pk__lte=event.pk).exists()


def test_the_sequences_go_on_after_the_demo_rows() -> None:
    OrderFactory.create()
    beside = WebhookEventFactory.create(pk=WebhookEventFactory.create().pk + 1000)  # not from the sequence
    seed(orders=50, events=100)
    highest_order, highest_event = Order.objects.latest("pk").pk, WebhookEvent.objects.latest("pk").pk

    order, event = OrderFactory.create(), WebhookEventFactory.create()

    assert order.pk > highest_order
    assert event.pk > highest_event == beside.pk + 100
    PaymentAttempt.objects.create(order=order, method=PaymentMethod.PIX, fingerprint="f")


def test_the_same_seed_makes_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)

    def made(number: int) -> tuple[Any, ...]:
        for model in (WebhookEvent, Question, PaymentAttempt, Order, Installation):
            model.objects.all().delete()
        seed(seed=number, orders=100, events=400)
        events = WebhookEvent.objects.order_by("pk").values_list("event", "appmax_order_id", "outcome")
        return (orders(), list(events), list(PaymentAttempt.objects.order_by("pk").values_list("fingerprint")))

    first = made(1)
    assert made(1) == first
    assert made(2)[0] != first[0]


def test_each_shopper_of_the_demo_has_one_row_and_codes_are_found_also_after_a_second_run() -> None:
    for _ in range(2):
        seed(orders=100, events=0)

    for order in Order.objects.all():
        shopper = Shopper.objects.get(installation=order.installation_id, appmax_customer_id=order.appmax_customer_id)
        assert shopper in Shopper.objects.with_email(shopper.email or "")
    for order in Order.objects.exclude(pix_emv=None):
        assert OrderCode.objects.matching(order.pix_emv or "").get().order_id == order.pk


def test_the_planner_knows_the_new_rows() -> None:
    seed()

    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples FROM pg_class WHERE relname IN ('orders', 'webhook_events')")
        assert dict(cursor.fetchall()) == {"orders": 300, "webhook_events": 1200}


# --- what is refused -------------------------------------------------------------------------------------------------


def test_it_refuses_to_run_in_production(settings: Any) -> None:
    settings.APP_ENV = "production"

    with pytest.raises(CommandError, match=r"^[^\n]*production$"):
        seed()

    assert not Installation.objects.exists()
    assert not Order.objects.exists()
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(("name", "value"), [("orders", 0), ("events", -1), ("merchants", 0), ("days", 0)])
def test_numbers_that_make_no_sense_are_refused(name: str, value: int) -> None:
    with pytest.raises(CommandError, match="must be at least"):
        seed(**{name: value})

    assert not Installation.objects.exists()


def test_the_column_of_appmax_order_ids_has_an_end() -> None:
    OrderFactory.create(appmax_order_id=2**31 - 50)

    with pytest.raises(CommandError, match="no Appmax order ids left"):
        seed(orders=50)

    seed(orders=49, events=60)
    assert Order.objects.latest("appmax_order_id").appmax_order_id == 2**31 - 1


# --- the worker ------------------------------------------------------------------------------------------------------


def test_the_worker_asks_appmax_nothing_about_them() -> None:
    seed()
    assert Order.objects.filter(status__in=("pendente", "autorizado")).exists()
    assert PaymentAttempt.objects.open().exists()

    questions = Question.objects.order_by("pk").values()
    before = list(questions)

    due.put_overdue()
    assert list(questions.all()) == before
    assert Question.objects.take() is None


def test_what_waits_names_no_merchant() -> None:
    seed()

    kept.handle_due()
    waiting = WebhookEvent.objects.filter(outcome="waiting")
    assert waiting.exists()
    assert not any(payload.read(row.payload).merchants for row in waiting)
    assert not Question.objects.filter(why="order_missing").exists()


# --- orders ----------------------------------------------------------------------------------------------------------


def test_statuses_are_known_and_most_orders_are_paid() -> None:
    seed(orders=3000, events=100)
    counts = Counter(Order.objects.values_list("status", flat=True))

    assert set(counts) == set(OrderStatus.values)
    assert counts["aprovado"] + counts["integrado"] > 1800
    assert counts["pendente"] < 100
    assert all(count < 60 for status, count in counts.items() if status.startswith("chargeback"))
    stuck = Order.objects.filter(status="pendente", created_at__lt=timezone.now() - timedelta(days=5))
    assert 0 < stuck.count() < 40


def test_pending_orders_are_mostly_recent() -> None:
    seed(orders=3000, events=100)

    pending = Order.objects.filter(status="pendente")
    by_chance = pending.count() * 5 / 90
    assert pending.filter(created_at__gt=timezone.now() - timedelta(days=5)).count() > 3 * by_chance


def test_times_are_in_the_past() -> None:
    seed()
    now = timezone.now()

    first, last = Order.objects.earliest("created_at").created_at, Order.objects.latest("created_at").created_at
    assert now - timedelta(days=91) < first < now - timedelta(days=88)
    assert now - timedelta(days=2) < last < now
    assert not Order.objects.filter(Q(updated_at__lt=F("created_at")) | Q(updated_at__gt=now)).exists()
    assert not Installation.objects.filter(installed_at__gt=first).exists()
    assert not WebhookEvent.objects.filter(created_at__gt=now).exists()
    assert not WebhookEvent.objects.filter(Q(processed_at__lt=F("created_at")) | Q(processed_at__gt=now)).exists()
    starts = {order.appmax_order_id: order.created_at for order in Order.objects.all()}
    for event in WebhookEvent.objects.filter(appmax_order_id__in=starts):
        assert event.created_at > starts[event.appmax_order_id or 0]


@pytest.mark.parametrize("model", [Order, WebhookEvent])
def test_ids_follow_time(model: Any) -> None:
    seed(days=2)

    times = list(model.objects.order_by("pk").values_list("created_at", flat=True))
    assert times == sorted(times)


def test_brazil_buys_by_day() -> None:
    seed(orders=1000, events=0)
    hours = Counter(
        at.astimezone(ZoneInfo("America/Sao_Paulo")).hour for at in Order.objects.values_list("created_at", flat=True)
    )

    assert sum(hours[hour] for hour in range(1, 6)) < 100
    assert sum(hours[hour] for hour in range(10, 22)) > 600


def test_a_few_merchants_have_most_orders() -> None:
    seed(orders=1000, events=0, merchants=40)
    sizes = Counter(Order.objects.values_list("installation__external_key", flat=True)).most_common()

    assert sizes[0][0] == "loja-azul-01"
    assert sum(size for _, size in sizes[:5]) > 400
    assert len(sizes) > 30


def test_merchants_have_credentials_that_can_be_read() -> None:
    seed(merchants=2)

    for row in Installation.objects.all():
        assert row.credentials.client_id == f"demo-{row.external_key}"
        assert len(row.credentials.client_secret) == 32


def test_amounts_are_believable() -> None:
    seed()

    assert not Order.objects.exclude(total_cents__range=(1990, 250_000)).exists()
    assert Order.objects.values("total_cents").distinct().count() > 100


def fields(text: str) -> dict[str, str]:
    """An EMV text's fields."""
    found = {}
    while text:
        name, length = text[:2], int(text[2:4])
        found[name], text = text[4 : 4 + length], text[4 + length :]
        assert len(found[name]) == length
    return found


def test_a_pix_has_a_code_that_can_be_read() -> None:
    seed()
    assert not Order.objects.exclude(pix_qr_code=None).exists()
    assert not Order.objects.exclude(payment_method="pix").exclude(pix_emv=None).exists()

    rows = Order.objects.filter(payment_method="pix")
    assert rows.count() > 50
    for row in rows:
        assert row.pix_emv
        assert row.pix_emv.isascii()
        code = fields(row.pix_emv)
        assert fields(code["26"])["00"] == "br.gov.bcb.pix"
        assert code["54"] == f"{row.total_cents / 100:.2f}"
        assert list(code) == ["00", "01", "26", "52", "53", "54", "58", "59", "60", "62", "63"]
        assert code["63"] == f"{crc_hqx(row.pix_emv[:-4].encode(), 0xFFFF):04X}"


def test_a_boleto_has_digits_and_a_pdf() -> None:
    seed()
    assert (
        not Order.objects.exclude(payment_method="boleto").exclude(boleto_digitavel=None, boleto_pdf_url=None).exists()
    )

    rows = Order.objects.filter(payment_method="boleto")
    assert rows.count() > 10
    for row in rows:
        assert re.fullmatch(r"\d{47}", row.boleto_digitavel or "")
        assert re.fullmatch(r"https://boleto\.example/\d+\.pdf", row.boleto_pdf_url or "")


# --- payment attempts ------------------------------------------------------------------------------------------------


def test_each_order_with_a_method_has_been_tried_to_pay() -> None:
    seed()
    tried = Order.objects.filter(attempts__isnull=False).distinct()

    assert set(tried) == set(Order.objects.exclude(payment_method=None))
    assert Order.objects.filter(payment_method=None).count() < 60
    assert tried.count() <= PaymentAttempt.objects.count() < tried.count() * 1.1
    assert not PaymentAttempt.objects.exclude(method=F("order__payment_method")).exists()
    assert not PaymentAttempt.objects.exclude(fingerprint__regex="^[0-9a-f]{64}$").exists()
    assert set(PaymentAttempt.objects.values_list("state", flat=True)) == set(AttemptState.values)


def test_each_payment_method_is_there() -> None:
    seed(orders=1000, events=0)

    methods = Counter(Order.objects.values_list("payment_method", flat=True))

    assert {method for method in methods if method} == set(PaymentMethod)


def test_attempts_begin_soon_and_take_a_second_or_two() -> None:
    seed()
    rows = PaymentAttempt.objects.all()

    soon = Q(started_at__gt=F("order__created_at"), started_at__lt=F("order__created_at") + timedelta(minutes=1))
    assert not rows.exclude(soon).exists()
    settled = rows.exclude(state__in=OPEN)
    quickly = Q(settled_at__gt=F("started_at"), settled_at__lt=F("started_at") + timedelta(seconds=3))
    assert not settled.exclude(quickly).exists()
    assert not settled.filter(settled_at__gt=timezone.now()).exists()


def test_a_handful_of_attempts_are_open() -> None:
    seed()

    assert 2 <= PaymentAttempt.objects.open().count() <= 10
    for attempt in PaymentAttempt.objects.open().select_related("order"):
        assert attempt.order.status == "pendente"


# --- events ----------------------------------------------------------------------------------------------------------


def test_each_event_is_of_an_order_but_those_that_found_none() -> None:
    seed(events=6000)
    numbers = set(Order.objects.values_list("appmax_order_id", flat=True))

    stray = Q(outcome__in=("waiting", "closed"))
    assert set(WebhookEvent.objects.exclude(stray).values_list("appmax_order_id", flat=True)) <= numbers
    assert not numbers & set(WebhookEvent.objects.filter(stray).values_list("appmax_order_id", flat=True))


def test_outcomes_are_of_every_kind() -> None:
    seed(orders=2000, events=10_000)
    counts = Counter(WebhookEvent.objects.values_list("outcome", flat=True))

    assert counts["applied"] > 4500
    assert 200 < counts["duplicate"] < 900
    assert 500 < counts["ignored"] < 3500
    assert 0 < counts["acknowledged"] < 1500
    assert 0 < counts["refuted"] < 50
    assert 0 < counts["closed"] < 50


def test_a_few_events_are_unprocessed_and_recent() -> None:
    seed()
    rows = WebhookEvent.objects.filter(processed=False)

    assert 20 <= rows.count() <= 60
    waits = rows.filter(outcome="waiting")
    assert waits.count() > rows.count() / 2
    assert rows.filter(outcome="failed").exists()
    assert not waits.filter(created_at__lt=timezone.now() - timedelta(days=1, minutes=1)).exists()


def test_an_event_that_was_not_found_had_waited_its_time() -> None:
    seed(events=6000)
    rows = WebhookEvent.objects.filter(outcome="closed")

    assert rows.exists()
    assert not rows.exclude(processed_at=F("created_at") + inbox.wait_limit()).exists()


def test_both_models_of_payload_are_there_and_say_what_the_columns_say() -> None:
    seed()
    models: Counter[str] = Counter()

    for row in WebhookEvent.objects.all():
        read = payload.read(row.payload)
        assert (read.name, read.type, read.order_id, read.note) == (row.event, row.event_type, row.appmax_order_id, "")
        models[read.model] += 1
        customer = row.payload["data"]["customer"]
        assert customer["email"].isascii()
        assert customer["email"].endswith("@example.com")
        assert re.fullmatch(r"\d{11}", customer["telephone"])
        assert re.fullmatch(r"\d{11}", customer["document_number"])
        assert re.fullmatch(r"\d{8}", customer["postcode"])

    assert models.keys() == {"app_store", "standard"}
    assert min(models.values()) > 100


def test_the_inbox_would_have_made_the_same_of_every_event() -> None:
    """The orders begin again, and the same events come in."""
    seed(orders=120, events=700)
    told = WebhookEvent.objects.filter(outcome__in=("failed", "refuted"))
    others = Order.objects.exclude(status__in=ONLY_ASKED).exclude(payment_method=None)
    compared = others.exclude(appmax_order_id__in=told.values("appmax_order_id"))
    expected = list(compared.order_by("pk").values_list("pk", "status"))
    assert len(expected) > 80
    numbers = list(compared.values_list("appmax_order_id", flat=True))
    declined = PaymentAttempt.objects.filter(state=AttemptState.DECLINED).values("order")
    rows = list(WebhookEvent.objects.filter(appmax_order_id__in=numbers).order_by("pk"))
    WebhookEvent.objects.all().delete()
    Order.objects.update(status="pendente")
    Order.objects.filter(pk__in=declined).update(status="cancelado")  # by the checkout

    for row in rows:
        inbox.receive(payload.read(row.payload))

    again = WebhookEvent.objects.order_by("pk")
    columns = (
        "event",
        "event_type",
        "appmax_order_id",
        "payload",
        "processed",
        "outcome",
        "order_status",
        "error_message",
    )
    assert list(again.values_list(*columns)) == [tuple(getattr(row, name) for name in columns) for row in rows]
    assert (
        list(Order.objects.filter(pk__in=[pk for pk, _ in expected]).order_by("pk").values_list("pk", "status"))
        == expected
    )
