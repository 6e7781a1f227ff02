"""Writes what is kept of shoppers and codes with the newest keys of FIELD_ENCRYPTION_KEYS and SEARCH_HASH_KEYS."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from installations.fields import DecryptionFailed, decrypted, has_newest_key
from orders import hashes
from orders.hashes import Kind
from orders.models import CodeKind, OrderCode, Shopper

BATCH = 500

# Each encrypted column with the column of its hash.
_PAIRS: dict[type[Shopper | OrderCode], tuple[tuple[str, str], ...]] = {
    Shopper: (("email", "email_hash"), ("document", "document_hash")),
    OrderCode: (("code", "hash"),),
}


@dataclass
class Batch:
    """How many rows were seen and how many written again, and the ids of those that no key decrypts."""

    seen: int = 0
    rotated: int = 0
    failed: list[int] = field(default_factory=list)


def rotate(model: type[Shopper | OrderCode]) -> Iterator[Batch]:
    """Go through the table in batches, each a transaction that locks its rows. Rows with the newest keys are skipped,
    and rows that no key decrypts stay as they are."""
    last = 0
    while True:
        with transaction.atomic():
            # The encrypted texts themselves are read.
            tokens = {f"{name}_token": Cast(name, TextField()) for name, _hash in _PAIRS[model]}
            rows: Any = model._default_manager.filter(pk__gt=last).order_by("pk").select_for_update(of=("self",))
            found = list(rows.defer(*(name for name, _hash in _PAIRS[model])).annotate(**tokens)[:BATCH])
            batch = Batch(seen=len(found))
            for row in found:
                try:
                    news = _news(row)
                except DecryptionFailed:
                    batch.failed.append(row.pk)
                    continue
                if news:
                    batch.rotated += model._default_manager.filter(pk=row.pk).update(**news)
        if not found:
            return
        last = found[-1].pk
        yield batch


def _news(row: Any) -> dict[str, Any]:
    """The row's columns that weren't made with the newest keys, with their new values. Raises DecryptionFailed."""
    news: dict[str, Any] = {}
    for name, hash_name in _PAIRS[type(row)]:
        token = getattr(row, f"{name}_token")
        if token is None:
            continue
        text = decrypted(token, f"{name} of {row._meta.db_table} {row.pk}")
        hashed = hashes.of(_kind(row, name), text)
        if bytes(getattr(row, hash_name)) != hashed:
            news[hash_name] = hashed
        if not has_newest_key(token):
            news[name] = text
    return news


def _kind(row: Shopper | OrderCode, name: str) -> Kind:
    return CodeKind(row.kind).hashed_as if isinstance(row, OrderCode) else Kind(name)
