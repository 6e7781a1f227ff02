"""Requests that ask Appmax take turns, and let webhooks and status reads pass."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from web import turns
from web.turns import TakesTurns, Turns


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 60.0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def _waits(mine: Turns, count: int = 1) -> None:
    until = time.monotonic() + 10
    while len(mine._beginning) + len(mine._returning) < count:
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


def test_no_turn_begins_in_the_pause_between_two_quick_requests(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 60.0)
    mine, order = Turns(), list[str]()
    with mine.pass_by():
        pass
    job = pool.submit(_does(mine, order, "slow"))
    _waits(mine)
    for number in range(turns.PASSED):
        with mine.pass_by():
            order.append(str(number))
    job.result(10)
    assert order == [*map(str, range(turns.PASSED)), "slow"]


def test_after_a_longer_pause_a_turn_begins_with_nothing_else_happening(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0.05)
    mine, order = Turns(), list[str]()
    with mine.pass_by():
        pass
    jobs = [pool.submit(_does(mine, order, "slow")) for _ in range(3)]
    for job in jobs:
        job.result(10)
    assert order == ["slow"] * 3


def test_who_becomes_the_first_while_he_sleeps_is_woken(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0.05)
    mine, order = Turns(), list[str]()

    def work() -> None:
        with mine.turn():
            order.append("before")
            with mine.pass_by():  # so that no turn begins when this one ends
                pass

    with mine.turn():
        jobs = [pool.submit(work)]
        _waits(mine)
        jobs.append(pool.submit(_does(mine, order, "asleep")))
        _waits(mine, 2)
    for job in jobs:
        job.result(10)
    assert order == ["before", "asleep"]


def test_a_turn_waits_for_the_quick_request_that_is_at_work(pool: ThreadPoolExecutor) -> None:
    mine, order = Turns(), list[str]()
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
    with mine.turn(), mine.away():
        pool.submit(_does(mine, order, "another")).result(10)
    assert order == ["another"]


def test_whoever_returns_from_appmax_goes_before_those_who_begin(pool: ThreadPoolExecutor) -> None:
    mine, order, may_return = Turns(), list[str](), threading.Event()

    def pays() -> None:
        with mine.turn():
            with mine.away():
                may_return.wait(10)
            order.append("returned")

    paying = pool.submit(pays)
    with mine.turn():
        beginning = pool.submit(_does(mine, order, "began"))
        _waits(mine)
        may_return.set()
        _waits(mine, 2)
    for job in (paying, beginning):
        job.result(10)
    assert order == ["returned", "began"]


def test_being_away_without_a_turn_takes_none() -> None:
    mine = Turns()
    with mine.away():
        pass
    assert mine._holder is None


@pytest.mark.parametrize("stuck", ["turn", "pass_by"])
def test_a_request_that_is_stuck_holds_nobody_up(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    mine, order = Turns(), list[str]()
    with getattr(mine, stuck)():
        for name in ("another", "a third"):
            pool.submit(_does(mine, order, name)).result(10)
    assert order == ["another", "a third"]


def test_who_overran_his_turn_ends_nobody_elses(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    mine, order, goes_on = Turns(), list[str](), threading.Event()

    def second() -> None:
        with mine.turn():
            monkeypatch.setattr(turns, "PATIENCE_SECONDS", 60.0)
            order.append("second")
            goes_on.wait(10)

    with mine.turn():
        job = pool.submit(second)
        while not order:
            time.sleep(0.001)
    third = pool.submit(_does(mine, order, "third"))
    _waits(mine)
    assert order == ["second"]
    goes_on.set()
    for each in (job, third):
        each.result(10)


def test_nobody_waits_longer_than_the_longest_wait(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(turns, "LONGEST_TO_BEGIN_SECONDS", 0.05)
    monkeypatch.setattr(Turns, "_let_next_go", lambda self: None)
    mine, order = Turns(), list[str]()

    pool.submit(_does(mine, order, "without a turn")).result(10)

    assert order == ["without a turn"]
    assert not mine._beginning


def test_a_turn_ends_when_its_request_fails(pool: ThreadPoolExecutor) -> None:
    mine = Turns()
    with pytest.raises(ValueError, match="broken"), mine.turn():
        raise ValueError("broken")
    pool.submit(_does(mine, [], "next")).result(10)


def test_the_longest_waits_of_a_payment_fit_into_the_time_that_a_stop_leaves_it() -> None:
    returns = 4  # a token, the customer, the order, the payment
    assert turns.LONGEST_TO_BEGIN_SECONDS + returns * turns.LONGEST_TO_RETURN_SECONDS < 11  # gunicorn.conf.py


def test_a_merchant_called_status_takes_turns_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns.turns, "pass_by", None)
    assert (
        TakesTurns(lambda request: HttpResponse())(RequestFactory().post("/checkout/status/pay/pix")).status_code == 200
    )


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

    assert takes_turns(ask.get("/install/start")).status_code == 503
    refused = takes_turns(ask.post("/checkout/shop/pay/pix"))
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert b"nothing was done" in refused.content
    for path in ("/checkout/shop/status/1", "/webhooks/appmax", "/health", "/admin/"):
        assert takes_turns(ask.get(path)).status_code == 200

    goes_on.set()
    assert [job.result(10).status_code for job in jobs] == [200, 200]
    waits = threading.Barrier(1)
    assert takes_turns(ask.post("/checkout/shop/pay/pix")).status_code == 200
