"""Where Redis is, from `REDIS_URL` or from the parts, and how a key is spelled in it."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry

from checkout_project import addresses
from checkout_project.environment import Environment


def make_key(key: str, key_prefix: str, version: int) -> str:
    """`merchant_token:7` → `appmax_checkout_merchant_token:7`: the prefix and the key, nothing in between. The version
    is left out on purpose."""
    return f"{key_prefix}{key}"


def reverse_key(key: str) -> str:
    """The key without its prefix."""
    return key.removeprefix(settings.CACHE_PREFIX)


def redis(env: Environment) -> dict[str, Any]:
    """Django's setting of a cache in Redis. Over TLS the server's certificate and name are verified: by the CA of
    REDIS_SSLROOTCERT, else by those of the system."""
    parts = ("REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_DB", "REDIS_TLS")
    url = env.address("REDIS_URL", parts)
    said = _parts_of(url) if url else _parts(env)
    certificate = env.file("REDIS_SSLROOTCERT")
    if certificate and not said["is_tls"]:
        raise ImproperlyConfigured("REDIS_SSLROOTCERT needs REDIS_TLS=true, or a REDIS_URL that begins with rediss://")
    scheme = "rediss" if said["is_tls"] else "redis"
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"{scheme}://{addresses.with_port(said['host'], said['port'])}/{said['db']}",
        "REVERSE_KEY_FUNCTION": "checkout_project.cache.reverse_key",
        "OPTIONS": {
            "USERNAME": said["username"],
            "PASSWORD": said["password"],
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            # Redis being away degrades and never breaks: short time-outs, no repeats, logged, answered as a miss.
            "SOCKET_CONNECT_TIMEOUT": 0.25,
            "SOCKET_TIMEOUT": 0.25,
            "CONNECTION_POOL_KWARGS": {
                "retry": Retry(NoBackoff(), 0),
                "retry_on_timeout": False,
                **({"ssl_ca_certs": certificate} if certificate else {}),
            },
            "IGNORE_EXCEPTIONS": True,
        },
    }


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
    """As redis-py reads the URL; what is wrong with it may hold the password, and isn't repeated."""
    try:
        said = {"port": 6379, "username": "", "password": "", "db": 0, **parse_url(url)}  # type: ignore[no-untyped-call]
        said["host"], path = addresses.server(said["host"]), urlsplit(url).path.strip("/")
        said["is_tls"] = said.pop("connection_class", None) is SSLConnection
        # redis-py passes over a path that is no number; a query would change how connections are made.
        if path not in ("", str(said["db"])) or urlsplit(url).query or urlsplit(url).fragment:
            raise ValueError
    except (ValueError, KeyError):
        raise ImproperlyConfigured(
            "REDIS_URL must be like redis://user:password@host:6379/0, or rediss:// for TLS, without parameters"
        ) from None
    return said
