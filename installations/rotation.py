"""Encrypts secrets with the newest of FIELD_ENCRYPTION_KEYS: those of every table that has an encrypted column."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import ProgrammingError, models, transaction
from django.db.models.functions import Cast

from installations.fields import DecryptionFailed, EncryptedTextField, decrypted, has_newest_key

SAMPLE = 100  # rows


@dataclass(frozen=True)
class Rotation:
    """The result of one batch: the last row's id, the numbers of rows seen and encrypted again, and the ids of rows
    with a secret that no key decrypts."""

    last: int
    seen: int
    rotated: int
    failed: list[int]


def tables() -> list[type[models.Model]]:
    """The models that have an encrypted column."""
    return [model for model in apps.get_models() if _columns(model)]


def is_readable(model: type[models.Model]) -> bool:
    """Whether the keys decrypt the secrets of the table's SAMPLE oldest and newest rows, which is where a key that is
    missing shows. A table or column that isn't there yet has none."""
    names = _columns(model)
    tokens = {f"{name}_token": Cast(name, models.TextField()) for name in names}
    rows = model._default_manager.annotate(**tokens).values_list(*tokens)
    try:
        with transaction.atomic():
            found = [*rows.order_by("pk")[:SAMPLE], *rows.order_by("-pk")[:SAMPLE]]
    except ProgrammingError:
        return True
    try:
        for token in {token for row in found for token in row if token is not None}:
            decrypted(token, model._meta.db_table)
    except DecryptionFailed:
        return False
    return True


def rotate(model: type[models.Model], *, after: int, size: int) -> Rotation | None:
    """Encrypt the secrets of the next `size` rows after that id with the newest key; None if there are no more.

    The rows are locked, so that a secret that is being replaced isn't overwritten by the older one. A secret that no
    key decrypts stays as it is, and its row is reported.
    """
    names = _columns(model)
    tokens = {f"{name}_token": Cast(name, models.TextField()) for name in names}  # the encrypted texts themselves
    with transaction.atomic():
        rows = model._default_manager.filter(pk__gt=after).select_for_update(of=("self",)).order_by("pk")
        found: Any = list(rows.annotate(**tokens).values("pk", *tokens)[:size])
        if not found:
            return None
        rotated, failed = 0, []
        for row in found:
            try:
                news = {
                    name: decrypted(row[f"{name}_token"], f"{name} of {model.__name__} {row['pk']}")
                    for name in names
                    if row[f"{name}_token"] is not None and not has_newest_key(row[f"{name}_token"])
                }
            except DecryptionFailed:
                failed.append(row["pk"])
                continue
            if news:
                rotated += model._default_manager.filter(pk=row["pk"]).update(**news)
    return Rotation(last=found[-1]["pk"], seen=len(found), rotated=rotated, failed=failed)


def _columns(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
