"""Limits how often one address may ask the routes that are open to anybody."""

from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from web import limits
from web.address import client_ip


class _PerAddress(BaseThrottle):
    """Allows `most` requests within `seconds`, counted from the first one."""

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
        return limits.count(self.key(request), self.seconds)

    def key(self, request: Request) -> str:
        return f"{self.name}:{client_ip(request._request)}"


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
        return int(cache.get(f"limit:{self.key(request)}") or 0) < self.most
