"""Fills shoppers and codes from webhook events, for orders whose storefront told us nothing of the shopper.

A body is a claim, so an event adds what isn't known, and changes nothing that a storefront or Appmax's answer has told.
This is no part of receiving a webhook: the worker goes through the events once a minute, and `manage.py fill_shoppers`
through all of them at once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orders import clock
from orders.models import CodeKind, Order, OrderCode, Shopper
from webhooks.decide import Outcome
from webhooks.models import Progress, WebhookEvent

JOB = "shoppers"
BATCH = 1000
# An event's id is older than its row is visible, so the newest events are left for the next round. No transaction takes
# as long as this.
SETTLED = timedelta(seconds=60)

_UNTRUE = (Outcome.REFUSED, Outcome.REFUTED)


@dataclass(frozen=True)
class _Person:
    customer_id: int
    name: str
    email: str
    document: str


def fill(*, seconds: float, told: Callable[[int], Any] = lambda count: None) -> int:
    """Go through the events since the last time, until there are none or the time is over. Returns how many they were.

    `told` is called with the size of each batch.
    """
    until, total = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        before = clock.now() - SETTLED
        rows = WebhookEvent.objects.filter(pk__gt=Progress.of(JOB)).order_by("pk")
        batch = list(_until(before, rows.only("appmax_order_id", "payload", "outcome", "created_at")[:BATCH]))
        if not batch:
            break
        _fill([event for event in batch if event.outcome not in _UNTRUE])
        Progress.advance(JOB, batch[-1].pk)
        told(len(batch))
        total += len(batch)
    return total


def fill_codes(*, since: datetime, told: Callable[[int], Any] = lambda count: None) -> int:
    """Keep the Pix codes and boleto lines of orders that were made `since` then and have none kept yet."""
    last = total = 0
    orders = Order.objects.filter(created_at__gte=since, codes=None).exclude(pix_emv=None, boleto_digitavel=None)
    columns = ("pk", "pix_emv", "boleto_digitavel", "updated_at")
    while batch := list(orders.filter(pk__gt=last).order_by("pk").values_list(*columns)[:BATCH]):
        OrderCode.objects.put_all(
            OrderCode.of(pk, kind, code, at=at)
            for pk, pix, boleto, at in batch
            for kind, code in ((CodeKind.PIX, pix), (CodeKind.BOLETO, boleto))
            if code
        )
        last = batch[-1][0]
        told(len(batch))
        total += len(batch)
    return total


def _until(before: datetime, rows: Any) -> Iterator[WebhookEvent]:
    for row in rows:
        if row.created_at >= before:
            return
        yield row


def _fill(events: list[WebhookEvent]) -> None:
    numbers = {event.appmax_order_id for event in events if event.appmax_order_id}
    orders = {
        order.appmax_order_id: order
        for order in Order.objects.filter(appmax_order_id__in=numbers).only(
            "appmax_order_id", "installation_id", "appmax_customer_id"
        )
    }
    shoppers: dict[tuple[int, int], Shopper] = {}
    codes = []
    for event in events:
        order = orders.get(event.appmax_order_id or 0)
        if order is None:
            continue
        person = _person(event.payload)
        key = (order.installation_id, order.appmax_customer_id)
        if person is not None and person.customer_id == order.appmax_customer_id and key not in shoppers:
            row = Shopper.of(*key, name=person.name, email=person.email, document=person.document, at=event.created_at)
            shoppers[key] = row
        if code := _end_to_end_id(event.payload):
            codes.append(OrderCode.of(order.pk, CodeKind.END_TO_END, code, at=event.created_at))
    customers = {customer for _installation, customer in shoppers}
    known = set(
        Shopper.objects.filter(appmax_customer_id__in=customers).values_list("installation_id", "appmax_customer_id")
    )
    Shopper.objects.put([row for key, row in shoppers.items() if key not in known], replaces=False)
    OrderCode.objects.put_all(codes)


def _person(body: dict[str, Any]) -> _Person | None:
    """Who bought, in any of the models of a payload; None if there is no customer id, or nothing else."""
    data = body.get("data")
    if not isinstance(data, dict):
        return None
    inside = data.get("customer")
    if isinstance(inside, dict):
        customer_id = data.get("customer_id", inside.get("id"))
        first, last, whole, email, document = _texts(
            inside,
            ("first_name", "firstname"),
            ("last_name", "lastname"),
            ("name",),
            ("email",),
            ("document_number", "document"),
        )
        name = f"{first} {last}".strip() or whole
    else:
        customer_id = data.get("customer_id", data.get("customerId"))
        name, email, document = _texts(
            data,
            ("customer_name", "customerName"),
            ("customer_email", "customerEmail"),
            ("customer_document_number", "customer_document", "customerDocument"),
        )
    text = str(customer_id)
    if not (name or email or document) or not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return _Person(int(text), name, email, document)


def _texts(source: dict[str, Any], *names: tuple[str, ...]) -> Iterator[str]:
    """For each group of names, the first that has a text."""
    for group in names:
        yield next((value for name in group if isinstance(value := source.get(name), str) and value), "")


def _end_to_end_id(body: dict[str, Any]) -> str:
    data = body.get("data")
    value = data.get("end_to_end_id") if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""
