"""How often an address, an API key and a merchant may ask. web/limits.py has the rule."""

import hashlib
import math
from typing import Any

import structlog
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from appmax.errors import TooFast
from installations.authentication import access_of
from installations.models import Installation
from web.address import client_ip
from web.limits import Limit, Taken

log = structlog.stdlib.get_logger(__name__)

# --- addresses -------------------------------------------------------------------------------------------------------


class _PerAddress(BaseThrottle):
    limit: Limit
    answer: Taken

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count this request, and tell whether it is allowed."""
        self.answer = self.limit.take(client_ip(request._request))
        return self.answer.is_allowed

    def wait(self) -> float:
        """Seconds after which a request is allowed again."""
        return self.answer.wait


class Starts(_PerAddress):
    """For /install/start, which calls Appmax, and from whose answer one learns whether an external_key is in use."""

    limit = Limit("install_start", 20, 60)


class Callbacks(_PerAddress):
    """For installation callbacks. Those of all merchants come from Appmax's few addresses, so the limit is high."""

    limit = Limit("install_callback", 300, 60)


class WrongAppIds(_PerAddress):
    """For callbacks with a wrong app_id, which could be guesses: the app's numeric id is short, and the answer tells
    whether it was right. Callbacks with the right one don't count."""

    limit = Limit("install_app_id", 10, 3600)

    def allow_request(self, request: Request, view: Any) -> bool:
        """After too many wrong ids not even a right one is looked at. `count` is called for wrong ones only."""
        self.answer = self.limit.look(client_ip(request._request))
        return self.answer.is_allowed

    def count(self, request: Request) -> None:
        """Count a wrong id."""
        self.limit.take(client_ip(request._request))


# --- API keys --------------------------------------------------------------------------------------------------------

KEY_SECONDS = 5  # A key may send at once what it may send in so many seconds.


class PerKey(BaseThrottle):
    """For every route that needs an API key. A key of the whole platform has a limit for each of its merchants.

    `MerchantViewSet` tells the caller how many requests are left, in the header fields of the IETF's draft.
    """

    def __init__(self) -> None:
        self.limit = Limit("api_key", settings.API_KEY_RATE * KEY_SECONDS, KEY_SECONDS)
        self.answer: Taken | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count this request, and tell whether it is allowed."""
        access = access_of(request)
        self.answer = self.limit.take(f"{access.key_prefix}:{access.installation.pk}")
        return self.answer.is_allowed

    def wait(self) -> float:
        """Seconds after which a request is allowed again."""
        return self.answer.wait if self.answer else 0

    def headers(self) -> dict[str, str]:
        """The policy, and how much of it is left."""
        return {} if self.answer is None else header_fields("key", self.limit, self.answer)


def header_fields(policy: str, limit: Limit, answer: Taken) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-11 writes them. A caller that is
    refused may come again after `t` seconds, and any other has the whole quota again then."""
    seconds = math.ceil(answer.full_after if answer.is_allowed else answer.wait)
    return {
        "RateLimit-Policy": f'"{policy}";q={limit.most};w={limit.seconds:.0f}',
        "RateLimit": f'"{policy}";r={answer.left};t={seconds}',
    }


# --- a merchant's calls at Appmax ------------------------------------------------------------------------------------

APPMAX_SECONDS = 10  # Appmax takes at once what it takes in so many seconds (contract, 5).
PATIENCE_SECONDS = 2  # A shopper waits for us, so nothing waits for longer.
FOR_QUESTIONS_SECONDS = 1  # The tokens of so many seconds are left to questions.


def admit(installation: Installation, *, calls: int, is_question: bool, also: str | None = None) -> Taken:
    """Admit so many calls of this merchant to Appmax. The answer's `wait` is the seconds to wait before the first of
    them, and its `found` what the cache has under the key `also`.

    All installations with the same client id at Appmax share one bucket, as they do at Appmax. A question never waits,
    because the worker has other merchants' to ask. It may take the last tokens, so that it gets its turn while a
    storefront asks in a loop; its own quota (orders/models/question.py) leaves most tokens to storefronts.

    Raises TooFast.
    """
    rate = settings.APPMAX_RATE
    if not rate:
        return Taken(True, 0, 0, 0)
    limit = Limit("appmax", rate * APPMAX_SECONDS, APPMAX_SECONDS)
    client_id = hashlib.sha256(installation.merchant_client_id.encode()).hexdigest()[:32]
    if is_question:
        answer = limit.take(client_id, many=calls, also=also)
    else:
        # A call that waits may take the tokens of the next 2 seconds in advance. So these are spared too, and the
        # tokens of a second stay for questions.
        spared = rate * (FOR_QUESTIONS_SECONDS + PATIENCE_SECONDS)
        answer = limit.take(client_id, many=calls, spared=spared, patience=PATIENCE_SECONDS, also=also)
    if not answer.is_allowed:
        log.warning("merchant.too_fast", installation=installation.pk, calls=calls, is_question=is_question)
        raise TooFast(retry_after=math.ceil(answer.wait))
    return answer
