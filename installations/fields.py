"""The encrypted column.

The maintained libraries derive their key from SECRET_KEY, and return the ciphertext if decryption fails. Here the keys
are a setting of their own, and a failure raises an error.
"""

import functools
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class DecryptionFailed(Exception):
    """None of FIELD_ENCRYPTION_KEYS decrypts a stored value: a key was removed too early, or the row was changed by
    hand."""


@functools.cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS must be a comma-separated list of Fernet keys (32 bytes, URL-safe base64)"
        ) from None


def fernet() -> MultiFernet:
    """The keys of FIELD_ENCRYPTION_KEYS: the first one encrypts, and all of them decrypt. Raises
    ImproperlyConfigured."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


def decrypted(token: str, name: str) -> str:
    """The plain text of a Fernet token. Raises DecryptionFailed, whose message contains `name`."""
    try:
        return fernet().decrypt(token.encode()).decode()
    except InvalidToken:
        raise DecryptionFailed(f"{name} can't be decrypted") from None


def has_newest_key(token: str) -> bool:
    """Whether the token was encrypted with the first of FIELD_ENCRYPTION_KEYS. If not, it must be encrypted again
    before the older keys are removed."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


class EncryptedTextField(models.TextField[str, str]):
    """A text of up to `max_plain_length` characters that is encrypted in the database and a plain str in Python.

    It has no form field and no look-ups, so that no admin form shows it and no query can guess it.
    """

    def __init__(self, *args: Any, max_plain_length: int = 512, **kwargs: Any) -> None:
        self.max_plain_length = max_plain_length
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "max_plain_length": self.max_plain_length}

    def get_prep_value(self, value: Any) -> str | None:
        """The Fernet token of a plain text. Raises ValueError if the text is too long."""
        if value is None:
            return None
        if len(value) > self.max_plain_length:
            raise ValueError(f"{self.name} is longer than {self.max_plain_length} characters")
        return fernet().encrypt(value.encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """The plain text of a Fernet token. Raises DecryptionFailed."""
        return None if value is None else decrypted(value, f"{self.model.__name__}.{self.name}")

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        return None

    def get_lookup(self, lookup_name: str) -> Any:
        """Only isnull is allowed. Two encryptions of one text differ, so a comparison would silently find nothing."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
