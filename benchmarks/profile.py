"""`make profile`: the processor time of one request of each kind, in process, and where it goes.

One thread calls the product's WSGI application, with production's settings, PostgreSQL, Redis and a stub of Appmax.
`time.thread_time` counts that thread's processor time only, and of many short rounds the least is taken. A machine that
is busy with other work still adds up to a third. Beside it stands what it can't change: the calls of functions, the
statements, the transactions and the lines of the log of one request.

ROUNDS: how many (100). TOP: so many functions of each kind, by their own share of py-spy's samples (0: none).
PYTHONS: interpreters with the product's packages, separated by commas, to compare.
"""

import io
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import stack

ROUNDS = int(os.environ.get("ROUNDS", "100"))
TOP = int(os.environ.get("TOP", "20"))
SECONDS_OF_SAMPLES = 4
SAMPLES_A_SECOND = 1000
ORDERS = 100_000
KINDS = {"webhook": 4, "duplicate": 4, "status": 4, "health": 8, "installments": 2, "pix": 1}  # calls in a round

_EVENT = '{{"event":"order_paid","event_type":"order","data":{{"order_id":{},"status":"aprovado","total":12990}}}}'
_CUSTOMER = {"first_name": "Ana", "last_name": "Souza", "email": "ana@example.com", "phone": "11987654321"}
_CUSTOMER |= {"document_number": "52998224725", "ip": "203.0.113.9"}
_PRODUCT = {"sku": "1", "name": "Cafe", "quantity": 1, "unit_value": 12990, "type": "physical"}
_ORDER = {"products_value": 12990, "discount_value": 0, "shipping_value": 0, "products": [_PRODUCT]}
_PIX = json.dumps({"customer": _CUSTOMER, "order": _ORDER, "document_number": "52998224725"})

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main() -> None:
    """Measure with each interpreter, and print."""
    pythons = os.environ.get("PYTHONS", sys.executable).split(",")
    with stack.services_and_rows(ORDERS) as ground:
        for python in pythons:
            command = [python, "-m", "benchmarks.profile", "inside", ground.key]
            with (ground.folder / "log").open("wb") as log:
                measured = subprocess.run(
                    command, cwd=stack.ROOT, env=ground.environment, stderr=log, stdout=subprocess.PIPE, text=True
                )
            if measured.returncode:
                sys.exit((ground.folder / "log").read_text()[-3000:])
            print(f"{python}:\n{measured.stdout}", flush=True)


def inside(key: str) -> None:
    """Measure every kind in this process, whose standard error is a file."""
    from checkout_project.wsgi import application

    orders = itertools.count(1 + os.getpid() * 997 % (ORDERS - 5000))  # orders that no run before was about
    calls = {kind: _call(application, kind, key, orders) for kind in KINDS}
    for call in calls.values():
        for _ in range(12):
            call()
    least = dict.fromkeys(KINDS, float("inf"))
    for _ in range(ROUNDS):
        for kind, many in KINDS.items():
            started = time.thread_time()
            for _ in range(many):
                calls[kind]()
            least[kind] = min(least[kind], (time.thread_time() - started) / many)
    head = ("kind", "ms of processor", "calls of functions", "statements", "transactions", "lines of the log")
    print(f"Python {sys.version.split()[0]}\n| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for kind, call in calls.items():
        counted = _function_calls(call), *_count(call)
        print(f"| {kind} | {least[kind] * 1000:.3f} | " + " | ".join(map(str, counted)) + " |")
    for kind, call in calls.items() if TOP else ():
        print(f"\n{kind}: {TOP} functions with the most samples of their own")
        for line in _sampled(call):
            print(line)


def _call(application: Application, kind: str, key: str, orders: "itertools.count[int]") -> Callable[[], None]:
    """A function that does one request of this kind, as gunicorn would."""
    common = {
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "HTTP_AUTHORIZATION": f"Api-Key {key}",
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }

    def call() -> None:
        method, path, query, text = _request(kind, orders)
        body = text.encode()
        environ = {**common, "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
        environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        statuses: list[str] = []
        answer = application(environ, lambda status, headers, *_: statuses.append(status))
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if not statuses[0].startswith("200"):
            raise RuntimeError(f"{kind}: {statuses[0]} {content[:200]!r}")

    return call


def _request(kind: str, orders: "itertools.count[int]") -> tuple[str, str, str, str]:
    """Method, path, query and body."""
    match kind:
        case "webhook":
            return "POST", "/webhooks/appmax", f"token={stack.TOKEN}", _EVENT.format(next(orders))
        case "duplicate":
            return "POST", "/webhooks/appmax", f"token={stack.TOKEN}", _EVENT.format(ORDERS)
        case "status":
            return "GET", f"/checkout/shop/status/{ORDERS}", "", ""
        case "pix":
            return "POST", "/checkout/shop/pay/pix", "", _PIX
        case "installments":
            return "GET", "/checkout/shop/installments", "total_value=10000&installments=12", ""
        case _:
            return "GET", "/health", "", ""


def _function_calls(call: Callable[[], None]) -> int:
    """Calls of functions, in Python and in C, of one request: a figure that no other work of the machine changes."""
    calls: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _argument: calls.update((event,)))
    try:
        call()
    finally:
        sys.setprofile(None)
    return calls["call"] + calls["c_call"]


def _count(call: Callable[[], None]) -> tuple[int, int, int]:
    """Statements, transactions with more than one of them, and lines of the log, of one request."""
    import psycopg

    found: Counter[str] = Counter()

    def counting(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            found[name] += 1
            return original(*args, **kwargs)

        return counted

    names = [(psycopg.Cursor, "execute"), (psycopg.Connection, "commit")]
    originals = [(owner, name, getattr(owner, name)) for owner, name in names]
    for owner, name, original in originals:
        setattr(owner, name, counting(name, original))
    log = Path("/proc/self/fd/2")
    try:
        before = log.read_bytes().count(b"\n")
        call()
        lines = log.read_bytes().count(b"\n") - before
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)
    return found["execute"], found["commit"], lines


def _sampled(call: Callable[[], None]) -> list[str]:
    """The functions that py-spy sees most often at the top of the stack while requests are done: share, and name."""
    with tempfile.NamedTemporaryFile() as file, _py_spy(file.name):
        ends = time.monotonic() + SECONDS_OF_SAMPLES + 1
        while time.monotonic() < ends:
            call()
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in Path(file.name + ".raw").read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        names = [re.sub(r":\d+\)$", ")", frame) for frame in frames.split(";") if frame]
        if not any(name.startswith("inside ") for name in names):
            continue  # another thread's
        own[names[-1]] += int(count)
        within.update({name: int(count) for name in set(names)})
    os.unlink(file.name + ".raw")
    total = sum(own.values())
    head = [f"  {'own':>6} {'within':>6}"]
    return head + [f"  {n / total:6.1%} {within[name] / total:6.1%} {name}" for name, n in own.most_common(TOP)]


@contextmanager
def _py_spy(file: str) -> Any:
    program = str(Path(sys.executable).with_name("py-spy"))
    command = [program, "record", "--pid", str(os.getpid()), "--format", "raw", "--output", file + ".raw"]
    command += ["--rate", str(SAMPLES_A_SECOND), "--duration", str(SECONDS_OF_SAMPLES), "--nonblocking", "--gil"]
    sampler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        sampler.wait(timeout=60)


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        inside(sys.argv[2])
    else:
        main()
