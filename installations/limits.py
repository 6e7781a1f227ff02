"""Limits how often one address may ask the routes that are open to anybody. The cache counts. While it is away there is
no limit, so that merchants can still install."""

from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from web.address import client_ip


class _PerAddress(BaseThrottle):
    """Allows `most` requests within `seconds`, counted from the first one.

    Django REST framework's own throttle reads, changes and writes a list, and so misses requests that come at once. The
    cache's `incr` counts each.
    """

    name: str
    most: int
    seconds: int

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count this request, and tell whether it is allowed."""
        return self.count(request) <= self.most

    def wait(self) -> float:
        """Seconds after which a request is certainly allowed again."""
        return self.seconds

    def count(self, request: Request) -> int:
        """Count one more request; returns their number. It is 0 while the cache is away."""
        key = self.key(request)
        cache.add(key, 0, self.seconds)
        try:
            return cache.incr(key) or 0
        except ValueError:  # The cache is away, or the count has just expired.
            return 0

    def key(self, request: Request) -> str:
        return f"limit:{self.name}:{client_ip(request._request)}"


class Starts(_PerAddress):
    """For /install/start, which calls Appmax, and from whose answer one learns whether an external_key is in use."""

    name, most, seconds = "install_start", 20, 60


class Callbacks(_PerAddress):
    """For installation callbacks. Those of all merchants come from Appmax's few addresses, so the limit is high."""

    name, most, seconds = "install_callback", 300, 60


class WrongAppIds(_PerAddress):
    """For callbacks with a wrong app_id, which could be guesses: the app's numeric id is short, and the answer tells
    whether it was right. Callbacks with the right one don't count."""

    name, most, seconds = "install_app_id", 10, 3600

    def allow_request(self, request: Request, view: Any) -> bool:
        """After too many wrong ids not even a right one is looked at. `count` is called for wrong ones only."""
        return int(cache.get(self.key(request)) or 0) < self.most
