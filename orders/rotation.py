"""Makes the hashes that shoppers and codes are found by anew, with the newest of SEARCH_HASH_KEYS."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from installations.fields import DecryptionFailed, decrypted
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
    """Go through the table in batches, each a transaction that locks its rows. Rows with the newest hashes are skipped,
    and rows that no key of FIELD_ENCRYPTION_KEYS decrypts stay as they are."""
    last = 0
    while True:
        with transaction.atomic():
            # The encrypted texts are read, so that one that can't be decrypted stops nothing else.
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


def _news(row: Any) -> dict[str, bytes]:
    """The row's hashes that weren't made with the newest key, made anew. Raises DecryptionFailed."""
    news = {}
    for name, hash_name in _PAIRS[type(row)]:
        if (token := getattr(row, f"{name}_token")) is not None:
            kind = CodeKind(row.kind).hashed_as if isinstance(row, OrderCode) else Kind(name)
            made = hashes.of(kind, decrypted(token, f"{name} of {row._meta.db_table} {row.pk}"))
            if bytes(getattr(row, hash_name)) != made:
                news[hash_name] = made
    return news
