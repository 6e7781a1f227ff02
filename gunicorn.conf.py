"""How gunicorn serves the product: worker processes with threads, from the environment."""

import os
import select
import shutil
import sys
import tempfile
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging
from gunicorn.workers.gthread import ThreadWorker

# Settings are read here, so that a wrong one ends the start in one line and not in every worker; and anew after a HUP,
# since workers inherit them. All else of the product they load themselves, and its new code after a HUP.
for _name in [name for name in sys.modules if name.partition(".")[0] in ("checkout_project", "observability")]:
    del sys.modules[_name]
try:
    from checkout_project import addresses, settings
except ImproperlyConfigured as error:
    raise SystemExit(f"configuration error: {error}") from None


class Worker(ThreadWorker):
    """gunicorn's own keeps its listening socket while it ends its last requests: the kernel goes on taking connections
    that nobody will serve, and they are cut at the end. This one serves those that wait already, and shuts the door."""

    def accept(self, listener: Any) -> None:
        """A connection wakes every process. Who has many hesitates (0.4 ms at most), so that those that stay open are
        shared out: with all of a client's on one process, half the work is done (docs/capacity.md)."""
        if self.alive:
            time.sleep(min(self.nr_conns, 20) * 0.00002)
        super().accept(listener)

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Called with False, and `alive` False, when a stop (TERM) or a reload (HUP) begins."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive or any(listener.fileno() < 0 for listener in self.sockets):
            return
        while ready := select.select(self.sockets, [], [], 0)[0]:
            for listener in ready:
                self.accept(listener)
        for listener in self.sockets:
            listener.close()


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
