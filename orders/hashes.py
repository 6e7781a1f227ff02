"""Keyed hashes, by which a shopper's e-mail, document and codes are found though nobody can read them.

The keys are SEARCH_HASH_KEYS. The first one makes what is written, and whoever searches tries all of them, so that a
key can be replaced while both are in use.
"""

import hmac
from enum import StrEnum

from django.conf import settings

_BYTES = 16  # 128 bits of the HMAC are enough to tell two texts apart, and keep the index half as large


class Kind(StrEnum):
    """What a text is. Equal texts of different kinds have different hashes."""

    EMAIL = "email"
    DOCUMENT = "document"
    CODE = "code"


def of(kind: Kind, text: str) -> bytes:
    """The hash to write, made with the newest key."""
    return _hash(settings.SEARCH_HASH_KEYS[0], kind, text)


def candidates(kind: Kind, text: str) -> list[bytes]:
    """The hashes under which the text may have been written, one for each key."""
    return [_hash(key, kind, text) for key in settings.SEARCH_HASH_KEYS]


def plain(kind: Kind, text: str) -> str:
    """The form of a text in which its spellings are equal: an e-mail in small letters, and anything else without
    punctuation and spaces, in capitals."""
    if kind is Kind.EMAIL:
        return text.strip().casefold()
    return "".join(filter(str.isalnum, text)).upper()


def _hash(key: str, kind: Kind, text: str) -> bytes:
    return hmac.digest(key.encode(), f"{kind.value}:{plain(kind, text)}".encode(), "sha256")[:_BYTES]
