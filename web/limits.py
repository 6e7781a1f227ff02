"""Counts how often something happens within a span. The cache counts. While it is away there is no limit, so that
merchants can still install and staff still work."""

from django.core.cache import cache


def count(key: str, seconds: int) -> int:
    """Count one more; returns their number since the first one, `seconds` ago at most. It is 0 while the cache is away.

    Django REST framework's own throttle reads, changes and writes a list, and so misses requests that come at once. The
    cache's `incr` counts each.
    """
    key = f"limit:{key}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) or 0
    except ValueError:  # The cache is away, or the count has just expired.
        return 0
