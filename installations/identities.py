"""What Appmax knows a store by: the external_ids that it was told (contract, 4.1).

Appmax drops an external_id that it has seen before, so each one that is told is random and is remembered. Anybody can
ask for one; it becomes an installation's when credentials come for its external_key.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from installations.models import GenerateCall, Identity, Installation

WAITS = timedelta(hours=1)  # for credentials, from when it is told: as long as an installation may take
CALL_LASTS = timedelta(minutes=5)  # at most; an older one is that of a process that died


def tell(external_key: str, installation: Installation | None = None) -> uuid.UUID:
    """A new external_id for this key, and at once for this installation if one is given."""
    return Identity.objects.create(external_key=external_key, installation=installation).external_id


def remember_first(installation: Installation) -> None:
    """The external_id that a new row was made with is told."""
    Identity.objects.create(
        external_key=installation.external_key, external_id=installation.external_id, installation=installation
    )


def told_last(installation: Installation, *, since: datetime | None = None) -> uuid.UUID:
    """The newest external_id of this installation. If none was told after `since`, a new one."""
    last = installation.identities.order_by("-pk").first()
    if since is not None and (last is None or last.told_at < since):
        return tell(installation.external_key, installation)
    return installation.external_id if last is None else last.external_id


def waiting_last(external_key: str) -> uuid.UUID | None:
    """The newest external_id that was told for this key and waits for credentials."""
    return _waiting(external_key).order_by("-pk").values_list("external_id", flat=True).first()


def adopt(installation: Installation) -> None:
    """Credentials have come: what was told for this key lately is the installation's."""
    _waiting(installation.external_key).update(installation=installation)


def _waiting(external_key: str) -> QuerySet[Identity]:
    return Identity.objects.filter(external_key=external_key, installation=None, told_at__gte=Now() - WAITS)


def forget_those_in_vain() -> int:
    """Delete, a day after they were told, those that no credentials came for; returns how many."""
    return Identity.objects.filter(installation=None, told_at__lt=Now() - timedelta(days=1)).delete()[0]


@contextmanager
def generating(external_key: str) -> Iterator[None]:
    """Surrounds our call to /app/client/generate, so that Appmax's callback meanwhile is known to be about this key."""
    call = GenerateCall.objects.create(external_key=external_key)
    try:
        yield
    finally:
        call.delete()


def key_being_generated() -> str | None:
    """The external_key whose call is open, if calls for exactly one are."""
    calls = GenerateCall.objects.filter(opened_at__gte=Now() - CALL_LASTS)
    keys = list(calls.values_list("external_key", flat=True).distinct()[:2])
    return keys[0] if len(keys) == 1 else None
