"""Limits how many requests of one process may wait for Appmax at once.

A thread that waits for Appmax serves nobody else. If all threads could wait, a slow hour at Appmax would also stop the
pages, the health check and, if one group of processes serves everything, the webhooks.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from web.codes import Code
from web.errors import ErrorAnswer

log = structlog.stdlib.get_logger(__name__)

_REFUSED = ErrorAnswer(Code.SERVER_BUSY, headers={"Retry-After": "5"})

KEPT_FREE = 8  # threads of a process that never wait for Appmax; of fewer than 16 threads, it is half of them


def asks_appmax(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view that may call Appmax, and limit how many of its requests are at work at once.

    One request too many is answered 503 with Retry-After. It is refused before the view begins, so nothing was done and
    the caller may repeat it.
    """

    @functools.wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not places().acquire(blocking=False):
            log.warning("request.refused", reason="too many wait for Appmax")
            return JsonResponse(_REFUSED.body, status=_REFUSED.status_code, headers=_REFUSED.headers)
        try:
            return view(request, *args, **kwargs)
        finally:
            places().release()

    limited.asks_appmax = True  # type: ignore[attr-defined] # for the test that goes through all routes
    return limited


@functools.cache
def places() -> threading.BoundedSemaphore:
    """The places of this process for requests that may wait for Appmax."""
    return threading.BoundedSemaphore(settings.WEB_THREADS - min(KEPT_FREE, settings.WEB_THREADS // 2))
