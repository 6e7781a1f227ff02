"""Makes long files of lists, as the worker's jobs. They lie in the database, which the web and the worker share, as
their disks may be apart."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Model, QuerySet
from django.utils import translation
from django.utils.text import capfirst

from backoffice.kit.tables import Book, Table, csv_head, csv_rows
from backoffice.models import Export, ExportPart
from orders import clock

log = structlog.stdlib.get_logger(__name__)

ROWS_AT_ONCE = 2000
LEASE = timedelta(minutes=3)
"""If a worker dies, another goes on with its file after this time. Writing ROWS_AT_ONCE rows takes less."""
MOST_TRIES = 3
KEPT = timedelta(days=1)
"""A file holds personal data, so it is deleted this long after it was finished."""


def start(
    *, user: User, model: str, form: str, language: str, file_name: str, keys: Sequence[int]
) -> tuple[Export, bool]:
    """The file that is made for this user, and whether it is new: it has the rows with these primary keys, unless
    another of the user's is under way. `model` is such as orders.order."""
    while True:
        under_way = Export.objects.filter(asked_by=user, finished_at=None).first()
        if under_way is not None:
            return under_way, False
        try:
            with transaction.atomic():
                export = Export.objects.create(
                    asked_by=user, model=model, form=form, language=language, file_name=file_name, total=len(keys)
                )
                ExportPart.objects.bulk_create(
                    ExportPart(export=export, number=number, row_ids=list(keys[first : first + ROWS_AT_ONCE]))
                    for number, first in enumerate(range(0, len(keys), ROWS_AT_ONCE))
                )
        except IntegrityError:  # The same user has just asked for another.
            continue
        log.info("export.asked", export=export.pk, model=model, form=form, user=user.pk, rows=len(keys))
        return export, True


def go_on() -> bool:
    """Write the next part of the oldest unfinished file, if no other worker does; returns whether more may be to come.
    If writing raises, the file is tried again, three times in all."""
    export = _take()
    if export is None:
        return False
    try:
        with translation.override(export.language):
            return _write_csv_part(export) if export.form == "csv" else _write_xlsx(export)
    except Exception:
        _mine(export).update(leased_until=None)
        raise


def forget() -> int:
    """Delete the files that were finished more than a day ago, and return how many."""
    _rows, deleted = Export.objects.filter(finished_at__lt=clock.now() - KEPT).delete()
    return deleted.get(Export._meta.label, 0)


def _take() -> Export | None:
    """The oldest unfinished file, leased to this process; None if there is none, or another process has it. A file that
    was tried too often has failed."""
    while True:
        with transaction.atomic():
            export = Export.objects.select_for_update().filter(finished_at=None).order_by("pk").first()
            now = clock.now()
            if export is None or (export.leased_until and export.leased_until >= now):
                return None
            if export.tries < MOST_TRIES:
                export.tries += 1
                export.leased_until = now + LEASE
                export.save(update_fields=["tries", "leased_until"])
                return export
            export.has_failed = True
            export.finished_at = now
            export.save(update_fields=["has_failed", "finished_at"])
        log.error("export.failed", export=export.pk)


def _mine(export: Export) -> QuerySet[Export]:
    """The file's row, unless the lease ended and another worker has begun the same."""
    return Export.objects.filter(pk=export.pk, leased_until=export.leased_until)


def _write_csv_part(export: Export) -> bool:
    table = _table_of(export)
    part = export.parts.filter(content=None).order_by("number")[0]
    text = csv_rows(table, table.read(part.row_ids))
    part.content = ((csv_head(table) if part.number == 0 else "") + text).encode()
    with transaction.atomic():
        row = _mine(export).select_for_update().first()
        if row is None:
            return False
        part.save(update_fields=["content"])
        row.done += len(part.row_ids)
        row.finished_at = clock.now() if row.done >= row.total else None
        row.leased_until, row.tries = None, 0
        row.save(update_fields=["done", "finished_at", "leased_until", "tries"])
    return True


def _write_xlsx(export: Export) -> bool:
    """Write the whole file, which can't be gone on with by another process, and spread its bytes over the parts."""
    table = _table_of(export)
    parts = export.parts.count()
    with Book(table, capfirst(str(_model_of(export)._meta.verbose_name_plural))) as book:
        for number in range(parts):
            keys = export.parts.get(number=number).row_ids
            book.add(table.read(keys))
            until = clock.now() + LEASE
            if not _mine(export).update(done=F("done") + len(keys) if number else len(keys), leased_until=until):
                return False
            export.leased_until = until
        with book.save() as file:
            content = file.read()
    size = math.ceil(len(content) / parts)
    with transaction.atomic():
        if not _mine(export).update(finished_at=clock.now(), leased_until=None, tries=0):
            return False
        for number in range(parts):
            export.parts.filter(number=number).update(content=content[number * size : (number + 1) * size])
    return True


def _model_of(export: Export) -> type[Model]:
    return apps.get_model(export.model)


def _table_of(export: Export) -> Table:
    page: Any = admin.site.get_model_admin(_model_of(export))
    table: Table = page.exported
    return table
