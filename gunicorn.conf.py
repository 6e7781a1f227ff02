"""How gunicorn serves the product: worker processes with threads, from the environment."""

import os

import django
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")
try:
    django.setup()  # a wrong setting ends the start here, in one line, not in every worker
    from django.conf import settings
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
