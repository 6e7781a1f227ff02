"""The web as in production: two groups of gunicorn behind nginx. What happens to one leaves the other alone."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from installations.models import Installation
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.drills.conftest import connections
from tests.drills.load import says
from tests.orders.conftest import CPF, by_pix
from tests.support.factories import OrderFactory, api_key
from tests.support.processes import Processes, Proxy, kill, needs_nginx, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), needs_nginx]

THREADS = 8  # of each process; four of them may wait for Appmax
CEILING = 6 + 4  # connections: the job worker's, and two for each of the two processes


@pytest.fixture
def connections_of_tests() -> int:
    """Counted before the groups start."""
    return connections()


@pytest.fixture
def front(
    connections_of_tests: int, gunicorn: Callable[..., str], proxy: Callable[..., Proxy], environment: dict[str, str]
) -> Proxy:
    """nginx before the groups; the first process is `app`'s, the second `quick`'s."""
    limits = {"WEB_GROUPS": "2", "WEB_THREADS": str(THREADS), "DB_MAX_OPEN_CONNS": str(CEILING)}
    public = {"APP_URL": "https://localhost", "TRUSTED_PROXIES": "1", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
    app, quick = (int(gunicorn(**environment, **limits, **public).rpartition(":")[2]) for _ in range(2))
    return proxy(app, quick)


def test_payments_that_fill_their_group_leave_webhooks_and_status_reads_alone(
    front: Proxy, connections_of_tests: int, simulator: SimulatorServer, shop: Installation, report: Any
) -> None:
    amounts = {"products_value": 100, "discount_value": 0, "shipping_value": 0}
    ids = [simulator.state.add_order("shop", simulator.state.next_id(), amounts, []).id for _ in range(THREADS)]
    for order_id in ids:
        OrderFactory.create(installation=shop, appmax_order_id=order_id)
    simulator.state.add_fault(Fault("/v1/payments/pix", hang=5, times=THREADS // 2))
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}

    def pay(order_id: int) -> requests.Response:
        body = {"order_id": order_id, "document_number": CPF}
        return front.ask("POST", "/checkout/shop/pay/pix", json=body, headers=headers)

    def tell(order_id: int) -> requests.Response:
        return front.ask(
            "POST", "/webhooks/appmax", json={"event": "order_pix_created", "data": {"order_id": order_id}}
        )

    def read(order_id: int) -> requests.Response:
        return front.ask("GET", f"/checkout/shop/status/{order_id}", headers=headers)

    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(pay, order_id) for order_id in ids[: THREADS // 2]]
        wait_until(lambda: not simulator.state.waiting_faults())  # the last of them has reached Appmax
        refused = [pay(order_id) for order_id in ids[THREADS // 2 :]]
        beside = [each for order_id in ids for each in (tell(order_id), read(order_id))]
        opened = connections() - connections_of_tests
        in_flight = sum(not each.done() for each in waiting)
        paid = Counter(each.result().status_code for each in waiting)

    slowest = max(answer.elapsed.total_seconds() for answer in beside)
    told = Counter(answer.status_code for answer in beside)
    report(
        f"two groups behind nginx: {THREADS // 2} payments wait for Appmax, as many as may",
        sent=f"{THREADS // 2} payments more, {len(beside)} webhooks and status reads beside them",
        answered=f"payments {says(paid)}, one too many {says(Counter(each.status_code for each in refused))}; "
        f"beside them {says(told)}, within 2 s",
        tables=f"{opened} connections of at most {CEILING - 6}",
    )
    assert in_flight == THREADS // 2  # they were there all the while
    assert {(each.status_code, each.headers["Retry-After"]) for each in refused} == {(503, "5")}
    assert told == {200: len(beside)}
    assert slowest < 2
    assert paid == {200: THREADS // 2}
    assert opened <= CEILING - 6


def test_while_a_group_is_down_the_other_serves_its_routes(
    front: Proxy, processes: Processes, shop: Installation, report: Any
) -> None:
    order = OrderFactory.create(installation=shop)
    event = {"event": "order_pix_created", "data": {"order_id": order.appmax_order_id}}
    kill(processes[0])

    webhook = front.ask("POST", "/webhooks/appmax", json=event)
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    payment = front.ask("POST", "/checkout/shop/pay/pix", json=by_pix(None), headers=headers)

    report(
        "two groups behind nginx: that of the payments killed",
        sent="1 webhook, 1 payment",
        answered=f"webhook {webhook.status_code}, payment {payment.status_code}",
        tables="-",
    )
    assert (webhook.status_code, webhook.json()) == (200, {"message": "ok"})
    assert payment.status_code == 200
