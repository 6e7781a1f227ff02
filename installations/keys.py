"""An installation's API keys: the first one, which the browser that installed the app may make, and further ones.

A key's text is returned once. Only its hash is stored.
"""

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from installations.models import ApiKey, Installation

log = structlog.stdlib.get_logger(__name__)

MOST = 20
"""Keys of an installation that can be used at a time. Staff may issue more."""

NAME_OF_FIRST = "first key"


class FirstKeyRefused(Exception):
    """Another browser has installed the app, or it is more than an hour ago."""


class FirstKeyMade(Exception):
    """The installation has a key, or had one that was revoked."""


class TooManyKeys(Exception):
    """The installation has as many keys as it may have."""


class KeyNotFound(Exception):
    """The installation has no such key, or it is revoked."""


class RevokesItself(Exception):
    """The key that shall be revoked is the one that asks. The shop would be locked out by a slip."""


def make_first(installation: Installation) -> ApiKey:
    """The installation's first key, with its text. Of two calls at once, one gets it. Raises FirstKeyMade."""
    with transaction.atomic():
        Installation.objects.lock(installation.pk)
        if installation.api_keys.exists():
            raise FirstKeyMade
        return _make(installation, NAME_OF_FIRST, by="the browser that installed")


def make(installation: Installation, *, name: str, by: str | None) -> ApiKey:
    """A further key, with its text. `by` is the prefix of the key that asks. Raises TooManyKeys."""
    with transaction.atomic():
        Installation.objects.lock(installation.pk)
        if usable(installation).count() >= MOST:
            raise TooManyKeys
        return _make(installation, name, by=by)


def usable(installation: Installation) -> QuerySet[ApiKey]:
    """The keys that are neither revoked nor expired, oldest first."""
    not_expired = Q(expiry_date=None) | Q(expiry_date__gte=timezone.now())
    return installation.api_keys.filter(not_expired, revoked=False).order_by("created")


def revoke(installation: Installation, *, prefix: str, by: str | None) -> None:
    """Revoke a key for good. `by` is the prefix of the key that asks. Raises RevokesItself, KeyNotFound."""
    if prefix == by:
        raise RevokesItself
    # PostgreSQL's text can't hold a NUL, so nobody has such a key.
    if not installation.api_keys.filter(prefix=prefix.replace("\0", ""), revoked=False).update(revoked=True):
        raise KeyNotFound
    log.warning("api_key.revoked", installation=installation.pk, prefix=prefix, by=by)


def revoke_all(installation: Installation) -> None:
    """Revoke all keys of the installation, whose row is locked."""
    revoked = installation.api_keys.filter(revoked=False).update(revoked=True)
    log.warning("api_key.all_revoked", installation=installation.pk, keys=revoked)


def _make(installation: Installation, name: str, *, by: str | None) -> ApiKey:
    api_key = ApiKey(name=name, installation=installation)
    api_key.text = ApiKey.objects.assign_key(api_key)
    api_key.save()
    log.warning("api_key.made", installation=installation.pk, prefix=api_key.prefix, by=by)
    return api_key
