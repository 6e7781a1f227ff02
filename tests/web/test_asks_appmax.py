"""Requests that may wait for Appmax never take all threads of a process; every route that may ask Appmax says so."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver

from web import asks_appmax as module
from web.asks_appmax import asks_appmax

REQUEST = RequestFactory().post("/checkout/shop/pay/pix")


@pytest.fixture(autouse=True)
def four_threads(settings: Any) -> Iterator[None]:
    """Two of which may wait for Appmax."""
    settings.WEB_THREADS = 4
    module.places.cache_clear()
    yield
    module.places.cache_clear()


@asks_appmax
def answers(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


@pytest.fixture
def two_wait() -> Iterator[threading.Event]:
    """Two requests wait for Appmax, until this event is set."""
    arrived, goes_on = threading.Barrier(3), threading.Event()

    @asks_appmax
    def waits(request: HttpRequest) -> HttpResponse:
        arrived.wait(10)
        goes_on.wait(10)
        return HttpResponse("paid")

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(waits, REQUEST) for _ in range(2)]
        arrived.wait(10)
        yield goes_on
        goes_on.set()
        assert [each.result(10).content for each in waiting] == [b"paid"] * 2


def test_one_request_too_many_is_refused_before_anything_is_done(two_wait: threading.Event) -> None:
    refused = answers(REQUEST)

    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert b"nothing was done" in refused.content


def test_a_place_is_free_again_when_its_request_is_answered(two_wait: threading.Event) -> None:
    two_wait.set()
    answered = threading.Event()
    for _ in range(1000):
        if answers(REQUEST).status_code == 200:
            break
        answered.wait(0.01)

    assert answers(REQUEST).status_code == 200


def test_a_place_is_free_again_when_its_request_fails() -> None:
    @asks_appmax
    def fails(request: HttpRequest) -> HttpResponse:
        raise ValueError("broken")

    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            fails(REQUEST)

    assert answers(REQUEST).status_code == 200


@pytest.mark.parametrize(("threads", "places"), [(1, 1), (2, 1), (4, 2), (16, 8), (160, 152)])
def test_eight_threads_are_kept_free_or_half_of_a_few(settings: Any, threads: int, places: int) -> None:
    settings.WEB_THREADS = threads
    module.places.cache_clear()

    assert [module.places().acquire(blocking=False) for _ in range(places + 1)] == [True] * places + [False]


def test_every_route_that_may_ask_appmax_says_so() -> None:
    """A new route is added here, or marked with `asks_appmax` in its app's urls.py."""
    unmarked = {name for name, view in views() if not hasattr(view, "asks_appmax")}

    assert unmarked == {
        *("home", "health", "ready", "metrics", "set_language", "schema", "docs", "redoc"),
        *(
            "installation",
            "merchant-reconnect",
            "merchant-domain-names",
            "webhooks-appmax",
            "install-first-key",
            "api-keys",
            "api-key",
        ),
        *("endpoints", "endpoint", "endpoint-rotate-secret", "endpoint-test", "endpoint-deliveries"),
        "endpoint-send-again",
        *("checkout-order_status", "checkout-order_detail", "checkout-order_list"),
    }


def views() -> Iterator[tuple[str, Any]]:
    """The names and views of all routes but the back office's."""
    patterns = list(get_resolver().url_patterns)
    while patterns:
        each = patterns.pop()
        if isinstance(each, URLPattern):
            yield str(each.name), each.callback
        elif getattr(each, "namespace", None) != "admin":
            patterns += each.url_patterns
