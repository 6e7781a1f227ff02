"""How gunicorn serves the product: worker processes with threads, from the environment."""

import select

from django.core.exceptions import ImproperlyConfigured
from gunicorn.workers.gthread import ThreadWorker

# Read here, so that a wrong setting ends the start in one line and not in every worker. Nothing else of the product is
# imported: workers forked after a HUP load its new code.
try:
    from checkout_project import settings
except ImproperlyConfigured as error:
    raise SystemExit(f"configuration error: {error}") from None


class Worker(ThreadWorker):
    """gunicorn's own keeps its listening socket while it ends its last requests: the kernel goes on taking connections
    that nobody will serve, and they are cut at the end. This one serves those that wait already, and shuts the door."""

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Called with False, and `alive` False, when a stop (TERM) or a reload (HUP) begins."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        while ready := select.select(self.sockets, [], [], 0)[0]:
            for listener in ready:
                self.accept(listener)
        for listener in self.sockets:
            listener.close()


wsgi_app = "checkout_project.wsgi"
bind = f"{settings.APP_HOST}:{settings.APP_PORT}"
worker_class = Worker
workers = settings.WEB_CONCURRENCY  # settings.py shares the database connections out over them
threads = settings.WEB_THREADS
timeout = 60  # of a process's heartbeat, which doesn't depend on the threads that wait for Appmax
graceful_timeout = 3 * (3 + settings.APPMAX_TIMEOUT) + 11  # a Pix is three calls, 3 s each for connecting
keepalive = 15  # seconds; a proxy in front must give its idle connections up sooner, or it sends into a closed one
max_requests = 0  # nothing leaks (docs/scaling.md), so nothing has to be renewed
control_socket_disable = True  # a stop is a signal; nothing is controlled through the home folder

accesslog = "-"
# No query string (a webhook's URL may carry a token), no headers.
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(D)sus"
