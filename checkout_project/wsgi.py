"""The WSGI entry point that gunicorn serves."""

import os
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")

_django = get_wsgi_application()

from status.health import answer_program  # noqa: E402 - it needs Django's apps


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django takes a chunked body for an empty one, as it has no Content-Length, and a webhook would be lost. So the
    most that may be read is given as its length."""
    if (alive := answer_program(environ, start_response)) is not None:
        return alive
    if environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
        environ["CONTENT_LENGTH"] = str(settings.MAX_BODY_BYTES + 1)
    return _django(environ, start_response)
