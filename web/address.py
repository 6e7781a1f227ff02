"""The address that a request comes from, for limits and logs that count by address."""

import functools
import re
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# 192.0.2.1:443 and [2001:db8::1]:443, as some proxies write them.
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[\d.]+):\d+")


def client_ip(request: HttpRequest) -> str | None:
    """The address that the outermost of our TRUSTED_PROXIES wrote into X-Forwarded-For, or else that of the connection.

    Anybody can write the entries in front of that one, so they don't count. An IPv6 address is reduced to the first of
    its /64, because a customer is given a whole /64.
    """
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    count = settings.TRUSTED_PROXIES
    if 0 < count <= len(hops) and (address := _counted(hops[-count])):
        return address
    return _counted(request.META.get("REMOTE_ADDR", ""))


@functools.lru_cache(maxsize=256)
def _counted(text: str) -> str | None:
    """The address in the form that is counted; None if the text is no address, as then no proxy of ours wrote it."""
    if found := _WITH_PORT.fullmatch(text):
        text = found["six"] or found["four"] or ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False).network_address)
