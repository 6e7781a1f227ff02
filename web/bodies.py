"""Limits how much of a request's body is read, and keeps it from being written to a file."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from web.codes import Code
from web.errors import ErrorAnswer, refusal
from web.middleware import is_read_by_api


class LimitsBodies:
    """Refuses a body of more than MAX_BODY_BYTES before a parser sees it.

    The body of a page's form is read here into memory, so that no parser writes a stranger's data to a temporary file.
    The API's parser reads and counts by itself, after the API key has been checked.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers 413, 411 or 408 without reading the rest of the body, or passes the request on."""
        is_chunked = "HTTP_TRANSFER_ENCODING" in request.META
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not is_chunked and (not length.isdigit() or int(length) > settings.MAX_BODY_BYTES):
            return refusal(request, ErrorAnswer(Code.BODY_TOO_LARGE))
        if is_read_by_api(request):
            return self.get_response(request)
        if is_chunked:
            return refusal(request, ErrorAnswer(Code.LENGTH_REQUIRED))
        if request.method == "POST":
            try:
                _ = request.body
            except UnreadablePostError:
                return refusal(request, ErrorAnswer(Code.REQUEST_TIMEOUT))
        return self.get_response(request)


class NoFiles(FileUploadHandler):
    """The only upload handler. No page of ours takes files, so a form with a file is answered 400."""

    def new_file(self, *args: Any, **options: Any) -> None:
        raise BadRequest("files are not taken here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called."""

    def file_complete(self, file_size: int) -> None:
        """Never called."""
