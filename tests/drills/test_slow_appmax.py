"""Many payments wait for Appmax, and nobody else waits with them."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import connection

from installations.models import Installation
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.drills.conftest import connections
from tests.drills.load import says
from tests.orders.conftest import CPF
from tests.support.factories import OrderFactory, api_key
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENTS = 100
POOL = 5


def busy_connections() -> int:
    """Other connections to the database that do something, or sit in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND state <> 'idle'"
        )
        return int(cursor.fetchone()[0])


def test_100_payments_in_flight_hold_none_of_5_connections(
    gunicorn: Callable[..., str], simulator: SimulatorServer, shop: Installation, report: Any
) -> None:
    amounts = {"products_value": 100, "discount_value": 0, "shipping_value": 0}
    ids = [simulator.state.add_order("shop", simulator.state.next_id(), amounts, []).id for _ in range(PAYMENTS)]
    for order_id in ids:
        OrderFactory.create(installation=shop, appmax_order_id=order_id)
    simulator.state.add_fault(Fault("/v1/payments/pix", hang=6, times=PAYMENTS))
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    connections_of_tests = connections()
    url = gunicorn(
        DB_DATABASE=connection.settings_dict["NAME"],
        DB_MAX_OPEN_CONNS=str(POOL + 7),  # seven are the job worker's
        WEB_CONCURRENCY="1",
        WEB_THREADS=str(PAYMENTS + 10),
        CACHE_DRIVER="memory",
        APPMAX_AUTH_URL=simulator.url,
        APPMAX_API_URL=simulator.url,
    )

    def pay(order_id: int) -> int:
        body = {"order_id": order_id, "document_number": CPF}
        return requests.post(f"{url}/checkout/shop/pay/pix", json=body, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(PAYMENTS) as pool:
        payments = [pool.submit(pay, order_id) for order_id in ids]
        wait_until(lambda: not simulator.state.waiting_faults())  # the last of them has reached Appmax

        in_flight = [payment for payment in payments if not payment.done()]
        status = requests.get(f"{url}/checkout/shop/status/{ids[0]}", headers=headers, timeout=2)
        event = {"event": "order_pix_created", "data": {"order_id": ids[0]}}
        webhook = requests.post(f"{url}/webhooks/appmax", json=event, timeout=2)
        busy, opened = busy_connections(), connections() - connections_of_tests
        still_in_flight = [payment for payment in in_flight if not payment.done()]

    paid = Counter(payment.result() for payment in payments)
    report(
        f"Appmax takes 6 s for each of {PAYMENTS} payments at once",
        sent=f"{PAYMENTS} payments, 1 status read and 1 webhook beside them",
        answered=f"payments {says(paid)}; beside them {status.status_code} and {webhook.status_code}, within 2 s",
        tables=f"{opened} connections, {busy} of them busy while {len(still_in_flight)} payments waited",
    )
    assert (status.status_code, webhook.status_code) == (200, 200)
    assert len(still_in_flight) > PAYMENTS / 2  # they were there all the while
    assert busy == 0
    assert opened <= POOL
    assert paid == {200: PAYMENTS}
