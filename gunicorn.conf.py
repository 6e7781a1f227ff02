"""How gunicorn serves the product: worker processes with threads, from the environment."""

import os
import shutil
import sys
import tempfile
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging

# Settings are read here, so that a wrong one ends the start in one line and not in every worker; and anew after a HUP,
# since workers inherit them. All else of the product they load themselves, and its new code after a HUP.
for _name in [name for name in sys.modules if name.partition(".")[0] == "checkout_project"]:
    del sys.modules[_name]
try:
    from checkout_project import settings
except ImproperlyConfigured as error:
    raise SystemExit(f"configuration error: {error}") from None

wsgi_app = "checkout_project.wsgi"
bind = f"{settings.APP_HOST}:{settings.APP_PORT}"
worker_class = "gthread"
workers = settings.WEB_CONCURRENCY  # settings.py shares the database connections out over them
threads = settings.WEB_THREADS
# Threads wait for Appmax up to 33 s a call, three calls for a Pix; a worker's heartbeat doesn't depend on them.
timeout = 60
graceful_timeout = 110
keepalive = 15
control_socket_disable = True  # a stop is a signal; nothing is controlled through the home folder


# One line a request is the product's own (checkout_project/middleware.py); gunicorn's are written in the same way.
class Log(glogging.Logger):
    """Without a line a request."""

    def access(self, *args: Any) -> None:
        """The product has written it."""


logger_class = Log
logconfig_dict = settings.LOGGING

# The processes' figures meet in this folder, and /metrics adds them up. It is this start's alone; a HUP keeps it.
_OURS = "APPMAX_CHECKOUT_METRICS"
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ[_OURS] = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")


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
