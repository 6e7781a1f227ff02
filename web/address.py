"""Whose address a request comes from, for whatever counts by address."""

import re
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# 192.0.2.1:443 and [2001:db8::1]:443, as some proxies write them.
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[\d.]+):\d+")


def client_ip(request: HttpRequest) -> str | None:
    """Whose address a request comes from: what the outermost of our TRUSTED_PROXIES wrote into X-Forwarded-For, as what
    stands before that anybody can write. Of an IPv6 address it is the first of its /64, since a customer gets these
    whole."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    count = settings.TRUSTED_PROXIES
    if 0 < count <= len(hops) and (address := _counted(hops[-count])):
        return address
    return _counted(request.META.get("REMOTE_ADDR", ""))


def _counted(text: str) -> str | None:
    """None if it is no address: then no proxy of ours wrote it."""
    if found := _WITH_PORT.fullmatch(text):
        text = found["six"] or found["four"] or ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False).network_address)
