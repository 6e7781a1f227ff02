"""The host names of a merchant's shop where Apple Pay shall work.

Appmax takes them only when an installation begins (/app/authorize). So names that come later wait here for the next
one, which a reconnect link begins.
"""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from installations.models import Domain, Installation

MOST = 50
"""Names of one shop. Appmax names no limit."""


def of(installation: Installation) -> list[Domain]:
    """Those that the next installation tells Appmax of, by name."""
    return list(installation.domains.order_by("name"))


def names_of(external_key: str) -> list[str]:
    """The names alone, of an installation that may not be there yet."""
    rows = Domain.objects.filter(installation__external_key=external_key)
    return list(rows.order_by("name").values_list("name", flat=True))


@transaction.atomic
def replace(installation: Installation, names: Sequence[str]) -> list[Domain]:
    """Keep these names and no others. Of two requests at once the later one counts."""
    Installation.objects.lock(installation.pk)
    installation.domains.exclude(name__in=names).delete()
    _add(installation, names)
    return of(installation)


@transaction.atomic
def told(installation: Installation, names: Sequence[str]) -> None:
    """Note that Appmax was told of these names by an installation that is done now."""
    Installation.objects.lock(installation.pk)
    _add(installation, names)
    installation.domains.filter(name__in=names).update(told_at=timezone.now())


def _add(installation: Installation, names: Sequence[str]) -> None:
    Domain.objects.bulk_create([Domain(installation=installation, name=name) for name in names], ignore_conflicts=True)
