"""How gunicorn serves the product: worker processes with threads, from the environment."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging

# Settings are read here, so that a wrong one ends the start in one line and not in every worker; and anew after a HUP,
# since workers inherit them. All else of the product they load themselves, and its new code after a HUP.
_READ = ("checkout_project", "observability", "web")
for _name in [name for name in sys.modules if name.partition(".")[0] in _READ]:
    del sys.modules[_name]
try:
    from checkout_project import addresses, settings
except ImproperlyConfigured as error:
    raise SystemExit(f"configuration error: {error}") from None
from web.server import Worker  # noqa: E402 - after the check of the settings

wsgi_app = "checkout_project.wsgi"
bind = addresses.with_port(settings.APP_HOST, settings.APP_PORT)
worker_class = Worker
workers = settings.WEB_CONCURRENCY  # settings.py shares out the database connections over those of all groups
threads = settings.WEB_THREADS
timeout = 60  # of a process's heartbeat, which doesn't depend on the threads that wait for Appmax
graceful_timeout = 3 * (3 + settings.APPMAX_TIMEOUT) + 11  # a Pix is three calls, 3 s each for connecting
keepalive = 15  # seconds; a proxy in front must give its idle connections up sooner, or it sends into a closed one
max_requests = 0  # no leak was seen (docs/capacity.md), so nothing is renewed
control_socket_disable = True  # a stop is a signal; nothing is controlled through the home folder


# One line a request is the product's own (observability/middleware.py); gunicorn's are written in the same way.
class Log(glogging.Logger):
    """Without a line a request."""

    def access(self, *args: Any) -> None:
        """The product has written it."""


logger_class = Log
logconfig_dict = settings.LOGGING

# The processes' figures meet in this folder, and /metrics adds them up. It is this start's alone; a HUP keeps it. A
# process that writes figures to a full disk dies, so Compose gives them a file system that nothing else can fill.
_OURS = "APPMAX_CHECKOUT_METRICS"
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ[_OURS] = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")


def on_starting(server: Any) -> None:
    """What an earlier start has counted is over; after a crash its files are still there."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        file.unlink(missing_ok=True)


def post_fork(server: Any, worker: Any) -> None:
    """Whatever tidies /tmp must not keep a new process from starting."""
    os.makedirs(os.environ["PROMETHEUS_MULTIPROC_DIR"], mode=0o700, exist_ok=True)


def child_exit(server: Any, worker: Any) -> None:
    """What a process that has ended had counted stays; what it had (connections) goes."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    if folder := os.environ.get(_OURS):
        shutil.rmtree(folder, ignore_errors=True)
