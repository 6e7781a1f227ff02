"""How gunicorn serves the product: with worker processes and threads, whose numbers come from the environment."""

import gc
import importlib
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging

# The settings are read here, so that a wrong one ends the start with one line instead of once in each worker. Workers
# inherit what is imported here, so a HUP must import it anew; they import the rest of the product, and its new code
# after a HUP, by themselves. If the whole product is loaded here (WEB_PRELOAD), a HUP leaves it alone.
_READ = ("checkout_project", "observability", "web")
if not getattr(sys.modules.get("checkout_project.settings"), "WEB_PRELOAD", False):
    for _name in [name for name in sys.modules if name.partition(".")[0] in _READ]:
        del sys.modules[_name]
try:
    from checkout_project import addresses, settings
except ImproperlyConfigured as error:
    raise SystemExit(f"configuration error: {error}") from None
from web.server import Worker  # noqa: E402 - the settings are checked first

# Processes share the memory of what is read before they are forked. Where the code never changes beneath a running
# gunicorn (WEB_PRELOAD), that is the whole product. Elsewhere it is the largest libraries, but none that keeps what the
# settings say, which a HUP may change. (The OpenAPI library needs Django's test client.)
preload_app = settings.WEB_PRELOAD
for _library in (
    "babel.dates",
    "django.db.backends.postgresql.base",
    "django.test.client",
    "requests",
    "rest_framework.serializers",
):
    importlib.import_module(_library)

wsgi_app = "checkout_project.wsgi"
bind = addresses.with_port(settings.APP_HOST, settings.APP_PORT)
worker_class = Worker
workers = settings.WEB_CONCURRENCY  # settings.py divides the database connections among the workers of all groups.
threads = settings.WEB_THREADS
timeout = 60  # seconds between a process's heartbeats, which threads that wait for Appmax don't hold up
graceful_timeout = 3 * (3 + settings.APPMAX_TIMEOUT) + 11  # seconds; a Pix is three calls, with 3 s each to connect
keepalive = 15  # seconds; a proxy must close its idle connections sooner, or it sends a request into a closed one
max_requests = 0  # Workers are not replaced, as no leak was seen (docs/capacity.md).
control_socket_disable = True  # gunicorn is controlled by signals only.


class Log(glogging.Logger):
    """gunicorn's log without a line for each request, which observability/middleware.py writes."""

    def access(self, *args: Any) -> None:
        pass


logger_class = Log
logconfig_dict = settings.LOGGING

# The processes write their figures to files in this folder, and /metrics adds them up. Each start makes a new folder; a
# HUP keeps it. A process that writes figures to a full disk dies, so under Compose the folder is a file system of its
# own.
_OURS = "APPMAX_CHECKOUT_METRICS"
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ[_OURS] = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")


def on_starting(server: Any) -> None:
    """Delete the figures of an earlier start, whose files are left over after a crash."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        file.unlink(missing_ok=True)


def when_ready(server: Any) -> None:
    """Keep the garbage collector of the processes away from what they share. Each object that it looks at is written
    to, and the process then has a copy of its own: without this the web takes a fifth more memory."""
    gc.collect()
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Make the folder if something has tidied it away, so that a new process can start."""
    os.makedirs(os.environ["PROMETHEUS_MULTIPROC_DIR"], mode=0o700, exist_ok=True)


def post_worker_init(worker: Any) -> None:
    """Have the process's keys noted, beside its first requests: without the database that takes seconds."""
    from installations import keys_in_use

    threading.Thread(target=keys_in_use.note, args=("web",), daemon=True).start()


def child_exit(server: Any, worker: Any) -> None:
    """Keep what an ended process has counted, and drop what it held, such as connections."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    if folder := os.environ.get(_OURS):
        shutil.rmtree(folder, ignore_errors=True)
