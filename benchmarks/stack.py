"""What `make bench` and `make profile` run: PostgreSQL, a Redis-protocol server, a stub of Appmax, the product."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from dev import install, services

ROOT = Path(__file__).resolve().parent.parent
ORDERS = 1_000_000
TOKEN = "only-for-benchmarks-0001"  # noqa: S105 - as in requests.lua


@dataclass(frozen=True)
class Ground:
    """What stands under the product: its environment, its database, the stub's address, and a merchant.

    `key` is the API key of the merchant "shop", and `session` the cookie of a superuser's session.
    """

    folder: Path
    environment: dict[str, str]
    database: dict[str, str]
    stub: str
    key: str
    session: str


@dataclass
class Stack:
    """What runs: its addresses and processes."""

    ground: Ground
    web: str
    quick: str
    bare: str
    groups: list[psutil.Process]
    floor: psutil.Process
    postmaster: psutil.Process
    next_order: int = 0


@contextmanager
def services_and_rows(orders: int = ORDERS) -> Iterator[Ground]:
    """PostgreSQL, Redis and the stub, and tables with `orders` orders of one merchant. Whoever ends this process with
    TERM ends them, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    with ExitStack() as stack:
        folder = stack.enter_context(services.temporary_folder())
        database = stack.enter_context(services.postgres(folder / "pg"))
        redis = stack.enter_context(services.redis())
        stub = str(services.free_port())
        environment = os.environ | install.keys() | database.variables | redis.variables
        environment |= {"REDIS_PASSWORD": "", "APP_ENV": "production", "LOG_LEVEL": "INFO", "WEBHOOK_SECRET": TOKEN}
        environment |= {"APP_URL": "https://bench.example", "ALLOWED_HOSTS": "127.0.0.1"}
        environment |= {"APPMAX_CLIENT_ID": "id", "APPMAX_CLIENT_SECRET": "secret", "APPMAX_APP_ID_NUMERIC": "4242"}
        environment |= dict.fromkeys(("APPMAX_AUTH_URL", "APPMAX_API_URL"), f"http://127.0.0.1:{stub}")
        environment |= {"APP_HOST": "127.0.0.1", "MALLOC_ARENA_MAX": "2", "WEB_PRELOAD": "true"}  # as in the Dockerfile
        environment |= {"API_KEY_RATE": "100000", "APPMAX_RATE": "100000"}  # counted, and never reached
        environment |= {"ADMIN_OTP_REQUIRED": "false"}  # the session is a password's
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        key, session = make_users(environment)
        fill(database.variables, orders)
        stack.enter_context(process([sys.executable, "-m", "benchmarks.stub", stub], environment))
        yield Ground(folder, environment, database.variables, f"http://127.0.0.1:{stub}", key, session)


def start(stack: ExitStack) -> Stack:
    """The product's groups of gunicorn, and the bare view, on their ground."""
    ground = stack.enter_context(services_and_rows())
    web, quick, bare = (str(services.free_port()) for _ in range(3))
    ports = [web] if os.environ.get("WEB_GROUPS") == "1" else [web, quick]
    environment = ground.environment | {"WEB_GROUPS": str(len(ports))}
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]
    started = time.perf_counter()
    groups = [
        stack.enter_context(process(gunicorn, environment | {"APP_PORT": port}, log=ground.folder / f"{port}.log"))
        for port in ports
    ]
    for port in ports:
        wait_for(f"http://127.0.0.1:{port}/health")
    if len(groups) > 1:
        prefer(groups[-1])
    print(f"cold start to the first answer: {time.perf_counter() - started:.2f} s")
    command = [*gunicorn, "--config", "benchmarks/bare_gunicorn.py", "benchmarks.bare:application"]
    floor = stack.enter_context(process(command, environment | {"APP_PORT": bare}, log=ground.folder / "bare.log"))
    wait_for(f"http://127.0.0.1:{bare}/")
    return Stack(
        ground=ground,
        web=f"http://127.0.0.1:{web}",
        quick=f"http://127.0.0.1:{ports[-1]}",
        bare=f"http://127.0.0.1:{bare}",
        groups=groups,
        floor=floor,
        postmaster=next(each for each in psutil.process_iter() if is_postmaster(each, str(ground.folder))),
    )


def is_postmaster(process: psutil.Process, folder: str) -> bool:
    """Whether it is the server whose data are in `folder`."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return bool(words) and words[0].endswith("postgres") and any(folder in word for word in words)


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path | None = None) -> Iterator[psutil.Process]:
    """A process that is ended afterwards.

    It is a session of its own: Linux then gives each server its share of the processors, as it does with containers.
    """
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL
        running = psutil.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            yield running
        finally:
            running.terminate()
            running.wait(timeout=120)


def prefer(group: psutil.Process) -> None:
    """Give it four times the share of the processors that others have, as docker-compose.yml does. Only root may."""
    try:
        Path(f"/proc/{group.pid}/autogroup").write_text("-6")
    except OSError as error:
        print(f"the second group has no larger share of the processors: {error}", file=sys.stderr)


def wait_for(url: str) -> None:
    """Waits until the URL answers, for 30 seconds at most."""
    for _ in range(3000):
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - ours
            return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"no answer from {url}")


def connect(database: dict[str, str]) -> psycopg.Connection:
    """A connection to the product's database."""
    return psycopg.connect(
        host=database["DB_HOST"], dbname=database["DB_DATABASE"], user=database["DB_USERNAME"], autocommit=True
    )


def make_users(environment: dict[str, str]) -> tuple[str, str]:
    """The merchant "shop" and a superuser: an API key of the one, and the cookie of the other's session."""
    code = (
        "from installations.models import *; row = Installation.objects.create(external_key='shop', app_id='4242',"
        " merchant_client_id='id', merchant_client_secret='secret');"
        " from django.contrib.auth.models import User; from django.test import Client; client = Client();"
        " client.force_login(User.objects.create_superuser('bench', password='not used'));"
        " print(ApiKey.objects.create_key(name='bench', installation=row)[1]);"
        " print(*(f'{each.key}={each.value}' for each in client.cookies.values()))"
    )
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    result = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    key, session = result.stdout.strip().splitlines()
    return key, session


def fill(database: dict[str, str], orders: int) -> None:
    """Writes so many orders, numbered from 1."""
    with connect(database) as connection:
        connection.execute(
            "INSERT INTO orders (installation_id, appmax_customer_id, appmax_order_id, created_at)"
            " SELECT (SELECT id FROM installations), n, n, now() - interval '90 days' * (%s - n) / %s"
            " FROM generate_series(1, %s) n",
            [orders] * 3,
        )
        connection.execute("VACUUM ANALYZE orders")


def delay(ground: Ground, milliseconds: int) -> None:
    """Has Appmax's stand-in take so long for each answer from now on."""
    urllib.request.urlopen(f"{ground.stub}/delay?{milliseconds}", timeout=5).close()  # noqa: S310 - ours


def tree(process: psutil.Process) -> list[psutil.Process]:
    """The process and all that it has started."""
    return [process, *process.children(recursive=True)]


def cpu(process: psutil.Process) -> float:
    """Seconds of processor time that it, and what it has started, have used."""
    total = 0.0
    for each in tree(process):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if each is process:  # what its processes had used that have ended meanwhile
            total += times.children_user + times.children_system
    return total
