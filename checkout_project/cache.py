"""How a cache key is spelled in Redis: the prefix and the key, nothing in between (contract, section 3)."""

from django.conf import settings


def make_key(key: str, key_prefix: str, version: int) -> str:
    """`merchant_token:7` → `appmax_checkout_merchant_token:7`; the version is left out on purpose."""
    return f"{key_prefix}{key}"


def reverse_key(key: str) -> str:
    """The key without its prefix."""
    return key.removeprefix(settings.CACHE_PREFIX)
