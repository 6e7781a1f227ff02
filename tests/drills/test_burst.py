"""10,000 webhooks at once, a quarter of them duplicates, in any order: each is kept, and applied once."""

import http.client
import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from django.db.models import Count

from installations.models import Installation
from orders.models import Order
from tests.drills.load import says
from tests.support.factories import OrderFactory
from tests.support.processes import Processes
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 2500
EVENTS = ("order_pix_created", "order_paid_by_pix", "order_integrated")
SENDERS = 16
APPMAX_WAITS = 5  # seconds for an answer


def send(url: str, events: list[tuple[str, int]]) -> tuple[Counter[str], float]:
    """Post these over one connection; the answers by status and message, and the longest wait for one in seconds."""
    connection = http.client.HTTPConnection(str(urlsplit(url).netloc), timeout=30)
    answers: Counter[str] = Counter()
    longest = 0.0
    for event, order_id in events:
        body = json.dumps({"event": event, "event_type": "order", "data": {"order_id": order_id}})
        started = time.monotonic()
        connection.request("POST", "/webhooks/appmax", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answers[f"{answer.status} {json.loads(answer.read())['message']}"] += 1
        longest = max(longest, time.monotonic() - started)
    connection.close()
    return answers, longest


def used(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Resident MiB and processor seconds of gunicorn's worker processes together."""
    children = psutil.Process(process.pid).children()
    times = [child.cpu_times() for child in children]
    return sum(child.memory_info().rss for child in children) >> 20, sum(time.user + time.system for time in times)


def test_10_000_webhooks_with_duplicates_in_any_order(
    gunicorn: Callable[..., str], processes: Processes, environment: dict[str, str], shop: Installation, report: Any
) -> None:
    orders = Order.objects.bulk_create(
        OrderFactory.build(installation=shop, appmax_order_id=number) for number in range(1, ORDERS + 1)
    )
    events = [(event, order.appmax_order_id) for order in orders for event in EVENTS]
    events += random.sample(events, 10_000 - len(events))
    random.shuffle(events)
    url = gunicorn(**environment | {"WEB_CONCURRENCY": "2"})
    memory, seconds = used(processes[0])

    started = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        shares = [events[number::SENDERS] for number in range(SENDERS)]
        results = list(pool.map(lambda share: send(url, share), shares))
    took = time.monotonic() - started
    answers = sum((result[0] for result in results), Counter[str]())
    longest = max(result[1] for result in results)
    memory_after, seconds_after = used(processes[0])

    rows = WebhookEvent.objects
    applied = rows.filter(outcome="applied").values("event", "appmax_order_id")
    twice = applied.annotate(times=Count("pk")).filter(times__gt=1).count()
    statuses = Counter(Order.objects.values_list("status", flat=True))
    duplicates = rows.filter(outcome="duplicate").count()
    report(
        "10,000 webhooks in a burst, 2,500 of them duplicates",
        sent=f"{len(events)} posts in {took:.0f} s",
        answered=f"{says(answers)}, each within {longest:.1f} s",
        tables=f"{rows.count()} events, {duplicates} duplicates, {rows.filter(processed=False).count()} waiting, "
        f"{twice} applied twice, orders {says(statuses)}; {seconds_after - seconds:.0f} s of processor, "
        f"{memory_after - memory} MiB more memory in two processes",
    )
    assert not Counter(rows.filter(processed=False).values_list("event", "error_message"))
    assert twice == 0
    assert answers == {"200 ok": ORDERS * len(EVENTS), "200 already processed": 10_000 - ORDERS * len(EVENTS)}
    assert rows.count() == 10_000
    assert duplicates == 10_000 - ORDERS * len(EVENTS)
    assert statuses == {"integrado": ORDERS}
    assert longest < APPMAX_WAITS
