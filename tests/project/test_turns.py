"""Requests that ask Appmax take turns, and let webhooks and status reads pass."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from checkout_project import turns
from checkout_project.turns import TakesTurns, Turns


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 60.0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def _waits(mine: Turns, count: int = 1) -> None:
    until = time.monotonic() + 10
    while len(mine._waiting) < count:
        assert time.monotonic() < until, "nobody waits for a turn"
        time.sleep(0.001)


def _does(mine: Turns, order: list[str], name: str) -> Callable[[], None]:
    def work() -> None:
        with mine.turn():
            order.append(name)

    return work


def test_turns_are_taken_one_at_a_time_in_the_order_of_arrival(pool: ThreadPoolExecutor) -> None:
    mine, order = Turns(), list[str]()
    with mine.turn():
        jobs = list[Future[None]]()
        for number, name in enumerate("abc", start=1):
            jobs.append(pool.submit(_does(mine, order, name)))
            _waits(mine, number)
        order.append("first")
    for job in jobs:
        job.result(10)
    assert order == ["first", "a", "b", "c"]


def test_a_turn_waits_for_the_quick_request_that_is_at_work(pool: ThreadPoolExecutor) -> None:
    mine, order = Turns(), list[str]()
    mine._passed_at = time.monotonic()
    with mine.pass_by():
        job = pool.submit(_does(mine, order, "slow"))
        _waits(mine)
        order.append("quick")
    job.result(10)
    assert order == ["quick", "slow"]


def test_quick_requests_wait_for_no_turn() -> None:
    mine = Turns()
    with mine.turn(), mine.pass_by():
        pass


def test_after_so_many_quick_requests_a_turn_is_given_though_more_are_at_work(pool: ThreadPoolExecutor) -> None:
    mine, order = Turns(), list[str]()
    mine._passed_at = time.monotonic()
    with mine.pass_by():
        job = pool.submit(_does(mine, order, "slow"))
        _waits(mine)
        for _ in range(turns.PASSED):
            assert order == []
            with mine.pass_by():
                pass
        job.result(10)
    assert order == ["slow"]


def test_whoever_waits_for_appmax_leaves_his_turn_to_another(pool: ThreadPoolExecutor) -> None:
    mine, order = Turns(), list[str]()
    with mine.turn():
        with mine.away():
            pool.submit(_does(mine, order, "another")).result(10)
        assert not mine._waiting
        job = pool.submit(_does(mine, order, "a third"))
        _waits(mine)
        order.append("back")
    job.result(10)
    assert order == ["another", "back", "a third"]


def test_being_away_without_a_turn_takes_none() -> None:
    mine = Turns()
    with mine.away():
        pass
    assert not mine._is_taken


@pytest.mark.parametrize("stuck", ["turn", "pass_by"])
def test_a_request_that_is_stuck_holds_nobody_up(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    mine, order = Turns(), list[str]()
    mine._passed_at = time.monotonic()
    with getattr(mine, stuck)():
        pool.submit(_does(mine, order, "another")).result(10)
    assert order == ["another"]


def test_a_turn_ends_when_its_request_fails(pool: ThreadPoolExecutor) -> None:
    mine = Turns()
    with pytest.raises(ValueError, match="broken"), mine.turn():
        raise ValueError("broken")
    pool.submit(_does(mine, [], "next")).result(10)


def test_payments_never_take_all_threads_of_a_process(pool: ThreadPoolExecutor, settings: Any) -> None:
    settings.WEB_THREADS = 4
    waits, goes_on = threading.Barrier(3), threading.Event()

    def view(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/checkout/shop/pay"):
            with turns.turns.away():
                waits.wait(10)
                goes_on.wait(10)
        return HttpResponse("ok")

    takes_turns, ask = TakesTurns(view), RequestFactory()
    jobs = [pool.submit(takes_turns, ask.post("/checkout/shop/pay/pix")) for _ in range(2)]
    waits.wait(10)

    refused = takes_turns(ask.post("/checkout/shop/pay/pix"))
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert b"nothing was done" in refused.content
    for path in ("/checkout/shop/status/1", "/webhooks/appmax", "/health", "/admin/"):
        assert takes_turns(ask.get(path)).status_code == 200

    goes_on.set()
    assert [job.result(10).status_code for job in jobs] == [200, 200]
    waits = threading.Barrier(1)
    assert takes_turns(ask.post("/checkout/shop/pay/pix")).status_code == 200
