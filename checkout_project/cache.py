"""Where Redis is, by `REDIS_URL`, by its parts or by its Sentinels, and how our keys are spelled in it."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry

from checkout_project import addresses
from checkout_project.environment import Environment

_SECONDS = 0.25  # for a connection, and for an answer


def make_key(key: str, key_prefix: str, version: int) -> str:
    """The prefix followed by the key itself: `appmax_checkout_merchant_token:7`. Django's own function would put the
    version between them, which contract section 3 forbids."""
    return f"{key_prefix}{key}"


def reverse_key(key: str) -> str:
    return key.removeprefix(settings.CACHE_PREFIX)


def redis(env: Environment) -> dict[str, Any]:
    """Django's setting of a cache in Redis. Over TLS the server's certificate and name are verified with the CA of
    REDIS_SSLROOTCERT, or else with the system's CAs. Raises ImproperlyConfigured."""
    sentinels = env.address("REDIS_SENTINELS", ("REDIS_URL", "REDIS_HOST", "REDIS_PORT"))
    parts = ("REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_DB", "REDIS_TLS")
    url = env.address("REDIS_URL", parts)
    said = _parts_of(url) if url else _parts(env)
    certificate = env.file("REDIS_SSLROOTCERT")
    if certificate and not said["is_tls"]:
        raise ImproperlyConfigured("REDIS_SSLROOTCERT needs REDIS_TLS=true, or a REDIS_URL that begins with rediss://")
    scheme = "rediss" if said["is_tls"] else "redis"
    connection = {
        "retry": Retry(NoBackoff(), 0),
        **({"ssl_ca_certs": certificate} if certificate else {}),
    }
    location = f"{scheme}://{addresses.with_port(said['host'], said['port'])}/{said['db']}"
    more: dict[str, Any] = {}
    if sentinels:
        # With the scheme rediss django-redis would make connections that ask no Sentinel, so TLS is an option of each.
        connection |= {"ssl": True} if said["is_tls"] else {}
        more = _sentinels(env, sentinels, connection)
        connection |= {"service_name": env.text("REDIS_SENTINEL_MASTER", "mymaster")}
        location = f"redis://sentinels/{said['db']}"
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": location,
        "REVERSE_KEY_FUNCTION": "checkout_project.cache.reverse_key",
        "OPTIONS": {
            "USERNAME": said["username"],
            "PASSWORD": said["password"],
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            # No request fails because Redis is away: time-outs are short, nothing is repeated, and the failure is
            # logged and counts as a miss.
            "SOCKET_CONNECT_TIMEOUT": _SECONDS,
            "SOCKET_TIMEOUT": _SECONDS,
            "CONNECTION_POOL_KWARGS": connection,
            "IGNORE_EXCEPTIONS": True,
            **more,
        },
    }


def _sentinels(env: Environment, named: str, connection: dict[str, Any]) -> dict[str, Any]:
    """What makes django-redis ask Sentinels. Its SentinelClient isn't used, so that reads go to the primary too: on a
    replica that lags, an installation that has just begun would be missing."""
    own = {
        "username": env.text("REDIS_SENTINEL_USERNAME", "") or None,
        "password": env.text("REDIS_SENTINEL_PASSWORD", "") or None,
        "socket_connect_timeout": _SECONDS,
        "socket_timeout": _SECONDS,
    }
    return {
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": [_sentinel(address.strip()) for address in named.split(",")],
        "SENTINEL_KWARGS": {**connection, **own},
    }


def _sentinel(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{address}")
        if parts.netloc != address or parts.username is not None:
            raise ValueError
        return addresses.server(parts.hostname or ""), parts.port or 26379
    except ValueError:
        raise ImproperlyConfigured("REDIS_SENTINELS must be like sentinel1:26379,sentinel2:26379") from None


def _parts(env: Environment) -> dict[str, Any]:
    return {
        "host": env.server("REDIS_HOST", "localhost", port="REDIS_PORT", url="REDIS_URL"),
        "port": env.number("REDIS_PORT", 6379, minimum=1, maximum=65535),
        "username": env.text("REDIS_USERNAME", ""),
        "password": env.text("REDIS_PASSWORD", ""),
        "db": env.number("REDIS_DB", 0),
        "is_tls": env.flag("REDIS_TLS", False),
    }


def _parts_of(url: str) -> dict[str, Any]:
    """The parts of the URL, as redis-py reads it. A wrong URL is not quoted in the error, as it may hold the
    password."""
    try:
        said = {"port": 6379, "username": "", "password": "", "db": 0, **parse_url(url)}  # type: ignore[no-untyped-call]
        said["host"], path = addresses.server(said["host"]), urlsplit(url).path.strip("/")
        said["is_tls"] = said.pop("connection_class", None) is SSLConnection
        # redis-py ignores a path that is no number, and a query would change how connections are made.
        if path not in ("", str(said["db"])) or urlsplit(url).query or urlsplit(url).fragment:
            raise ValueError
    except (ValueError, KeyError):
        raise ImproperlyConfigured(
            "REDIS_URL must be like redis://user:password@host:6379/0, or rediss:// for TLS, without parameters"
        ) from None
    return said
