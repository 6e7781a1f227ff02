"""The WSGI entry point that gunicorn serves."""

import os
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")

_django = get_wsgi_application()

from status.health import answer_program  # noqa: E402 - it needs Django's apps

# These receivers have nothing to do here: a request gives its connection back when it ends, no view keeps a list of its
# statements, the cache's connections stay open, and there is one ROOT_URLCONF. They are a fifteenth of a status read's
# calls.
request_started.disconnect(close_old_connections)
request_finished.disconnect(close_caches)
request_finished.disconnect(reset_urlconf)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django takes a chunked body for an empty one, as it has no Content-Length, and a webhook would be lost. So the
    most that may be read is given as its length."""
    if (alive := answer_program(environ, start_response)) is not None:
        return alive
    if environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
        environ["CONTENT_LENGTH"] = str(settings.MAX_BODY_BYTES + 1)
    return _django(environ, start_response)
