"""A storefront's endpoint fails, hangs, redirects and comes back, while two workers deliver and one of them is killed.
Each change of a status arrives at least once, in each order's order, and nothing else does."""

import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from installations.models import Installation
from notifications import endpoints
from notifications.models import EventType, Notification, State
from orders.models import Order
from tests.support.factories import OrderFactory
from tests.support.listener import Post, listening
from tests.support.processes import kill, wait_until
from tests.webhooks.conftest import send

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 60
EVENTS = ("order_authorized", "order_paid", "order_integrated", "order_refund", "order_chargeback_in_treatment")
# Instead of hours, a second: due times, holds and leases are aged by SQL once a second.
AGE = (
    "UPDATE notification_endpoints SET held_until = NULL",
    "UPDATE notifications SET due_at = due_at - interval '1 day', leased_until = leased_until - interval '5 s'"
    " WHERE state = 'waiting'",
)


def test_each_change_arrives_at_least_once_and_in_order(
    worker: Callable[..., subprocess.Popen[bytes]],
    environment: dict[str, str],
    shop: Installation,
    settings: Any,
    report: Any,
) -> None:
    settings.WEBHOOK_TRUST = "payload"
    allowed = {"NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8"}
    phase = "well"
    came: Counter[str] = Counter()
    taken: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    over = threading.Event()

    with listening() as listener:
        endpoint = endpoints.register(shop, url=listener.url, event_types=[EventType.ORDER_STATUS_CHANGED])
        lock, secret = threading.Lock(), endpoint.secret

        def answer(post: Post) -> tuple[int, dict[str, str]]:
            now = phase
            with lock:
                came[now] += 1
            match now:
                case "fails":
                    return 500, {}
                case "hangs":
                    over.wait(timeout=20)
                    return 500, {}
                case "redirects":
                    return 302, {"Location": f"{listener.url}/elsewhere"}
            message = post.verified(secret)  # raises if the signature isn't that of the specification
            data = message["data"]
            with lock:
                taken[data["order_id"]].append((post.headers["webhook-id"], data["from"], data["to"]))
            return 200, {}

        listener.answer = answer
        orders = OrderFactory.create_batch(ORDERS, installation=shop)
        first, _second = worker(**environment | allowed), worker(**environment | allowed)

        def life(order: Order) -> None:
            for event in EVENTS:
                assert send(event, order.appmax_order_id).status_code == 200
            connection.close()

        with ThreadPoolExecutor(4) as shop_life:
            done = [shop_life.submit(life, order) for order in orders]
            wait_until(lambda: came["well"] >= 50, seconds=60)
            phase = "fails"
            _aged(lambda: came["fails"] >= 10)
            phase = "hangs"
            _aged(lambda: came["hangs"] >= 4)
            kill(first)  # while posts of one of them, or of both, are not answered
            phase = "redirects"
            _aged(lambda: came["redirects"] >= 10)
            phase = "well again"
            for each in done:
                each.result()
            _aged(lambda: not Notification.objects.filter(state=State.WAITING).exists(), seconds=240)
        over.set()

    rows = list(Notification.objects.order_by("pk"))
    changes = {row.message_id: (row.appmax_order_id, row.data["from"], row.data["to"]) for row in rows}
    posts = [(message_id, number, old, new) for number, all_ in taken.items() for message_id, old, new in all_]
    twice = len(posts) - len({message_id for message_id, *_ in posts})
    report(
        "a storefront's endpoint fails, hangs, redirects and comes back; of two workers one is killed",
        sent=f"{ORDERS * len(EVENTS)} status changes by webhooks",
        answered=", ".join(f"{name}: {count} posts" for name, count in came.items()),
        tables=f"{len(rows)} messages, {sum(row.state == State.DELIVERED for row in rows)} delivered, "
        f"{len(changes.keys() & {message_id for message_id, *_ in posts})} verified and taken, {twice} of them twice",
    )
    assert len(rows) == ORDERS * len(EVENTS) == len(changes)
    assert {row.state for row in rows} == {State.DELIVERED}
    # Nothing was lost, and nothing invented.
    assert {(message_id, (number, old, new)) for message_id, number, old, new in posts} == set(changes.items())
    # Each order's changes came in its order, and followed from each other.
    for order in orders:
        arrived = list(dict.fromkeys(taken[order.appmax_order_id]))
        assert [each[0] for each in arrived] == [
            row.message_id for row in rows if row.appmax_order_id == order.appmax_order_id
        ]
        assert [old for _id, old, _new in arrived] == ["pendente", *(new for _id, _old, new in arrived[:-1])]
    assert {post.path for post in listener.posts} == {"/told"}  # No redirect was followed.


def _aged(condition: Callable[[], Any], *, seconds: float = 90) -> None:
    """Wait for the condition, while a day passes each second."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        with connection.cursor() as cursor:
            for statement in AGE:
                cursor.execute(statement)
        time.sleep(1)
