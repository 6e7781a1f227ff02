"""`make run`: the whole stack on this machine, ready to be clicked; Ctrl-C stops it."""

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
from contextlib import ExitStack
from pathlib import Path

from checkout_project.environment import Environment
from dev import services

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".data"
LOGS = DATA / "logs"
RUN_FILE = DATA / "run.json"  # what `make smoke` and `make manage` need to know of the running stack
ADMIN_USER = "admin"


def main() -> int:
    """Start everything, say where it is, wait; the exit code is 0 after Ctrl-C or SIGTERM, 1 if a part died."""
    started = time.monotonic()
    env = Environment(ROOT / ".env")
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    LOGS.mkdir(parents=True, exist_ok=True)

    with ExitStack() as stack:
        variables = {"APP_PORT": str(_claimed(env, "APP_PORT", 8080)), "PYTHONUNBUFFERED": "1"}
        if not env.text("DB_HOST", ""):
            variables |= stack.enter_context(services.postgres(DATA / "postgres"))
        if not env.text("REDIS_HOST", "") and env.text("CACHE_DRIVER", "redis") == "redis":
            variables |= stack.enter_context(services.redis(DATA / "redis"))
        simulated = not env.text("APPMAX_API_URL", "")
        if simulated:
            variables |= _simulator_variables(env, variables["APP_PORT"])
        environment = os.environ | variables

        manage(environment, "migrate", "--verbosity", "0")
        password = _staff_user(env, environment)
        parts: dict[str, subprocess.Popen[bytes]] = {}
        if simulated:
            log = stack.enter_context((LOGS / "simulator.log").open("ab"))
            parts["simulator"] = _start(stack, environment, "-m", "appmax.simulator", log=log.fileno())
        parts["gunicorn"] = _start(stack, environment, "-m", "gunicorn", "-c", "gunicorn.conf.py")

        app_url = f"http://127.0.0.1:{variables['APP_PORT']}"
        urls = [f"{app_url}/health"]
        if simulated:
            urls.append(f"{variables['APPMAX_API_URL']}/simulator/api/health")
        if not all(_answers(url, parts, stopping) for url in urls):
            return 0 if stopping.is_set() else 1
        RUN_FILE.write_text(json.dumps({"app_url": app_url, "env": variables}, indent=2))
        RUN_FILE.chmod(0o600)
        stack.callback(RUN_FILE.unlink, missing_ok=True)
        _say_where(app_url, variables.get("APPMAX_API_URL"), password, time.monotonic() - started)

        while not stopping.wait(0.5):
            if dead := [name for name, part in parts.items() if part.poll() is not None]:
                print(f"\n{' and '.join(dead)} stopped by itself; stopping the rest", file=sys.stderr)
                return 1
        print("\nstopping", flush=True)
    return 0


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run `manage.py` and return what it printed; exits with its message if it fails."""
    result = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"manage.py {arguments[0]} failed: {result.stderr.strip()}")
    return result.stdout.strip()


def _claimed(env: Environment, name: str, default: int) -> int:
    """The port, if it is free; exits with one line that names the variable if it isn't."""
    port = env.number(name, default, minimum=1)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"port {port} is taken; set {name} to another one")
    return port


def _simulator_variables(env: Environment, app_port: str) -> dict[str, str]:
    """A simulated Appmax's address, and the app's identity at it, made once."""
    url = f"http://127.0.0.1:{_claimed(env, 'SIMULATOR_PORT', 9090)}"
    kept = DATA / "secrets"
    return {
        "APPMAX_AUTH_URL": url,
        "APPMAX_API_URL": url,
        "APPMAX_ADMIN_URL": url,
        "APPMAX_CLIENT_ID": env.secret("APPMAX_CLIENT_ID", generated_in=kept, make=lambda: secrets.token_hex(8)),
        "APPMAX_CLIENT_SECRET": env.secret("APPMAX_CLIENT_SECRET", generated_in=kept),
        "APPMAX_APP_ID_UUID": env.secret("APPMAX_APP_ID_UUID", generated_in=kept, make=lambda: str(uuid.uuid4())),
        "APPMAX_APP_ID_NUMERIC": env.secret(
            "APPMAX_APP_ID_NUMERIC", generated_in=kept, make=lambda: str(secrets.randbelow(9000) + 1000)
        ),
        "SIMULATOR_SEED": env.secret("SIMULATOR_SEED", generated_in=kept),
        "SIMULATOR_WEBHOOK_URL": f"http://127.0.0.1:{app_port}/webhooks/appmax",
    }


def _staff_user(env: Environment, environment: dict[str, str]) -> str:
    """Make the admin's first user once; returns its password."""
    password = env.secret("ADMIN_PASSWORD", generated_in=DATA / "secrets", make=lambda: secrets.token_urlsafe(12))
    code = (
        "from django.contrib.auth.models import User; import os;"
        f"User.objects.filter(username={ADMIN_USER!r}).exists() or "
        f"User.objects.create_superuser({ADMIN_USER!r}, password=os.environ['ADMIN_PASSWORD'])"
    )
    manage(environment | {"ADMIN_PASSWORD": password}, "shell", "--verbosity", "0", "-c", code)
    return password


def _start(
    stack: ExitStack, environment: dict[str, str], *arguments: str, log: int | None = None
) -> subprocess.Popen[bytes]:
    """A Python process that a Ctrl-C at the terminal doesn't reach: we stop the parts, in order."""
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(url: str, parts: dict[str, subprocess.Popen[bytes]], stopping: threading.Event) -> bool:
    """Wait until the URL answers 200; False if a part dies or we are told to stop first."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not stopping.wait(0.05):
        if any(part.poll() is not None for part in parts.values()):
            break
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own http URL
                return True
        except OSError:
            continue
    print(f"no answer from {url}; logs are in {LOGS}", file=sys.stderr)
    return False


def _say_where(app_url: str, simulator_url: str | None, password: str, seconds: float) -> None:
    lines = [
        "",
        f"  Appmax Checkout is up ({seconds:.1f} s)",
        "",
        f"  Home, install   {app_url}/",
        f"  Webhook set-up  {app_url}/webhooks/appmax",
        f"  Admin           {app_url}/admin/   user {ADMIN_USER}, password {password}",
    ]
    if simulator_url:
        lines.append(f"  Simulated Appmax {simulator_url}/   (orders, webhooks sent)")
    lines += ["", "  make smoke sells something. Ctrl-C stops everything; the data stays in .data/.", ""]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
