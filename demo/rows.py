"""The rows of a demo: orders of the last days, and events of them and of no order."""

import heapq
import itertools
import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Model

from demo.bodies import body_of, br_code, customer_of
from demo.sales import Merchant, Sale, decided, moments
from demo.stories import ASKED, DAY, LATE, OPEN_STORIES, SHARES, STORIES, UNKNOWN_EVENT, pascal, snake
from orders.models import OPEN, AttemptState, CodeKind, Order, OrderCode, PaymentAttempt, Question, Shopper
from orders.questions.why import Why
from orders.status import UNDECIDED, UNDECIDED_CHARGEBACKS, OrderStatus, PaymentMethod
from webhooks import inbox
from webhooks.decide import UNPROCESSED, Decision, Outcome
from webhooks.models import WebhookEvent

BATCH = 20_000  # rows of a transaction, or a few more: about a second
NEVER = timedelta(days=365)  # when Appmax would be asked
NEWEST = 60  # seconds: the newest order is that old, so that its payment attempt has ended

# Far from Appmax's and the simulator's numbers, so that the next true order collides with none of ours.
FIRST_ORDER_ID = 1_000_000_000
FIRST_CUSTOMER_ID = 1_000_000_000
FIRST_STRAY_ID = 900_000_000  # numbers of no order: events that wait for one, or did in vain
MOST_UNPROCESSED = 45
OPEN_ATTEMPTS = 6

COLUMNS: dict[type[Model], tuple[str, ...]] = {
    Order: (
        "id", "installation_id", "appmax_customer_id", "appmax_order_id", "status", "payment_method", "total_cents",
        "pix_emv", "boleto_pdf_url", "boleto_digitavel", "upsell_hash", "created_at", "updated_at",
    ),
    Shopper: (
        "installation_id", "appmax_customer_id", "name", "folded_name", "email_shown", "document_shown", "email",
        "document", "email_hash", "document_hash", "seen_at",
    ),
    OrderCode: ("order_id", "kind", "code", "hash", "created_at"),
    PaymentAttempt: (
        "order_id", "method", "state", "idempotency_key", "fingerprint", "answer", "started_at", "settled_at"
    ),
    Question: ("appmax_order_id", "installation_id", "why", "since", "asked_at", "due_at", "times"),
    WebhookEvent: (
        "id", "event", "event_type", "appmax_order_id", "installation_id", "payload", "processed", "processed_at",
        "outcome", "order_status", "error_message", "created_at",
    ),
}  # fmt: skip
"""What is written, in an order that suits the foreign keys."""

Batch = dict[type[Model], list[tuple[Any, ...]]]

ANSWERS = {
    AttemptState.SUCCEEDED: '{"status": ""}',
    AttemptState.DECLINED: '{"error": "Declined", "message": "payment declined", "http_status": 402}',
    AttemptState.FAILED: '{"error": "Unavailable", "message": "Too many requests", "http_status": 429}',
    AttemptState.UNKNOWN: '{"error": "OutcomeUnknown", "message": "no answer in time", "timed_out": true}',
    AttemptState.STARTED: None,
}
BOLETO_DAY_0 = 20_141 - 1000 - 3  # due in three days, counted as banks do: 2025-02-22 is 1000


class Demo:
    """`orders` orders of the last `days` days, and `events` events of them and of no order, until `now`."""

    def __init__(
        self,
        *,
        seed: str,
        merchants: list[Merchant],
        now: float,
        days: int,
        orders: int,
        events: int,
        first_order: int,
        first_appmax_order: int,
        first_event: int,
        known_shoppers: set[tuple[int, int]],
    ) -> None:
        self._seed = seed
        self._merchants = merchants
        self._sizes = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(merchants))))  # a few big ones
        self._now = now
        self._days = days
        self._orders = orders
        self._first_order, self._first_appmax_order = first_order, first_appmax_order
        self._event_ids = itertools.count(first_event)
        self._known_shoppers = known_shoppers
        self._far = _moment(now) + NEVER
        self._rng = random.Random(f"{seed} details")  # noqa: S311 - demo data
        unprocessed = min(MOST_UNPROCESSED, events // 25)
        self._failing = min(unprocessed // 4, orders // 20)
        self._waiting = unprocessed - self._failing
        self._in_vain = events // 2000 if days > _wait_limit() / DAY else 0
        self._events = events - self._waiting - self._in_vain
        self._queue: list[tuple[float, int, Sale, str, Decision, OrderStatus | None]] = []  # by time, then by number
        self._numbers = itertools.count()

    def sales(self) -> Iterator[Sale]:
        """The orders as planned, oldest first; the same each time."""
        rng = random.Random(f"{self._seed} plan")  # noqa: S311 - demo data
        start = self._now - NEWEST - self._days * DAY
        for number, created_at in enumerate(moments(self._orders, start, self._days * 24, self._seed)):
            from_end = self._orders - number
            story = rng.choices(STORIES, cum_weights=SHARES)[0]
            if from_end % 7 == 0 and from_end <= 7 * OPEN_ATTEMPTS:
                story = OPEN_STORIES[from_end // 7 % len(OPEN_STORIES)]
            sale = Sale(
                pk=self._first_order + number,
                appmax_order_id=self._first_appmax_order + number,
                merchant=rng.choices(self._merchants, cum_weights=self._sizes)[0],
                story=story,
                created_at=created_at,
                tried_at=created_at + rng.uniform(2, 30),
                arrivals=[],
                last_fails=from_end % 5 == 0 and from_end <= 5 * self._failing,
            )
            self._plan(sale, rng)
            yield sale

    def _plan(self, sale: Sale, rng: random.Random) -> None:
        """What will have arrived of the order by now."""
        story, at = sale.story, sale.settled_at
        spell = pascal if sale.merchant.is_old else str
        if story.attempt not in OPEN and rng.random() < 0.5:
            sale.arrivals.append((sale.created_at + 1, spell("customer_interested")))
        for name, seconds in story.steps:
            at += seconds * rng.uniform(0.3, 1.7)
            late = rng.choice(LATE) if rng.random() < 0.01 else 0
            sale.arrivals.append((at + late, spell(name)))
        if story.ends:
            sale.arrivals.append((at + DAY, ASKED))
        sale.arrivals = sorted(arrival for arrival in sale.arrivals if arrival[0] <= self._now)

    def batches(self, planned: int) -> Iterator[Batch]:
        """All rows. `planned`: how many events `sales` has. To make `events` of them, each order in proportion loses
        its last ones, or has some twice, in the other spelling, or others beside them."""
        self._queue_strays()
        batch: Batch = {model: [] for model in COLUMNS}
        seen = written = 0
        for sale in self.sales():
            seen += len(sale.events)
            wanted = seen * self._events // planned - written
            written += wanted
            self._add_events(sale, wanted - len(sale.events))
            for at, name, decision, before in decided(sale)[:wanted]:
                self._enqueue(at, sale, name, decision, before)
            self._write_events(batch, until=sale.created_at)
            self._write_order(batch, sale)
            if len(batch[Order]) + len(batch[WebhookEvent]) >= BATCH:
                yield batch
                batch = {model: [] for model in COLUMNS}
        while self._queue:
            self._write_events(batch, until=math.inf)
            yield batch
            batch = {model: [] for model in COLUMNS}
        yield batch

    def _add_events(self, sale: Sale, count: int) -> None:
        """`count` more of them, all after the planned ones that they follow; none if it is negative."""
        rng, planned = self._rng, sale.events
        for _ in range(count):
            at, name = rng.choice(planned)
            kind = rng.random()
            if kind < 0.35:
                name = pascal(name) if name.islower() else snake(name)  # registered in both panels
            elif kind < 0.6:
                name = "CustomerContacted" if sale.merchant.is_old else "customer_contacted"
            elif kind < 0.63:
                name = UNKNOWN_EVENT
            later = at + rng.choice((3, 20, *LATE)) * rng.uniform(0.9, 1.1)
            sale.arrivals.append((later if later < self._now else rng.uniform(at, self._now), name))
        sale.arrivals.sort()

    def _queue_strays(self) -> None:
        """Events of no order. In the standard model: its envelope names no merchant whom Appmax could be asked for."""
        now, limit = self._now, _wait_limit()
        lately, start = now - min(limit, DAY), now - self._days * DAY
        reason = "the order is not there yet"
        moments = [(self._rng.uniform(lately, now), Outcome.WAITING) for _ in range(self._waiting)]
        moments += [(self._rng.uniform(start, now - limit - 60), Outcome.CLOSED) for _ in range(self._in_vain)]
        for at, outcome in moments:
            number = self._rng.randrange(FIRST_STRAY_ID, FIRST_ORDER_ID)
            story = self._rng.choice([story for story in STORIES if story.steps])
            sale = Sale(0, number, Merchant(0, "", is_old=True), story, at, at, [])
            self._draw_details(sale)
            self._enqueue(at, sale, pascal(story.steps[0][0]), Decision(outcome, reason=reason), None)

    def _enqueue(self, at: float, sale: Sale, name: str, decision: Decision, before: OrderStatus | None) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), sale, name, decision, before))

    def _draw_details(self, sale: Sale) -> None:
        rng = self._rng
        sale.customer_id = FIRST_CUSTOMER_ID + rng.randrange(self._orders * 2 // 3 + 1)
        sale.total_cents = min(max(round(rng.lognormvariate(5.0, 0.8)) * 100 + 90, 1990), 250_000)
        sale.customer = customer_of(sale.customer_id)

    # --- rows --------------------------------------------------------------------------------------------------------

    def _write_order(self, batch: Batch, sale: Sale) -> None:
        """The order, its payment attempts and its question, which is due in a year."""
        rng, story, now = self._rng, sale.story, _moment(self._now)
        self._draw_details(sale)
        pix_emv = pdf_url = digits = upsell_hash = None
        if story.method == PaymentMethod.PIX:
            pix_emv = br_code(sale.appmax_order_id, sale.total_cents, sale.merchant.external_key)
        elif story.method == PaymentMethod.BOLETO:
            pdf_url = f"https://boleto.example/{sale.appmax_order_id}.pdf"
            dues = f"{int(sale.created_at / DAY) - BOLETO_DAY_0:04}{sale.total_cents:010}"
            digits = f"9999{rng.randrange(10**29):029}{dues}"  # no bank is 999
        elif story.method and story.attempt == AttemptState.SUCCEEDED and rng.random() < 0.2:
            upsell_hash = f"{rng.getrandbits(128):032x}"
        batch[Order].append(
            (
                sale.pk, sale.merchant.pk, sale.customer_id, sale.appmax_order_id, sale.status, story.method,
                sale.total_cents, pix_emv, pdf_url, digits, upsell_hash, _moment(sale.created_at),
                _moment(sale.updated_at),
            )
        )  # fmt: skip
        self._write_shopper(batch, sale)
        for kind, code in ((CodeKind.PIX, pix_emv), (CodeKind.BOLETO, digits)):
            if code:
                batch[OrderCode].append(_columns(OrderCode.of(sale.pk, kind, code, at=_moment(sale.created_at))))
        is_open = story.attempt in OPEN
        if story.method and rng.random() < 0.03:  # the first try came to nothing
            before = rng.uniform(sale.created_at, sale.tried_at - 1.5)
            self._write_attempt(batch, sale, AttemptState.FAILED, before, before + 1)
        if story.method:
            self._write_attempt(batch, sale, story.attempt, sale.tried_at, None if is_open else sale.settled_at)
        if is_open or sale.status in (*UNDECIDED, *UNDECIDED_CHARGEBACKS):
            why = Why.PAYMENT_UNKNOWN if is_open else Why.PENDING if sale.status in UNDECIDED else Why.CHARGEBACK
            batch[Question].append((sale.appmax_order_id, sale.merchant.pk, why, now, now, self._far, 1))

    def _write_shopper(self, batch: Batch, sale: Sale) -> None:
        """Writes the shopper, unless an earlier order has."""
        key = (sale.merchant.pk, sale.customer_id)
        if key not in self._known_shoppers:
            self._known_shoppers.add(key)
            who = sale.customer
            shopper = Shopper.of(
                *key,
                name=f"{who['firstname']} {who['lastname']}",
                email=who["email"],
                document=who["document_number"],
                at=_moment(sale.created_at),
            )
            batch[Shopper].append(_columns(shopper))

    def _write_attempt(
        self, batch: Batch, sale: Sale, state: AttemptState, started_at: float, settled_at: float | None
    ) -> None:
        rng = self._rng
        key = f"pedido-{sale.appmax_order_id}" if rng.random() < 0.4 else None
        ended = None if settled_at is None else _moment(settled_at)
        fingerprint = f"{rng.getrandbits(256):064x}"
        row = (sale.pk, sale.story.method, state, key, fingerprint, ANSWERS[state], _moment(started_at), ended)
        batch[PaymentAttempt].append(row)

    def _write_events(self, batch: Batch, *, until: float) -> None:
        """What has arrived until then, in the order of its arrival, as far as the batch has room."""
        queue, events = self._queue, batch[WebhookEvent]
        while queue and queue[0][0] <= until and len(events) < BATCH:
            at, _, sale, name, decision, before = heapq.heappop(queue)
            pk = next(self._event_ids)
            is_waiting = decision.outcome in UNPROCESSED
            seconds = _wait_limit() if decision.outcome is Outcome.CLOSED else 0.02
            processed_at = None if is_waiting else _moment(min(at + seconds, self._now))
            body = body_of(sale, name)
            events.append(
                (
                    pk, name, body.get("event_type", ""), sale.appmax_order_id, sale.merchant.pk or None,
                    json.dumps(body), not is_waiting, processed_at, decision.outcome, before,
                    decision.reason or None, _moment(at),
                )
            )  # fmt: skip


def _columns(row: Shopper | OrderCode) -> tuple[Any, ...]:
    """The row's columns as they are stored, some of them encrypted."""
    fields = {field.attname: field for field in row._meta.local_concrete_fields}
    return tuple(fields[name].get_prep_value(getattr(row, name)) for name in COLUMNS[type(row)])


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _wait_limit() -> float:
    """How many seconds an event waits for its order at most."""
    return inbox.wait_limit().total_seconds()
