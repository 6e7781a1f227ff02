"""Fill a database with believable data, to look at the admin and to measure it:
`manage.py seed_demo --orders 1000000 --events 5000000`.

Each order follows one of STORIES, cut off at the present moment; what became of its events is decided by the inbox's
own rules, so that orders and events tell the same. Times, names and amounts are drawn with Python's random from
`--seed` and the first new order's number: the same database gets the same data, and a second run adds other rows.
Rows are written with COPY, a batch a transaction, so no statement comes near its time-out.

The worker may be running. It must ask Appmax nothing about these orders, whose merchants have made-up credentials:

- the sweep for new money (webhooks.verify) is moved past the ids of the events before the first of them is there (as
  the last step it would be too late); it also passes what came in just before and wasn't verified yet;
- every order that reconciliation would look for (undecided, or with an open payment attempt) has a StatusCheck, and
  every event that waits a Retry, due in a year; and what waits names no merchant.

By hand it is still possible: `reconcile_orders` asks about the few open attempts, whenever they were asked about last;
and an event whose handling failed, once it is reprocessed, asks for a check of its order.
"""

import functools
import heapq
import itertools
import json
import math
import random
import time
import unicodedata
from binascii import crc_hqx
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.db.models import Max, Model
from django.utils import timezone
from psycopg import sql
from tqdm import tqdm

from appmax.tokens import Credentials
from installations.models import Installation
from orders.models import OPEN, AttemptState, Order, PaymentAttempt, StatusCheck
from orders.status import UNDECIDED, OrderStatus, PaymentMethod, advances
from webhooks import inbox, payload, verify
from webhooks.models import DUPLICATE, FAILED, IGNORED, NOT_BELIEVED, NOT_FOUND, UNKNOWN, Progress, Retry, WebhookEvent

BATCH = 20_000  # rows of a transaction, or a few more: about a second
NEVER = timedelta(days=365)  # when Appmax would be asked
NEWEST = 60  # seconds: the newest order is that old, so that its payment attempt has ended
DAY = 86_400.0  # seconds, as all times until they are written: since 1970

# Far from Appmax's and the simulator's numbers, so that the next true order collides with none of ours.
FIRST_ORDER_ID = 1_000_000_000
FIRST_CUSTOMER_ID = 1_000_000_000
FIRST_STRAY_ID = 900_000_000  # numbers of no order: events that wait for one, or did in vain
UNPROCESSED = 45
OPEN_ATTEMPTS = 6

COLUMNS: dict[type[Model], tuple[str, ...]] = {
    Order: (
        "id", "installation_id", "appmax_customer_id", "appmax_order_id", "status", "payment_method", "total_cents",
        "pix_emv", "boleto_pdf_url", "boleto_digitavel", "upsell_hash", "created_at", "updated_at",
    ),
    PaymentAttempt: (
        "order_id", "method", "state", "idempotency_key", "fingerprint", "answer", "started_at", "settled_at"
    ),
    StatusCheck: ("order_id", "asked_at", "next_at", "times", "error_message"),
    WebhookEvent: (
        "id", "event", "event_type", "appmax_order_id", "payload", "processed", "processed_at", "error_message",
        "created_at",
    ),
    Retry: ("event_id", "next_at", "times"),
}  # fmt: skip
"""What is written, in an order that suits the foreign keys."""

Batch = dict[type[Model], list[tuple[Any, ...]]]


# --- what may happen to an order -------------------------------------------------------------------------------------

Step = tuple[str, float]  # an event, and the seconds that usually lie between it and the one before

CARD: tuple[Step, ...] = (("order_authorized", 4), ("order_approved", 90), ("order_paid", 5))
PIX_CODE: tuple[Step, ...] = (("order_pix_created", 2),)
PIX: tuple[Step, ...] = (*PIX_CODE, ("order_paid_by_pix", 240), ("order_approved", 3))
BILLET: tuple[Step, ...] = (("order_billet_created", 3),)
BOLETO: tuple[Step, ...] = (*BILLET, ("order_paid", 1.2 * DAY), ("order_approved", 20))
INTEGRATED: tuple[Step, ...] = (("order_pending_integration", 60), ("order_integrated", 900))
REFUND: tuple[Step, ...] = (("order_refund", 3 * DAY),)
CHARGEBACK: tuple[Step, ...] = (("order_chargeback_in_treatment", 18 * DAY),)
GAIN: tuple[Step, ...] = (("order_charge_back_gain", 15 * DAY),)


@dataclass(frozen=True)
class Story:
    """How an order goes. `ends`: what Appmax says when it is asked a day after the last event; no event means that.
    `is_forged`: Appmax doesn't confirm that there is money."""

    share: float  # of a thousand
    method: PaymentMethod | None
    steps: tuple[Step, ...] = ()
    ends: OrderStatus | None = None
    attempt: AttemptState = AttemptState.SUCCEEDED
    is_forged: bool = False


STORIES = (
    Story(285, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED)),
    Story(70, PaymentMethod.CREDIT_CARD, CARD),
    Story(8, PaymentMethod.CREDIT_CARD, (*CARD, INTEGRATED[0])),
    Story(3, PaymentMethod.CREDIT_CARD, (*CARD, INTEGRATED[0]), ends=OrderStatus.PENDENTE_INTEGRACAO_EM_ANALISE),
    Story(66, PaymentMethod.CREDIT_CARD, (("payment_not_authorized", 2),), attempt=AttemptState.DECLINED),
    Story(14, PaymentMethod.CREDIT_CARD, (CARD[0], ("order_refused_by_risk", 1800))),
    Story(2, PaymentMethod.CREDIT_CARD, CARD[:1]),
    Story(14, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *REFUND)),
    Story(5, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK)),
    Story(2, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK), ends=OrderStatus.CHARGEBACK_EM_DISPUTA),
    Story(2, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK), ends=OrderStatus.CHARGEBACK_PERDIDO),
    Story(2, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK, *GAIN)),
    Story(220, PaymentMethod.PIX, (*PIX, *INTEGRATED)),
    Story(35, PaymentMethod.PIX, PIX),
    Story(75, PaymentMethod.PIX, (*PIX_CODE, ("order_pix_expired", DAY))),
    Story(6, PaymentMethod.PIX, (*PIX, *INTEGRATED, *REFUND)),
    Story(2, PaymentMethod.PIX, PIX_CODE),
    Story(1, PaymentMethod.PIX, (*PIX_CODE, ("order_paid_by_pix", 240)), is_forged=True),
    Story(55, PaymentMethod.BOLETO, (*BOLETO, *INTEGRATED)),
    Story(10, PaymentMethod.BOLETO, BOLETO),
    Story(38, PaymentMethod.BOLETO, (*BILLET, ("order_billet_overdue", 3 * DAY))),
    Story(1, PaymentMethod.BOLETO, BILLET),
    Story(60, None, ends=OrderStatus.CANCELADO),
    Story(2, None),
)
SHARES = list(itertools.accumulate(story.share for story in STORIES))
OPEN_STORIES = [Story(0, PaymentMethod.CREDIT_CARD, attempt=state) for state in OPEN]

ASKED = ""  # in the place of an event's name: Appmax's answer
UNKNOWN_EVENT = "order_tracking_updated"  # the contract has none of this name
FAILURE = f"{FAILED}OperationalError"
LATE = (1800, 7200, 14_400)  # seconds: when Appmax tries again

ANSWERS = {
    AttemptState.SUCCEEDED: '{"status": ""}',
    AttemptState.DECLINED: '{"error": "Declined", "message": "payment declined", "http_status": 402}',
    AttemptState.FAILED: '{"error": "Unavailable", "message": "Too many requests", "http_status": 429}',
    AttemptState.UNKNOWN: '{"error": "OutcomeUnknown", "message": "no answer in time", "timed_out": true}',
    AttemptState.STARTED: None,
}
PAYMENT_TYPES = {
    None: None,
    PaymentMethod.CREDIT_CARD: "CreditCard",
    PaymentMethod.PIX: "Pix",
    PaymentMethod.BOLETO: "Boleto",
}

BOLETO_DAY_0 = 20_141 - 1000 - 3  # due in three days, counted as banks do: 2025-02-22 is 1000

# How busy each hour of a day is in Brazil.
BRAZIL = ZoneInfo("America/Sao_Paulo")
HOURS = (3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 10, 11, 11, 10, 10, 10, 10, 10, 11, 12, 13, 13, 10, 6)

SHOPS = (
    "loja-azul", "casa-do-cafe", "moda-praia", "pet-feliz", "emporio-mineiro", "livraria-ipe", "bike-sul",
    "doce-sabor", "verde-vida", "tenis-br", "arte-em-couro", "relojoaria-paulista", "mundo-bebe", "vida-fit",
    "vinhos-da-serra", "joias-aurora", "casa-e-jardim", "tech-nordeste", "cosmeticos-flor", "papelaria-central",
)  # fmt: skip
FIRST_NAMES = (
    "Ana", "João", "Maria", "José", "Camila", "Antônio", "Juliana", "Luís", "Fernanda", "Pedro", "Patrícia",
    "Lucas", "Aline", "Mateus", "Beatriz", "Rafael", "Letícia", "Bruno", "Larissa", "Gustavo", "Renata", "Thiago",
    "Débora",
)  # fmt: skip
LAST_NAMES = (
    "Silva", "Santos", "Oliveira", "Souza", "Lima", "Pereira", "Ferreira", "Costa", "Rodrigues", "Almeida",
    "Nascimento", "Araújo", "Ribeiro", "Carvalho", "Gonçalves", "Barbosa", "Rocha", "Dias", "Moreira",
)  # fmt: skip
STREETS = ("Rua das Flores", "Avenida Brasil", "Rua Sete de Setembro", "Rua da Praia", "Travessa do Comércio")
CITIES = (
    ("São Paulo", "SP", "11", "01310"), ("Rio de Janeiro", "RJ", "21", "20040"),
    ("Belo Horizonte", "MG", "31", "30130"),
    ("Porto Alegre", "RS", "51", "90010"), ("Curitiba", "PR", "41", "80020"), ("Recife", "PE", "81", "50030"),
    ("Salvador", "BA", "71", "40020"),
)  # fmt: skip


@dataclass(frozen=True)
class Merchant:
    """A demo merchant. `is_old`: registered in the old panel, which sends the standard model."""

    pk: int
    external_key: str
    is_old: bool = False


@dataclass(slots=True)
class Sale:
    """An order: first as planned, with what arrives of it until now; then with what became of that."""

    pk: int
    appmax_order_id: int
    merchant: Merchant
    story: Story
    created_at: float
    tried_at: float  # the payment attempt
    arrivals: list[tuple[float, str]]  # (when, event or ASKED)
    last_fails: bool = False  # its last event couldn't be handled
    status: str = OrderStatus.PENDENTE.value
    updated_at: float = 0.0
    customer_id: int = 0
    total_cents: int = 0
    customer: dict[str, Any] = field(default_factory=dict)

    @property
    def events(self) -> list[tuple[float, str]]:
        """Those of the arrivals that are events."""
        return [arrival for arrival in self.arrivals if arrival[1] != ASKED]

    @property
    def settled_at(self) -> float:
        """When Appmax had answered the payment call."""
        return self.tried_at + 1.4


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
    ) -> None:
        self._seed = seed
        self._merchants = merchants
        self._sizes = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(merchants))))  # a few big ones
        self._now = now
        self._days = days
        self._orders = orders
        self._first_order, self._first_appmax_order = first_order, first_appmax_order
        self._event_ids = itertools.count(first_event)
        self._far = _moment(now) + NEVER
        self._rng = random.Random(f"{seed} details")  # noqa: S311 - demo data
        unprocessed = min(UNPROCESSED, events // 25)
        self._failing = min(unprocessed // 4, orders // 20)
        self._waiting = unprocessed - self._failing
        self._in_vain = events // 2000 if days > _wait_limit() / DAY else 0
        self._events = events - self._waiting - self._in_vain
        self._queue: list[tuple[float, int, Sale, str, str | None]] = []  # by time; the number keeps ties apart
        self._numbers = itertools.count()

    def sales(self) -> Iterator[Sale]:
        """The orders as planned, oldest first; the same each time."""
        rng = random.Random(f"{self._seed} plan")  # noqa: S311 - demo data
        start = self._now - NEWEST - self._days * DAY
        for number, created_at in enumerate(_moments(self._orders, start, self._days * 24, self._seed)):
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
        spell = _pascal if sale.merchant.is_old else str
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
            outcomes = _outcomes(sale)
            for at, name, note in outcomes[:wanted]:
                self._enqueue(at, sale, name, note)
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
                name = _pascal(name) if name.islower() else _snake(name)  # registered in both panels
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
        moments = [(self._rng.uniform(lately, now), inbox.NO_ORDER_YET) for _ in range(self._waiting)]
        moments += [(self._rng.uniform(start, now - limit - 60), NOT_FOUND) for _ in range(self._in_vain)]
        for at, note in moments:
            number = self._rng.randrange(FIRST_STRAY_ID, FIRST_ORDER_ID)
            story = self._rng.choice([story for story in STORIES if story.steps])
            sale = Sale(0, number, Merchant(0, "", is_old=True), story, at, at, [])
            self._draw_details(sale)
            self._enqueue(at, sale, _pascal(story.steps[0][0]), note)

    def _enqueue(self, at: float, sale: Sale, name: str, note: str | None) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), sale, name, note))

    def _draw_details(self, sale: Sale) -> None:
        rng = self._rng
        sale.customer_id = FIRST_CUSTOMER_ID + rng.randrange(self._orders * 2 // 3 + 1)
        sale.total_cents = min(max(round(rng.lognormvariate(5.0, 0.8)) * 100 + 90, 1990), 250_000)
        sale.customer = _customer(sale.customer_id)

    # --- rows --------------------------------------------------------------------------------------------------------

    def _write_order(self, batch: Batch, sale: Sale) -> None:
        """The order, its payment attempts and its StatusCheck."""
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
        is_open = story.attempt in OPEN
        if story.method and rng.random() < 0.03:  # the first try came to nothing
            before = rng.uniform(sale.created_at, sale.tried_at - 1.5)
            self._write_attempt(batch, sale, AttemptState.FAILED, before, before + 1)
        if story.method:
            self._write_attempt(batch, sale, story.attempt, sale.tried_at, None if is_open else sale.settled_at)
        if is_open or sale.status in UNDECIDED:
            reason = "OutcomeUnknown: Appmax did not answer in time" if is_open else None
            batch[StatusCheck].append((sale.pk, now, self._far, 1, reason))

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
            at, _, sale, name, note = heapq.heappop(queue)
            pk = next(self._event_ids)
            is_waiting = note in (inbox.NO_ORDER_YET, FAILURE)
            seconds = _wait_limit() if note == NOT_FOUND else 0.02
            processed_at = None if is_waiting else _moment(min(at + seconds, self._now))
            body = _body(sale, name)
            events.append(
                (
                    pk, name, body.get("event_type", ""), sale.appmax_order_id, json.dumps(body),
                    not is_waiting, processed_at, note, _moment(at),
                )
            )  # fmt: skip
            if is_waiting:
                batch[Retry].append((pk, self._far, 1))


# --- drawing ---------------------------------------------------------------------------------------------------------


def _moments(count: int, start: float, hours: int, seed: str) -> Iterator[float]:
    """`count` moments of the hours after `start`, in ascending order, as busy as HOURS says."""
    rng = random.Random(f"{seed} moments")  # noqa: S311 - demo data
    begins = [start + 3600 * hour for hour in range(hours)]
    busy = list(itertools.accumulate(HOURS[datetime.fromtimestamp(begin, BRAZIL).hour] for begin in begins))
    done = 0
    for begin, share in zip(begins, busy, strict=True):
        target = count * share // busy[-1]
        yield from sorted(rng.uniform(begin, begin + 3600) for _ in range(target - done))
        done = target


def _outcomes(sale: Sale) -> list[tuple[float, str, str | None]]:
    """What the inbox made of each event (its error_message), and in `sale` what came of them all."""
    outcomes = []
    handled = set()
    sale.updated_at = sale.settled_at if sale.story.method else sale.created_at
    if sale.story.attempt == AttemptState.DECLINED:
        sale.status = OrderStatus.CANCELADO.value
    for place, (at, name) in enumerate(sale.arrivals, start=1):
        if name == ASKED:
            sale.status, sale.updated_at = str(sale.story.ends), at
            continue
        status = _status_of(name)
        note = None
        if sale.last_fails and place == len(sale.arrivals):
            note = FAILURE
        elif sale.story.is_forged and payload.means_money(name):
            note = f"{NOT_BELIEVED}Appmax says {sale.status}"
        elif name in handled:
            note = DUPLICATE
        elif status is None:
            note = None if payload.is_known(name) else UNKNOWN
        elif advances(sale.status, status):
            sale.status, sale.updated_at = status, at
        elif sale.status == status:
            note = f"{IGNORED}the order is {status} already"
        else:
            note = f"{IGNORED}the order is {sale.status}, this event means {status}"
        handled.add(name)
        outcomes.append((at, name, note))
    return outcomes


@functools.cache
def _status_of(name: str) -> str | None:
    status = payload.status_of(name)
    return None if status is None else status.value


@functools.cache
def _pascal(name: str) -> str:
    """The standard model's spelling: order_chargeback_… is OrderChargeBack… there."""
    return "".join(word.capitalize() for word in name.split("_")).replace("Chargeback", "ChargeBack")


@functools.cache
def _snake(name: str) -> str:
    """The app store's spelling."""
    names = (step[0] for story in STORIES for step in story.steps)
    return next((snake for snake in (*names, "customer_interested") if _pascal(snake) == name), name)


def _body(sale: Sale, name: str) -> dict[str, Any]:
    """A webhook's body: of a snake name in the app-store model, in cents; of a Pascal name in the standard one, in
    reais."""
    status = _status_of(name) or OrderStatus.PENDENTE.value
    payment_type = PAYMENT_TYPES[sale.story.method]
    if not name.islower():
        data = {
            "id": sale.appmax_order_id,
            "customer_id": sale.customer_id,
            "status": status,
            "total": f"{sale.total_cents / 100:.2f}",
            "payment_type": payment_type,
            "customer": sale.customer,
        }
        return {"event": name, "data": data}
    kind = name.partition("_")[0]
    return {
        "event": name,
        "event_type": kind if kind in ("customer", "payment") else "order",
        "site_id": sale.merchant.pk,
        "app_id": _app_id(),
        "client_key": sale.merchant.external_key,
        "external_key": sale.merchant.external_key,
        "partner_merchant": None,
        "data": {
            "order_id": sale.appmax_order_id,
            "customer_id": sale.customer_id,
            "order_status": status,
            "order_total": sale.total_cents,
            "payment_type": payment_type,
            "customer": sale.customer,
        },
    }


def _customer(customer_id: int) -> dict[str, Any]:
    """Somebody who doesn't exist, always the same of this id. Nobody has this mail or this phone."""
    first = FIRST_NAMES[customer_id % len(FIRST_NAMES)]
    last = LAST_NAMES[customer_id // 23 % len(LAST_NAMES)]
    city, state, area, postcode = CITIES[customer_id // 5 % len(CITIES)]
    return {
        "firstname": first,
        "lastname": last,
        "email": f"{_ascii(first)}.{_ascii(last)}{customer_id % 10_000}@example.com",
        "telephone": f"{area}90000{customer_id % 10_000:04}",
        "document_number": f"{customer_id * 123_457_891 % 10**9:09}00",
        "address_street": STREETS[customer_id // 3 % len(STREETS)],
        "address_street_number": str(customer_id % 1990 + 1),
        "address_city": city,
        "address_state": state,
        "postcode": f"{postcode}{customer_id % 1000:03}",
    }


@functools.cache
def _ascii(name: str) -> str:
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()


def br_code(order_id: int, total_cents: int, shop: str) -> str:
    """A Pix's copy-and-paste text, an EMV code with its checksum; nobody's key, so no bank would pay it."""
    account = _emv("00", "br.gov.bcb.pix") + _emv("25", f"pix.example/{order_id}")
    text = (
        f"{_emv('00', '01')}{_emv('01', '12')}{_emv('26', account)}{_emv('52', '0000')}{_emv('53', '986')}"
        f"{_emv('54', f'{total_cents / 100:.2f}')}{_emv('58', 'BR')}{_emv('59', shop.upper()[:25])}"
        f"{_emv('60', 'SAO PAULO')}{_emv('62', _emv('05', str(order_id)))}6304"
    )
    return f"{text}{crc_hqx(text.encode(), 0xFFFF):04X}"


def _emv(name: str, value: str) -> str:
    return f"{name}{len(value):02}{value}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _app_id() -> str:
    return settings.APPMAX_APP_ID_NUMERIC or "4242"


def _wait_limit() -> float:
    """Seconds."""
    return inbox.wait_limit().total_seconds()


# --- the command -----------------------------------------------------------------------------------------------------

_RESERVE = """
    SELECT setval(sequence, greatest(nextval(sequence), highest + 1) + %s - 1)
      FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence, coalesce(max(id), 0) AS highest FROM {}) ids
"""


class Command(BaseCommand):
    """Prints how many rows it added, and how long that took."""

    help = "Add demo merchants, orders, payment attempts and webhook events. Never in production."

    def add_arguments(self, parser: CommandParser) -> None:
        """Each number has a default, for a first look."""
        parser.add_argument("--orders", type=int, default=2000)
        parser.add_argument("--events", type=int, help="default: five for each order")
        parser.add_argument("--merchants", type=int, default=40)
        parser.add_argument("--days", type=int, default=90, help="how far back the orders go (default: 90)")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError in production, and for numbers that make no sense."""
        if settings.APP_ENV == "production":
            raise CommandError("seed_demo makes orders up: it doesn't run in production")
        orders, merchants, days, seed = (options[name] for name in ("orders", "merchants", "days", "seed"))
        events = 5 * orders if options["events"] is None else options["events"]
        if min(orders, merchants, days) < 1 or events < 0:
            raise CommandError("--orders, --merchants and --days must be at least 1, and --events 0")
        highest = Order.objects.aggregate(highest=Max("appmax_order_id"))["highest"] or 0
        first_appmax_order = max(highest + 1, FIRST_ORDER_ID)
        if first_appmax_order + orders - 1 > payload.MAX_ORDER_ID:
            raise CommandError("there are no Appmax order ids left for so many orders")

        started = time.monotonic()
        now = timezone.now()
        rng = random.Random(seed)  # noqa: S311 - demo data
        demo = Demo(
            seed=f"{seed} {first_appmax_order}",
            merchants=_merchants(merchants, before=now - timedelta(days=days), rng=rng),
            now=now.timestamp(),
            days=days,
            orders=orders,
            events=events,
            first_order=_reserve(Order, orders),
            first_appmax_order=first_appmax_order,
            first_event=(first_event := _reserve(WebhookEvent, events)),
        )
        Progress.advance(verify.JOB, first_event + events - 1)
        sales = tqdm(demo.sales(), total=orders, desc="planning", unit_scale=True, disable=None)
        planned = sum(len(sale.events) for sale in sales)
        if events and not planned:
            raise CommandError("nothing has happened to so few orders: ask for more of them")
        added: Counter[str] = Counter()
        with tqdm(total=orders + events, desc="writing", unit=" rows", unit_scale=True, disable=None) as bar:
            for batch in demo.batches(planned):
                _write(batch)
                added.update({model._meta.db_table: len(rows) for model, rows in batch.items()})
                bar.update(len(batch[Order]) + len(batch[WebhookEvent]))
        tables: tuple[type[Model], ...] = (Installation, *COLUMNS)
        for model in tables:
            _run("ANALYZE {}", model)
        rows = ", ".join(f"{count:,} {table}" for table, count in added.items())
        self.stdout.write(f"added {rows} in {time.monotonic() - started:.0f} s")


def _merchants(count: int, *, before: datetime, rng: random.Random) -> list[Merchant]:
    """The first `count` demo merchants; those that aren't there are made, as if they had installed the app `before`."""
    merchants = []
    for number in range(count):
        key = f"{SHOPS[number % len(SHOPS)]}-{number // len(SHOPS) + 1:02}"
        credentials = Credentials(client_id=f"demo-{key}", client_secret=f"{rng.getrandbits(128):032x}")
        installed_at = before - timedelta(days=rng.uniform(1, 400))
        row = Installation.objects.defer("merchant_client_secret").filter(external_key=key).first()
        if row is None:
            row = Installation.objects.upsert(external_key=key, app_id=_app_id(), credentials=credentials)
            times = dict.fromkeys(("installed_at", "created_at", "updated_at"), installed_at)
            Installation.objects.filter(pk=row.pk).update(**times)
        merchants.append(Merchant(row.pk, key, is_old=number % 4 == 3))
    return merchants


def _reserve(model: type[Model], count: int) -> int:
    """Take `count` ids in a row, after the highest, out of the table's sequence; the first of them. Nobody can take one
    in between: an INSERT waits for the lock before it asks the sequence."""
    if not count:
        return 0
    table = model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        _run("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", model)
        cursor.execute(sql.SQL(_RESERVE).format(sql.Identifier(table)), [count, table])
        return int(cursor.fetchone()[0]) - count + 1


def _write(batch: Batch) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for model, columns in COLUMNS.items():
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), names)
            with cursor.copy(statement) as copy:
                for row in batch[model]:
                    copy.write_row(row)


def _run(statement: str, model: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(model._meta.db_table)))
