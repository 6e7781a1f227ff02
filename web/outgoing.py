"""HTTP requests to addresses that a merchant or staff have typed in, which must not reach into the operator's network.

The name is looked up once. All its addresses must be allowed, and the connection goes to one of them, while TLS and the
Host header keep the name: another answer of the name server a moment later changes nothing. No redirect is followed,
and no proxy is used, because a proxy would look the name up again.
"""

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from math import ceil

from django.conf import settings
from django.utils.translation import gettext_noop as _
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationParseError, NewConnectionError
from urllib3.util import Retry, Timeout, Url, parse_url

from appmax.connection import BoundedPool, BoundedSecurePool

CONNECT_SECONDS = 3.0
"""The limit for connecting and TLS. Two addresses of a name are tried at most, so that a request takes 15 s at most,
besides what the name server takes."""
ANSWER_SECONDS = 9.0
MOST_ADDRESSES = 2
MOST_URL = 2000  # characters
MOST_TEXT = 500  # characters of an answer that are kept
_MOST_BYTES = 4 * MOST_TEXT

# Clouds answer their machines here about themselves, although Python takes these for public: Azure, and Oracle.
_OF_CLOUDS = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
# The IPv4 address is in the last 32 bits. In 64:ff9b:1::/48, a network's own NAT64, it may be elsewhere: refused.
_NAT64 = IPv6Network("64:ff9b::/96")
_SCHEMES = {"http": 80, "https": 443}


class NotAllowed(Exception):
    """The URL is not one that we post to. The message says why, in English, and is translated for staff."""


@dataclass(frozen=True)
class Answer:
    """The answer to a request: its status, Retry-After in seconds if there is one, and the beginning of its text."""

    status: int
    text: str = ""
    retry_after: int | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class NoAnswer(Exception):
    """There was no answer. `kind` says in a word why: the name of the failure's type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def checked_url(text: str) -> str:
    """The URL as it is sent to, with its host in ASCII. Raises NotAllowed, if that can be told without a look-up."""
    url = _parsed(text)
    try:
        address = ipaddress.ip_address(str(url.host).strip("[]"))
    except ValueError:
        if url.scheme != "https" and not settings.NOTIFY_ALLOWED_NETWORKS:
            raise NotAllowed(_("the URL must begin with https://")) from None
    else:
        _refuse_unless_allowed(address, str(url.scheme))
    return str(url.url)


def post(text: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST the body and return the answer, whatever its status. Raises NotAllowed and NoAnswer.

    It takes 15 seconds at most, besides the look-up of the name. No database connection may be held meanwhile.
    """
    url = _parsed(text)
    addresses = _looked_up(url)
    for number, address in enumerate(addresses, start=1):
        try:
            return _post(url, address, body, headers)
        except (NewConnectionError, ConnectTimeoutError) as error:  # Nothing was sent, so another one may be tried.
            if number == len(addresses):
                raise NoAnswer(type(error).__name__) from None
        except (HTTPError, OSError, ValueError) as error:
            raise NoAnswer(type(error).__name__) from None
    raise NoAnswer("NameResolutionError")


def _parsed(text: str) -> Url:
    """Raises NotAllowed."""
    try:
        url = parse_url(text)
        port = url.port
    except (LocationParseError, ValueError):
        raise NotAllowed(_("this is not a URL")) from None
    # What isn't allowed in a URL is sent as three characters, so the URL may be longer than the text.
    if url.scheme not in _SCHEMES or not url.host or max(len(text), len(url.url)) > MOST_URL:
        raise NotAllowed(_("the URL must begin with https:// and name a host"))
    if not text.isascii() or not text.isprintable() or " " in text:
        raise NotAllowed(_("the URL must be written in visible ASCII characters"))
    if url.auth is not None:
        raise NotAllowed(_("the URL must not hold a user name or password"))
    if url.fragment is not None:
        raise NotAllowed(_("the URL must not have a fragment"))
    if port is not None and port not in _SCHEMES.values() and not 1024 <= port <= 65535:
        raise NotAllowed(_("the port must be 443, or 1024 and above"))
    return url


def _looked_up(url: Url) -> list[str]:
    """Addresses of the URL's host, all of which are allowed. Raises NotAllowed and NoAnswer."""
    host, port = str(url.host).strip("[]"), url.port or _SCHEMES[str(url.scheme)]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswer("NameResolutionError") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        _refuse_unless_allowed(ipaddress.ip_address(address), str(url.scheme))
    return addresses[:MOST_ADDRESSES]


def _refuse_unless_allowed(address: IPv4Address | IPv6Address, scheme: str) -> None:
    """Raises NotAllowed for an address that is not public, unless the operator allows its network, and for http to a
    public one."""
    inner = _inner(address)
    if any(inner in network for network in settings.NOTIFY_ALLOWED_NETWORKS if network.version == inner.version):
        return
    is_local = not inner.is_global or (isinstance(inner, IPv6Address) and inner.is_site_local)
    if is_local or inner.is_multicast or inner.is_reserved or _is_of_a_cloud(inner):
        raise NotAllowed(_("the URL leads to an address that is not public"))
    if scheme != "https":
        raise NotAllowed(_("the URL must begin with https://"))


def _is_of_a_cloud(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in _OF_CLOUDS if network.version == address.version)


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, or else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _post(url: Url, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    host, port = str(url.host).strip("[]"), url.port or _SCHEMES[str(url.scheme)]
    timeout = Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    pool = (
        # https://urllib3.readthedocs.io/en/stable/advanced-usage.html#custom-sni-hostname
        BoundedSecurePool(
            address, port, timeout=timeout, retries=False, server_hostname=host, ca_certs=_trusted_certificates()
        )
        if url.scheme == "https"
        else BoundedPool(address, port, timeout=timeout, retries=False)
    )
    sent = {"Host": str(url.netloc), "User-Agent": "Appmax-Checkout", "Accept": "*/*", **headers}
    with pool:
        answer = pool.urlopen(
            "POST",
            url.request_uri,
            body=body,
            headers=sent,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            text = answer.read(_MOST_BYTES)
        except (HTTPError, OSError):  # The status has come, and it is what counts.
            text = b""
        finally:
            answer.close()
    shown = text.decode("utf-8", "replace").replace("\0", "\ufffd")[:MOST_TEXT]
    return Answer(answer.status, shown, _seconds(answer.headers.get("Retry-After", "")))


def _trusted_certificates() -> str:
    """The file of the authorities that `requests` trusts too."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH


def _seconds(text: str) -> int | None:
    """Retry-After in seconds, six hours at most. It may be written as a date."""
    try:
        return max(ceil(Retry().parse_retry_after(text)), 0) if text else None
    except (HTTPError, ValueError, OverflowError):
        return None
