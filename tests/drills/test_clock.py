"""A machine's clock is wrong, or jumps: ages are told by the database's clock, so nothing is over before its time.

The processes run with clock.c preloaded, which shifts what they take for the time of day; the database doesn't.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone

from installations.models import Installation
from orders.models import PaymentAttempt
from simulator.server import SimulatorServer
from tests.drills.conftest import manage
from tests.drills.test_pgbouncer import staff_cookies
from tests.orders.conftest import by_card
from tests.support.factories import OrderFactory, WebhookEventFactory, api_key
from tests.support.processes import wait_until
from webhooks.models import WebhookEvent

COMPILER = shutil.which("cc")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(COMPILER is None and not os.environ.get("CI"), reason="there is no C compiler"),
]


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """The file that says how many seconds ahead the clock is."""
    library, file = tmp_path / "clock.so", tmp_path / "ahead"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    file.write_text("0")
    return file


@pytest.fixture
def shifted(environment: dict[str, str], clock: Path) -> dict[str, str]:
    """Variables of a process with that clock."""
    return environment | {"LD_PRELOAD": str(clock.with_name("clock.so")), "CLOCK_FILE": str(clock)}


def test_a_payment_under_way_is_not_over_because_a_worker_is_ahead(
    shifted: dict[str, str], clock: Path, shop: Installation, simulator: SimulatorServer, report: Any
) -> None:
    clock.write_text(str(100 * 3600))
    amounts = {"products_value": 100, "discount_value": 0, "shipping_value": 0}
    order = OrderFactory.create(installation=shop, appmax_order_id=simulator.state.add_order("shop", 1, amounts, []).id)
    PaymentAttempt.objects.create(order=order, method="credit_card", state="unknown", fingerprint="x")
    WebhookEventFactory.create(appmax_order_id=123_456_789, error_message="the order is not there yet")

    asked = manage(shifted, "reconcile_orders")
    manage(shifted, "process_webhook_events")

    attempt, event = PaymentAttempt.objects.get(), WebhookEvent.objects.get()
    report(
        "clock: a worker is 100 hours ahead",
        sent="1 payment without an answer, 1 event without an order",
        answered=asked.strip(),
        tables=f"attempt {attempt.state}, event {'closed' if event.processed else 'waits'}",
    )
    assert asked == "1 unchanged\n"
    assert attempt.state == "unknown"
    assert not event.processed


def test_a_key_counts_for_a_day_on_machines_that_disagree_about_the_day(
    gunicorn: Callable[..., str],
    shifted: dict[str, str],
    clock: Path,
    shop: Installation,
    simulator: SimulatorServer,
    report: Any,
) -> None:
    """One gunicorn, whose clock jumps while it runs."""
    simulator.state.switch(webhook_hold=True)
    url = gunicorn(**shifted)
    headers = {"Authorization": f"Api-Key {api_key(shop)}", "Idempotency-Key": "the shopper's"}
    cookies = staff_cookies()
    told, staff = [], []
    for hours in (0, 26, -26):
        clock.write_text(str(hours * 3600))
        wait_until(lambda hours=hours: is_ahead(url, hours))  # type: ignore[misc]
        pay = f"{url}/checkout/shop/pay/credit-card"
        answer = requests.post(pay, json=by_card(None), headers=headers, timeout=20)
        told.append((answer.status_code, answer.headers.get("Idempotent-Replayed")))
        page = requests.get(f"{url}/admin/orders/order/", cookies=cookies, allow_redirects=False, timeout=20)
        staff.append(page.status_code)

    charges = [len(order.charges) for order in simulator.state.latest_orders()]
    report(
        "clock: a gunicorn's jumps by +26 h, then by -52 h",
        sent="1 payment three times with its Idempotency-Key, 1 page of a logged-in user three times",
        answered=f"payment {told[0][0]}, then twice the first answer again; page {', '.join(map(str, staff))}",
        tables=f"{sum(charges)} charge of {len(charges)} order",
    )
    assert told == [(200, None), (200, "true"), (200, "true")]
    assert charges == [1]
    assert staff == [200, 302, 200]  # a login lasts for eight hours by the clock of the machine that is asked


def is_ahead(url: str, hours: int) -> bool:
    """Whether gunicorn's clock is, give or take a minute."""
    date = parsedate_to_datetime(requests.get(f"{url}/health", timeout=20).headers["Date"])
    return abs(date - timezone.now() - timedelta(hours=hours)) < timedelta(minutes=1)
