"""A PgBouncer in transaction mode before PostgreSQL: everything works, and the time-outs are in force."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from dev import services
from installations.models import Installation
from orders.models import Order
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.drills import servers
from tests.drills.conftest import manage
from tests.drills.load import says
from tests.drills.test_redis import install
from tests.orders.conftest import by_card
from tests.support.factories import OrderFactory, api_key
from tests.support.processes import wait_until
from webhooks.models import WebhookEvent

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(servers.PGBOUNCER is None and not os.environ.get("CI"), reason="pgbouncer is not installed"),
]
MOST = 3  # connections to PostgreSQL, of a web with more threads than that, and a worker


@pytest.fixture
def bounced(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Variables that lead through a PgBouncer to the test's database."""
    database = connection.settings_dict
    with services.temporary_folder() as folder:
        folder.chmod(0o755)
        bouncer = servers.Bouncer(services.free_port(), folder, f"default_pool_size = {MOST}")
        bouncer.lead_to(database["HOST"], database["PORT"])
        with servers.bouncing(bouncer):
            yield environment | {"DB_HOST": "127.0.0.1", "DB_PORT": str(bouncer.port), "DB_PGBOUNCER": "true"}


@pytest.fixture
def role_settings() -> None:
    """What migrate's check asks for; gone with the test's database."""
    with connection.cursor() as cursor:
        for name, value in (("lock_timeout", 3000), ("statement_timeout", 15000)):
            role, database = connection.settings_dict["USER"], connection.settings_dict["NAME"]
            cursor.execute(f'ALTER ROLE {role} IN DATABASE "{database}" SET {name} = {value}')


def test_migrate_refuses_without_the_roles_time_outs(bounced: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        role, database = connection.settings_dict["USER"], connection.settings_dict["NAME"]
        cursor.execute(f'ALTER ROLE {role} IN DATABASE "{database}" RESET ALL')

    with pytest.raises(subprocess.CalledProcessError) as caught:
        manage(bounced | {"DB_HOST": connection.settings_dict["HOST"], "DB_PORT": "5432"}, "migrate")

    assert "checkout.E004" in caught.value.stderr
    assert "SET lock_timeout = 3000" in caught.value.stderr


def test_a_schema_has_to_be_the_roles_own_too(bounced: dict[str, str], role_settings: None) -> None:
    """The line that the check asks for is run as it is told."""
    variables = bounced | {"DB_HOST": connection.settings_dict["HOST"], "DB_PORT": "5432", "DB_SCHEMA": "My Shop"}
    with pytest.raises(subprocess.CalledProcessError) as caught:
        manage(variables, "check", "--database=default")
    [asked_for] = re.findall(r"ALTER ROLE .* SET search_path = .*", caught.value.stderr)
    with connection.cursor() as cursor:
        cursor.execute(asked_for)
        try:
            assert "no issues" in manage(variables, "check", "--database=default")
        finally:
            cursor.execute(asked_for.partition(" SET ")[0] + " RESET search_path")


def test_everything_works_through_it(
    bounced: dict[str, str],
    role_settings: None,
    gunicorn: Callable[..., str],
    worker: Callable[..., subprocess.Popen[bytes]],
    shop: Installation,
    simulator: SimulatorServer,
    report: Any,
) -> None:
    simulator.state.switch(webhook_hold=True)
    of_the_test = other_connections()
    direct = {"DB_HOST": connection.settings_dict["HOST"], "DB_PORT": "5432"}
    assert "No migrations to apply" in manage(bounced | direct, "migrate")
    url = gunicorn(**bounced | {"WEB_CONCURRENCY": "2"})
    worker(**bounced)
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    orders = OrderFactory.create_batch(100, installation=shop)

    def tell(order: Order) -> int:
        event = {"event": "order_paid", "event_type": "order", "data": {"order_id": order.appmax_order_id}}
        return requests.post(f"{url}/webhooks/appmax", json=event, timeout=20).status_code

    told: Counter[str] = Counter()
    told["install " + str(install(url, simulator.settings.app_id_uuid, "merchant").status_code)] += 1
    simulator.state.add_fault(Fault("/v1/payments/credit-card", status=504, work=True))
    pay = f"{url}/checkout/shop/pay/credit-card"
    for _ in range(2):  # the first one's outcome is unknown; the worker finds it out
        told[f"pay {requests.post(pay, json=by_card(None), headers=headers, timeout=20).status_code}"] += 1
    cookies = staff_cookies()

    def export(number: int) -> int:
        where = url + reverse("admin:orders_order_export", args=["csv"])
        return len(requests.get(where, cookies=cookies, timeout=20).text.splitlines())

    with ThreadPoolExecutor(16) as pool:
        exports = pool.map(export, range(12))  # beside the webhooks: what a session kept would be somebody else's
        told.update(f"webhook {status}" for status in pool.map(tell, orders))
        told.update(f"export {lines} lines" for lines in exports)
    status = requests.get(f"{url}/checkout/shop/status/{orders[0].appmax_order_id}", headers=headers, timeout=20)
    told[f"status {status.status_code} {status.json().get('status')}"] += 1
    page = requests.get(f"{url}/admin/orders/order/", cookies=cookies, timeout=20)
    told[f"admin {page.status_code}"] += 1
    used = other_connections() - of_the_test
    wait_until(lambda: Order.objects.filter(status="aprovado").count() == 102, seconds=45)

    report(
        f"PgBouncer in transaction mode, {MOST} connections",
        sent=f"{told.total()} requests, 1 worker",
        answered=says(told),
        tables=f"{Installation.objects.count()} installations, {WebhookEvent.objects.count()} events, "
        f"102 orders aprovado; {used} connections to PostgreSQL",
    )
    assert told == {
        "install 200": 1,
        "pay 200": 1,
        "pay 502": 1,
        "webhook 200": 100,
        "status 200 aprovado": 1,
        "admin 200": 1,
        "export 103 lines": 12,
    }
    assert WebhookEvent.objects.filter(outcome="applied").count() == 100
    assert 0 < used <= MOST


def test_a_wait_for_a_lock_ends(
    bounced: dict[str, str], role_settings: None, gunicorn: Callable[..., str], shop: Installation
) -> None:
    order = OrderFactory.create(installation=shop)
    url = gunicorn(**bounced)
    event = {"event": "order_paid", "event_type": "order", "data": {"order_id": order.appmax_order_id}}

    with transaction.atomic():
        Order.objects.locked(order.pk)
        answer = requests.post(f"{url}/webhooks/appmax", json=event, timeout=20)

    assert answer.status_code == 200  # kept, for later
    assert 2.5 < answer.elapsed.total_seconds() < 5
    assert not WebhookEvent.objects.get().processed


def staff_cookies() -> dict[str, str]:
    User.objects.create_superuser("ana")
    client = Client()
    client.force_login(User.objects.get())
    return {"sessionid": client.cookies["sessionid"].value}


def other_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])
