"""Django's `migrate`, one at a time, and without the limit of a statement's time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.utils import CursorWrapper

LOCK = 7_061_924_113_350_202  # A number of our own, for PostgreSQL's advisory lock.
_LOOK_EVERY = 0.5  # seconds


class Command(migrate.Command):
    """The index of a large table may take longer to build than statement_timeout allows. The limit for locks stays, so
    that a waiting migration doesn't stop the requests behind it."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Lift the limit, wait until no other `migrate` works on this database, migrate, and set the limit again for
        later users of the connection.

        Raises CommandError if the schema doesn't exist, which PostgreSQL would report only when a table is made. The
        ORM knows neither schemas nor a session's settings, so both are asked for in plain SQL.
        """
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(%s), to_regnamespace(quote_ident(%s))", [settings.DB_SCHEMA] * 2)
            name, found = cursor.fetchone()
            if not found:
                raise CommandError(f"DB_SCHEMA: {name} is not in the database; make it once: CREATE SCHEMA {name}")
            cursor.execute("SELECT current_setting('statement_timeout')")
            [limit] = cursor.fetchone()
            cursor.execute("SET statement_timeout = 0")
        with connection.cursor() as cursor, self._alone(cursor):
            super().handle(*args, **options)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [limit])

    @contextmanager
    def _alone(self, cursor: CursorWrapper) -> Iterator[None]:
        """Holds the lock of migrations. It is asked for again and again, because a statement that waits for it would
        hold a snapshot, and an index that is being built concurrently would wait for that. If this fails, the lock ends
        with the connection."""
        is_told = False
        while not self._asked(cursor, "pg_try_advisory_lock"):
            if not is_told:
                self.stdout.write("Another migrate is under way; this one begins when it is done.")
                is_told = True
            time.sleep(_LOOK_EVERY)
        yield
        self._asked(cursor, "pg_advisory_unlock")

    def _asked(self, cursor: CursorWrapper, function: str) -> bool:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])
        [answer] = cursor.fetchone()
        return bool(answer)
