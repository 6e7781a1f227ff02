"""Limits how often something may happen, by a bucket of tokens in Redis for each limit and each of those it counts for,
which all processes and machines share. The worker's own quota for questions is in PostgreSQL (orders.models.Quota).

While Redis is away, or with CACHE_DRIVER=memory, nothing is limited, so that merchants can still sell and install, and
staff still work.
"""

import functools
import math
import time
from dataclasses import dataclass
from typing import Any

import structlog
from django.core.cache import caches
from django_redis import get_redis_connection
from django_redis.cache import RedisCache
from prometheus_client import Counter
from redis.exceptions import RedisError

log = structlog.stdlib.get_logger(__name__)

_limited = Counter("checkout_limited", "What was refused, or had to wait, because it came too often", ["limit", "what"])

LEFT_ALONE_SECONDS = 5  # after a failure of Redis: nobody asks it meanwhile, as each would wait for the time-out

# The bucket is kept as the moment at which it will be full again, so that nothing has to refill it. Redis runs a script
# as a whole: of two that come at once, the second sees what the first has taken. All times are in seconds. The value of
# the second key, if there is one, comes with the answer.
_TAKE = """
local spent, depth, patience, takes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + spent
local wait = full_at - now - depth
if wait < 0.001 then wait = 0 end
if wait > patience then return {0, tostring(wait), tostring(full_at - now - spent)} end
if takes == '1' then
    redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000))
end
return {1, tostring(wait), tostring(full_at - now), KEYS[2] and redis.call('GET', KEYS[2])}
"""


@dataclass(frozen=True)
class Taken:
    """The answer of a limit. `wait` is in seconds: until the caller may go on, or if it is refused, until it may come
    again. `left` is how many tokens the bucket has now, and it is full again after `full_after` seconds. `found` is
    what the cache has under the key that was asked for together with the limit, if it is known."""

    is_allowed: bool
    wait: float
    left: int
    full_after: float
    found: Any = None


@dataclass(frozen=True)
class Limit:
    """`most` at once, and as many in `seconds` in the long run: the bucket has `most` tokens, and an empty one is full
    again after `seconds`."""

    name: str
    most: int
    seconds: float

    def take(
        self, who: str | None, *, many: int = 1, spared: int = 0, patience: float = 0, also: str | None = None
    ) -> Taken:
        """Take tokens for `who`, unless that would leave fewer than `spared`. A caller with `patience` gets tokens that
        the bucket will have within so many seconds, and has to wait for them. `also` is a key of the cache that is read
        in the same round trip."""
        return self._ask(who, many, spared, patience, also, takes=True)

    def look(self, who: str | None) -> Taken:
        """What `take` would answer; nothing is taken."""
        return self._ask(who, 1, 0, 0, None, takes=False)

    def _ask(self, who: str | None, many: int, spared: int, patience: float, also: str | None, *, takes: bool) -> Taken:
        a_token = self.seconds / self.most
        arguments = [many * a_token, (self.most - spared) * a_token, patience, int(takes)]
        answer = _run([f"limit:{self.name}:{who}", also] if also else [f"limit:{self.name}:{who}"], arguments)
        if answer is None:
            return Taken(True, 0, self.most, 0)
        is_allowed, wait, full_after = bool(answer[0]), float(answer[1]), float(answer[2])
        if wait:
            _limited.labels(self.name, "waited" if is_allowed else "refused").inc()
        left = max(0, math.floor((self.seconds - full_after) / a_token + 0.001))
        found = answer[3] if len(answer) > 3 else None
        return Taken(is_allowed, wait if is_allowed else wait - patience, left, full_after, found)


@functools.cache
def _script() -> Any:
    return get_redis_connection().register_script(_TAKE)


_next_try = 0.0  # while Redis is away: when it is asked again


def _run(keys: list[str], arguments: list[float]) -> list[Any] | None:
    """The script's answer; None if nothing is limited. That Redis is away is logged once, and that it is back."""
    global _next_try
    redis = caches["default"]
    if not isinstance(redis, RedisCache) or time.monotonic() < _next_try:
        return None
    try:
        client = redis.client
        answer: list[Any] = _script()([redis.make_key(key) for key in keys], arguments, client.get_client())
        if len(answer) > 3 and answer[3] is not None:
            answer[3] = client.decode(answer[3])
    except RedisError as error:
        if not _next_try:
            log.warning("limits.off", error=type(error).__name__)
        _next_try = time.monotonic() + LEFT_ALONE_SECONDS
        return None
    if _next_try:
        log.warning("limits.on")
        _next_try = 0.0
    return answer
