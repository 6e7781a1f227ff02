"""Django's `migrate`, without the limit of a statement's time."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """The index of a large table may take longer to build than statement_timeout allows. The limit for locks stays, so
    that a waiting migration doesn't stop the requests behind it."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Lift the limit, migrate, and set the limit again for later users of the connection.

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
        super().handle(*args, **options)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [limit])
