"""`make mutation`: puts small faults into the rules that must not break. Each has to make a test fail.

mutmut writes all faults of a file into one copy of it, in which one at a time can be switched on. pytest runs in a copy
of the project, with this module as a plugin: it runs the tests, notes which of them call which function, and then forks
for each fault. The fork runs the tests that call the function, the quickest first, until one fails.

`python -m dev.mutation status` does one target. `.data/mutation/` keeps each one's faults and what became of them. With
`again` before the target, only those are put in that weren't noticed the last time.
"""

import difflib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from django.db import connections
from django.test import TransactionTestCase
from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from pytest_django.live_server_helper import LiveServer

TARGETS = {
    "decide": (["webhooks/decide"], ["webhooks/test_decide"]),
    "status": (["orders/status"], ["orders/test_status", "webhooks/test_decide"]),
    "idempotency": (["orders/idempotency"], ["orders/test_idempotency", "orders/test_subscriptions"]),
    "attempts": (
        ["orders/attempts"],
        [f"orders/test_{name}" for name in ("one_charge", "questions", "after_sale", "taken_numbers", "wallets")]
        + [f"orders/test_{name}" for name in ("idempotency", "order_answers", "work_of_a_payment")]
        + ["notifications/test_what_is_told"],
    ),
    "questions": (
        [f"orders/questions/{name}" for name in ("due", "verdict", "ask")],
        [f"orders/test_{name}" for name in ("verdict", "due", "questions", "what_appmax_may_overwrite", "net")]
        + [f"orders/test_{name}" for name in ("appmax_limit", "shoppers", "refunds", "order_answers", "renewals")]
        + ["orders/test_one_charge", "notifications/test_what_is_told"]
        + [f"webhooks/test_{name}" for name in ("waiting", "confirm", "trust")],
    ),
    "checkout": (
        ["orders/checkout"],
        [f"orders/test_{name}" for name in ("checkout", "cards", "boletos", "wallets", "after_sale", "one_charge")]
        + [f"orders/test_{name}" for name in ("taken_numbers", "order_answers", "shoppers", "subscriptions")]
        + [f"orders/test_{name}" for name in ("idempotency", "work_of_a_payment", "appmax_limit")],
    ),
    "install": (
        ["installations/install"],
        [f"installations/test_{name}" for name in ("start", "confirm_by_appmax", "confirm_by_browser", "reconnect")]
        + [f"installations/test_{name}" for name in ("domains", "refused_credentials", "external_ids", "first_key")]
        + ["security/test_stranger_installs"],
    ),
    "notifications": (
        [f"notifications/{name}" for name in ("outbox", "endpoints", "retention", "delivery")],
        [f"notifications/test_{name}" for name in ("delivery", "endpoints", "what_is_told")]
        + ["security/test_stranger_installs"],
    ),
}
"""The files that faults are put into, and those of the tests that must notice."""

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".data" / "mutation"
FAULTS = "faults.json"
"""In a copy of the project: the faults' names, each with what it changes."""
OUTCOMES = "outcomes.json"
"""And what became of each, with the test that noticed it."""
NOTICED = ("killed", "crashed", "timeout")
SURVIVED = b"survived"


@dataclass(frozen=True)
class Test:
    item: pytest.Item
    seconds: float


def main(names: list[str]) -> int:
    """Print each file's score and the faults that survived. Returns 1 if the tests couldn't be run."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # An exit stops the servers, too.
    again = names[:1] == ["again"]
    return max([_put_faults(name, again) for name in names[again:] or TARGETS])


def _put_faults(target: str, again: bool) -> int:
    """Put faults into the target's files, one after the other, and print what came of it."""
    from dev import services  # not for the copy's pytest, whose plugin this module is
    from dev.test import variables

    files, tests = TARGETS[target]
    only = {name for name, outcome in _outcomes(FOLDER / target).items() if outcome not in NOTICED} if again else None
    copy = _copy(target, files, only)
    plugins = ["-p", "dev.mutation", "-p", "no:cacheprovider", "-p", "no:randomly"]
    paths = [f"tests/{name}.py" for name in tests]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=native", "--create-db", *plugins, *paths]
    with (
        services.temporary_folder() as folder,
        services.redis() as redis,
        services.postgres(folder / "pg", throw_away=True) as database,
    ):
        # A fork must not use its parent's connections, and a pool keeps them open.
        environment = os.environ | variables() | database.variables | redis.variables | {"DB_POOL": "false"}
        run = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    if run.returncode:
        print(f"{target}: its tests could not be run\n{run.stdout}{run.stderr}", flush=True)
        return 1
    for line in run.stdout.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            print(f"{target} without this test, which fails without a fault: {line}")
    faults = json.loads((copy / FAULTS).read_text())
    outcomes = _outcomes(copy)
    for file in files:
        _report(file, {name: outcome for name, outcome in outcomes.items() if name.startswith(_module(file))}, faults)
    return 0


def _outcomes(copy: Path) -> dict[str, str]:
    lines = [json.loads(line) for line in (copy / OUTCOMES).read_text().splitlines()]
    return {name: outcome for name, outcome, _ in lines}


def _copy(target: str, files: list[str], only: set[str] | None) -> Path:
    """Copy the project as it is now, with the faults of these files, or only some of them."""
    copy = FOLDER / target
    shutil.rmtree(copy, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", ".data", ".git", ".venv")
    shutil.copytree(ROOT, copy, ignore=ignored)
    faults: dict[str, str] = {}
    for file in files:
        mutated = mutate_file_contents(file, (ROOT / f"{file}.py").read_text())
        (copy / f"{file}.py").write_text(mutated.code)
        names = [name for name in mutated.mutant_names if only is None or _module(file) + name in only]
        faults |= {_module(file) + name: _change(mutated, name) for name in names}
    (copy / FAULTS).write_text(json.dumps(faults))
    return copy


def _module(file: str) -> str:
    return file.replace("/", ".") + "."


def _change(mutated: MutatedFile, name: str) -> str:
    """The lines that a fault takes out and puts in."""
    lines = mutated.code.splitlines()
    spans = mutated.line_span_by_function_name
    before, after = (
        [line.replace(each, "") for line in lines[spans[each].start - 1 : spans[each].end]]
        for each in (name.partition("__mutmut_")[0] + "__mutmut_orig", name)
    )
    changed = difflib.unified_diff(before, after, n=0, lineterm="")
    return "\n".join(line for line in changed if not line.startswith(("---", "+++", "@@")))


def _report(file: str, outcomes: dict[str, str], faults: dict[str, str]) -> None:
    counts = Counter(outcomes.values())
    noticed = sum(counts[outcome] for outcome in NOTICED)
    print(f"{file}: {noticed} of {len(outcomes)} faults noticed ({dict(counts)})")
    for name, outcome in outcomes.items():
        if outcome not in NOTICED:
            print(f"  {outcome}: {name}\n{faults[name]}", flush=True)


# --- the plugin, in the copy -----------------------------------------------------------------------------------------


class ServerOfOneTest:
    """Takes the place of pytest-django's fixture, whose server is a thread of the whole run: no fork has it."""

    @pytest.fixture
    def live_server(self) -> Iterator[LiveServer]:
        server = LiveServer("localhost")
        yield server
        server.stop()


def pytest_configure(config: pytest.Config) -> None:
    # Of two fixtures of one name, the one that is registered later counts.
    config.pluginmanager.register(ServerOfOneTest())


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Takes the place of pytest's own loop."""
    tests = _tests_by_function(session)
    if _outcome(session, "", [callers[0] for callers in tests.values()])[0] != "survived":
        raise session.Failed("the tests fail in a fork without a fault")
    with Path(OUTCOMES).open("w") as outcomes:
        for name in json.loads(Path(FAULTS).read_text()):
            callers = tests.get(name.partition("__mutmut_")[0])
            outcome, noticed_by = _outcome(session, name, callers) if callers else ("no tests", "")
            outcomes.write(json.dumps([name, outcome, noticed_by]) + "\n")
            outcomes.flush()
    session.testsfailed = 0
    return True


def _tests_by_function(session: pytest.Session) -> dict[str, list[Test]]:
    """Run all tests; returns those that call each function, the quickest first. One that fails without a fault, as
    happens on a machine that is busy, is left out."""
    tests = defaultdict(list)
    set_mutant_under_test("stats")
    for item in session.items:
        state()._stats.clear()
        started, failed = time.monotonic(), session.testsfailed
        _run(session, item)
        if session.testsfailed > failed:
            continue
        test = Test(item, time.monotonic() - started)
        for function in state()._stats:
            tests[function].append(test)
    return {function: sorted(callers, key=lambda test: test.seconds) for function, callers in tests.items()}


def _run(session: pytest.Session, item: pytest.Item) -> None:
    # Only what belongs to the whole session, such as the database, is kept for the next test, whichever that is.
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)


def _outcome(session: pytest.Session, fault: str, tests: list[Test]) -> tuple[str, str]:
    """Run the tests with this fault in a process of its own, until one fails; says what came of it, and the test that
    failed. That is moved to the front, as it is likely to notice the function's next fault too."""
    connections.close_all()
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        _run_and_exit(session, fault, tests, writer)
    os.close(writer)
    with open(reader, "rb") as failed:
        is_ended, _, _ = select.select([failed], [], [], 60 + 10 * sum(test.seconds for test in tests))
        if not is_ended:
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        number = failed.read()
    if not is_ended:
        TransactionTestCase._fixture_teardown(TransactionTestCase())  # type: ignore[attr-defined] # what it committed
        return "timeout", ""
    if number == SURVIVED:
        return "survived", ""
    if not number:
        return "crashed", ""
    tests.insert(0, tests.pop(int(number)))
    return "killed", tests[0].item.nodeid


def _run_and_exit(session: pytest.Session, fault: str, tests: list[Test], writer: int) -> NoReturn:
    """Tell the number of the test that failed, if one did."""
    try:
        os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        set_mutant_under_test(fault)
        session.testsfailed = 0
        for number, test in enumerate(tests):
            _run(session, test.item)
            if session.testsfailed:
                os.write(writer, str(number).encode())
                break
        else:
            os.write(writer, SURVIVED)
    finally:
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
