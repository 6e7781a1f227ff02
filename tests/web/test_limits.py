"""A limit is a bucket of tokens in Redis, which all threads, processes and machines share."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from prometheus_client import REGISTRY

from tests.support import fresh_process
from web import limits
from web.limits import Limit

SLOW = Limit("test", 20, 36_000)  # no token comes back while a test runs


def counted(what: str) -> float:
    return REGISTRY.get_sample_value("checkout_limited_total", {"limit": "test", "what": what}) or 0


def test_a_hundred_at_once_get_as_many_as_there_are(race: Callable[..., list[Any]]) -> None:
    answers = race(lambda _: SLOW.take("shop").is_allowed, 100)

    assert (answers.count(True), answers.count(False)) == (20, 80)


def test_two_processes_share_a_bucket(settings: Any) -> None:
    variables = {"DB_PASSWORD": "x", "REDIS_URL": settings.CACHES["default"]["LOCATION"]}
    variables["DJANGO_SETTINGS_MODULE"] = "checkout_project.settings"

    def taken(_: int) -> int:
        return int(fresh_process.run(fresh_process.print_tokens, "15", **variables).stdout)

    with ThreadPoolExecutor() as pool:
        assert sum(pool.map(taken, range(2))) == 20


def test_others_have_buckets_of_their_own() -> None:
    SLOW.take("shop", many=20)

    assert not SLOW.take("shop").is_allowed
    assert SLOW.take("other").left == 19
    assert Limit("another", 20, 36_000).take("shop").is_allowed


def test_a_token_comes_back_in_its_time() -> None:
    quick = Limit("test", 10, 2)
    quick.take("shop", many=10)
    refused = quick.take("shop")

    assert not refused.is_allowed
    assert 0.1 < refused.wait <= 0.2
    time.sleep(refused.wait)
    assert quick.take("shop").is_allowed


def test_the_bucket_says_how_full_it_is() -> None:
    answer = SLOW.take("shop", many=5)

    assert answer.left == 15
    assert answer.full_after == pytest.approx(5 * 1800, abs=1)
    assert SLOW.take("shop", many=15).left == 0


def test_who_is_refused_takes_nothing() -> None:
    SLOW.take("shop", many=18)

    assert not SLOW.take("shop", many=3).is_allowed
    assert SLOW.take("shop", many=2).is_allowed


def test_who_looks_takes_nothing() -> None:
    assert SLOW.look("shop").is_allowed
    assert SLOW.take("shop", many=20).is_allowed
    assert not SLOW.look("shop").is_allowed


def test_the_patient_line_up() -> None:
    quick = Limit("test", 10, 10)  # a token a second
    quick.take("shop", many=10)

    waits = [quick.take("shop", patience=2.5) for _ in range(4)]

    assert [answer.is_allowed for answer in waits] == [True, True, False, False]
    assert [answer.wait for answer in waits] == pytest.approx([1, 2, 0.5, 0.5], abs=0.3)  # until they may line up


def test_some_tokens_are_spared_for_others() -> None:
    assert SLOW.take("shop", many=15, spared=5).is_allowed
    assert not SLOW.take("shop", spared=5).is_allowed
    assert SLOW.take("shop", many=5).is_allowed


def test_what_the_cache_has_comes_with_the_answer() -> None:
    cache.set("kept", {"a": "text"}, 60)

    assert SLOW.take("shop", also="kept").found == {"a": "text"}
    assert SLOW.take("shop", also="missing").found is None
    assert SLOW.take("shop", many=99, also="kept").found is None  # refused


def test_what_is_refused_or_waits_is_counted() -> None:
    refused, waited = counted("refused"), counted("waited")
    quick = Limit("test", 10, 10)

    quick.take("shop", many=10)
    quick.take("shop", patience=1.5)
    quick.take("shop")

    assert (counted("refused") - refused, counted("waited") - waited) == (1, 1)


def test_without_redis_nothing_is_limited_which_is_logged_once(
    redis_away: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LEFT_ALONE_SECONDS", 0)  # so that each asks again

    assert all(SLOW.take("shop").is_allowed for _ in range(30))
    assert [record.levelno for record in caplog.records if "limits.off" in record.getMessage()] == [logging.WARNING]


def test_while_redis_is_away_it_is_left_alone(redis_away: None, settings: Any) -> None:
    SLOW.take("shop", many=20)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/1"}}

    started = time.monotonic()
    assert all(SLOW.take("shop").is_allowed for _ in range(1000))
    assert time.monotonic() - started < 0.5


def test_when_redis_is_back_there_are_limits_again(
    settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = settings.CACHES
    monkeypatch.setattr(limits, "LEFT_ALONE_SECONDS", 0)
    settings.CACHES = {"default": {**here["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert SLOW.take("shop", many=20).is_allowed

    settings.CACHES = here
    SLOW.take("shop", many=20)

    assert not SLOW.take("shop").is_allowed
    assert "limits.on" in caplog.text


def test_with_the_cache_in_memory_nothing_is_limited(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

    assert all(SLOW.take("shop").is_allowed for _ in range(30))
