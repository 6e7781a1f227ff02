"""A primary dies in a burst of webhooks and payments, and its synchronous standby is promoted: what was answered 200 is
there, no order is charged twice, and the web goes on by itself. The old primary comes back as a standby.

The primary that is gone without a word is in a network of its own, which root makes; without root that drill is
skipped.

What is relied on, as the vendors say it:
- a commit waits for one of the named standbys:
  https://www.postgresql.org/docs/16/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
- of several hosts the one that takes writes is found:
  https://www.postgresql.org/docs/16/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS
- pg_rewind needs the WAL since the last common checkpoint: https://www.postgresql.org/docs/16/app-pgrewind.html
- server_login_retry and query_wait_timeout of PgBouncer: https://www.pgbouncer.org/config.html
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from dev import services
from simulator.server import SimulatorServer
from tests.drills import servers
from tests.drills.conftest import manage
from tests.drills.load import Load, says
from tests.drills.test_postgres import STATUS, supervised
from tests.drills.test_redis import install
from tests.orders.conftest import by_card
from tests.support.processes import wait_until

ORDERS = 500
DATABASE = "appmax_checkout"
STANDBY = "db2"  # by which the primary knows it: as `cluster_name` it is the application_name, too


@pytest.fixture
def folder() -> Iterator[Path]:
    with services.temporary_folder() as folder:
        folder.chmod(0o755)
        yield folder


class Machine:
    """A network of its own with the address `host`, made with the right of root."""

    host = "198.18.0.2"  # of a network for tests (RFC 2544)

    def __init__(self) -> None:
        self._name = f"drill{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self._name]

    def __enter__(self) -> "Machine":
        here, there = f"{self._name}a", f"{self._name}b"
        _ip("netns", "add", self._name)
        _ip("link", "add", here, "type", "veth", "peer", there, "netns", self._name)
        _ip("address", "add", "198.18.0.1/30", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", self._name, "address", "add", f"{self.host}/30", "dev", there)
        _ip("-n", self._name, "link", "set", there, "up")
        # Without this line the own kernel would soon say that nobody has the address.
        [address] = json.loads(_ip("-n", self._name, "-json", "link", "show", there))
        _ip("neighbour", "replace", self.host, "lladdr", address["address"], "dev", here, "nud", "permanent")
        return self

    def __exit__(self, *error: object) -> None:
        _ip("link", "delete", f"{self._name}a")
        _ip("netns", "delete", self._name)

    def vanish(self) -> None:
        """Nothing answers from there any more, and nothing says so."""
        _ip("-n", self._name, "address", "flush", "dev", f"{self._name}b")


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10).stdout


class Pair:
    """A primary whose commits wait for its standby."""

    def __init__(self, folder: Path, stack: ExitStack, **running: Any) -> None:
        (folder / "one").mkdir()
        self._stack = stack
        self.primary = servers.cluster(folder / "one", services.PROGRAMS)
        with (self.primary.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 198.18.0.0/30 trust\n")
        self._process = stack.enter_context(servers.running(self.primary, **running))
        # pg_rewind reads the WAL back to the last checkpoint that both have.
        self.primary.execute("ALTER SYSTEM SET wal_keep_size = '1GB'")
        self.primary.execute("CREATE ROLE appmax LOGIN")
        self.primary.execute(f"CREATE DATABASE {DATABASE} OWNER appmax")
        self.standby = servers.standby_of(self.primary, folder / "two")
        self._follower = stack.enter_context(servers.running(self.standby, cluster_name=STANDBY))
        self.primary.execute(f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({STANDBY})'")
        self.primary.execute("SELECT pg_reload_conf()")
        wait_until(lambda: self.primary.ask("SELECT sync_state FROM pg_stat_replication") == "quorum")

    def kill_primary(self) -> None:
        servers.crash(self._process)

    def kill_standby(self) -> None:
        servers.crash(self._follower)

    def promote(self) -> None:
        self.standby.run("pg_ctl", "promote", f"--pgdata={self.standby.folder}/data")

    def bring_back(self) -> None:
        """The old primary, as a standby of the new one; raises AssertionError if it doesn't follow it."""
        data = f"--target-pgdata={self.primary.folder}/data"
        self.primary.run(
            "pg_rewind", data, f"--source-server={self.standby.source} dbname=postgres", "--write-recovery-conf"
        )
        self._stack.enter_context(servers.running(self.primary))
        self.standby.execute("CREATE TABLE written_later (id int)")
        wait_until(lambda: self.primary.ask("SELECT to_regclass('written_later')") == "written_later")


class Shop:
    """Sends webhooks and payments, and keeps what was answered."""

    def __init__(self, url: str, key: str, orders: list[int]) -> None:
        self._url = url
        self._headers = {"Authorization": f"Api-Key {key}"}
        self._numbers = itertools.count(1)
        self._events = itertools.cycle([(event, order) for order in orders for event in STATUS])
        self.kept: Counter[tuple[str, int]] = Counter()  # how often an event of an order was answered 200
        self.paid: dict[int, int] = {}  # Appmax's id of the order that each successful payment has paid
        self.answered_at: list[tuple[float, float]] = []  # when a webhook was sent, and when it was answered 200

    def webhook(self) -> requests.Response:
        event, order = next(self._events)
        body = {"event": event, "event_type": "order", "data": {"order_id": order}}
        began = time.monotonic()
        answer = requests.post(f"{self._url}/webhooks/appmax", json=body, timeout=20)
        if answer.status_code == 200:
            self.kept[event, order] += 1
            self.answered_at.append((began, time.monotonic()))
        return answer

    def pay(self) -> requests.Response:
        """A new order, again and again with its Idempotency-Key while the answer is 503."""
        number = next(self._numbers)
        body = by_card(None)
        body["order"] = body["order"] | {"products": [body["order"]["products"][0] | {"sku": f"no-{number}"}]}
        where, headers = f"{self._url}/checkout/shop/pay/credit-card", self._headers | {"Idempotency-Key": str(number)}
        answer = requests.post(where, json=body, headers=headers, timeout=20)
        while answer.status_code == 503:
            time.sleep(0.2)
            answer = requests.post(where, json=body, headers=headers, timeout=20)
        if answer.status_code == 200:
            self.paid[number] = answer.json()["order_id"]
        return answer

    def first_answer(self, after: float) -> float:
        """Seconds until the first webhook that was sent after this time was kept."""
        return min(answered for began, answered in self.answered_at if began > after) - after


def opened(simulator: SimulatorServer, url: str, variables: dict[str, str], database: servers.Cluster) -> Shop:
    """A shop that is installed, and has orders at Appmax and with us."""
    simulator.state.switch(webhook_hold=True)
    assert install(url, simulator.settings.app_id_uuid, "shop").status_code == 200
    key = manage(variables, "create_api_key", "--installation", "shop", "--name", "drill").strip()
    amounts = {"products_value": 100, "discount_value": 0, "shipping_value": 0}
    orders = [simulator.state.add_order("shop", simulator.state.next_id(), amounts, []).id for _ in range(ORDERS)]
    for order in orders:
        simulator.state.orders[order].status = "integrado"
    database.execute(
        "INSERT INTO orders (installation_id, appmax_customer_id, appmax_order_id)"  # noqa: S608 - these are numbers
        f" SELECT (SELECT id FROM installations), 1, unnest(ARRAY{orders})",
        DATABASE,
    )
    return Shop(url, key, orders)


@dataclass
class Way:
    """How the product finds the primary: `variables`. `fail` is what happens to it, and `lead_on` what an operator or
    his tool does beside the promotion."""

    pair: Pair
    variables: dict[str, str]
    fail: Callable[[], None]
    lead_on: Callable[[], None] = lambda: None


def host_list(stack: ExitStack, folder: Path) -> Way:
    pair = Pair(folder, stack)
    ports = f"{pair.primary.port},{pair.standby.port}"
    return Way(pair, {"DB_HOST": "localhost,localhost", "DB_PORT": ports}, pair.kill_primary)


def host_list_silence(stack: ExitStack, folder: Path) -> Way:
    machine = stack.enter_context(Machine())
    pair = Pair(folder, stack, inside=machine.inside, listen_addresses="*")

    def fail() -> None:
        machine.vanish()
        pair.kill_primary()

    ports = f"{pair.primary.port},{pair.standby.port}"
    return Way(pair, {"DB_HOST": f"{machine.host},localhost", "DB_PORT": ports}, fail)


def pgbouncer(stack: ExitStack, folder: Path) -> Way:
    pair = Pair(folder, stack)
    (folder / "bouncer").mkdir()
    bouncer = servers.Bouncer(
        services.free_port(), folder / "bouncer", "server_login_retry = 1\nquery_wait_timeout = 5"
    )
    bouncer.lead_to("localhost", pair.primary.port)
    for name, milliseconds in (("lock_timeout", 3000), ("statement_timeout", 15000)):
        pair.primary.execute(f"ALTER ROLE appmax IN DATABASE {DATABASE} SET {name} = {milliseconds}")
    process = stack.enter_context(servers.bouncing(bouncer))

    def lead_on() -> None:
        bouncer.lead_to("localhost", pair.standby.port)
        process.send_signal(signal.SIGHUP)

    place = {"DB_HOST": "localhost", "DB_PORT": str(bouncer.port), "DB_PGBOUNCER": "true"}
    return Way(pair, place, pair.kill_primary, lead_on)


needs_root = pytest.mark.skipif(os.getuid() != 0 or not shutil.which("ip"), reason="a network is made by root, with ip")
needs_pgbouncer = pytest.mark.skipif(
    servers.PGBOUNCER is None and not os.environ.get("CI"), reason="pgbouncer is not installed"
)


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "make"),
    [
        pytest.param("killed; both hosts are named", host_list, id="killed"),
        pytest.param("gone without a word; both hosts are named", host_list_silence, id="gone", marks=needs_root),
        pytest.param("killed; behind PgBouncer", pgbouncer, id="pgbouncer", marks=needs_pgbouncer),
    ],
)
def test_a_standby_is_promoted_in_a_burst(
    what: str,
    make: Callable[[ExitStack, Path], Way],
    folder: Path,
    environment: dict[str, str],
    simulator: SimulatorServer,
    gunicorn: Callable[..., str],
    worker: Callable[..., subprocess.Popen[bytes]],
    report: Any,
) -> None:
    with ExitStack() as stack:
        way = make(stack, folder)
        pair = way.pair
        variables = environment | {"DB_DATABASE": DATABASE, "DB_USERNAME": "appmax", "WEB_CONCURRENCY": "2"}
        variables |= way.variables
        to_primary = {"DB_HOST": str(pair.primary.folder), "DB_PORT": str(pair.primary.port)}
        manage(variables | to_primary, "migrate", "--verbosity", "0")
        port = str(services.free_port())
        url = gunicorn(**variables, APP_PORT=port, APP_URL=f"http://127.0.0.1:{port}")
        shop = opened(simulator, url, variables, pair.primary)

        with supervised(lambda: worker(**variables)) as exits:
            workers = "SELECT count(*) FROM procrastinate_workers"
            wait_until(lambda: pair.primary.ask(workers, DATABASE) != "0", seconds=60)
            with Load() as load:
                for _ in range(4):
                    load.add("webhook", shop.webhook)
                for _ in range(3):
                    load.add("payment", shop.pay)
                wait_until(lambda: load.answers["webhook 200"] > 40 and load.answers["payment 200"] > 5, seconds=30)
                way.fail()
                wait_until(lambda: load.answers["webhook 503"] >= 8, seconds=60)
                told = time.monotonic()
                pair.promote()
                promoted = pair.standby.ask("SELECT now()")
                way.lead_on()
                wait_until(lambda: shop.answered_at[-1][0] > told, seconds=30)
                answered, paid = load.answers["webhook 200"], load.answers["payment 200"]
                wait_until(
                    lambda: load.answers["webhook 200"] > answered + 40 and load.answers["payment 200"] > paid + 5,
                    seconds=30,
                )
                beats = f"{workers} WHERE last_heartbeat > '{promoted}'"
                wait_until(lambda: pair.standby.ask(beats, DATABASE) != "0", seconds=60)
            opened_attempts = "SELECT count(*) FROM payment_attempts WHERE state IN ('started', 'unknown')"

            def all_settled() -> bool:
                """Appmax is asked about each payment, and 21 times a minute at most for one merchant."""
                manage(variables, "reconcile_orders")
                return pair.standby.ask(opened_attempts, DATABASE) == "0"

            wait_until(all_settled, seconds=300)

        rows = pair.standby.rows(
            "SELECT event, appmax_order_id, count(*), count(*) FILTER (WHERE outcome = 'applied')"
            " FROM webhook_events GROUP BY 1, 2",
            DATABASE,
        )
        lost = shop.kept - Counter({(event, order): number for event, order, number, _ in rows})
        twice = [row for row in rows if row[3] > 1]
        ours = pair.standby.rows(
            "SELECT appmax_order_id FROM orders JOIN payment_attempts ON order_id = orders.id"
            " WHERE status = 'aprovado' AND state = 'succeeded'",
            DATABASE,
        )
        charged = [order for order in simulator.state.latest_orders() if order.charges]
        of_payment = Counter(product["sku"] for order in charged for _ in order.charges for product in order.products)
        first = shop.first_answer(told)
        pair.bring_back()

    report(
        f"PostgreSQL: the primary {what}; its synchronous standby promoted",
        sent=f"{load.answers.total()} webhooks and payments",
        answered=f"{says(load.answers)}; a webhook again {first:.1f} s after the promotion, by the same processes",
        tables=f"{lost.total()} of {shop.kept.total()} events lost, {len(twice)} applied twice; {of_payment.total()} "
        f"charges of {len(of_payment)} payments, all of them aprovado; the worker ended {len(exits)} time(s)",
    )
    assert load.failures == []
    assert not [answer for answer in load.answers if answer.endswith(" 500")]
    assert not lost
    assert twice == []
    assert set(of_payment.values()) == {1}
    assert {order.id for order in charged} == {row[0] for row in ours}
    assert set(shop.paid.values()) <= {order.id for order in charged}


def test_nothing_is_called_kept_while_the_only_standby_is_away(
    folder: Path, environment: dict[str, str], gunicorn: Callable[..., str], report: Any
) -> None:
    """A commit waits for it without end, as no time-out of PostgreSQL counts by then."""
    with ExitStack() as stack:
        pair = Pair(folder, stack)
        place = {"DB_HOST": str(pair.primary.folder), "DB_PORT": str(pair.primary.port)}
        variables = environment | {"DB_DATABASE": DATABASE, "DB_USERNAME": "appmax"} | place
        manage(variables, "migrate", "--verbosity", "0")
        url = gunicorn(**variables)

        def tell(number: int) -> int:
            event = {"event": "customer_created", "event_type": "customer", "data": {"id": number}}
            return requests.post(f"{url}/webhooks/appmax", json=event, timeout=60).status_code

        pair.kill_standby()
        with ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(tell, number) for number in range(3)]
            waiting = (  # The web's note of its keys waits too.
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event = 'SyncRep' AND query LIKE '%INSERT INTO webhook_events%'"
            )
            wait_until(lambda: pair.primary.ask(waiting) == "3")
            meanwhile = [answer for answer in answers if answer.done()]
            stack.enter_context(servers.running(pair.standby, cluster_name=STANDBY))
            statuses = Counter(answer.result() for answer in answers)

        events = pair.standby.ask("SELECT count(*) FROM webhook_events", DATABASE)
        report(
            "PostgreSQL: the only synchronous standby away, and back",
            sent="3 webhooks",
            answered=f"{len(meanwhile)} meanwhile; {says(statuses)} once it is back",
            tables=f"{events} events",
        )
    assert meanwhile == []
    assert statuses == {200: 3}
