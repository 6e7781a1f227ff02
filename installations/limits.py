"""How often one address may ask the routes that anybody can ask. The figures are in the cache; without it there is no
limit, and installing goes on."""

from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from web.address import client_ip


class _PerAddress(BaseThrottle):
    """At most `most` within `seconds`, counted from the first. Django REST framework's own throttle reads, changes and
    writes a list, so that requests at once aren't counted; the cache's incr counts each."""

    name: str
    most: int
    seconds: int

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether this one, which counts, may go on."""
        return self.count(request) <= self.most

    def wait(self) -> float:
        """Seconds until certainly allowed again."""
        return self.seconds

    def count(self, request: Request) -> int:
        """Count one more; how many there are now."""
        key = self.key(request)
        cache.add(key, 0, self.seconds)
        try:
            return cache.incr(key) or 0
        except ValueError:  # the cache is away, or the time has just ended
            return 0

    def key(self, request: Request) -> str:
        """Of the address's count."""
        return f"limit:{self.name}:{client_ip(request._request)}"


class Starts(_PerAddress):
    """Each asks Appmax for a hash, and says whether an external_key is a merchant's."""

    name, most, seconds = "install_start", 20, 60


class Callbacks(_PerAddress):
    """Those of all merchants come from Appmax's few addresses."""

    name, most, seconds = "install_callback", 300, 60


class WrongAppIds(_PerAddress):
    """The app's numeric id is short, and a callback's answer says whether it was right. Only wrong ones count."""

    name, most, seconds = "install_app_id", 10, 3600

    def allow_request(self, request: Request, view: Any) -> bool:
        """Not even a right one is looked at after too many that were wrong."""
        return int(cache.get(self.key(request)) or 0) < self.most
