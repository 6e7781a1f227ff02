"""Brings addresses that operators write into the form that browsers send or that clients connect to.

Each function raises ValueError for a text that is no such address.
"""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import idna

_HOST = re.compile(r"[a-z0-9._-]+", re.ASCII)
_USUAL_PORTS = {"http": 80, "https": 443}


def host(text: str) -> str:
    """A host without port or scheme, as a browser sends it: `AÇAÍ.com.br` becomes `xn--aa-4iaz.com.br`, and `0:0::1`
    becomes `[::1]`."""
    if ":" in text:
        return f"[{IPv6Address(text.removeprefix('[').removesuffix(']')).compressed}]"
    name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
    if not _HOST.fullmatch(name):
        raise ValueError("not a host")
    return name


def host_or_domain(text: str) -> str:
    """A host, or with a leading dot a domain with all its hosts."""
    return "." + host(text[1:]) if text.startswith(".") else host(text)


def url_of_a_site(text: str) -> str:
    """An http or https URL without user, query and fragment, as a browser spells it. https is assumed if no scheme is
    given; the scheme's usual port and a trailing slash are removed."""
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in _USUAL_PORTS or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("not the address of a site")
    port = "" if parts.port in (None, _USUAL_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host(parts.hostname or '')}{port}{parts.path.rstrip('/')}"


def host_of(url: str) -> str:
    """The host of a URL, as a browser sends it."""
    return host(urlsplit(url).hostname or "")


def with_port(name: str, port: int) -> str:
    """Host and port in one text: `localhost:8080`, `[::1]:8080`."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def server(text: str) -> str:
    """A host as PostgreSQL's and Redis's clients take it, which is without brackets for an IPv6 address."""
    if text.startswith("[") or text.count(":") > 1:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    return host(text)
