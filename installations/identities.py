"""The external_ids that Appmax was told, by which it knows a store (contract, 4.1).

1. Appmax posts the installation callback, and is told an external_id. Appmax drops one that it has seen before, so each
   is random, and each is remembered with the external_key that it was told for.
2. Anybody can post that callback, so at first the external_id belongs to no installation.
3. When credentials come for the external_key, what was told for it within the last hour becomes the installation's. The
   newest one counts.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from installations.models import GenerateCall, Identity, Installation

WAITS = timedelta(hours=1)
"""How long an external_id waits for credentials, which is as long as an installation may take."""
CALL_LASTS = timedelta(minutes=5)
"""How long a call to /app/client/generate lasts at most. An older row was left over by a process that died."""


def tell(external_key: str, installation: Installation | None = None) -> uuid.UUID:
    """A new external_id that is told for this key. With an installation it belongs to it at once."""
    return Identity.objects.create(external_key=external_key, installation=installation).external_id


def remember_first(installation: Installation) -> None:
    """Note that the external_id with which a new row was made is told to Appmax."""
    Identity.objects.create(
        external_key=installation.external_key, external_id=installation.external_id, installation=installation
    )


def with_told(rows: QuerySet[Installation]) -> QuerySet[Installation]:
    """The installations, each with what `told_last` returns for it as `told`, in the same query."""
    newest = Identity.objects.filter(installation=OuterRef("pk")).order_by("-pk").values("external_id")[:1]
    return rows.annotate(told=Coalesce(Subquery(newest), "external_id"))


def told_last(installation: Installation, *, since: datetime | None = None) -> uuid.UUID:
    """The newest external_id of this installation, or a new one if none was told after `since`."""
    last = installation.identities.order_by("-pk").first()
    if since is not None and (last is None or last.told_at < since):
        return tell(installation.external_key, installation)
    return installation.external_id if last is None else last.external_id


def waiting_last(external_key: str) -> uuid.UUID | None:
    """The newest external_id that was told for this key and still waits for credentials."""
    return _waiting(external_key).order_by("-pk").values_list("external_id", flat=True).first()


def adopt(installation: Installation) -> None:
    """Give the installation the external_ids that were told for its key and wait for credentials."""
    _waiting(installation.external_key).update(installation=installation)


def _waiting(external_key: str) -> QuerySet[Identity]:
    return Identity.objects.filter(external_key=external_key, installation=None, told_at__gte=Now() - WAITS)


def forget_those_in_vain() -> int:
    """Delete the external_ids for which no credentials came within a day; returns their number."""
    return Identity.objects.filter(installation=None, told_at__lt=Now() - timedelta(days=1)).delete()[0]


@contextmanager
def generating(external_key: str) -> Iterator[None]:
    """Surrounds our call to /app/client/generate, so that a callback of Appmax's that names no key can be told to be
    about this one."""
    call = GenerateCall.objects.create(external_key=external_key)
    try:
        yield
    finally:
        call.delete()


def key_being_generated() -> str | None:
    """The external_key whose call to /app/client/generate is open; None if there is none, or more than one."""
    calls = GenerateCall.objects.filter(opened_at__gte=Now() - CALL_LASTS)
    keys = list(calls.values_list("external_key", flat=True).distinct()[:2])
    return keys[0] if len(keys) == 1 else None
