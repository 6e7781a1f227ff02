"""Where a request comes from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """Whose address a request comes from: what the outermost of our TRUSTED_PROXIES wrote into X-Forwarded-For; what
    stands before that anybody can write."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    count = settings.TRUSTED_PROXIES
    if 0 < count <= len(hops):
        try:
            return str(ip_address(hops[-count]))
        except ValueError:
            pass  # not an address: no proxy of ours wrote it
    return request.META.get("REMOTE_ADDR") or None
