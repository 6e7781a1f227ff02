"""Keys in Redis are the prefix and the key; Redis being away is a miss, quickly, and logged."""

import time
from typing import Any

import pytest
from django.core.cache import cache


def test_the_key_in_redis_is_prefix_and_key_and_the_value_is_readable() -> None:
    cache.set("merchant_token:7", "token", 60)

    redis = cache.client.get_client()  # type: ignore[attr-defined] # django-redis
    assert redis.get("appmax_checkout_merchant_token:7") == b'"token"'


def test_redis_away_is_a_quick_miss_and_logged(redis_away: None, caplog: pytest.LogCaptureFixture) -> None:
    started = time.monotonic()

    assert cache.get("key") is None
    cache.set("key", 1, 60)
    assert not cache.delete("key")

    assert time.monotonic() - started < 5
    assert "checkout_project.cache" in {record.name for record in caplog.records}


def test_memory_works_too(settings: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "KEY_FUNCTION": "checkout_project.cache.make_key",
        }
    }
    cache.set("install:hash", {"a": 1}, 60)

    assert cache.get("install:hash") == {"a": 1}
    assert cache.delete("install:hash")
    assert not cache.delete("install:hash")
