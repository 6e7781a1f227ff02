"""The first release, filled by its own `seed_demo`, is upgraded as CHANGELOG tells it, while the world goes on.

Its code comes out of git's history, and its packages from its own lock. A storefront sells without a pause; what the
stopped web doesn't answer, Appmax and the storefront send again.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from cryptography.fernet import Fernet
from django.db import connection

from dev.services import free_port
from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings
from tests.drills.load import says
from tests.orders.conftest import by_card, by_pix
from tests.support.processes import ROOT, Processes, wait_until

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

FIRST_RELEASE = "1e98ad03523e8b5ebdd557ab519b3dcd1bf2cf61"  # pragma: allowlist secret - a commit
DATABASE = "first_release"
PASSWORD = "a password that staff had before"

USED = """
import json
from django.contrib.auth.models import User
from django.core.management import call_command
from appmax.tokens import Credentials
from installations.models import ApiKey, Installation

call_command("migrate", verbosity=0)
call_command("seed_demo", orders=600, events=3000, merchants=8)
shop = Installation.objects.upsert(external_key="shop", app_id="4242", credentials=Credentials(*{credentials}))
User.objects.create_superuser("ana", password={password!r})
print(json.dumps([ApiKey.objects.create_key(name="test", installation=which)[1] for which in (shop, None)]))
"""
"""The first release as it has been used; prints the API keys of the shop and of the platform."""

FILLED = """
from django.core.management import call_command
call_command("fill_shoppers")
"""
SECRETS = """
import hashlib
from installations.models import Installation
secrets = {row.pk: row.merchant_client_secret.encode() for row in Installation.objects.order_by("pk")}
print({pk: hashlib.sha256(secret).hexdigest() for pk, secret in secrets.items()})
"""
"""Prints merchants' decrypted secrets, hashed."""

OUTCOMES = """
import collections, json
from webhooks.models import WebhookEvent
print(json.dumps(collections.Counter(row.outcome for row in WebhookEvent.objects.defer("payload"))))
"""
"""Prints how many events have each outcome, in either version."""

# Tables of libraries that change with what is installed, and the primary key of API keys, which became their prefix.
COLUMNS = """
    SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)
      FROM information_schema.columns
     WHERE table_schema = 'public' AND NOT (table_name = 'api_keys' AND column_name = 'id') AND table_name !~
           '^(procrastinate_|django_migrations|django_content_type|django_session|auth_permission|auth_group_permissions)'
     GROUP BY 1 ORDER BY 1
"""
CONTENTS = "SELECT count(*), md5(string_agg(kept::text, ' ' ORDER BY kept::text)) FROM (SELECT {} FROM {}) kept"
ONE_OF_EACH_STATUS = """
    SELECT DISTINCT ON (status) status, external_key, appmax_order_id
      FROM orders JOIN installations ON installation_id = installations.id ORDER BY 1, 3
"""
UNPAID = "SELECT appmax_order_id FROM orders WHERE status = 'pendente' AND payment_method = 'pix' ORDER BY 1 DESC"
APPROVED = "SELECT appmax_order_id FROM orders WHERE status = 'aprovado'"
PAID_BY_PIX = "SELECT appmax_order_id, outcome FROM webhook_events WHERE event = 'order_paid_by_pix' ORDER BY id"
SHOPPER = """
    SELECT appmax_order_id, payload #>> '{data,customer,email}' FROM webhook_events JOIN orders USING (appmax_order_id)
     WHERE payload #>> '{data,customer,email}' LIKE '%@example.com' AND webhook_events.outcome = 'applied'
     ORDER BY webhook_events.id LIMIT 1
"""
PAGES = (
    "SELECT unnest(ARRAY['', 'orders/order/', 'webhooks/webhookevent/', 'installations/installation/',"
    " 'orders/paymentattempt/', 'orders/question/', 'installations/apikey/', 'auth/user/'])",
    "SELECT DISTINCT ON (status, payment_method) format('orders/order/%s/change/', id) FROM orders",
    "SELECT DISTINCT ON (outcome, event) format('webhooks/webhookevent/%s/change/', id) FROM webhook_events",
    "SELECT format('installations/installation/%s/change/', id) FROM installations",
    "SELECT DISTINCT ON (state, method) format('orders/paymentattempt/%s/change/', id) FROM payment_attempts",
    "SELECT DISTINCT ON (why) format('orders/question/%s/change/', id) FROM order_questions",
    "SELECT format('installations/apikey/%s/change/', id) FROM api_keys",
)
"""Lists, and a page for each kind of row."""
MONEY = "SELECT status, count(*), sum(total_cents) FROM orders GROUP BY 1 ORDER BY 1"


@dataclass
class Version:
    """A version of the product: its code, the Python with its packages, and what its processes are told."""

    folder: Path
    python: Path
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """What a manage.py command printed."""
        command = [str(self.python), "manage.py", *arguments]
        run = subprocess.run(
            command, cwd=self.folder, env=os.environ | self.environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def run(self, program: str) -> str:
        """What a program printed that may use its models."""
        return self.manage("shell", "-v", "0", "-c", program)

    def start(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """One of its processes."""
        with log.open("ab") as file:
            return subprocess.Popen(
                [self.python, *arguments],
                cwd=self.folder,
                env=os.environ | self.environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )


@pytest.fixture(scope="module")
def first_release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Its code, and a Python with what its lock names."""
    folder = tmp_path_factory.mktemp("first")
    if subprocess.run(["git", "cat-file", "-e", FIRST_RELEASE], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("git's history here doesn't reach back to the first release: it is shallow, or not there")
    code = subprocess.run(["git", "archive", FIRST_RELEASE], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=code, check=True)
    uv, python = str(Path(sys.executable).with_name("uv")), folder / ".venv" / "bin" / "python"
    lock = ["--no-deps", "--require-hashes", "-r", "requirements.txt"]
    for command in (["venv", ".venv", "--python", sys.executable], ["pip", "install", "--python", str(python), *lock]):
        subprocess.run([uv, "--quiet", *command], cwd=folder, check=True)
    return folder, python


@pytest.fixture
def port() -> int:
    """Where the web listens, whichever version it is."""
    return free_port()


@pytest.fixture
def appmax(simulator: SimulatorServer, port: int) -> Iterator[SimulatorServer]:
    """It posts webhooks to the product, and again what isn't answered with 200: at once, then when it is hurried."""
    identity = SimulatorSettings(
        client_id=simulator.settings.client_id,
        client_secret=simulator.settings.client_secret,
        app_id_uuid=simulator.settings.app_id_uuid,
        app_id_numeric=simulator.settings.app_id_numeric,
        seed="seed",
        webhook_url=f"http://127.0.0.1:{port}/webhooks/appmax",
        clock_speed=1,
    )
    with SimulatorServer(identity) as server:
        yield server


@pytest.fixture
def rows(django_db_blocker: Any) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Ask the database that is upgraded, which is made for this."""
    there = connection.settings_dict
    where = {"host": there["HOST"], "port": there["PORT"], "user": there["USER"], "autocommit": True}
    with psycopg.connect(dbname="postgres", **where) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
        try:
            with closing(psycopg.connect(dbname=DATABASE, **where)) as database:
                yield lambda statement: database.execute(statement).fetchall()
        finally:
            server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture
def versions(
    first_release: tuple[Path, Path], environment: dict[str, str], appmax: SimulatorServer, port: int
) -> tuple[Version, Version]:
    """The first release and today's, with the same `.env` but for what CHANGELOG adds."""
    urls = dict.fromkeys(("APPMAX_AUTH_URL", "APPMAX_API_URL", "APPMAX_ADMIN_URL"), appmax.url)
    same = {
        **environment,
        **urls,
        "DB_DATABASE": DATABASE,
        "APP_PORT": str(port),
        "APP_URL": f"http://127.0.0.1:{port}",
        "APP_KEY": "the same in both versions, and made for this",
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "WEB_THREADS": "16",
    }
    first = Version(*first_release, same | {"SEARCH_HASH_KEYS": ""})
    return first, Version(ROOT, Path(sys.executable), same | {"SEARCH_HASH_KEYS": "k" * 32})


def ask_appmax(appmax: SimulatorServer, path: str, body: dict[str, Any]) -> None:
    """What a shopper, or Appmax's staff, do there."""
    requests.post(f"{appmax.url}/simulator/api/{path}", json=body, timeout=10).raise_for_status()


def repeat(appmax: SimulatorServer) -> int:
    """Have Appmax post what wasn't answered, half an hour early. Returns how many webhooks wait still."""
    deliveries = requests.get(f"{appmax.url}/simulator/api/deliveries", timeout=10).json()
    for delivery in deliveries:
        if delivery["state"] == "waiting":
            requests.post(f"{appmax.url}/simulator/api/deliveries/{delivery['id']}/try", timeout=10)
    return sum(delivery["state"] != "delivered" for delivery in deliveries)


class World:
    """A storefront that sells without a pause, its shoppers, and Appmax. Like any storefront it sends a request again
    that wasn't answered, with the same Idempotency-Key."""

    def __init__(self, url: str, appmax: SimulatorServer, key: str) -> None:
        self._url, self._appmax = url, appmax
        self._headers = {"Authorization": f"Api-Key {key}"}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sell)
        self.sold: list[int] = []
        self.answers: Counter[str] = Counter()

    def __enter__(self) -> "World":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=60)

    def sells(self, more: int) -> None:
        """Wait for so many orders more."""
        goal = len(self.sold) + more
        wait_until(lambda: len(self.sold) >= goal, seconds=60)

    def _sell(self) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            method, body = ("pix", by_pix(None)) if number % 2 else ("credit-card", by_card(None))
            while (order_id := self._pay(method, body, f"cart-{number}")) is None:
                time.sleep(0.2)
            if method == "pix":
                ask_appmax(self._appmax, f"orders/{order_id}/pay", {})
            self.sold.append(order_id)

    def _pay(self, method: str, body: Any, key: str) -> int | None:
        headers = self._headers | {"Idempotency-Key": key}
        path = f"{self._url}/checkout/shop/pay/{method}"
        try:
            answer = requests.post(path, json=body, headers=headers, timeout=20)
        except requests.RequestException:
            self.answers["none"] += 1
            return None
        self.answers[str(answer.status_code)] += 1
        return answer.json()["order_id"] if answer.status_code == 200 else None


def contents(rows: Any, columns: list[tuple[str, str]]) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a hash of all that is in these columns."""
    return {table: rows(CONTENTS.format(names, table))[0] for table, names in columns}


def stop(*running: subprocess.Popen[bytes]) -> None:
    """As an operator does it: what is under way is finished first."""
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=120)


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def back_office(url: str) -> requests.Session:
    """Logged in as who was staff before the upgrade."""
    session = requests.Session()
    session.headers["Accept-Language"] = "en"
    session.get(f"{url}/admin/login/", timeout=30)
    form = {"username": "ana", "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    answer = session.post(f"{url}/admin/login/", form, headers={"Referer": url}, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    return session


def test_the_first_release_is_upgraded_and_nothing_is_lost(
    versions: tuple[Version, Version],
    rows: Callable[[str], list[tuple[Any, ...]]],
    appmax: SimulatorServer,
    processes: Processes,
    tmp_path: Path,
    report: Callable[..., None],
) -> None:
    first, today = versions
    url = first.environment["APP_URL"]

    def start(version: Version) -> list[subprocess.Popen[bytes]]:
        commands = (["-m", "gunicorn", "-c", "gunicorn.conf.py"], ["manage.py", "worker"])
        running = [version.start(*command, log=tmp_path / "log") for command in commands]
        processes.extend(running)
        wait_until(lambda: is_up(url), seconds=120)
        return running

    def ask(key: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Api-Key {key}"}
        method = "GET" if body is None else "POST"
        answer = requests.request(method, url + path, json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def statuses() -> dict[str, Any]:
        """What the storefronts' route says of an old order of each status."""
        return {path: ask(platforms, path) for path in paths}

    credentials = appmax.state.merchant_credentials("shop")
    used = first.run(USED.format(credentials=credentials, password=PASSWORD) + SECRETS)
    keys, secrets = used.splitlines()[-2:]
    own, platforms = json.loads(keys)
    paths = [f"/checkout/{key}/status/{number}" for _, key, number in rows(ONE_OF_EACH_STATUS)]
    late = [number for (number,) in rows(UNPAID)]
    running = start(first)
    with World(url, appmax, own) as world:
        world.sells(6)
        ask_appmax(appmax, "events", {"event": "order_paid_by_pix", "order_id": late[0]})
        wait_until(lambda: rows(f"SELECT FROM orders WHERE appmax_order_id = {late[0]} AND status = 'aprovado'"))
        told = statuses()
        sold = list(world.sold)

        stop(*running)
        outcomes = json.loads(first.run(OUTCOMES))
        ask_appmax(appmax, "events", {"event": "order_paid_by_pix", "order_id": late[1]})
        columns = rows(COLUMNS)
        kept, money = contents(rows, columns), rows(MONEY)
        today.manage("migrate")
        assert contents(rows, columns) == kept
        assert rows(MONEY) == money
        turned = dict(rows("SELECT outcome, count(*) FROM webhook_events GROUP BY 1"))
        running = start(today)
        world.sells(6)

    # Events have the outcomes that the first release had said in words. What waited is decided once more.
    same = ("applied", "ignored", "acknowledged", "duplicate")
    assert {name: turned[name] for name in same} == {name: outcomes[name] for name in same}
    assert turned["failed"] == outcomes["waiting"] + outcomes.get("failed", 0) > 0
    assert "waiting" not in turned

    # What came while nobody listened is there, and once.
    wait_until(lambda: repeat(appmax) == 0, seconds=60)
    paid = set(world.sold + late[:2])
    wait_until(lambda: paid <= {number for (number,) in rows(APPROVED)}, seconds=60)
    assert {len(order.charges) for order in appmax.state.latest_orders()} == {1}
    assert len(appmax.state.latest_orders()) == len(world.sold) == len(set(world.sold))
    wait_until(lambda: not rows("SELECT FROM webhook_events WHERE outcome = 'failed'"), seconds=60)
    assert rows("SELECT FROM webhook_events WHERE processed = (outcome IN ('waiting', 'failed'))") == []

    # Merchants have the access that they had, and the secrets.
    assert statuses() == told
    assert today.run(FILLED + SECRETS).splitlines()[-1] == secrets
    assert ask(own, "/installations/shop/merchant/token")["merchant_bearer_token"]

    # What happens to old orders.
    ask(own, "/checkout/shop/refund", {"order_id": sold[1], "type": "total"})
    wait_until(lambda: sold[1] not in {number for (number,) in rows(APPROVED)})
    assert ask(own, f"/checkout/shop/orders/{sold[1]}")["refunded_value"] == 13490
    ask_appmax(appmax, "events", {"event": "order_paid_by_pix", "order_id": late[0]})
    wait_until(
        lambda: [outcome for number, outcome in rows(PAID_BY_PIX) if number == late[0]] == ["applied", "duplicate"]
    )

    # Staff find and open what is old.
    session = back_office(url)
    (number, mail), *_ = rows(SHOPPER)
    assert str(number) in session.get(f"{url}/admin/search/", params={"q": mail}, timeout=30).text
    opened = [page for query in PAGES for (page,) in rows(query)]
    answers = {page: session.get(f"{url}/admin/{page}", timeout=30).status_code for page in opened}
    assert {page: code for page, code in answers.items() if code != 200} == {}

    report(
        "nothing: the first release is upgraded while storefronts sell",
        sent=f"{len(world.sold)} payments, each again until it was answered",
        answered=f"{says(world.answers)} (none: nobody listened)",
        tables=f"{', '.join(f'{count} {table}' for table, (count, _) in kept.items() if count)}: the same rows; "
        + ", ".join(f"{status} {count}: R$ {cents / 100:.2f}" for status, count, cents in money)
        + f"; events {says(Counter(turned))}; {len(world.sold)} charges; {len(opened)} pages",
    )
