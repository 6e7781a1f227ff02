"""`make run`: starts the whole stack on this machine, and says what to open in a browser. Ctrl-C stops it."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from checkout_project.environment import Environment
from dev import services

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".data"
LOGS = DATA / "logs"
RUN_FILE = DATA / "run.json"  # what `make smoke` and `make manage` need to know of the running stack
ADMIN_USER = "admin"
# Prints what the simulator has to know of the merchants who installed the app before it was started.
STORES = (
    "import json; from installations.identities import with_told; from installations.models import Installation;"
    "rows = with_told(Installation.objects.all()).values_list('merchant_client_id', 'told');"
    "print(json.dumps({client_id: str(told) for client_id, told in rows}))"
)
STOREFRONT = ("-m", "flask", "--app", "examples.storefront.app", "run", "--port")
STOP_SECONDS = 20.0  # for each part, before it is killed
STEADY_SECONDS = 10.0  # after which a worker that ends is started again


@dataclass(frozen=True)
class Part:
    """A process that has to keep running. `again` starts it anew, if it is one that may end."""

    name: str
    is_running: Callable[[], bool]
    log: Path
    again: "Callable[[], Part] | None" = None
    since: float = field(default_factory=time.monotonic)


def main() -> int:
    """Start everything, print where it is, and wait. Returns 0 after Ctrl-C or SIGTERM, and 1 if a part died."""
    started = time.monotonic()
    env = Environment(ROOT / ".env")
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: stopping.set())
    LOGS.mkdir(parents=True, exist_ok=True)

    with ExitStack() as stack:
        _only_one(stack)
        variables = {"APP_PORT": str(_claimed(env, "APP_PORT", 8080)), "PYTHONUNBUFFERED": "1"}
        simulated = is_simulated(env)
        if simulated:
            variables |= simulator_variables(env, variables["APP_PORT"])
            variables |= storefront_variables(env, variables["APP_PORT"], variables["APPMAX_API_URL"])
            variables["NOTIFY_ALLOWED_NETWORKS"] = ",".join(["127.0.0.0/8", *env.words("NOTIFY_ALLOWED_NETWORKS")])
        parts: list[Part] = []
        for service in _servers(stack, env):
            variables |= service.variables
            parts.append(_logged(service))
        environment = os.environ | variables

        manage(environment, "migrate", "--verbosity", "0")
        password, public_url = _staff_user(env, environment)
        if stopping.is_set():
            return 0
        if simulated:
            stores = {"SIMULATOR_STORES": manage(environment, "shell", "--verbosity", "0", "-c", STORES)}
            parts.append(_start(stack, environment | stores, "simulator", "-m", "simulator"))
            api_key = {"STOREFRONT_API_KEY": _storefront_key(env, environment)}
            parts.append(_start(stack, environment | api_key, "storefront", *STOREFRONT, variables["STOREFRONT_PORT"]))
        parts.append(_worker(stack, environment))
        parts.append(_start(stack, environment, "gunicorn", "-m", "gunicorn", "-c", "gunicorn.conf.py", echo=True))

        local_url = f"http://127.0.0.1:{variables['APP_PORT']}"
        urls = [f"{local_url}/health"]
        if simulated:
            urls.append(f"{variables['APPMAX_API_URL']}/simulator/api/health")
            urls.append(f"http://127.0.0.1:{variables['STOREFRONT_PORT']}/health")
        if not all(_answers(url, parts, stopping) for url in urls):
            return 0 if stopping.is_set() else 1
        stack.callback(RUN_FILE.unlink, missing_ok=True)
        RUN_FILE.touch(mode=0o600)
        found = {"app_url": local_url, "public_url": public_url, "pid": os.getpid(), "env": variables}
        RUN_FILE.write_text(json.dumps(found, indent=2))
        _say_where(public_url, variables, password, time.monotonic() - started)

        while not stopping.wait(0.5):
            parts = _restarted(parts)
            if _report_dead(parts):
                return 1
        print("\nstopping", flush=True)
    return 0


def manage(environment: dict[str, str], *arguments: str) -> str:
    """The output of a command of `manage.py`. Exits with its last line if it fails."""
    command = [sys.executable, "manage.py", *arguments]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, start_new_session=True)
    if result.returncode:
        log = LOGS / "manage.log"
        log.write_text(result.stderr)
        reason = (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]
        sys.exit(f"manage.py {arguments[0]} failed: {reason} (all of it: {log.relative_to(ROOT)})")
    return result.stdout.strip()


def is_simulated(env: Environment) -> bool:
    """Whether the simulated Appmax is started. It isn't if the user has set one of Appmax's addresses."""
    return not any(env.text(name, "") for name in ("APPMAX_AUTH_URL", "APPMAX_API_URL", "APPMAX_ADMIN_URL"))


def _only_one(stack: ExitStack) -> None:
    """Exits if another `make run` uses the data folder."""
    lock = stack.enter_context((DATA / "lock").open("a"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("make run is running here already; stop it first")
    RUN_FILE.unlink(missing_ok=True)  # of a run that was killed


def _servers(stack: ExitStack, env: Environment) -> list[services.Service]:
    """Start those of PostgreSQL and Redis that the user hasn't named."""
    started = []
    if not (env.is_set("DB_HOST") or env.is_set("DATABASE_URL")):
        started.append(stack.enter_context(services.postgres(DATA / "postgres")))
    names_redis = any(map(env.is_set, ("REDIS_HOST", "REDIS_URL", "REDIS_SENTINELS")))
    if not names_redis and env.text("CACHE_DRIVER", "redis") == "redis":
        started.append(stack.enter_context(services.redis(DATA / "redis")))
    return started


def _logged(service: services.Service) -> Part:
    """Link from `.data/logs` to the log, which the server writes into its own folder."""
    link = LOGS / f"{service.name.lower()}.log"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(service.log, LOGS))
    return Part(service.name, service.is_running, link)


def _claimed(env: Environment, name: str, default: int) -> int:
    """The port, if it is free. Exits with one line that names the variable if it isn't."""
    port = env.number(name, default, minimum=1)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"port {port} is taken; set {name} to another one")
    return port


def simulator_variables(env: Environment, app_port: str) -> dict[str, str]:
    """The variables with the simulated Appmax's address and the app's identity there, which is made once."""
    url = f"http://127.0.0.1:{_claimed(env, 'SIMULATOR_PORT', 9090)}"
    kept = DATA / "secrets"
    return {
        "APPMAX_AUTH_URL": url,
        "APPMAX_API_URL": url,
        "APPMAX_ADMIN_URL": url,
        "APPMAX_PANEL_ORDER_PATH": "/orders#{order_id}",
        "APPMAX_CLIENT_ID": env.secret("APPMAX_CLIENT_ID", generated_in=kept, make=lambda: secrets.token_hex(8)),
        "APPMAX_CLIENT_SECRET": env.secret("APPMAX_CLIENT_SECRET", generated_in=kept),
        "APPMAX_APP_ID_UUID": env.secret("APPMAX_APP_ID_UUID", generated_in=kept, make=lambda: str(uuid.uuid4())),
        "APPMAX_APP_ID_NUMERIC": env.secret(
            "APPMAX_APP_ID_NUMERIC", generated_in=kept, make=lambda: str(secrets.randbelow(9000) + 1000)
        ),
        "SIMULATOR_SEED": env.secret("SIMULATOR_SEED", generated_in=kept),
        "SIMULATOR_WEBHOOK_URL": f"http://127.0.0.1:{app_port}/webhooks/appmax{_token(env)}",
    }


def storefront_variables(env: Environment, app_port: str, simulator_url: str) -> dict[str, str]:
    """Where the demo shop is, for itself, for the app's pages and for the simulator's; and what it has to know."""
    port = str(_claimed(env, "STOREFRONT_PORT", 9091))
    shop_url = f"http://127.0.0.1:{port}/shop"
    return {
        "STOREFRONT_PORT": port,
        "STOREFRONT_APP_URL": f"http://127.0.0.1:{app_port}",
        "STOREFRONT_SIMULATOR_URL": simulator_url,
        "STOREFRONT_OWN_URL": f"http://127.0.0.1:{port}",
        "STOREFRONT_SECRET_KEY": env.secret("STOREFRONT_SECRET_KEY", generated_in=DATA / "secrets"),
        "DEMO_SHOP_URL": shop_url,
        "SIMULATOR_SHOP_URL": shop_url,
    }


def _token(env: Environment) -> str:
    """The query string of the registered webhook URL, which has a token if a secret is set."""
    secrets_ = env.words("WEBHOOK_SECRET")
    return f"?token={quote(secrets_[0], safe='')}" if secrets_ else ""


def _staff_user(env: Environment, environment: dict[str, str]) -> tuple[str, str]:
    """Make the admin's first user once; returns its password, and the public URL that the settings have made of the
    user's variables: browsers come back to that one from Appmax, and a login lasts on one host name only."""
    password = env.secret("ADMIN_PASSWORD", generated_in=DATA / "secrets", make=lambda: secrets.token_urlsafe(12))
    code = (
        "from django.contrib.auth.models import User; import os;"
        f"User.objects.filter(username={ADMIN_USER!r}).exists() or "
        f"User.objects.create_superuser({ADMIN_USER!r}, password=os.environ['ADMIN_PASSWORD']);"
        "from django.conf import settings; print(settings.PUBLIC_URL)"
    )
    public_url = manage(environment | {"ADMIN_PASSWORD": password}, "shell", "--verbosity", "0", "-c", code)
    return password, public_url


def _storefront_key(env: Environment, environment: dict[str, str]) -> str:
    """The demo shop's API key, which is made once, and again if the database doesn't know it any more."""
    name, kept = "STOREFRONT_API_KEY", DATA / "secrets"
    code = f"from installations.models import ApiKey; import os; print(ApiKey.objects.is_valid(os.environ[{name!r}]))"

    def make() -> str:
        return manage(environment, "create_api_key", "--name", "demo storefront")

    key = env.secret("STOREFRONT_API_KEY", generated_in=kept, make=make)
    is_ours = not env.text("STOREFRONT_API_KEY", "")
    if is_ours and manage(environment | {name: key}, "shell", "--verbosity", "0", "-c", code) != "True":
        (kept / name.lower()).unlink()
        key = env.secret("STOREFRONT_API_KEY", generated_in=kept, make=make)
    return key


def _start(stack: ExitStack, environment: dict[str, str], name: str, *arguments: str, echo: bool = False) -> Part:
    """Start a Python process that a Ctrl-C at the terminal doesn't reach, because we stop the parts in their order."""
    path = LOGS / f"{name}.log"
    log = stack.enter_context(path.open("ab", buffering=0))
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE if echo else log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if process.stdout:
        copying = threading.Thread(target=_copy, args=(process.stdout, log))
        copying.start()
        stack.callback(copying.join)
    stack.callback(_stop, process)
    return Part(name, lambda: process.poll() is None, path)


def _worker(stack: ExitStack, environment: dict[str, str]) -> Part:
    """Start the job worker, which ends when it loses its database and must then be started again."""
    part = _start(stack, environment, "worker", "manage.py", "worker")
    return replace(part, again=lambda: _worker(stack, environment))


def _restarted(parts: list[Part]) -> list[Part]:
    """The parts, in which those that may end and have ended are started again. A part that ends as soon as it is
    started isn't."""
    is_steady = time.monotonic() - STEADY_SECONDS
    return [part.again() if part.again and not part.is_running() and part.since < is_steady else part for part in parts]


def _copy(source: IO[bytes], log: IO[bytes]) -> None:
    """Copy each line to the terminal and to the log. If the terminal is gone, the log goes on."""
    with source:
        for line in source:
            log.write(line)
            with suppress(OSError):
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what is left of it, its workers included
        process.wait()


def _report_dead(parts: list[Part]) -> bool:
    """Whether a part has stopped by itself. Its name is printed."""
    dead = [part for part in parts if not part.is_running()]
    for part in dead:
        log = part.log.relative_to(ROOT)
        print(f"{part.name} has stopped by itself (log: {log}); stopping the rest", file=sys.stderr, flush=True)
    return bool(dead)


def _answers(url: str, parts: list[Part], stopping: threading.Event) -> bool:
    """Wait until the URL answers 200. False if a part dies first, or we are told to stop."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if stopping.wait(0.05) or _report_dead(parts):
            return False
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own http URL
                return True
        except OSError:
            continue
    print(f"no answer from {url}; logs are in {LOGS.relative_to(ROOT)}", file=sys.stderr)
    return False


def _say_where(public_url: str, variables: dict[str, str], password: str, seconds: float) -> None:
    lines = [
        "",
        f"  Appmax Checkout is up ({seconds:.1f} s)",
        "",
        f"  Home, install     {public_url}/",
        f"  Webhook set-up    {public_url}/webhooks/appmax",
        f"  Admin             {public_url}/admin/   user {ADMIN_USER}, password {password}",
    ]
    if "SIMULATOR_SHOP_URL" in variables:
        lines.append(f"  Simulated Appmax  {variables['APPMAX_API_URL']}/   (orders, webhooks sent)")
        lines.append(f"  Demo shop         {variables['SIMULATOR_SHOP_URL']}   (once the app is installed)")
    lines += ["", "  make smoke sells something. Ctrl-C stops everything; the data stays in .data/.", ""]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ImproperlyConfigured as error:
        sys.exit(f"configuration error: {error}")
