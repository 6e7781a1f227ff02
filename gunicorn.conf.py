"""How gunicorn serves the product: worker processes with threads, from the environment."""

from django.core.exceptions import ImproperlyConfigured

# Read here, so that a wrong setting ends the start in one line and not in every worker. Nothing else of the product is
# imported: workers forked after a HUP load its new code.
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

accesslog = "-"
# No query string (a webhook's URL may carry a token), no headers.
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(D)sus"
