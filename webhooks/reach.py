"""What becomes of an event that is posted to our public URL: asked by posting there as Appmax does."""

from dataclasses import dataclass
from enum import Enum

import requests
from django.db import connection

from web.codes import Code
from webhooks.urls_to_register import WEBHOOK_PATH

TIMEOUT_SECONDS = (2, 3)  # to connect, and for the answer
_OUR_CODES = (Code.INVALID_WEBHOOK_TOKEN, Code.INVALID_REQUEST_BODY)  # nothing that isn't an event gets further


class Reach(Enum):
    """What was seen of one URL."""

    HERE = "here"
    SENT_ON = "sent on"  # to https, as a POST
    LOST = "lost"  # most clients follow such a redirect with GET, and forget the body
    ELSEWHERE = "elsewhere"
    SILENT = "silent"


@dataclass(frozen=True)
class Seen:
    """`status` and `location`: of the answer, if there was one."""

    url: str
    reach: Reach
    status: int | None = None
    location: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be done about it. Nobody need answer at http."""
        if self.reach is Reach.SILENT:
            return self.url.startswith("http:")
        return self.reach in (Reach.HERE, Reach.SENT_ON)


def look(public_url: str) -> list[Seen]:
    """At the URL that is registered, and if that is https, at the same with http, as it may have been registered so.
    What is posted is no event, and nothing of it is kept."""
    urls = [public_url + WEBHOOK_PATH]
    if public_url.startswith("https://"):
        urls.append("http" + urls[0].removeprefix("https"))
    if not connection.in_atomic_block:
        connection.close()  # the wait may be long
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
