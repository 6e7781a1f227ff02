"""The encrypted column. The kept libraries derive their key from SECRET_KEY and answer with the ciphertext when
decryption fails; here keys are their own setting, and failure raises."""

import functools
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class DecryptionFailed(Exception):
    """None of FIELD_ENCRYPTION_KEYS opens a stored value: a key was removed too early, or the row was tampered with."""


@functools.cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS must be a comma-separated list of Fernet keys (32 bytes, URL-safe base64)"
        ) from None


def fernet() -> MultiFernet:
    """The ring of FIELD_ENCRYPTION_KEYS: the first encrypts, all decrypt. Raises ImproperlyConfigured."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


def decrypted(token: str, name: str) -> str:
    """Fernet token → plain text; `name` is for the error. Raises DecryptionFailed."""
    try:
        return fernet().decrypt(token.encode()).decode()
    except InvalidToken:
        raise DecryptionFailed(f"{name} can't be decrypted") from None


def has_newest_key(token: str) -> bool:
    """Whether the first of FIELD_ENCRYPTION_KEYS opens it: if not, it is to be encrypted again before that key's
    predecessors are taken away."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


class EncryptedTextField(models.TextField[str, str]):
    """Text of up to `max_plain_length` characters, encrypted at rest; a plain str in Python.

    It has no form field and can't be looked up by: neither an admin form nor a query can show or probe it.
    """

    def __init__(self, *args: Any, max_plain_length: int = 512, **kwargs: Any) -> None:
        self.max_plain_length = max_plain_length
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """For migrations."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "max_plain_length": self.max_plain_length}

    def get_prep_value(self, value: Any) -> str | None:
        """Plain text → Fernet token. Raises ValueError if the text is too long."""
        if value is None:
            return None
        if len(value) > self.max_plain_length:
            raise ValueError(f"{self.name} is longer than {self.max_plain_length} characters")
        return fernet().encrypt(value.encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """Fernet token → plain text. Raises DecryptionFailed."""
        return None if value is None else decrypted(value, f"{self.model.__name__}.{self.name}")

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        """Never part of a form."""

    def get_lookup(self, lookup_name: str) -> Any:
        """Only isnull: two encryptions of one text differ, so any comparison would silently find nothing."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
