"""Requests to addresses that a merchant or staff have typed in: what is refused, and what is sent."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from dev.services import temporary_folder
from tests.drills.servers import Authority, authority
from tests.support.listener import Listener, listening
from web import outgoing

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    settings.NOTIFY_ALLOWED_NETWORKS = LOOPBACK
    with listening() as listener:
        yield listener


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Gives names addresses, in turns; the list of the look-ups."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def give(name: str, *answers: list[str]) -> list[str]:
        def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            if host != name:
                return real(host, port, *args, **kwargs)
            asked.append(host)
            addresses = answers[min(len(asked), len(answers)) - 1]
            return [found for each in addresses for found in real(each, port, *args, **kwargs)]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return give


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1", "100.64.0.1"),
        *("100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
        *(
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:169.254.169.254]",
        ),
        *("[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[64:ff9b:1::10.0.0.1]", "[::127.0.0.1]"),
        # site-local addresses, and 10.0.0.1 as a network's own NAT64 may write it (RFC 6052, a prefix of 48 bits)
        *("[fec0::1]", "[64:ff9b:1:a00:0:100:800:0]"),
    ],
)
def test_an_address_that_is_not_public_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(outgoing.NotAllowed, match="not public"):
        outgoing.checked_url(f"https://{address}/told")
    with pytest.raises(outgoing.NotAllowed, match="not public"):
        outgoing.post(f"https://{address}/told", b"{}", {})


@pytest.mark.parametrize("written", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "localhost"])
def test_a_name_or_another_way_of_writing_that_leads_to_such_an_address_is_refused(written: str, settings: Any) -> None:
    with pytest.raises((outgoing.NotAllowed, outgoing.NoAnswer)):
        outgoing.post(f"https://{written}/told", b"{}", {})


def test_a_name_is_refused_if_one_of_its_addresses_is_not_public(names: Callable[..., list[str]]) -> None:
    names("shop.example.com", ["8.8.8.8", "10.0.0.5"])
    with pytest.raises(outgoing.NotAllowed, match="not public"):
        outgoing.post("https://shop.example.com/told", b"{}", {})


def test_a_name_is_looked_up_once_so_that_a_later_answer_changes_nothing(
    listener: Listener, names: Callable[..., list[str]], settings: Any
) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    asked = names("shop.example.com", ["127.0.0.1"], ["169.254.169.254"])
    port = listener.url.split(":")[2].split("/")[0]
    assert outgoing.post(f"http://shop.example.com:{port}/told", b"{}", {}).status == 200
    assert asked == ["shop.example.com"]
    assert listener.posts[0].headers["Host"] == f"shop.example.com:{port}"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example.com/told", "https"),
        ("http://8.8.8.8/told", "https"),
        ("ftp://shop.example.com/told", "https"),
        ("shop.example.com", "https"),
        ("https:///told", "host"),
        ("https://ana:secret@shop.example.com/told", "password"),
        ("https://shop.example.com/told#part", "fragment"),
        ("https://shop.example.com:22/told", "port"),
        ("https://shop.example.com:25/told", "port"),
        ("https://shop.example.com:99999/told", "URL"),
        ("https://shop.example.com/a b", "ASCII"),
        ("https://shop.example.com/\r\nX: y", "ASCII"),
        ("https://[::1/told", "URL"),
        ("https://shop.example.com/" + "a" * 2000, "https"),
    ],
)
def test_what_is_no_https_url_of_a_site_is_refused(url: str, why: str) -> None:
    with pytest.raises(outgoing.NotAllowed, match=why):
        outgoing.checked_url(url)


def test_networks_that_the_operator_allows_are_reached_also_over_http(listener: Listener) -> None:
    answer = outgoing.post(outgoing.checked_url(listener.url), b'{"a": 1}', {"X-Mark": "1"})
    assert answer == outgoing.Answer(200, "thank you")
    (post,) = listener.posts
    assert (post.body, post.headers["X-Mark"], post.path) == (b'{"a": 1}', "1", "/told")


def test_a_redirect_is_an_answer_and_is_not_followed(listener: Listener) -> None:
    listener.answer = lambda post: (302, {"Location": listener.url})
    assert outgoing.post(listener.url, b"{}", {}).status == 302
    assert len(listener.posts) == 1


def test_no_proxy_of_the_environment_is_used(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert outgoing.post(listener.url, b"{}", {}).status == 200


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("120", 120, 120), ("a date", 590, 601), ("soon", None, None), ("-5", None, 0)],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    listener: Listener, text: str, least: int | None, most: int | None
) -> None:
    told = formatdate(time.time() + 600, usegmt=True) if text == "a date" else text
    listener.answer = lambda post: (503, {"Retry-After": told})
    found = outgoing.post(listener.url, b"{}", {}).retry_after
    assert found is None if least is None else least <= (found or 0) <= (most or 0)


def test_only_the_beginning_of_an_answer_is_read(listener: Listener) -> None:
    listener.text = b"\0" + b"a" * 5_000_000
    text = outgoing.post(listener.url, b"{}", {}).text
    assert text == "\ufffd" + "a" * 499


def test_an_answer_that_comes_byte_by_byte_ends_in_time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = LOOPBACK
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 0.5)
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-")
            while not over.wait(0.1):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        try:
            with pytest.raises(outgoing.NoAnswer):
                outgoing.post(f"http://127.0.0.1:{server.getsockname()[1]}/told", b"{}", {})
        finally:
            over.set()
            thread.join()


def test_where_nobody_listens_there_is_no_answer(settings: Any) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = LOOPBACK
    with pytest.raises(outgoing.NoAnswer, match="NewConnectionError"):
        outgoing.post("http://127.0.0.1:1024/told", b"{}", {})
    with pytest.raises(outgoing.NoAnswer, match="NameResolutionError"):
        outgoing.post("https://nobody.invalid/told", b"{}", {})


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    with temporary_folder() as folder:
        made = authority(Path(folder) / "trusted")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", made.certificate)
        yield made


def test_tls_is_verified_against_the_name_although_the_connection_goes_to_the_address(
    trusted: Authority, settings: Any
) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = [*LOOPBACK, ip_network("::1/128")]
    with listening(trusted.issue("shop")) as listener:
        named = listener.url.replace("127.0.0.1", "localhost")
        assert outgoing.post(named, b"{}", {}).status == 200
        with pytest.raises(outgoing.NoAnswer, match="NewConnectionError"):
            outgoing.post(listener.url, b"{}", {})  # The certificate is for another name.


def test_a_certificate_of_a_strangers_authority_is_not_believed(
    trusted: Authority, settings: Any, tmp_path: Path
) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = [*LOOPBACK, ip_network("::1/128")]
    with listening(authority(tmp_path / "stranger").issue("shop")) as listener:
        with pytest.raises(outgoing.NoAnswer, match="NewConnectionError"):
            outgoing.post(listener.url.replace("127.0.0.1", "localhost"), b"{}", {})
        assert listener.posts == []
