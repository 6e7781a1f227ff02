"""Finds out whether events that Appmax posts to our public URL arrive, by posting there in the same way."""

from dataclasses import dataclass
from enum import Enum

import requests
from django.db import connection

from web.codes import Code
from webhooks.urls_to_register import WEBHOOK_PATH

TIMEOUT_SECONDS = (2, 3)  # to connect, and for the answer
_OUR_CODES = (Code.INVALID_WEBHOOK_TOKEN, Code.INVALID_REQUEST_BODY)  # our own answers to a post that is no event


class Reach(Enum):
    """What happens to a post to one URL."""

    HERE = "here"
    SENT_ON = "sent on"
    """It is redirected to https, where clients post it again."""
    LOST = "lost"
    """It is redirected in a way that most clients follow with GET, without the body."""
    ELSEWHERE = "elsewhere"
    SILENT = "silent"


@dataclass(frozen=True)
class Seen:
    """The result for one URL. `status` and `location` are those of the answer, if there was one."""

    url: str
    reach: Reach
    status: int | None = None
    location: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be done. At http nobody needs to answer."""
        if self.reach is Reach.SILENT:
            return self.url.startswith("http:")
        return self.reach in (Reach.HERE, Reach.SENT_ON)


def look(public_url: str) -> list[Seen]:
    """Post to the registered URL, and if that is https also to the same URL with http, as it may have been registered
    so. The body is no event, so nothing of it is kept."""
    urls = [public_url + WEBHOOK_PATH]
    if public_url.startswith("https://"):
        urls.append("http" + urls[0].removeprefix("https"))
    if not connection.in_atomic_block:
        connection.close()  # The wait may be long, so the connection goes back to the pool.
    return [_seen(url) for url in urls]


def _seen(url: str) -> Seen:
    try:
        answer = requests.post(url, json={}, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException:
        return Seen(url, Reach.SILENT)
    location = answer.headers.get("Location", "")
    return Seen(url, _reach(answer, location), answer.status_code, location)


def _reach(answer: requests.Response, location: str) -> Reach:
    if answer.status_code in (307, 308) and location.startswith("https://"):
        return Reach.SENT_ON
    if 300 <= answer.status_code < 400:
        return Reach.LOST
    is_ours = answer.status_code in (400, 403) and any(code in answer.text for code in _OUR_CODES)
    return Reach.HERE if is_ours else Reach.ELSEWHERE
